"""How a step's result is kept: small JSON in its record, larger values and arrays as content files.

A value is turned into a JSON tree in which an array is the node `{"$array": …}`, naming a `.npy`
file, bytes are `{"$file": …}`, tuples `{"$tuple": […]}` and `storable` data classes
`{"$class": …}`. Nothing is pickled, so reading a value runs no code. A `ValueRef` is what travels:
the tree itself up to 16 KiB, else a `.json` file, with the SHA-256 of the tree, which thereby
covers every array under it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from aios.errors import AiosError, CorruptHomeError, InvalidArgumentError
from aios.home.content_store import ContentStore, FileRef

Kind = TypeVar("Kind")

_INLINE_BYTES: Final = 16 << 10
_CLASSES: Final[dict[str, type]] = {"FileRef": FileRef}
_NODES: Final = ("$array", "$file", "$tuple", "$class", "$value", "$map")


def storable(kind: type[Kind]) -> type[Kind]:
    """Let stored values hold instances of this data class of aios: a decorator.

    Its name and its fields are kept in homes, so both stay for good. Whoever reads values must have
    imported its module.
    """
    _CLASSES[kind.__name__] = kind
    return kind


@dataclasses.dataclass(frozen=True, slots=True)
class ValueRef:
    """A stored value: `inline` JSON, or a `file`.

    Attributes:
        sha256: the hash of its tree, which holds the hashes of its arrays.
        inline: the tree itself, if it is small.
        file: else the file that the tree is in.
        count: its length if it is a list or tuple.
    """

    sha256: str
    inline: Any = None
    file: FileRef | None = None
    count: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Encode for a record."""
        body: dict[str, Any] = {"sha256": self.sha256}
        if self.count is not None:
            body["count"] = self.count
        if self.file is None:
            body["inline"] = self.inline
        else:
            body["file"] = [self.file.sha256, self.file.suffix, self.file.bytes]
        return body

    @staticmethod
    def from_json(body: Mapping[str, Any]) -> ValueRef:
        """Decode from a record.

        Raises:
            CorruptHomeError: it is none.
        """
        try:
            file = FileRef(*body["file"]) if "file" in body else None
            return ValueRef(body["sha256"], body.get("inline"), file, body.get("count"))
        except (KeyError, TypeError) as error:
            raise CorruptHomeError(
                f"a stored result's reference is damaged ({error}): {body!r:.200}; restore the"
                " database from backups/, or start the run anew"
            ) from error


def combine(parts: Sequence[ValueRef]) -> ValueRef:
    """The list of already stored values, without reading them; `bounded` makes it fit a record."""
    tree = [{"$value": part.to_json()} for part in parts]
    text = json.dumps([part.sha256 for part in parts])
    return ValueRef(hashlib.sha256(text.encode()).hexdigest(), tree, None, len(parts))


def bounded(ref: ValueRef, store: ContentStore) -> ValueRef:
    """`ref` itself, or as a file if its tree is too large for a record."""
    return ref if ref.file is not None else _placed(ref, _text(ref.inline), store)


def store_value(value: Any, store: ContentStore, what: str = "result") -> ValueRef:
    """Keep `value` and return its reference.

    Args:
        value: None, bool, number, str, bytes, NumPy array or scalar, `FileRef`, `TrainingData`, and
            lists, tuples and dicts with string keys of these.
        store: where arrays and large trees go.
        what: what it is, for errors: "data" of a run, or a step's "result".

    Raises:
        InvalidArgumentError: a part of the value has another type; its place is named.
    """
    count = len(value) if isinstance(value, list | tuple) else None
    tree = _encode(value, store, what)
    text = _text(tree)
    return _placed(ValueRef(hashlib.sha256(text).hexdigest(), tree, None, count), text, store)


def _placed(ref: ValueRef, text: bytes, store: ContentStore) -> ValueRef:
    if len(text) <= _INLINE_BYTES:
        return ref
    return dataclasses.replace(ref, inline=None, file=store.put_bytes(text, ".json"))


def _text(tree: Any) -> bytes:
    return json.dumps(tree, separators=(",", ":"), sort_keys=True).encode()


def load_value(ref: ValueRef, store: ContentStore) -> Any:
    """Read a value back; arrays are read-only copies of their files.

    Raises:
        CorruptHomeError: a file is missing or changed.
    """
    return _decoded(ref, _tree(ref, store), store)


def load_element(ref: ValueRef, index: int, store: ContentStore) -> Any:
    """Read element `index` of a stored list or tuple, and only that.

    Raises:
        CorruptHomeError: there is no such element, or its file is missing or changed.
    """
    tree = _tree(ref, store)
    try:
        element = (tree["$tuple"] if isinstance(tree, dict) else tree)[index]
    except (KeyError, IndexError, TypeError) as error:
        raise _damaged(ref, error) from error
    return _decoded(ref, element, store)


def _tree(ref: ValueRef, store: ContentStore) -> Any:
    return ref.inline if ref.file is None else json.loads(store.read_bytes(ref.file))


def _decoded(ref: ValueRef, tree: Any, store: ContentStore) -> Any:
    try:
        return _decode(tree, store)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        if isinstance(error, AiosError):
            raise
        raise _damaged(ref, error) from error


def _damaged(ref: ValueRef, error: Exception) -> CorruptHomeError:
    return CorruptHomeError(
        f"the stored value {ref.sha256[:12]} can't be decoded ({type(error).__name__}: {error});"
        " restore the home from a backup, or start the run anew"
    )


def _encode(value: Any, store: ContentStore, place: str) -> Any:  # noqa: PLR0911
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return value if type(value) in (int, float) else value.__class__.__mro__[-2](value)
    if isinstance(value, list):
        return [_encode(item, store, f"{place}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return {"$tuple": [_encode(item, store, f"{place}[{i}]") for i, item in enumerate(value)]}
    if isinstance(value, dict):
        return _encode_dict(value, store, place)
    if isinstance(value, bytes | bytearray):
        return {"$file": list(dataclasses.astuple(store.put_bytes(bytes(value), ".bin")))}
    kind = type(value)
    if _CLASSES.get(kind.__name__) is kind:
        fields = {
            name: _encode(getattr(value, name), store, f"{place}.{name}")
            for name in value.__dataclass_fields__
        }
        return {"$class": kind.__name__, "fields": fields}
    return _encode_array(value, store, place)


def _encode_dict(value: dict[Any, Any], store: ContentStore, place: str) -> Any:
    for key in value:
        if not isinstance(key, str):
            raise InvalidArgumentError(
                f"{place}: expected string keys, got {key!r} ({type(key).__name__}); use str(key)"
            )
    tree = {key: _encode(item, store, f"{place}[{key!r}]") for key, item in value.items()}
    return {"$map": tree} if any(key in _NODES for key in tree) else tree


def _encode_array(value: Any, store: ContentStore, place: str) -> Any:
    import numpy as np

    if isinstance(value, np.generic):
        return _encode(value.item(), store, place)
    if not isinstance(value, np.ndarray) or value.dtype.hasobject:
        kind = f"array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        remedy = "; of a data frame, its .to_numpy()" if hasattr(value, "to_numpy") else ""
        raise InvalidArgumentError(
            f"{place}: expected None, bool, int, float, str, bytes, a NumPy array,"
            " aios.TrainingData, context.save_file(path), or lists, tuples and dicts (string keys)"
            f" of these, got {kind}{remedy}"
        )
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(value).reshape(value.shape), allow_pickle=False)
    ref = store.put_bytes(buffer.getbuffer(), ".npy")
    return {"$array": [ref.sha256, ref.suffix, ref.bytes]}


def _decode(tree: Any, store: ContentStore) -> Any:
    if isinstance(tree, list):
        return [_decode(item, store) for item in tree]
    if not isinstance(tree, dict):
        return tree
    for node, decode in _DECODERS.items():
        if node in tree:
            return decode(tree, store)
    return {key: _decode(item, store) for key, item in tree.items()}


def _decode_array(tree: dict[str, Any], store: ContentStore) -> Any:
    import numpy as np

    content = store.read_bytes(FileRef(*tree["$array"]))
    array = np.load(io.BytesIO(content), allow_pickle=False)
    array.flags.writeable = False
    return array


def _decode_class(tree: dict[str, Any], store: ContentStore) -> Any:
    made = _CLASSES[tree["$class"]]
    return made(**{key: _decode(item, store) for key, item in tree["fields"].items()})


_DECODERS: Final[dict[str, Callable[[dict[str, Any], ContentStore], Any]]] = {
    "$array": _decode_array,
    "$file": lambda tree, store: store.read_bytes(FileRef(*tree["$file"])),
    "$tuple": lambda tree, store: tuple(_decode(item, store) for item in tree["$tuple"]),
    "$class": _decode_class,
    "$value": lambda tree, store: load_value(ValueRef.from_json(tree["$value"]), store),
    "$map": lambda tree, store: {k: _decode(v, store) for k, v in tree["$map"].items()},
}
