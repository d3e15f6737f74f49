"""What tests of exports ask of bundles, and modules to export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest


def normal(*shape: int) -> np.ndarray:
    """Normal floats, the same each time."""
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def artifact_of(bundle: Any, engine: str) -> Any:
    """The first record of an engine."""
    return next(a for a in read_manifest(bundle).artifacts if a.engine == engine)


def assert_answers(bundle: Any, inputs: Any, expected: dict[str, Any]) -> None:
    """Every engine of the bundle answers a batch as the model does; `expected` is by name."""
    passed = [a.engine for a in read_manifest(bundle).artifacts if a.verdict == "passed"]
    assert passed
    for engine in passed:
        with aios.load(bundle, engine=engine) as bridge:
            answers = bridge.perform_inference(inputs)
        if not isinstance(answers, dict):
            answers = {"output_0": answers}
        assert set(answers) == set(expected)
        for name, answer in answers.items():
            assert_within_tolerance(answer, np.asarray(expected[name]))


def module_of(function: Callable[..., Any], shape: tuple[int | None, ...] = (None, 3)) -> Any:
    """A tf.Module with one function of x, a variable `state` and a look-up table."""
    import tensorflow as tf

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.state = tf.Variable(tf.zeros([3]))
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer([0, 1], [5.0, 7.0], tf.int32, tf.float32), 0.0
            )

        @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="x")])
        def __call__(self, x: Any) -> Any:
            return function(self, x)

    return Module()


def writes_state(module: Any, x: Any) -> Any:
    """Writes the module's variable: can't be frozen."""
    import tensorflow as tf

    module.state.assign(tf.fill([3], 2.0))
    return x * module.state
