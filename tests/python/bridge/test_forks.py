"""Children that a process forks after it used every engine: an answer or a typed error, no hang."""

import json

import pytest

pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")

pytestmark = pytest.mark.native

_DEADLINE_S = 60

#: What every program below begins with.
_PRELUDE = f"""
import json, os, signal, sys, time
import numpy as np
import aios
from aios.bridge.engines import library_path

def in_child(work):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = work()
        except BaseException as error:
            said = [type(error).__name__, str(error)]
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    deadline = time.monotonic() + {_DEADLINE_S}
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return ["hung"]
        time.sleep(0.01)
    said = os.read(reader, 1 << 16).decode()
    os.close(reader)
    return json.loads(said) if said else ["died"]

def answer(engine):
    bridge = aios.load(BUNDLE, engine=engine, threads=2)
    total = float(bridge.perform_inference(X).sum())
    name = bridge.engine
    bridge.close()
    return [name, total]
"""


def _run(run_python, bundle, body, **environment):
    program = f"{_PRELUDE}\nBUNDLE = {str(bundle)!r}\nX = np.ones((5, 64), np.float32)\n{body}"
    return json.loads(run_python(program, **environment).splitlines()[-1])


def test_children_of_a_process_that_used_every_engine_answer_or_are_refused(digits, run_python):
    said = _run(
        run_python, digits.bundle,
        """
engines = [e for e in ("compiled", "litert", "openvino", "tensorflow")
           if e == "compiled" or library_path(e)]
loaded = [aios.load(BUNDLE, engine=engine, threads=2) for engine in ("auto", *engines)]
expected = [float(bridge.perform_inference(X).sum()) for bridge in loaded]
calls = [bridge.bind(X) for bridge in loaded]

def drop():
    calls.clear()
    for bridge in loaded:
        bridge.close()
    return ["dropped"]

children = {engine: in_child(lambda: answer(engine)) for engine in ("auto", *engines)}
print(json.dumps({"expected": expected, "children": children, "dropped": in_child(drop),
                  "parent": [float(call().sum()) for call in calls]}))
""",
        AIOS_THREADS="2",
    )  # fmt: skip
    total = pytest.approx(said["expected"][0], rel=1e-4)
    assert said["parent"] == [total] * len(said["expected"])
    for engine in ("auto", "compiled", "litert"):
        name, answered = said["children"].pop(engine)
        assert answered == total, engine
        assert name in ("compiled", "litert")
    for engine, (kind, words) in said["children"].items():
        assert kind == "FailedPreconditionError", engine
        assert f"engine '{engine}' was in use when this process was forked" in words
    assert said["dropped"] == ["dropped"]


def test_a_child_of_a_process_that_computes_with_tensorflow_is_refused_it(digits, run_python):
    said = _run(
        run_python, digits.bundle,
        """
import tensorflow as tf
unused = in_child(lambda: answer("tensorflow"))
tf.linalg.matmul(tf.ones([64, 64]), tf.ones([64, 64]))
used = in_child(lambda: answer("tensorflow"))
print(json.dumps([unused, used, in_child(lambda: answer("auto"))]))
""",
    )  # fmt: skip
    unused, used, auto = said
    assert unused[0] == "tensorflow"
    assert used[0] == "FailedPreconditionError"
    assert "start them with 'spawn'" in used[1]
    assert auto[1] == pytest.approx(unused[1], rel=1e-4)
