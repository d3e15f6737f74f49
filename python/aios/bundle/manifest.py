"""A bundle's manifest, as DESIGN's format_version 1 writes it; the C++ reader is src/bundle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from aios.errors import CorruptBundleError, NotFoundError, UnsupportedError

FORMAT_VERSION = 1
#: Of either part of a tolerance: with more, zeros would pass for any answer.
MAX_TOLERANCE = 1.0
MANIFEST = "manifest.json"
MANIFEST_HASH = "manifest.sha256"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a bundle: its path in the bundle, its size and its SHA-256."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """One tensor of a signature; -1 in `shape` is any size."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SignatureRecord:
    """Named, ordered inputs and outputs."""

    name: str
    inputs: tuple[TensorRecord, ...]
    outputs: tuple[TensorRecord, ...]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """|a - b| <= absolute * max(1, max|b|) + relative * |b|, per tensor and sample.

    `b` is the training model's answer. The absolute part grows with the tensor's largest
    magnitude, because the order of a sum alone moves results by that much.
    """

    absolute: float = 1e-5
    relative: float = 1e-4

    def at_least(self, other: Tolerance) -> Tolerance:
        """The wider of the two, in each part."""
        return Tolerance(max(self.absolute, other.absolute), max(self.relative, other.relative))


@dataclass(frozen=True, slots=True)
class GraphRecord:
    """One graph of an artifact: which file, for which batch size and signature.

    `batch` is -1 for a graph that takes any batch; `signature` is None where the file holds all of
    the bundle's signatures. `inputs` and `outputs` give the graph's own tensor names by the
    signature's names; they are empty where the two are the same. `sizes` are, by input, the unknown
    inner sizes that the graph is made for; it is empty for a graph that takes any.
    """

    path: str
    batch: int = -1
    signature: str | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """One engine's files, and how they did: verdict is pending, passed, failed or declined.

    `composable` says that a probe at export found a batch of n to give the n single answers, so
    that graphs of fixed batch sizes may be put together for any batch. `batches` are the batch
    sizes that a compiled artifact has code of their own for.

    `max_error` and `worst` are the largest error on the golden samples, absolute and in tolerances.
    `relative_error` is the median, over samples and outputs, of the largest error over the output's
    largest magnitude. `top1_agreement` says how often, from 0 to 1, the class of the largest score
    is the training model's; None for a model that doesn't classify. All are of the first
    `golden_samples` of each signature; None for all of them. `proved_in_child` says that it was run
    in a child process only, which an engine may end without harm.
    """

    engine: str
    target: str
    precision: str
    verdict: str
    files: tuple[FileRecord, ...] = ()
    graphs: tuple[GraphRecord, ...] = ()
    composable: bool = False
    batches: tuple[int, ...] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)
    max_error: float | None = None
    worst: float | None = None
    relative_error: float | None = None
    top1_agreement: float | None = None
    golden_samples: int | None = None
    reason: str | None = None
    proved_in_child: bool = False

    @property
    def bytes(self) -> int:
        """Size of the artifact's files, in bytes."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that manifest.json says."""

    signatures: tuple[SignatureRecord, ...]
    artifacts: tuple[ArtifactRecord, ...]
    files: tuple[FileRecord, ...]
    golden: str
    labels: tuple[str, ...] | None
    provenance: dict[str, Any]
    format_version: int = FORMAT_VERSION


def hash_file(root: Path, path: str) -> FileRecord:
    """Describes the file `path` of the bundle directory `root`."""
    with open(root / path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRecord(path, (root / path).stat().st_size, digest)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Writes manifest.json and manifest.sha256 into the directory `root`."""
    text = json.dumps(_document(manifest), indent=1, sort_keys=True, allow_nan=False) + "\n"
    (root / MANIFEST).write_text(text)
    (root / MANIFEST_HASH).write_text(hashlib.sha256(text.encode()).hexdigest() + "\n")


def _document(manifest: Manifest) -> dict[str, Any]:
    document = asdict(manifest)
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
    if not root.is_dir():
        raise NotFoundError(f"no bundle at '{root}': expected a directory that aios.export() wrote")
    try:
        text = (root / MANIFEST).read_bytes()
        recorded = (root / MANIFEST_HASH).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CorruptBundleError(
            f"bundle '{root}' can't be read: {error}; export it again"
        ) from error
    digest = hashlib.sha256(text).hexdigest()
    if recorded != digest + "\n":
        raise CorruptBundleError(
            f"bundle file '{MANIFEST}' in '{root}' doesn't match '{MANIFEST_HASH}': expected "
            f"SHA-256 {recorded[:64]}, got {digest}; export the bundle again"
        )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptBundleError(
            f"bundle file '{MANIFEST}' isn't JSON ({error}); export the bundle again"
        ) from error
    return _parse(document)


def _parse(document: Any) -> Manifest:
    version = document.get("format_version") if isinstance(document, dict) else None
    if version is not None and version != FORMAT_VERSION:
        raise UnsupportedError(
            f"bundle file '{MANIFEST}': expected format_version {FORMAT_VERSION}, got {version}; "
            "use the aios version that wrote it, or export again"
        )
    try:
        return Manifest(
            signatures=tuple(_signature(entry) for entry in document["signatures"]),
            artifacts=tuple(_artifact(entry) for entry in document["artifacts"]),
            files=_files(document["files"]),
            golden=str(document["golden"]),
            labels=None if document["labels"] is None else tuple(document["labels"]),
            provenance=dict(document["provenance"]),
            format_version=document["format_version"],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CorruptBundleError(
            f"bundle file '{MANIFEST}' is malformed ({error!r}); export the bundle again"
        ) from error


def _files(entries: Any) -> tuple[FileRecord, ...]:
    return tuple(FileRecord(**entry) for entry in entries)


def _tensors(entries: Any) -> tuple[TensorRecord, ...]:
    return tuple(
        TensorRecord(entry["name"], entry["dtype"], tuple(entry["shape"])) for entry in entries
    )


def _signature(entry: Any) -> SignatureRecord:
    return SignatureRecord(entry["name"], _tensors(entry["inputs"]), _tensors(entry["outputs"]))


def _graph(entry: Any) -> GraphRecord:
    known = {item.name: entry[item.name] for item in fields(GraphRecord) if item.name in entry}
    known["sizes"] = {name: tuple(map(int, s)) for name, s in entry.get("sizes", {}).items()}
    return GraphRecord(**known)


def _artifact(entry: Any) -> ArtifactRecord:
    # Fields may be added within a format version: unknown ones are left out, as in C++.
    known = {item.name: entry[item.name] for item in fields(ArtifactRecord) if item.name in entry}
    known["files"] = _files(entry["files"])
    known["graphs"] = tuple(map(_graph, entry["graphs"]))
    known["batches"] = tuple(map(int, entry.get("batches", ())))
    known["tolerance"] = _tolerance(entry["tolerance"])
    return ArtifactRecord(**known)


def _tolerance(entry: Any) -> Tolerance:
    tolerance = Tolerance(entry["absolute"], entry["relative"])
    for part in (tolerance.absolute, tolerance.relative):
        number = isinstance(part, (int, float)) and not isinstance(part, bool)
        if not number or not 0 <= part <= MAX_TOLERANCE:
            raise ValueError(
                f"a tolerance is {part!r}; expected a number from 0 to {MAX_TOLERANCE:g}"
            )
    return tolerance
