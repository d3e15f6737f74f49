"""Reads a TensorFlow Lite file into the compiler's graph.

Format: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs;
the generated reader of the `ai-edge-litert` package does the decoding.
"""

from __future__ import annotations

import mmap
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.bundle.dtypes import TABLE, numpy_dtype
from aios.compiler.graph import Graph, Operator, Quantisation, Tensor
from aios.compiler.node_def import tensorflow_operator
from aios.errors import CorruptBundleError, NotFoundError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = {dtype.tflite: dtype.name for dtype in TABLE}
# Strings, variables and others that no kernel reads; operators on them are declined.
_OPAQUE = np.dtype("V1")


def read_graph(path: Path) -> Graph:
    """Reads the main graph of a `.tflite` file, its loops' bodies among `subgraphs`.

    Args:
        path: A file whose tensors all have static shapes.

    Returns:
        The graph; inputs and outputs are in the order of the file's signature when it has one.

    Raises:
        NotFoundError: The file or the schema package isn't there.
        CorruptBundleError: The file isn't a readable `.tflite` file.
        UnsupportedError: A constant is sparse.
    """
    schema = _schema()
    if not path.is_file():
        raise NotFoundError(f"{path}: expected a .tflite file, found none; export the model again")
    raw = _mapped(path)
    if raw[4:8] != b"TFL3":
        raise CorruptBundleError(f"{path}: expected a .tflite file (magic TFL3), got {raw[4:8]!r}")
    try:
        model = schema.ModelT.InitFromPackedBuf(raw)
        return _Decoder(schema, model, raw).main()
    except (UnsupportedError, MemoryError):
        raise
    except Exception as error:
        raise CorruptBundleError(
            f"{path}: damaged .tflite file ({error}); export it again"
        ) from error


def _mapped(path: Path) -> bytes | mmap.mmap:
    """The file's bytes; its weights are read where they are used, and copied only there."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:  # can't be mapped
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _schema() -> Any:
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise NotFoundError(
            "the compiler reads .tflite files with the package ai-edge-litert, which isn't "
            "installed; pip install 'aios-cells[litert]'"
        ) from error
    return schema_py_generated


class _Decoder:
    """Decodes one model's object tree."""

    def __init__(self, schema: Any, model: Any, raw: bytes | mmap.mmap) -> None:
        self._model = model
        self._raw = raw
        codes = vars(schema.BuiltinOperator)
        self._kinds = {code: name for name, code in codes.items() if not name.startswith("_")}

    def main(self) -> Graph:
        graphs: list[Graph] = []
        for subgraph in self._model.subgraphs:
            graphs.append(self._graph(subgraph))
        inputs, outputs = self._signature(graphs[0])
        main = graphs[0]
        return Graph(
            main.tensors,
            main.operators,
            tuple(index for _, index in inputs),
            tuple(index for _, index in outputs),
            tuple(name for name, _ in inputs),
            tuple(name for name, _ in outputs),
            tuple(graphs),
        )

    def _signature(self, main: Graph) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        for signature in self._model.signatureDefs or ():
            if signature.subgraphIndex == 0:
                inputs = [(_text(m.name), int(m.tensorIndex)) for m in signature.inputs or ()]
                outputs = [(_text(m.name), int(m.tensorIndex)) for m in signature.outputs or ()]
                return inputs, outputs
        return (
            [(main.tensors[i].name, i) for i in main.inputs],
            [(main.tensors[i].name, i) for i in main.outputs],
        )

    def _graph(self, subgraph: Any) -> Graph:
        return Graph(
            tuple(self._tensor(t) for t in _items(subgraph.tensors)),
            tuple(self._operator(op) for op in _items(subgraph.operators)),
            tuple(int(i) for i in _items(subgraph.inputs)),
            tuple(int(i) for i in _items(subgraph.outputs)),
        )

    def _tensor(self, tensor: Any) -> Tensor:
        name = _text(tensor.name)
        shape = tuple(int(n) for n in _items(tensor.shape))
        signature = tuple(int(n) for n in _items(tensor.shapeSignature))
        if signature and len(signature) == len(shape):
            shape = signature
        if tensor.sparsity is not None:
            raise UnsupportedError(f"tensor {name!r}: sparse constants are not supported")
        name_of_type = _NAMES.get(tensor.type)
        dtype = _OPAQUE if name_of_type is None else numpy_dtype(name_of_type)
        if dtype == _OPAQUE:
            return Tensor(name, shape, dtype)
        data = self._data(tensor.buffer, shape, dtype)
        return Tensor(name, shape, dtype, data, _quantisation(tensor.quantization))

    def _data(self, index: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        buffer = self._model.buffers[index]
        offset, size = int(buffer.offset or 0), int(buffer.size or 0)
        if offset > 1:
            raw = np.frombuffer(self._raw, np.uint8, size, offset)
        elif buffer.data is None or len(buffer.data) == 0:
            return None
        else:
            raw = np.asarray(buffer.data, np.uint8)
        return raw.view(dtype).reshape(shape)

    def _operator(self, op: Any) -> Operator:
        code = self._model.operatorCodes[op.opcodeIndex]
        kind = self._kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if kind == "CUSTOM":
            return self._custom(op, _text(code.customCode))
        options = op.builtinOptions if op.builtinOptions is not None else op.builtinOptions2
        attributes = {} if options is None else {_snake(k): v for k, v in vars(options).items()}
        return Operator(
            kind,
            tuple(int(i) for i in _items(op.inputs)),
            tuple(int(i) for i in _items(op.outputs)),
            attributes,
        )

    def _custom(self, op: Any, code: str) -> Operator:
        """Decodes a custom operator; one that isn't TensorFlow's has no attributes."""
        try:
            _, attributes = tensorflow_operator(code, bytes(_items(op.customOptions)))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            attributes = {}
        inputs, outputs = (tuple(map(int, _items(v))) for v in (op.inputs, op.outputs))
        return Operator(f"CUSTOM:{code}", inputs, outputs, attributes)


def _quantisation(told: Any) -> Quantisation | None:
    scale = np.asarray(_items(told.scale) if told is not None else (), np.float32)
    if not scale.size:
        return None
    zero_point = np.asarray(_items(told.zeroPoint), np.int64)
    if not zero_point.size:
        zero_point = np.zeros(scale.size, np.int64)
    return Quantisation(scale, zero_point, int(told.quantizedDimension))


def _items(values: Any) -> Any:
    return () if values is None else values


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name or "")


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda m: "_" + m.group(1).lower(), name)
