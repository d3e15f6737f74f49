"""`auto`: the fastest engine that answers right on this machine, and why."""

import json

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bridge.engines import library_path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "aios" / "selection"


def _rows(bridge, batch):
    return {(row.engine, row.target): row for row in bridge.explain() if row.batch == batch}


def test_the_fastest_by_measurement_is_chosen(digits, cache):
    with aios.load(digits.bundle) as bridge:
        rows = _rows(bridge, 1)
    assert (
        {"compiled", "litert"}
        <= {engine for engine, _ in rows}
        <= {
            "compiled",
            "litert",
            "openvino",
        }
    )
    (chosen,) = [row for row in rows.values() if row.chosen]
    assert chosen.reason == "the fastest by measurement"
    measured = [row.p50_us for row in rows.values()]
    assert min(measured) > 0
    assert chosen.p50_us <= 1.02 * min(measured)
    assert all(row.p99_us >= row.p50_us for row in rows.values())
    assert 0 <= chosen.max_error < 1e-4


def test_each_power_of_two_is_measured_when_it_is_first_seen(digits, cache):
    with aios.load(digits.bundle) as bridge:
        expected = np.asarray(digits.model(digits.x_test, training=False))
        for batch in (1, 3, 4, 100):
            answers = bridge.perform_inference(digits.x_test[:batch])
            assert_within_tolerance(answers, expected[:batch])
        assert sorted({row.batch for row in bridge.explain()} - {0}) == [1, 4, 128]


def test_a_second_load_takes_what_was_measured(digits, cache):
    aios.load(digits.bundle).close()
    (file,) = cache.iterdir()
    before = file.read_text()
    with aios.load(digits.bundle) as bridge:
        (chosen,) = [row for row in bridge.explain() if row.chosen]
    assert chosen.reason == "the fastest by an earlier measurement on this machine"
    assert file.read_text() == before


def test_an_engine_that_can_not_run_here_makes_no_load_measure_again(digits, cache, monkeypatch):
    monkeypatch.setattr(
        "aios.bridge.bridge.library_paths", lambda: {"litert": library_path("litert")}
    )
    aios.load(digits.bundle).close()
    with aios.load(digits.bundle) as bridge:
        rows = _rows(bridge, 1)
    assert "aios-cells[openvino]" in rows["openvino", "any"].reason
    (chosen,) = [row for row in rows.values() if row.chosen]
    assert chosen.reason == "the fastest by an earlier measurement on this machine"


def test_another_number_of_threads_is_measured_for_itself(digits, cache):
    aios.load(digits.bundle).close()
    aios.load(digits.bundle, threads=2).close()
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"serving_default@0": 3}'])
def test_a_damaged_cache_is_as_good_as_none(digits, cache, damage):
    aios.load(digits.bundle).close()
    (file,) = cache.iterdir()
    file.write_text(damage)
    with aios.load(digits.bundle) as bridge:
        (chosen,) = [row for row in bridge.explain() if row.chosen]
    assert chosen.reason == "the fastest by measurement"
    assert json.loads(file.read_text())


def test_a_cache_that_can_not_be_written_is_done_without(digits, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with aios.load(digits.bundle) as bridge:
        assert bridge.perform_inference(digits.x_test[:1]).shape == (1, 10)


def test_without_tuning_time_the_bundles_order_decides(digits, cache):
    with aios.load(digits.bundle, max_tuning_ms=0) as bridge:
        assert bridge.engine == "compiled"
        (chosen,) = [row for row in bridge.explain() if row.chosen]
    assert "nothing was measured" in chosen.reason
    assert not cache.exists()


def test_tensorflow_is_left_out_unless_named(digits, cache):
    with aios.load(digits.bundle) as bridge:
        (row,) = [row for row in bridge.explain() if row.engine == "tensorflow"]
    assert "name the engine" in row.reason
    assert aios.load(digits.bundle, engine="tensorflow").engine == "tensorflow"


def test_an_engine_that_answers_wrongly_here_is_never_chosen(digits, bundle_copy, cache, tmp_path):
    from test_damaged_bundle import _swap_model_for_another

    _swap_model_for_another(bundle_copy, tmp_path)
    with aios.load(bundle_copy) as bridge:
        rows = _rows(bridge, 1)
        assert "tolerances away" in rows["litert", "any"].reason
        assert bridge.engine == "compiled"
        expected = np.asarray(digits.model(digits.x_test, training=False))
        assert_within_tolerance(bridge.perform_inference(digits.x_test), expected)


def test_bad_options_are_refused(digits):
    with pytest.raises(aios.InvalidArgumentError, match="precision: expected float32 or fastest"):
        aios.load(digits.bundle, precision="float4")
    with pytest.raises(aios.InvalidArgumentError, match="max_tuning_ms"):
        aios.load(digits.bundle, max_tuning_ms=-1)


def test_a_bundle_replaced_while_loaded_gives_the_new_models_answers(tmp_path, cache):
    import keras

    x = np.ones((1, 4), np.float32)
    samples = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)
    bridges = []
    for units in (2, 3, 4):
        model = keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(units)])
        model.layers[-1].set_weights([np.full((4, units), float(units)), np.zeros(units)])
        aios.export(model, tmp_path / "m.cell", overwrite=True, samples=samples, engines="compiled")
        bridges.append((units, aios.load(tmp_path / "m.cell", engine="compiled")))
        if units == 3:
            bridges.pop(0)[1].close()
        for loaded, bridge in bridges:
            np.testing.assert_array_equal(
                bridge.perform_inference(x), np.full((1, loaded), 4.0 * loaded)
            )


def test_loading_and_closing_leaks_no_descriptor(digits, cache):
    import os

    def count():
        return len(os.listdir("/proc/self/fd"))

    kept = aios.load(digits.bundle)
    before = count()
    for _ in range(20):
        aios.load(digits.bundle).close()
        kept.load_model_from_training_cell(digits.bundle)
    assert count() <= before
