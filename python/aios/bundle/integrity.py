"""What a bundle must prove before its files are opened; the C++ of it is src/bundle."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from aios.bundle.manifest import (
    MANIFEST,
    ArtifactRecord,
    FileRecord,
    GraphRecord,
    Manifest,
    TensorRecord,
    hash_file,
    read_manifest,
)
from aios.bundle.publish import recover_interrupted_swap
from aios.errors import CorruptBundleError, UnsupportedError

ANY_SIZE = -1
MAX_RANK = 8
_VERDICTS = ("pending", "passed", "failed", "declined")
DTYPES = frozenset({
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
    "float16", "bfloat16", "float32", "float64", "string",
})  # fmt: skip


def open_bundle(root: Path) -> Manifest:
    """Reads a manifest whose every field is of its type and whose every path stays inside.

    Raises:
        NotFoundError: No directory.
        CorruptBundleError: The manifest is missing, changed or malformed, or a path leaves `root`.
        UnsupportedError: Another format version, or a dtype that this version doesn't know.
    """
    recover_interrupted_swap(root)
    manifest = read_manifest(root)
    if not manifest.signatures:
        _malformed("it has no signature")
    for signature in manifest.signatures:
        _require(isinstance(signature.name, str), "a signature's name isn't a string")
        for spec in (*signature.inputs, *signature.outputs):
            _check_spec(spec)
    for artifact in manifest.artifacts:
        _check_artifact(root, artifact)
    _check_records(root, manifest.files)
    _check_path(root, manifest.golden)
    return manifest


def check_files(root: Path, manifest: Manifest, *, sizes_only: bool) -> None:
    """Compares every file that the manifest names with its record.

    Raises:
        CorruptBundleError: A file is missing, of another size, or of another SHA-256; names it.
    """
    records = [*manifest.files, *(f for artifact in manifest.artifacts for f in artifact.files)]
    # Artifacts may share files.
    for record in dict.fromkeys(records):
        _check_file(root, record, sizes_only=sizes_only)


def _check_file(root: Path, record: FileRecord, *, sizes_only: bool) -> None:
    expected, got = f"{record.bytes} bytes", ""
    try:
        status = (root / record.path).stat()
        if not stat.S_ISREG(status.st_mode):
            got = "something that isn't a regular file"
        elif status.st_size != record.bytes:
            got = f"{status.st_size} bytes"
        elif not sizes_only and (digest := hash_file(root, record.path).sha256) != record.sha256:
            expected, got = f"SHA-256 {record.sha256}", digest
    except (OSError, ValueError) as error:
        raise CorruptBundleError(
            f"bundle file '{root / record.path}' can't be read: {error}; export it again"
        ) from error
    if got:
        raise CorruptBundleError(
            f"bundle file '{record.path}' in '{root}': expected {expected}, got {got}; export the "
            "bundle again"
        )


def _malformed(what: str) -> NoReturn:
    raise CorruptBundleError(f"bundle file '{MANIFEST}': {what}; export the bundle again")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        _malformed(otherwise)


def _is_size(value: Any, smallest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= smallest


def _check_spec(spec: TensorRecord) -> None:
    _require(isinstance(spec.name, str), "a tensor's name isn't a string")
    _require(isinstance(spec.dtype, str), f"the dtype of '{spec.name}' isn't a string")
    if spec.dtype not in DTYPES:
        raise UnsupportedError(
            f"tensor '{spec.name}' has the dtype '{spec.dtype}', which this version doesn't know; "
            "upgrade aios"
        )
    sizes = all(_is_size(size, ANY_SIZE) for size in spec.shape)
    _require(sizes, f"the shape of '{spec.name}' isn't a list of sizes")
    _require(len(spec.shape) <= MAX_RANK, f"'{spec.name}' has too many dimensions")


def _check_artifact(root: Path, artifact: ArtifactRecord) -> None:
    for text in (artifact.engine, artifact.target, artifact.precision):
        _require(isinstance(text, str), "an artifact's engine, target or precision isn't a string")
    _require(artifact.verdict in _VERDICTS, f"unknown verdict '{artifact.verdict}'")
    proved_on_all = artifact.golden_samples is None
    _require(
        proved_on_all or _is_size(artifact.golden_samples, 0), "'golden_samples' isn't a number"
    )
    _check_records(root, artifact.files)
    for graph in artifact.graphs:
        _check_graph(root, graph, artifact.files)
    complete = artifact.files and artifact.graphs
    _require(
        bool(complete) or artifact.verdict == "declined",
        f"artifact '{artifact.engine}' has no files or no graphs",
    )


def _check_records(root: Path, records: Iterable[FileRecord]) -> None:
    for record in records:
        _check_path(root, record.path)
        _require(_is_size(record.bytes, 0), f"'bytes' of '{record.path}' isn't a size")
        is_digest = isinstance(record.sha256, str) and len(record.sha256) == 64
        _require(is_digest, f"'sha256' of '{record.path}' isn't a SHA-256")


def _check_graph(root: Path, graph: GraphRecord, files: tuple[FileRecord, ...]) -> None:
    """A graph is one of the files, or a directory of them: nothing unhashed is opened."""
    _check_path(root, graph.path)
    is_batch = _is_size(graph.batch, ANY_SIZE) and graph.batch != 0
    _require(is_batch, f"'batch' of '{graph.path}' isn't a batch size")
    for names in (graph.inputs, graph.outputs):
        _require(isinstance(names, dict), "a graph's tensor names aren't an object")
        texts = all(isinstance(name, str) for name in names.values())
        _require(texts, "a graph's name of a tensor isn't a string")
    hashed = any(f.path == graph.path or f.path.startswith(f"{graph.path}/") for f in files)
    _require(hashed, f"graph '{graph.path}' isn't among the artifact's files")


def _check_path(root: Path, text: Any) -> None:
    """A relative path that stays inside the bundle, word for word and through links."""
    _require(isinstance(text, str), "a path isn't a string")
    parts = PurePosixPath(text).parts
    leaves = not text or "\0" in text or text.startswith("/") or ".." in parts
    _require(not leaves, f"path '{text}' leaves the bundle")
    step = root
    for part in parts:
        step /= part
        _require(not os.path.islink(step), f"path '{text}' is a symbolic link")
