"""Vendors' libraries and ours live in one process, whichever comes first."""

import importlib.util
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

_PROGRAM = """
import sys
import numpy as np

bundle, x_path, y_path, *steps = sys.argv[1:]
x, expected = np.load(x_path), np.load(y_path)
bridges = []

def check():
    for bridge in bridges:
        answer = bridge.perform_inference(x)
        assert np.abs(answer - expected).max() < 1e-5, np.abs(answer - expected).max()

for step in steps:
    if step.startswith("aios:"):
        import aios
        bridges.append(aios.load(bundle, engine=step[5:]))
    elif step == "tensorflow":
        import tensorflow as tf
        assert tf.linalg.matmul(tf.eye(3), tf.eye(3)).numpy().trace() == 3
    elif step == "onnxruntime":
        import onnxruntime
        assert onnxruntime.get_available_providers()
    elif step == "openvino":
        import openvino
        assert "CPU" in openvino.Core().available_devices
    elif step == "ai_edge_litert":
        from ai_edge_litert.interpreter import Interpreter
        import glob
        (model,) = glob.glob(bundle + "/litert/dynamic.tflite")
        interpreter = Interpreter(model_path=model)
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], x.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        assert np.abs(answer - expected).max() < 1e-5
    check()
check()
print("done")
"""

_VENDORS = ("tensorflow", "onnxruntime", "openvino", "ai_edge_litert")
_OURS = ("aios:compiled", "aios:litert", "aios:openvino", "aios:tensorflow")
_ORDERS = [
    ("aios:litert", "tensorflow", "onnxruntime", "aios:openvino", "openvino", "ai_edge_litert"),
    ("tensorflow", "onnxruntime", "openvino", "ai_edge_litert", *_OURS),
    ("ai_edge_litert", "aios:litert", "openvino", "aios:compiled", "onnxruntime", "tensorflow"),
    ("openvino", "tensorflow", "aios:litert", "ai_edge_litert", "aios:openvino", "onnxruntime"),
    ("onnxruntime", "aios:litert", "aios:litert", "tensorflow", "ai_edge_litert", "openvino"),
    ("tensorflow", "aios:tensorflow", "aios:litert", "ai_edge_litert", "onnxruntime"),
    ("aios:tensorflow", "aios:litert", "tensorflow", "openvino", "onnxruntime"),
    ("onnxruntime", "openvino", "aios:tensorflow", "tensorflow", "aios:litert"),
    ("aios:openvino", "aios:compiled", "aios:tensorflow", *_VENDORS),
]


@pytest.fixture(scope="module")
def sample(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("orders")
    x = digits.x_test[:5]
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", np.asarray(digits.model(x, training=False)))
    return [str(digits.bundle), str(folder / "x.npy"), str(folder / "y.npy")]


@pytest.fixture(scope="module")
def engines(digits):
    from aios.bundle.manifest import read_manifest

    artifacts = read_manifest(digits.bundle).artifacts
    return {artifact.engine for artifact in artifacts if artifact.verdict == "passed"}


@pytest.mark.parametrize("order", _ORDERS, ids=",".join)
def test_every_order_gives_right_answers_and_ends_well(order, sample, engines):
    for step in order:
        if step in _VENDORS and importlib.util.find_spec(step) is None:
            pytest.skip(f"{step} isn't installed: pip install 'aios-cells[all,test]'")
        assert step in _VENDORS or step[5:] in engines
    finished = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *sample, *order],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert finished.returncode == 0, f"exit {finished.returncode}: {finished.stderr[-2000:]}"
    assert finished.stdout == "done\n"


def test_the_orders_have_every_vendor_before_and_after_ours():
    for vendor, ours in itertools.product(_VENDORS, _OURS):
        places = [(o.index(vendor), o.index(ours)) for o in _ORDERS if {vendor, ours} <= set(o)]
        assert any(first < second for first, second in places)
        assert any(first > second for first, second in places)
