"""manifest.json, from text to records whose every part is of its type, within its limits and fits.

The same rules and words are in src/bundle/manifest_document.cpp; docs/reference/bundles.md tells
the limits.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from aios.bundle.dtypes import DTYPES
from aios.bundle.fields import (
    checked_text,
    is_integer,
    is_number,
    list_member,
    malformed,
    member,
    parse_json,
    shown,
    text_member,
)
from aios.bundle.ranges import Range, SignatureRanges
from aios.bundle.records import (
    FORMAT_VERSION,
    MANIFEST,
    MAX_TOLERANCE,
    ArtifactRecord,
    FileRecord,
    GraphRecord,
    Manifest,
    SignatureRecord,
    TensorRecord,
    Tolerance,
)
from aios.bundle.stream_schema import parse_stream
from aios.errors import UnsupportedError

ANY_SIZE = -1
MAX_RANK = 8

# What a manifest may hold: far more than any bundle needs, and little enough for any of it to be
# read in a moment.
MANIFEST_BYTES = 4 << 20
REASON_BYTES = 64 << 10
_LEVELS = 32
_SIGNATURES = 64
_TENSORS = 1024
_ARTIFACTS = 256
_GRAPHS = 256
_FILES = 1024
_BATCHES = 256
_LABELS = 1_000_000
_WORD_BYTES = 64
_NAME_BYTES = 1024
_PATH_BYTES = 1024
_FILE_BYTES = 16 << 30
_BUNDLE_BYTES = 64 << 30
_TENSOR_BYTES = 16 << 30
_SIZE = 2**31 - 1
_LARGEST = sys.float_info.max

_VERDICTS = ("pending", "passed", "failed", "declined")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def parse(text: bytes) -> Manifest:
    """The manifest that a text is.

    Raises:
        CorruptBundleError: It breaks a rule; names it.
        UnsupportedError: Another format version, or a dtype that this version doesn't know.
    """
    document = parse_json(text, _LEVELS)
    _check_version(document)
    signatures = _signatures(document)
    ranges = _ranges(document, "input_ranges") or {}
    artifacts = _artifacts(document, signatures)
    files = _files(document)
    golden = _path(document, "golden")
    _check_all_files(artifacts, files, golden)
    labels, provenance = _description(document)
    own = _own_samples(document)
    stream = None
    if document.get("stream") is not None:
        paths = {file.path for file in files}
        stream = parse_stream(document["stream"], paths, _path, _figures)
    return Manifest(signatures, artifacts, files, golden, labels, provenance, ranges, own, stream)


def _check_version(document: Any) -> None:
    version = member(document, "format_version")
    if not is_integer(version, 1, _SIZE):
        malformed("'format_version' isn't a number")
    if version != FORMAT_VERSION:
        raise UnsupportedError(
            f"bundle file '{MANIFEST}': expected format_version {FORMAT_VERSION}, got {version}; "
            "use the aios version that wrote it, or export again"
        )


def _path(entry: Any, key: str) -> str:
    """Relative, down the bundle, and written in the only way that there is."""
    path = text_member(entry, key, _PATH_BYTES)
    plain = "\0" not in path and not {"", ".", ".."} & set(path.split("/"))
    if not plain:
        malformed(f"path '{shown(path)}' leaves the bundle or isn't a plain one")
    return path


def _file(entry: Any) -> FileRecord:
    path = _path(entry, "path")
    size = member(entry, "bytes")
    if not is_integer(size, 0, _FILE_BYTES):
        malformed(f"'bytes' of '{shown(path)}' isn't a size from 0 to {_FILE_BYTES}")
    digest = member(entry, "sha256")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        malformed(f"'sha256' of '{shown(path)}' isn't a SHA-256")
    return FileRecord(path, size, digest)


def _files(entry: Any) -> tuple[FileRecord, ...]:
    files: dict[str, FileRecord] = {}
    for item in list_member(entry, "files", _FILES):
        file = _file(item)
        if file.path in files:
            malformed(f"file '{shown(file.path)}' is listed twice")
        files[file.path] = file
    return tuple(files.values())


def _tensor(entry: Any) -> TensorRecord:
    name = text_member(entry, "name", _NAME_BYTES)
    if "\0" in name:
        malformed(f"'{shown(name)}' isn't a tensor's name")
    dtype = text_member(entry, "dtype", _NAME_BYTES)
    if dtype not in DTYPES:
        raise UnsupportedError(
            f"tensor '{shown(name)}' has the dtype '{shown(dtype)}', which this version doesn't "
            "know; upgrade aios"
        )
    shape = member(entry, "shape")
    if not isinstance(shape, list) or not all(is_integer(d, ANY_SIZE, _SIZE) for d in shape):
        malformed(f"the shape of '{shown(name)}' isn't a list of sizes")
    if len(shape) > MAX_RANK:
        malformed(f"'{shown(name)}' has too many dimensions")
    size = DTYPES[dtype].nbytes
    for dim in shape:
        size *= 1 if dim == ANY_SIZE else dim
    if size > _TENSOR_BYTES:
        malformed(f"'{shown(name)}' has more than {_TENSOR_BYTES} bytes")
    return TensorRecord(name, dtype, tuple(shape))


def _tensors(entry: Any, signature: str, role: str) -> tuple[TensorRecord, ...]:
    tensors: dict[str, TensorRecord] = {}
    for item in list_member(entry, role, _TENSORS):
        tensor = _tensor(item)
        if tensor.name in tensors:
            malformed(f"signature '{shown(signature)}' has two {role} named '{shown(tensor.name)}'")
        tensors[tensor.name] = tensor
    if not tensors:
        malformed(f"signature '{shown(signature)}' has no {role}")
    return tuple(tensors.values())


def _signatures(document: Any) -> tuple[SignatureRecord, ...]:
    signatures: dict[str, SignatureRecord] = {}
    for entry in list_member(document, "signatures", _SIGNATURES):
        name = text_member(entry, "name", _NAME_BYTES)
        if name in signatures:
            malformed(f"signature '{shown(name)}' is there twice")
        inputs, outputs = (_tensors(entry, name, role) for role in ("inputs", "outputs"))
        signatures[name] = SignatureRecord(name, inputs, outputs)
    if not signatures:
        malformed("it has no signature")
    return tuple(signatures.values())


def _members_of(graph: Any, key: str) -> dict[str, Any]:
    """What a graph says of tensors by name; nothing if it is missing."""
    members = {} if graph.get(key) is None else graph[key]
    if not isinstance(members, dict):
        malformed(f"a graph's '{key}' isn't an object")
    if len(members) > _TENSORS:
        malformed(f"a graph's '{key}' has more than {_TENSORS} entries")
    return members


def _names(graph: Any, key: str) -> dict[str, str]:
    """The graph's own tensor names."""
    names = _members_of(graph, key)
    # In the order of C++, which tells of the first that is wrong.
    for name in sorted(names, key=str.encode):
        checked_text(names[name], f"the graph's name of '{shown(name)}'", _NAME_BYTES)
    return names


def _sizes(graph: Any) -> dict[str, tuple[int, ...]]:
    """The unknown inner sizes that a graph is made for."""
    sizes = _members_of(graph, "sizes")
    for name in sorted(sizes, key=str.encode):
        given = sizes[name]
        if not isinstance(given, list) or not all(is_integer(n, 1, _SIZE) for n in given):
            malformed(f"the graph's sizes of '{shown(name)}' aren't a list of sizes")
        if len(given) > MAX_RANK:
            malformed(f"the graph's sizes of '{shown(name)}' are too many")
    return {name: tuple(given) for name, given in sizes.items()}


def _graph(entry: Any, signatures: Sequence[SignatureRecord]) -> GraphRecord:
    path = _path(entry, "path")
    batch = ANY_SIZE if entry.get("batch") is None else entry["batch"]
    if not is_integer(batch, ANY_SIZE, _SIZE) or batch == 0:
        malformed(f"'batch' of '{shown(path)}' isn't a batch size")
    signature = None
    if entry.get("signature") is not None:
        signature = text_member(entry, "signature", _NAME_BYTES)
        if signature not in {known.name for known in signatures}:
            malformed(
                f"graph '{shown(path)}' is of the signature '{shown(signature)}', which isn't there"
            )
    inputs, outputs = _names(entry, "inputs"), _names(entry, "outputs")
    return GraphRecord(path, batch, signature, inputs, outputs, _sizes(entry))


def _graphs(
    entry: Any, engine: str, signatures: Sequence[SignatureRecord], files: Iterable[FileRecord]
) -> tuple[GraphRecord, ...]:
    graphs: dict[tuple[object, ...], GraphRecord] = {}
    paths = sorted(file.path for file in files)
    for item in list_member(entry, "graphs", _GRAPHS):
        graph = _graph(item, signatures)
        if not _is_hashed(graph.path, paths):
            malformed(f"graph '{shown(graph.path)}' isn't among the artifact's files")
        kind = (graph.signature, graph.batch, frozenset(graph.sizes.items()))
        if kind in graphs:
            malformed(f"artifact '{shown(engine)}' has two graphs for the same calls")
        graphs[kind] = graph
    return tuple(graphs.values())


def _is_hashed(path: str, files: Sequence[str]) -> bool:
    """Whether it is one of the files, or a directory of them: nothing unhashed is opened."""
    places = (bisect_left(files, path), bisect_left(files, f"{path}/"))
    found = [files[place] for place in places if place < len(files)]
    return any(file == path or file.startswith(f"{path}/") for file in found)


def _tolerance(entry: Any) -> Tolerance:
    parts = {}
    for key in ("absolute", "relative"):
        parts[key] = member(entry, key)
        if not is_number(parts[key]) or not 0 <= parts[key] <= MAX_TOLERANCE:
            malformed(f"a tolerance's '{key}' isn't a number from 0 to {MAX_TOLERANCE:g}")
    return Tolerance(**parts)


def _figures(entry: dict[str, Any]) -> dict[str, Any]:
    """What the export found; it may be missing."""
    reason = entry.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason.encode()) > REASON_BYTES):
        malformed(f"'reason' isn't a string of at most {REASON_BYTES} bytes")
    tolerance = _tolerance(member(entry, "tolerance"))
    figures = {}
    for key in ("max_error", "worst", "relative_error", "top1_agreement"):
        figures[key] = entry.get(key)
        if figures[key] is not None and not is_number(figures[key]):
            malformed(f"'{key}' isn't a number")
    for key in ("golden_samples", "probes", "propagated"):
        figures[key] = entry.get(key)
        if figures[key] is not None and not is_integer(figures[key], 0, _SIZE):
            malformed(f"'{key}' isn't a number of samples")
    proven = _ranges(entry, "proven_range")
    return {"reason": reason, "tolerance": tolerance, "proven_range": proven, **figures}


def _ranges(entry: dict[str, Any], key: str) -> SignatureRanges | None:
    """Ranges of inputs by signature; None where they are missing."""
    if entry.get(key) is None:
        return None
    return {
        signature: {name: _range(name, bounds) for name, bounds in _within(inputs, key, _TENSORS)}
        for signature, inputs in _within(entry[key], key, _SIGNATURES)
    }


def _within(value: Any, key: str, most_entries: int) -> list[tuple[str, Any]]:
    if not isinstance(value, dict) or len(value) > most_entries:
        malformed(f"'{key}' isn't an object of at most {most_entries} entries")
    return sorted(value.items(), key=lambda item: item[0].encode())


def _range(name: str, bounds: Any) -> Range:
    pair = isinstance(bounds, list) and len(bounds) == 2 and all(map(is_number, bounds))
    if not pair or not -_LARGEST <= bounds[0] <= bounds[1] <= _LARGEST:
        malformed(f"the range of '{shown(name)}' isn't a pair of numbers, the lower first")
    return float(bounds[0]), float(bounds[1])


def _own_samples(document: dict[str, Any]) -> dict[str, int]:
    """Samples that aren't edge cases, by signature; it may be missing."""
    counts = document.get("own_samples")
    counts = {} if counts is None else dict(_within(counts, "own_samples", _SIGNATURES))
    if not all(is_integer(count, 0, _SIZE) for count in counts.values()):
        malformed("'own_samples' aren't numbers of samples")
    return counts


def _artifact(entry: Any, signatures: Sequence[SignatureRecord]) -> ArtifactRecord:
    # Fields may be added within a format version: unknown ones are left out.
    engine, target, precision, verdict = (
        text_member(entry, key, _WORD_BYTES) for key in ("engine", "target", "precision", "verdict")
    )
    if verdict not in _VERDICTS:
        malformed(f"unknown verdict '{shown(verdict)}'")
    figures = _figures(entry)
    files = _files(entry)
    graphs = _graphs(entry, engine, signatures, files)
    composable = False if entry.get("composable") is None else entry["composable"]
    if not isinstance(composable, bool):
        malformed("'composable' isn't true or false")
    batches = [] if entry.get("batches") is None else list_member(entry, "batches", _BATCHES)
    if not all(is_integer(batch, 1, _SIZE) for batch in batches):
        malformed("'batches' aren't batch sizes")
    in_child = False if entry.get("proved_in_child") is None else entry["proved_in_child"]
    if not isinstance(in_child, bool):
        malformed("'proved_in_child' isn't true or false")
    if verdict != "declined" and not (files and graphs):
        malformed(f"artifact '{shown(engine)}' has no files or no graphs")
    return ArtifactRecord(
        engine, target, precision, verdict, files, graphs, composable, tuple(batches),
        proved_in_child=in_child, **figures,
    )  # fmt: skip


def _artifacts(document: Any, signatures: Sequence[SignatureRecord]) -> tuple[ArtifactRecord, ...]:
    artifacts = []
    kinds = set()
    for entry in list_member(document, "artifacts", _ARTIFACTS):
        made = _artifact(entry, signatures)
        artifacts.append(made)
        if made.verdict != "declined" and made.key in kinds:
            engine, target, precision = map(shown, made.key)
            malformed(f"the artifact of '{engine}' for '{target}' in '{precision}' is there twice")
        if made.verdict != "declined":
            kinds.add(made.key)
    return tuple(artifacts)


def _check_all_files(
    artifacts: Iterable[ArtifactRecord], shared: Iterable[FileRecord], golden: str
) -> None:
    """Artifacts may share a file, not disagree on it."""
    files: dict[str, FileRecord] = {}
    size = 0
    for file in (*(file for artifact in artifacts for file in artifact.files), *shared):
        if files.setdefault(file.path, file) != file:
            malformed(f"file '{shown(file.path)}' is recorded in two ways")
        size += file.bytes if files[file.path] is file else 0
        if size > _BUNDLE_BYTES:
            malformed(f"its files have more than {_BUNDLE_BYTES} bytes")
    if golden not in {file.path for file in shared}:
        malformed(f"golden samples '{shown(golden)}' aren't among its 'files'")


def _description(document: Any) -> tuple[tuple[str, ...] | None, dict[str, Any]]:
    labels = document.get("labels")
    if labels is not None:
        labels = tuple(list_member(document, "labels", _LABELS))
        if not all(isinstance(label, str) for label in labels):
            malformed("'labels' aren't strings")
    provenance = document.get("provenance")
    if provenance is None:
        provenance = {}
    if not isinstance(provenance, dict):
        malformed("'provenance' isn't an object")
    return labels, provenance
