"""What every kind of model becomes: a SavedModel, its signatures, and the model's own answers."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from aios.bundle.comparison import Arrays
from aios.bundle.dtypes import DTYPES
from aios.bundle.manifest import SignatureRecord, TensorRecord
from aios.bundle.precision import FLOATS
from aios.errors import InvalidArgumentError, UnsupportedError
from aios.exporting.freezing import freeze
from aios.exporting.graphs import FrozenGraph, float_types

#: Where the SavedModel is in a bundle.
SAVED_MODEL = "saved_model"
DEFAULT_SIGNATURE = "serving_default"


class Source:
    """A model about to be exported. `save` comes first; it fills in `signatures`."""

    kind: ClassVar[str] = ""

    def __init__(self) -> None:
        self.signatures: tuple[SignatureRecord, ...] = ()
        self._path = Path()
        self._functions: Any = {}
        #: Of each signature, the SavedModel's own names of inputs by the signature's.
        self._keys: dict[str, dict[str, str]] = {}
        self._frozen: dict[str, FrozenGraph | UnsupportedError] = {}
        self._loaded: Any = None

    def save(self, path: Path, samples: object = None) -> None:
        """Writes the SavedModel (tag "serve") to `path` and reads its signatures.

        `samples` are a hint of dtypes and shapes, for models that don't know their own.
        """
        raise NotImplementedError

    def answers(self, signature: SignatureRecord, inputs: Arrays) -> Arrays:
        """The model's own outputs for one call, by the signature's names."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        """SHA-256 of what makes the model: its weights and its configuration."""
        raise NotImplementedError

    def words(self) -> tuple[str, ...]:
        """Strings that the model knows, to draw samples from; may be empty."""
        return ()

    def floats(self) -> set[str]:
        """Float types that its signatures calculate in, round to or answer in."""
        found = {spec.dtype for item in self.signatures for spec in item.outputs}
        for item in self.signatures:
            found |= float_types(self._functions[item.name].graph.as_graph_def())
        return found.intersection(FLOATS)

    def frozen(self, signature: str) -> FrozenGraph:
        """The signature's frozen graph, made once.

        Raises:
            UnsupportedError: Its variables can't be folded in; says why.
        """
        if signature not in self._frozen:
            try:
                frozen = freeze(self._functions[signature])
                inputs = {
                    name: frozen.inputs[key] for name, key in self.saved_keys(signature).items()
                }
                self._frozen[signature] = replace(frozen, inputs=inputs)
            except UnsupportedError as error:
                self._frozen[signature] = error
        graph = self._frozen[signature]
        if isinstance(graph, UnsupportedError):
            raise graph
        return graph

    def forget_frozen(self) -> None:
        """Frees the frozen graphs, which are as large as the weights; `frozen` makes them anew."""
        self._frozen.clear()

    def saved_keys(self, signature: str) -> dict[str, str]:
        """The SavedModel's own names of a signature's inputs, by the signature's names."""
        (record,) = (item for item in self.signatures if item.name == signature)
        keys = self._keys.get(signature, {})
        return {spec.name: keys.get(spec.name, spec.name) for spec in record.inputs}

    def saved_names(self, signature: str) -> tuple[dict[str, str], dict[str, str]]:
        """The SavedModel's tensor names of a signature, by the signature's own names."""
        from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

        message = SavedModel.FromString((self._path / "saved_model.pb").read_bytes())
        for graph in message.meta_graphs:
            if "serve" in graph.meta_info_def.tags:
                found = graph.signature_def[signature]
                keys = self.saved_keys(signature)
                return (
                    {name: found.inputs[key].name for name, key in keys.items()},
                    {name: info.name for name, info in found.outputs.items()},
                )
        raise UnsupportedError("the SavedModel has no graph with the tag 'serve'")

    def _open(self, path: Path) -> Any:
        """Loads the SavedModel that `save` wrote; returns its signatures' functions by name."""
        import tensorflow as tf

        self._path = path
        # Its functions hold their variables weakly: the object must live as long as they do.
        self._loaded = tf.saved_model.load(str(path))
        self._functions = dict(self._loaded.signatures)
        return self._functions


def signature_record(
    name: str,
    function: Any,
    inputs: Iterable[str] = (),
    outputs: Iterable[str] = (),
    keys: Mapping[str, str] | None = None,
) -> SignatureRecord:
    """What a SavedModel's function takes and gives; names come in the given order, then naturally.

    Args:
        name: The signature's name.
        function: The function, from a loaded SavedModel.
        inputs: Names of inputs in the order that they are to have.
        outputs: Likewise of outputs.
        keys: The function's own names of inputs, by the signature's, where they differ.

    Raises:
        UnsupportedError: A tensor's dtype or unknown rank, which no engine takes.
    """
    named = {key: name for name, key in (keys or {}).items()}
    specs = {
        named.get(key, key): spec for key, spec in function.structured_input_signature[1].items()
    }
    results = function.structured_outputs
    return SignatureRecord(
        name=name,
        inputs=tuple(_record(key, specs[key]) for key in _ordered(specs, inputs)),
        outputs=tuple(_record(key, results[key]) for key in _ordered(results, outputs)),
    )


def with_inputs(signatures: Sequence[SignatureRecord]) -> tuple[SignatureRecord, ...]:
    """Those that take a tensor; a warning names the others, which no cell can call.

    Raises:
        UnsupportedError: There are no others.
    """
    taken = tuple(item for item in signatures if item.inputs)
    idle = ", ".join(f"'{item.name}'" for item in signatures if not item.inputs)
    if not taken:
        raise UnsupportedError(
            f"model: signature {idle} takes no tensor, and a cell answers inputs; give it one"
        )
    if idle:
        warnings.warn(
            f"left out of the bundle: signature {idle}, which takes no tensor", stacklevel=2
        )
    return taken


def natural(name: str) -> list[tuple[int, str]]:
    """A sort key that puts output_2 before output_10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def tensors(inputs: Arrays, signature: SignatureRecord) -> dict[str, Any]:
    """Arrays as TensorFlow's tensors, strings included, in the signature's order."""
    import tensorflow as tf

    return {
        spec.name: tf.convert_to_tensor(inputs[spec.name], dtype=tf.as_dtype(spec.dtype))
        for spec in signature.inputs
    }


def hash_tree(root: Path) -> str:
    """SHA-256 over the names and contents of a directory's files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def require_different(names: Iterable[str]) -> None:
    """Raises InvalidArgumentError where two inputs have one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidArgumentError(
                f"two inputs of the model are called '{name}'; give them different names"
            )
        seen.add(name)


def _ordered(present: Any, order: Iterable[str]) -> list[str]:
    first = [name for name in order if name in present]
    return first + sorted((name for name in present if name not in first), key=natural)


def _is_dense(spec: Any) -> bool:
    """Whether it is a tensor's spec; a TensorFlow 1 signature has tensors in their place."""
    import tensorflow as tf

    return isinstance(spec, (tf.TensorSpec, tf.Tensor))


def _record(name: str, spec: Any) -> TensorRecord:
    dtype = getattr(getattr(spec, "dtype", None), "name", type(spec).__name__)
    shape = getattr(spec, "shape", None)
    if not _is_dense(spec):
        raise UnsupportedError(
            f"tensor '{name}' is a {type(spec).__name__}; make it dense in the model"
        )
    if dtype not in DTYPES:
        raise UnsupportedError(
            f"tensor '{name}' is {dtype}; expected one of {', '.join(DTYPES)}: cast it in the model"
        )
    if shape is None or shape.rank is None:
        raise UnsupportedError(
            f"tensor '{name}' has an unknown number of dimensions; declare its shape in the model"
        )
    return TensorRecord(name, dtype, tuple(-1 if size is None else int(size) for size in shape))
