"""Images of another size, as in TensorFlow."""

from __future__ import annotations

from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


def _resizes(x: Any) -> list[Any]:
    def resize(size: tuple[int, int], method: str, **options: Any) -> Any:
        return tf.image.resize(x, size, method, **options)

    return [
        *(resize((9, 7), "bicubic"), resize((3, 3), "area"), resize((12, 12), "lanczos3")),
        *(resize((4, 3), "bilinear", antialias=True), resize((9, 7), "mitchellcubic")),
        *(resize((4, 4), "gaussian", antialias=True), resize((9, 7), "nearest")),
        tf.raw_ops.ResizeBicubic(images=x, size=(5, 8), align_corners=True),
        tf.image.extract_patches(x, [1, 3, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME"),
    ]


def test_images_are_resized_by_any_method(function_error: Any, draw: Any) -> None:
    assert function_error(_resizes, draw((2, 6, 5, 3))) < 1.0
