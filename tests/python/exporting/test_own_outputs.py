"""Inputs passed on, tensors given twice, outputs of loops and sorts: each under its own name."""

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.exporting.graphs import FrozenGraph
from aios.exporting.own_outputs import with_own_outputs

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")


class _Everything(tf.Module):
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 6], tf.float32, name="x"),
            tf.TensorSpec([None, 2], tf.int32, name="ids"),
        ]
    )
    def __call__(self, x, ids):
        y = 2.0 * x
        positive = x > 0
        largest, places = tf.math.top_k(x, 3)
        _, looped = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a * 1.5), [0, x])
        return {
            "passed_on": x, "ids": ids, "ids_too": ids, "once": y, "twice": y, "thrice": y,
            "positive": positive, "positive_too": positive, "largest": largest, "places": places,
            "looped": looped, "looped_too": looped,
        }  # fmt: skip


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    model = _Everything()
    bundle = tmp_path_factory.mktemp("own") / "m.cell"
    report = aios.export(model, bundle)
    return model, bundle, report


def test_every_engine_serves_outputs_that_share_a_tensor(everything):
    model, bundle, report = everything
    assert {a.engine: a.verdict for a in report.artifacts if a.verdict != "passed"} == {}
    rng = np.random.default_rng(1)
    for engine in sorted({artifact.engine for artifact in report.artifacts}):
        with aios.load(bundle, engine=engine) as bridge:
            for batch in (1, 5):
                inputs = {
                    "x": rng.standard_normal((batch, 6)).astype(np.float32),
                    "ids": rng.integers(0, 9, (batch, 2)).astype(np.int32),
                }
                answers = bridge.perform_inference(inputs)
                expected = model(**{name: tf.constant(x) for name, x in inputs.items()})
                assert answers.keys() == expected.keys()
                for name, answer in answers.items():
                    reference = np.asarray(expected[name])
                    assert answer.dtype == reference.dtype
                    assert_within_tolerance(answer.astype(float), reference.astype(float))


def _frozen(function, **shapes):
    concrete = tf.function(function).get_concrete_function(
        **{name: tf.TensorSpec(shape, tf.float32, name=name) for name, shape in shapes.items()}
    )
    outputs = dict(zip(sorted(concrete.structured_outputs), concrete.outputs, strict=True))
    return FrozenGraph(
        concrete.graph.as_graph_def(),
        {name: f"{name}:0" for name in shapes},
        {name: tensor.name for name, tensor in outputs.items()},
    )


def test_a_graph_whose_outputs_have_tensors_of_their_own_is_left_as_it_is():
    frozen = _frozen(lambda x: {"a": x + 1, "b": tf.split(x, 2)[0]}, x=[4])
    assert with_own_outputs(frozen) is frozen


def test_copies_of_one_tensor_follow_one_another():
    own = with_own_outputs(_frozen(lambda x: {"a": x, "b": tf.identity(x)}, x=[4]))
    copies = {node.name: list(node.input) for node in own.graph_def.node if "own" in node.name}
    (first, second) = copies
    assert copies[first] == ["x:0", "x:0"]
    assert copies[second] == [f"{first}:0", f"{first}:0"]
    assert own.outputs == {"a": f"{first}:0", "b": f"{second}:0"}
