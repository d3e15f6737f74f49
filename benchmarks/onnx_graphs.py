"""ONNX files of the zoo: tf2onnx, and by hand where it would write a loop for a recurrent layer."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

OPSET = 17


def write_onnx(network: keras.Model, shape: tuple[int, ...], batch: int, path: Path) -> None:
    """Writes a Keras model with a fixed batch."""
    import onnx
    from keras import layers

    recurrent = any(isinstance(layer, (layers.LSTM, layers.GRU)) for layer in network.layers)
    make = _recurrent if recurrent else _converted
    onnx.save(make(network, shape, batch), str(path))


def frozen(network: keras.Model, shape: tuple[int, ...], batch: int) -> Any:
    """A Keras model as a TensorFlow function of a fixed batch, its variables folded in."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2 as freeze,
    )

    function = tf.function(lambda x: network(x, training=False))
    return freeze(function.get_concrete_function(tf.TensorSpec([batch, *shape], tf.float32)))


def _converted(network: keras.Model, shape: tuple[int, ...], batch: int) -> Any:
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with _gelu_by_erf(network):
        function = frozen(network, shape, batch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, _ = tf2onnx.convert.from_graph_def(
            function.graph.as_graph_def(),
            input_names=[tensor.name for tensor in function.inputs],
            output_names=[tensor.name for tensor in function.outputs],
            opset=OPSET,
        )
    return model


@contextmanager
def _gelu_by_erf(network: keras.Model) -> Iterator[None]:
    """GELU as ONNX Runtime and OpenVINO recognise it; tf2onnx doesn't know Keras's, by erfc."""
    import keras

    found = [
        layer
        for layer in network.layers
        if getattr(layer, "activation", None) is keras.activations.gelu
    ]
    for layer in found:
        layer.activation = lambda x: 0.5 * x * (1.0 + keras.ops.erf(x / math.sqrt(2.0)))
    try:
        yield
    finally:
        for layer in found:
            layer.activation = keras.activations.gelu


def _recurrent(network: keras.Model, shape: tuple[int, ...], batch: int) -> Any:
    """One LSTM or GRU that gives its last state, then dense layers, as the operators of ONNX."""
    from keras import layers
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, constants = [], []

    def constant(name: str, values: Any) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    nodes.append(helper.make_node("Transpose", ["x"], ["time_major"], perm=[1, 0, 2]))
    value, width = "", 0
    for index, layer in enumerate(network.layers):
        if isinstance(layer, (layers.LSTM, layers.GRU)):
            kind = type(layer).__name__
            names = [constant(f"{kind}_{n}", w) for n, w in enumerate(_recurrent_weights(layer))]
            extra = {"linear_before_reset": 1} if kind == "GRU" else {}
            nodes.append(
                helper.make_node(
                    kind, ["time_major", *names], ["", "state"], hidden_size=layer.units, **extra
                )
            )
            axes = constant("axes", np.array([0], np.int64))
            nodes.append(helper.make_node("Squeeze", ["state", axes], ["last"]))
            value, width = "last", layer.units
        elif isinstance(layer, layers.Dense):
            kernel, bias = (np.asarray(w) for w in layer.weights)
            inputs = [value, constant(f"w{index}", kernel), constant(f"b{index}", bias)]
            value, width = f"dense{index}", layer.units
            nodes.append(helper.make_node("Gemm", inputs, [value]))
    graph = helper.make_graph(
        nodes,
        "recurrent",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [batch, width])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 9
    checker.check_model(model)
    return model


def _recurrent_weights(layer: Any) -> tuple[Any, Any, Any]:
    """W, R and B of ONNX: gates in rows; i, o, f, c of Keras's i, f, c, o; z, r, h of the same."""
    kernel, recurrent, bias = (np.asarray(weight) for weight in layer.weights)
    order = [0, 3, 1, 2] if bias.ndim == 1 else [0, 1, 2]

    def gates(matrix: Any) -> Any:
        parts = np.split(matrix, len(order), axis=-1)
        return np.concatenate([parts[gate] for gate in order], axis=-1)

    both = np.stack([bias, np.zeros_like(bias)]) if bias.ndim == 1 else bias
    return gates(kernel).T[None], gates(recurrent).T[None], gates(both).reshape(1, -1)
