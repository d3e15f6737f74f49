"""Reading and writing a bundle's manifest; the C++ reader is src/bundle/manifest.cpp."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from aios.bundle import schema
from aios.bundle.directory import BundleDirectory
from aios.bundle.records import (
    FORMAT_VERSION,
    MANIFEST,
    MANIFEST_HASH,
    MAX_TOLERANCE,
    ArtifactKey,
    ArtifactRecord,
    FileRecord,
    GraphRecord,
    Manifest,
    SignatureRecord,
    StateRecord,
    StreamRecord,
    TensorRecord,
    Tolerance,
)
from aios.errors import CorruptBundleError, UnsupportedError

__all__ = [
    "FORMAT_VERSION",
    "MANIFEST",
    "MANIFEST_HASH",
    "MAX_TOLERANCE",
    "ArtifactKey",
    "ArtifactRecord",
    "FileRecord",
    "GraphRecord",
    "Manifest",
    "SignatureRecord",
    "StateRecord",
    "StreamRecord",
    "TensorRecord",
    "Tolerance",
    "hash_file",
    "parse_opened",
    "read_manifest",
    "write_manifest",
]

#: A SHA-256 and a newline.
_HASH_BYTES = 65


def hash_file(root: Path, path: str) -> FileRecord:
    """Describes the file `path` of the bundle directory `root`.

    Raises:
        CorruptBundleError: It can't be read, or isn't a regular file.
    """
    return BundleDirectory(root).record_of(path)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Writes manifest.json and manifest.sha256 into the directory `root`.

    A reason that is longer than a manifest may hold is cut.

    Raises:
        UnsupportedError: It is larger than what a bundle may hold; docs/reference/bundles.md.
    """
    short = tuple(_with_short_reason(artifact) for artifact in manifest.artifacts)
    stream = None if manifest.stream is None else _with_short_reason(manifest.stream)
    document = _document(replace(manifest, artifacts=short, stream=stream))
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"
    try:
        schema.parse(text.encode())
    except CorruptBundleError as error:
        raise UnsupportedError(f"no bundle can hold this model: {error}") from error
    (root / MANIFEST).write_text(text)
    (root / MANIFEST_HASH).write_text(hashlib.sha256(text.encode()).hexdigest() + "\n")


def _document(manifest: Manifest) -> dict[str, Any]:
    document = asdict(manifest)
    if manifest.stream is None:
        del document["stream"]
    for artifact in document["artifacts"]:
        for graph in artifact["graphs"]:
            # Versions that know no sizes read every bundle that needs none.
            if not graph["sizes"]:
                del graph["sizes"]
    return document


def read_manifest(root: Path) -> Manifest:
    """Reads a bundle's manifest, checked against its own hash; other files aren't touched.

    Raises:
        NotFoundError: `root` isn't a directory.
        CorruptBundleError: The manifest is missing, changed or malformed.
        UnsupportedError: Another format version.
    """
    return parse_opened(BundleDirectory(root))


def parse_opened(directory: BundleDirectory) -> Manifest:
    """As `read_manifest`, of a directory that is open."""
    text = directory.read_small(MANIFEST, schema.MANIFEST_BYTES)
    digest = hashlib.sha256(text).hexdigest()
    if directory.read_small(MANIFEST_HASH, _HASH_BYTES) != f"{digest}\n".encode():
        raise CorruptBundleError(
            f"bundle file '{MANIFEST}' in '{directory.root}' doesn't match '{MANIFEST_HASH}', "
            f"which has another SHA-256 than {digest}; export the bundle again"
        )
    return schema.parse(text)


_Reasoned = TypeVar("_Reasoned", ArtifactRecord, StreamRecord)


def _with_short_reason(record: _Reasoned) -> _Reasoned:
    reason = (record.reason or "").encode()
    if len(reason) <= schema.REASON_BYTES:
        return record
    return replace(record, reason=reason[: schema.REASON_BYTES].decode(errors="ignore"))
