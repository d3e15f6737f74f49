import threading

import numpy as np
import pytest
from workflow_doubles import wait_until

import aios
from aios.deployment import monitor
from aios.deployment.drift import Profile
from aios.home.codec import store_value


class Constant:
    """Answers with its version's number for each row."""

    def __init__(self, value):
        self.value = value

    def perform_inference(self, x, **options):
        if isinstance(x, str):
            raise aios.InvalidArgumentError("x: expected an array")
        return np.full((len(x), 1), self.value, np.float32)


def load(path):
    text = (path / "value").read_text()
    if text == "broken":
        raise aios.CorruptBundleError(f"{path}: golden mismatch")
    return Constant(float(text))


@pytest.fixture
def deployed(make_manager, tmp_path):
    """A manager with versions 1 and 2 of model "m", the first one champion."""
    manager = make_manager(loader=load)
    for value in ("1", "2"):
        place = tmp_path / f"{value}.cell"
        place.mkdir()
        (place / "value").write_text(value)
        manager.registry.register("m", place)
    manager.promote("m", 1)
    return manager


X = np.zeros((3, 2), np.float32)


def test_the_alias_decides_who_answers(deployed):
    deployed.promote("m", 2, "challenger")
    assert deployed.predict("m", X).tolist() == [[1], [1], [1]]
    assert deployed.predict("m@champion", X)[0, 0] == 1
    assert deployed.predict("m@challenger", X)[0, 0] == 2
    assert deployed.predict("m@2", X)[0, 0] == 2
    deployed.promote("m", 2)
    assert deployed.predict("m", X)[0, 0] == 2
    deployed.rollback("m")
    assert deployed.predict("m", X)[0, 0] == 1


def test_another_process_or_manager_moving_the_alias_is_followed(deployed, make_manager):
    other = make_manager(loader=load)
    assert deployed.predict("m", X)[0, 0] == 1
    other.promote("m", 2)
    wait_until(lambda: deployed.predict("m", X)[0, 0] == 2)


def test_a_version_that_cannot_be_loaded_is_not_promoted(deployed, tmp_path):
    place = tmp_path / "3.cell"
    place.mkdir()
    (place / "value").write_text("broken")
    deployed.registry.register("m", place)
    assert deployed.predict("m", X)[0, 0] == 1
    with pytest.raises(aios.CorruptBundleError, match="golden mismatch"):
        deployed.promote("m", 3)
    assert deployed.registry.resolve("m").version == 1
    assert deployed.predict("m", X)[0, 0] == 1


def test_a_broken_version_promoted_elsewhere_leaves_the_old_one_answering(
    deployed, tmp_path, make_manager
):
    place = tmp_path / "3.cell"
    place.mkdir()
    (place / "value").write_text("broken")
    deployed.registry.register("m", place)
    assert deployed.predict("m", X)[0, 0] == 1
    make_manager(loader=load).promote("m", 3)
    wait_until(lambda: deployed._predictor._failed)  # it has tried
    assert deployed.predict("m", X)[0, 0] == 1


def test_promote_under_load_fails_no_call_and_mixes_no_answer(deployed):
    stop, answers, failures = threading.Event(), [], []

    def call():
        seen = set()
        try:
            while not stop.is_set():
                found = set(deployed.predict("m@champion", X).ravel().tolist())
                if len(found) != 1 or not found <= {1.0, 2.0}:
                    failures.append(found)
                seen |= found
        except Exception as error:
            failures.append(error)
        answers.append(seen)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        deployed.promote("m", 2)
        deployed.rollback("m")
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set().union(*answers) == {1.0, 2.0}


def test_calls_and_errors_are_watched_by_version(deployed):
    for _ in range(5):
        deployed.predict("m", X)
    with pytest.raises(aios.InvalidArgumentError):
        deployed.predict("m", "text")
    (found,) = deployed.watch()
    assert (found["name"], found["version"], found["calls"], found["errors"]) == ("m", 1, 5, 1)
    assert 0 < found["p50_us"] <= found["p99_us"]
    assert found["throughput_per_s"] > 0
    text = deployed.prometheus()
    assert 'aios_predict_seconds_count{name="m",version="1"} 5' in text
    assert 'aios_predict_errors_total{name="m",version="1"} 1' in text


def test_drift_of_inputs_is_found_and_sent(make_manager, tmp_path, monkeypatch):
    monkeypatch.setattr(monitor, "_SAMPLE_INTERVAL_NS", 0)
    random = np.random.default_rng(0)
    rows = random.normal(size=(2000, 2)).astype(np.float32)
    manager = make_manager(loader=load)
    place = tmp_path / "1.cell"
    place.mkdir()
    (place / "value").write_text("1")
    profile = store_value(
        Profile.of({"x": rows}, {"y": np.ones((10, 1))}).to_json(), manager.home.content
    )
    manager.registry.register("m", place, profile=profile.to_json())
    manager.promote("m", 1)
    seen = []
    manager.subscribe(aios.DriftDetected, seen.append)

    def serve(shift):
        for _ in range(20):
            x = random.normal(size=(64, 2)).astype(np.float32)
            x[:, 1] += shift
            manager.predict("m", x)
        manager._predictor.watch()

    serve(0.0)
    manager.watch()
    assert manager.watch()[0]["drift"]["input x"] < 0.1
    assert seen == []
    serve(1.0)
    wait_until(lambda: seen or not manager.watch())
    drift = seen[0]
    assert (drift.name, drift.version, drift.tensor, drift.feature) == ("m", 1, "input x", 1)
    assert drift.psi > drift.threshold
    assert 'tensor="input x"}' in manager.prometheus()


def test_real_models_are_swapped_without_a_failed_or_mixed_answer(make_manager, digits, tmp_path):
    """Two bundles whose answers differ: each call's answer is one model's, whole."""
    import keras

    other = keras.models.clone_model(digits.model)
    *first, kernel, bias = digits.model.get_weights()
    other.set_weights([*first, kernel[:, ::-1], bias[::-1]])
    aios.export(other, tmp_path / "other.cell", samples=digits.x_test[:64])
    manager = make_manager(lease_s=10)
    x = np.ascontiguousarray(digits.x_test[:8])
    answers = {}
    for place in (digits.bundle, tmp_path / "other.cell"):
        version = manager.registry.register("digits", place).version
        with aios.load(place) as bridge:
            answers[version] = bridge.perform_inference(x)
    assert np.abs(answers[1] - answers[2]).max() > 0.1
    manager.promote("digits", 1)
    stop, failures, seen = threading.Event(), [], set()

    def call():
        while not stop.is_set():
            try:
                y = manager.predict("digits@champion", x)
            except Exception as error:
                failures.append(error)
                return
            same = {version for version, answer in answers.items() if np.allclose(y, answer)}
            seen.update(same)
            if len(same) != 1:
                failures.append(y)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        manager.promote("digits", 2)
        manager.rollback("digits")
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert seen == {1, 2}
