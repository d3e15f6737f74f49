"""Tensors of 16 bits are computed with in float32."""

from __future__ import annotations

from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


def test_tensors_of_16_bits_come_in_and_go_out(function_error: Any, draw: Any) -> None:
    def mixed(a: Any, b: Any) -> list[Any]:
        brain = tf.cast(a, tf.bfloat16)
        numbers = [a * a, a, tf.cast(a, tf.float32) + 1.0, tf.cast(a * 3, tf.int32), brain + brain]
        return [*numbers, b, tf.cast(b, tf.float16), tf.cast(b, tf.int64)]

    assert function_error(mixed, draw((3, 6), "float16"), draw((3, 6), "int16")) < 1.0
