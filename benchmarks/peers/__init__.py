"""What takes part: each maker yields contenders for one model, batch and thread count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.contender import Array, Contender
from benchmarks.files import ModelFiles
from benchmarks.peers import cells, litert, onnxruntime, openvino, tensorflow

#: What makes contenders: of the model's files, for a batch of inputs, on so many threads.
Maker = Callable[[ModelFiles, Array, int], Iterator[Contender]]

MAKERS: dict[str, Maker] = {
    "AIOS": cells.contenders,
    "AIOS, auto": partial(cells.one, engine="auto"),
    "AIOS, litert": partial(cells.one, engine="litert"),
    "AIOS, openvino": partial(cells.one, engine="openvino"),
    "LiteRT": litert.contenders,
    "ONNX Runtime": onnxruntime.contenders,
    "OpenVINO": openvino.contenders,
    "TensorFlow": tensorflow.contenders,
}
