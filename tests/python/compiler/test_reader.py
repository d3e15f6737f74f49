"""Files of graphs: damaged, quantised, of float16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import digits_net, small_cnn

from aios.compiler import compile_graphs, declined_operators
from aios.errors import (
    CorruptBundleError,
    NotFoundError,
    UnsupportedError,
)

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")


def _quantised(folder: Path) -> Path:
    import tensorflow as tf

    model = small_cnn()
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [np.random.default_rng(i).normal(size=(1, 12, 12, 1)).astype(np.float32)] for i in range(4)
    )
    path = folder / "int8.tflite"
    path.write_bytes(converter.convert())
    return path


def test_quantised_operators_are_declined_by_name_and_count(tmp_path: Path) -> None:
    path = _quantised(tmp_path)
    declined = declined_operators(path)
    assert declined
    assert any(name.startswith("CONV_2D") and count == 2 for name, count in declined.items())
    with pytest.raises(UnsupportedError, match=r"CONV_2D.* x2"):
        compile_graphs({1: path}, tmp_path / "out", name="int8")
    assert not (tmp_path / "out" / "model.so").exists()


def test_float16_weights_are_folded(compiled: Any, tmp_path: Path) -> None:
    import tensorflow as tf

    model = compiled(digits_net(), moved=True)
    converter = tf.lite.TFLiteConverter.from_keras_model(model.source.model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    content = converter.convert()
    path = tmp_path / "half.tflite"
    path.write_bytes(content)
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], [1, 10])
    interpreter.allocate_tensors()
    declined = declined_operators(path)
    assert "DEQUANTIZE" not in str(declined)


def test_damaged_graphs_are_named(compiled: Any, tmp_path: Path) -> None:
    model = compiled(digits_net())
    content = model.source.graphs[1].read_bytes()
    for size in (0, 3, 8, 100, len(content) // 2, len(content) - 40):
        path = tmp_path / "cut.tflite"
        path.write_bytes(content[:size])
        with pytest.raises(CorruptBundleError, match=r"cut\.tflite"):
            compile_graphs({1: path}, tmp_path / "cut", name="model")
    with pytest.raises(NotFoundError, match=r"none\.tflite"):
        compile_graphs({1: tmp_path / "none.tflite"}, tmp_path / "cut", name="model")
