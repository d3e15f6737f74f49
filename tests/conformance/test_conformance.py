"""Every engine by every kind of model: C++ gives Keras' answers, whatever the batch.

An engine joins with a line in ENGINES: the kinds that it may decline. test_new_engine.py does.
"""

import numpy as np
import pytest
from conformance.kinds import KINDS, SAMPLES
from cores import pure_python
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest

pytest.importorskip("keras", reason="needs the extra [tensorflow]")

STRINGS = {"string_lookup"}
ENGINES = {
    "compiled": STRINGS,
    "litert": STRINGS,
    "openvino": STRINGS,
    "tensorflow": set(),
}
NOT_INSTALLED = "not installed: pip install"
KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def _slice(inputs, start, stop):
    return {name: np.ascontiguousarray(array[start:stop]) for name, array in inputs.items()}


@KIND
def test_the_golden_samples_discriminate(built, kind):
    made = built(kind)
    assert made.report.discrimination >= 20
    assert made.report.dropped_samples == 0
    assert made.report.diverging_layers == {}


@KIND
@pytest.mark.parametrize("engine", ENGINES)
def test_answers_equal_keras_at_batches_1_7_and_32(built, kind, engine):
    made = built(kind)
    reason = made.report.declined.get(engine, "")
    if reason and (kind.name in ENGINES[engine] or NOT_INSTALLED in reason):
        pytest.skip(reason)
    require_equal_answers(made, engine)


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        ("litert", "lstm"),
        ("litert", "multi_input"),
        ("tensorflow", "multi_output"),
        ("tensorflow", "string_lookup"),
    ],
)
def test_answers_equal_keras_in_pure_python(built, engine, name):
    (kind,) = [kind for kind in KINDS if kind.name == name]
    require_equal_answers(built(kind), engine, pure_python().load)


def require_equal_answers(made, engine, load=aios.load):
    """Keras' answers to every sample, at batches 1, 7 and 32."""
    assert engine in made.report.errors, made.report.declined[engine]
    expected = made.answers(made.inputs)
    with load(made.bundle, engine=engine, verify="full") as bridge:
        assert bridge.engine.removeprefix("python-") == engine
        for batch in (1, 7, SAMPLES):
            for start in range(0, SAMPLES, batch):
                stop = min(start + batch, SAMPLES)
                answers = bridge.perform_inference(_slice(made.inputs, start, stop))
                assert answers.keys() == expected.keys()
                for name, answer in answers.items():
                    assert_within_tolerance(answer, expected[name][start:stop])


@pytest.mark.parametrize("engine", ENGINES)
def test_outputs_that_share_memory_are_refused(built, engine):
    made = built(next(kind for kind in KINDS if kind.name == "multi_output"))
    if engine not in made.report.errors:
        pytest.skip(made.report.declined[engine])
    x = {name: array[:1] for name, array in made.inputs.items()}
    with aios.load(made.bundle, engine=engine) as bridge:
        out = {name: np.empty_like(array) for name, array in bridge.perform_inference(x).items()}
        memory = np.empty(8, np.float32)
        for age in (memory[:1], memory[3:4], memory[4:5]):
            out.update(box=memory[:4].reshape(1, 2, 2), age=age.reshape(1, 1))
            for call in (bridge.perform_inference, bridge.bind):
                if age.ctypes.data == memory[4:].ctypes.data:
                    call(x, out=out)
                    continue
                with pytest.raises(
                    aios.InvalidArgumentError, match="memory of its own, got memory that output"
                ):
                    call(x, out=out)


@KIND
def test_every_golden_sample_was_verified_within_its_tolerance(built, kind):
    manifest = read_manifest(built(kind).bundle)
    assert manifest.own_samples == {"serving_default": SAMPLES}
    floats = any(manifest.input_ranges["serving_default"])
    assert (manifest.provenance["golden_samples"] > SAMPLES) == floats
    for artifact in manifest.artifacts:
        if artifact.verdict == "passed":
            assert 0 <= artifact.worst <= 1
            assert artifact.composable
        else:
            assert artifact.verdict == "declined"
            assert kind.name in ENGINES[artifact.engine] or NOT_INSTALLED in artifact.reason
