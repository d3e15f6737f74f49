"""Killed at any moment, an export leaves the old bundle or the new one, never half of one."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import aios

_EXPORTER = """
import sys, numpy as np, keras, aios
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((6,), name="x"), keras.layers.Dense(4)])
print("ready", flush=True)
for i in range(1000):
    model.layers[-1].set_weights([np.full((6, 4), float(i)), np.arange(4.0)])
    aios.export(model, sys.argv[1], overwrite=True)
    print(i, flush=True)
"""


@pytest.fixture
def exporter(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _EXPORTER, str(tmp_path / "m.cell")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield process
    process.kill()
    process.wait(timeout=120)


@pytest.mark.parametrize("moment", range(4))
def test_a_killed_export_leaves_a_whole_bundle_or_none(tmp_path, exporter, moment):
    generator = random.Random(moment)
    assert exporter.stdout.readline() == "ready\n"
    for _ in range(moment % 2):
        exporter.stdout.readline()
    time.sleep(generator.uniform(0, 1.5))
    os.kill(exporter.pid, signal.SIGKILL)
    exporter.wait(timeout=120)

    bundle = tmp_path / "m.cell"
    visible = [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")]
    if moment % 2:
        assert visible == ["m.cell"]
    if visible:
        with aios.load(bundle, verify="full") as bridge:
            answers = bridge.perform_inference(np.ones((1, 6), np.float32))
        weight = (answers[0, 0]) / 6
        np.testing.assert_allclose(answers[0], 6 * weight + np.arange(4.0), rtol=1e-5)

    import keras

    model = keras.Sequential([keras.Input((6,), name="x"), keras.layers.Dense(4)])
    aios.export(model, bundle, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["m.cell"]
