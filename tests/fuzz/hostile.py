"""Hostile bundles with hashes that fit: files of odd kinds, lies about sizes, duplicates, empties.

The same bundle for the same random generator. What vendors' parsers read isn't damaged here, only
put in other places; SECURITY.md tells why.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SPARSE_BYTES = 256 << 20
_LARGE_BYTES = 5 << 20
_NAMES = ("", "x", "output_0", "serving_default", "a\0b", "y" * 2000, "\x1b[31m", "é")
_ENGINES = ("compiled", "litert", "openvino", "tensorflow", "nonsense")
_SIZES = (-1, 0, 1, 2, 6, 1 << 20, (1 << 31) - 1, 1 << 31, 1 << 62)


def make(generator: random.Random, seed: Path, root: Path) -> None:
    """Writes a copy of the bundle `seed` to `root`, after one to three attacks."""
    shutil.copytree(seed, root)
    document = json.loads((root / "manifest.json").read_bytes())
    for _ in range(generator.choice((1, 1, 2, 3))):
        generator.choice(_ATTACKS_ON_CONTENT)(generator, root, document)
    if generator.random() < 0.7:
        _fix_up(root, document)
    text = json.dumps(document).encode()
    (root / "manifest.json").write_bytes(text)
    (root / "manifest.sha256").write_text(hashlib.sha256(text).hexdigest() + "\n")
    if generator.random() < 0.4:
        _odd_file(generator, root)


def _fix_up(root: Path, document: Document) -> None:
    """Sizes and hashes of what is there."""
    known: dict[Path, Document] = {}
    for record in _records(document):
        path = root / str(record.get("path", ""))
        with contextlib.suppress(OSError, ValueError):
            if path not in known and path.is_file():
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                known[path] = {"bytes": path.stat().st_size, "sha256": digest}
            record.update(known.get(path, {}))


def _records(document: Document) -> list[Document]:
    lists = [document.get("files", []), *(a.get("files", []) for a in document["artifacts"])]
    return [record for records in lists for record in records if isinstance(record, dict)]


def _odd_file(generator: random.Random, root: Path) -> None:
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    path = generator.choice(files)
    path.unlink()
    with contextlib.suppress(OSError):
        generator.choice(_KINDS)(path)


def _make_socket(path: Path) -> None:
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def _make_device(path: Path) -> None:
    """/dev/zero itself where this process may, else a link to it."""
    try:
        os.mknod(path, 0o020666, os.makedev(1, 5))
    except PermissionError:
        path.symlink_to("/dev/zero")


_KINDS: tuple[Callable[[Path], object], ...] = (
    os.mkfifo, os.mkdir, _make_socket, _make_device, Path.touch, lambda path: None,
    lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path.name),
    lambda path: path.symlink_to("/etc/passwd"),
)  # fmt: skip


def _swap_files(generator: random.Random, root: Path, document: Document) -> None:
    """One file's content in another's place; code only where it isn't run as such."""
    files = sorted(p for p in root.rglob("*") if p.is_file() and p.suffix != ".sha256")
    source, target = generator.choice(files), generator.choice(files)
    if source != target:
        shutil.copyfile(source, target)


def _lie_about_size(generator: random.Random, root: Path, document: Document) -> None:
    if records := _records(document):
        generator.choice(records)["bytes"] = generator.choice(_SIZES)


def _make_sparse(generator: random.Random, root: Path, document: Document) -> None:
    """A file that takes no room and has very many bytes."""
    names = ("golden.safetensors", "compiled/native/weights.bin", "compiled/native/model.cc")
    path = root / generator.choice(names)
    if path.is_file():
        os.truncate(path, _SPARSE_BYTES)


def _add_file(generator: random.Random, root: Path, document: Document) -> None:
    """One that the manifest doesn't name, where a library may look for it."""
    with contextlib.suppress(OSError):
        os.mkfifo(root / "saved_model" / generator.choice(("fingerprint2.pb", "saved_model.pbtxt")))


def _duplicate(generator: random.Random, root: Path, document: Document) -> None:
    found = [entry for entry in _lists(document) if entry]
    if found:
        chosen = generator.choice(found)
        chosen.append(copy.deepcopy(generator.choice(chosen)))


def _empty(generator: random.Random, root: Path, document: Document) -> None:
    generator.choice(_lists(document)).clear()


def _multiply(generator: random.Random, root: Path, document: Document) -> None:
    found = [entry for entry in _lists(document) if entry]
    # Once: a multiple of a multiple would be far too much.
    if found and not document.setdefault("multiplied", 0):
        document["multiplied"] = 1
        chosen, times = generator.choice(found), generator.choice((50, 300, 2000))
        # A little more than is read at all, and not what takes this program long to write.
        chosen *= min(times, 1 + _LARGE_BYTES // len(json.dumps(chosen)))


def _lists(document: Document) -> list[list[Any]]:
    found, stack = [], [document]
    while stack:
        node: Any = stack.pop()
        if isinstance(node, list):
            found.append(node)
            stack += node[:40]
        elif isinstance(node, dict):
            stack += node.values()
    return found


def _rename(generator: random.Random, root: Path, document: Document) -> None:
    tensors = [t for s in document["signatures"] for r in ("inputs", "outputs") for t in s[r]]
    if named := [*tensors, *document["signatures"]]:
        generator.choice(named)["name"] = generator.choice(_NAMES)


def _reshape(generator: random.Random, root: Path, document: Document) -> None:
    tensors = [t for s in document["signatures"] for r in ("inputs", "outputs") for t in s[r]]
    if tensors:
        rank = generator.randrange(11)
        generator.choice(tensors).update(
            shape=[generator.choice(_SIZES) for _ in range(rank)],
            dtype=generator.choice(("float32", "float64", "string", "int8", "float4")),
        )


def _other_engine(generator: random.Random, root: Path, document: Document) -> None:
    """An artifact's files, given to another engine."""
    if document["artifacts"]:
        artifact = generator.choice(document["artifacts"])
        artifact.update(engine=generator.choice(_ENGINES), verdict="passed", precision="float32")


def _other_graph(generator: random.Random, root: Path, document: Document) -> None:
    graphs = [g for a in document["artifacts"] for g in a["graphs"]]
    if graphs:
        records = [record["path"] for record in _records(document)]
        generator.choice(graphs).update({
            "path": generator.choice([*records, "saved_model", "compiled", ".", "..", "/dev/zero"]),
            "batch": generator.choice((-1, 0, 1, 3, 8, 1 << 31)),
            "signature": generator.choice((None, "serving_default", "nothing")),
            "sizes": generator.choice(({}, {"x": [6]}, {"x": []}, {"nothing": [1]})),
        })  # fmt: skip


def _other_golden(generator: random.Random, root: Path, document: Document) -> None:
    """The golden samples' header says what isn't so."""
    path = root / "golden.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    entry = generator.choice(list(header.values()))
    entry["shape"] = [generator.choice((0, 1, 7, 1 << 40)) for _ in range(generator.randrange(5))]
    entry["data_offsets"] = generator.choice(([0, 0], [0, 4], [0, 1 << 62], [8, 0]))
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


_ATTACKS_ON_CONTENT = (
    _swap_files, _lie_about_size, _make_sparse, _add_file, _duplicate, _duplicate, _empty, _empty,
    _multiply, _rename, _reshape, _other_engine, _other_graph, _other_golden,
)  # fmt: skip
