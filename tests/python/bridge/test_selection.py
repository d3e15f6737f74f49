"""`auto`: the fastest engine that answers right on this machine, and why."""

import json
import shutil

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bridge.engines import library_path, library_paths

pytestmark = pytest.mark.native


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


def test_a_second_load_loads_only_the_engine_that_won(digits, cache, run_python):
    aios.load(digits.bundle).close()
    (file,) = cache.iterdir()
    measured = json.loads(file.read_text())
    (row,) = measured.values()
    row["litert/any/float32"] = [1e-3, 1e-3]
    file.write_text(json.dumps(measured))
    code = f"""
import aios
bridge = aios.load({str(digits.bundle)!r})
mapped = open("/proc/self/maps").read()
print(bridge.engine, "libLiteRt" in mapped, "model.so" in mapped, "libopenvino" in mapped)
"""
    assert run_python(code).split() == ["litert", "True", "False", "False"]


def test_an_engine_that_can_not_run_here_makes_no_load_measure_again(digits, cache, monkeypatch):
    libraries = {"litert": "/nowhere/libLiteRt.so", "openvino": library_path("openvino")}
    monkeypatch.setattr("aios.bridge.bridge.library_paths", lambda: libraries)
    aios.load(digits.bundle).close()
    with aios.load(digits.bundle) as bridge:
        rows = _rows(bridge, 1)
    assert "aios-cells[litert]" in rows["litert", "any"].reason
    # The code for both of its targets, whatever else runs here.
    assert sum(row.p50_us > 0 for row in rows.values()) >= 2
    (chosen,) = [row for row in rows.values() if row.chosen]
    assert chosen.reason == "the fastest by an earlier measurement on this machine"


def test_another_number_of_threads_is_measured_for_itself(digits, cache):
    """As far as there are any: one processor has one thread, whatever was asked for."""
    from aios._core import thread_budget

    aios.load(digits.bundle).close()
    aios.load(digits.bundle, threads=2).close()
    assert len(list(cache.iterdir())) == min(2, thread_budget())


@pytest.mark.parametrize("engine", ["litert", "openvino", "tensorflow"])
def test_another_library_of_any_vendor_is_measured_for_itself(
    digits, cache, tmp_path, monkeypatch, engine
):
    found = library_paths()
    if engine not in found:
        pytest.skip(f"engine '{engine}' isn't installed")
    aios.load(digits.bundle, max_tuning_ms=1).close()
    other = tmp_path / "other.so"
    other.symlink_to(found[engine])
    monkeypatch.setattr("aios.bridge.bridge.library_paths", lambda: {**found, engine: str(other)})
    for _ in range(2):
        aios.load(digits.bundle, max_tuning_ms=1).close()
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


def test_lower_precisions_take_no_part_unless_they_are_allowed(lowered, cache):
    with aios.load(lowered.bundle) as bridge:
        rows = bridge.explain()
        answers = bridge.perform_inference(lowered.x)
    assert {row.precision for row in rows if row.chosen or row.p50_us} == {"float32"}
    (excluded,) = [row for row in rows if row.precision == "int8"]
    assert "allow it with precision='fastest'" in excluded.reason
    assert_within_tolerance(answers, np.asarray(lowered.model(lowered.x, training=False)))


def test_fastest_lets_every_precision_compete(lowered, cache):
    with aios.load(lowered.bundle, precision="fastest") as bridge:
        rows = {(row.engine, row.precision): row for row in bridge.explain()}
    measured = {key: row.p50_us for key, row in rows.items() if row.p50_us}
    assert {("litert", name) for name in ("float32", "float16", "int8")} <= measured.keys()
    (chosen,) = [row for row in rows.values() if row.chosen]
    assert chosen.reason == "the fastest by measurement"
    assert chosen.p50_us <= 1.02 * min(measured.values())
    errors = [rows["litert", name].max_error for name in ("float32", "float16", "int8")]
    assert 10 * errors[0] < errors[1] < errors[2]


def test_a_precision_that_is_named_runs_alone(lowered, cache):
    expected = np.asarray(lowered.model(lowered.x, training=False))
    errors = {}
    for precision in ("float32", "float16", "int8"):
        with aios.load(lowered.bundle, engine="litert", precision=precision) as bridge:
            (chosen,) = [row for row in bridge.explain() if row.chosen]
            assert chosen.precision == precision
            errors[precision] = np.abs(bridge.perform_inference(lowered.x) - expected).max()
            reasons = {row.precision: row.reason for row in bridge.explain() if not row.chosen}
    assert errors["float32"] < errors["float16"] < errors["int8"]
    assert reasons["float32"] == "precision='int8' was asked for"


def test_what_was_measured_with_lower_precisions_is_kept_apart(lowered, cache):
    for precision in ("float32", "fastest", "float32", "fastest"):
        with aios.load(lowered.bundle, precision=precision) as bridge:
            (chosen,) = [row for row in bridge.explain() if row.chosen]
        assert precision == "fastest" or chosen.precision == "float32"
    assert "earlier measurement" in chosen.reason
    assert len(list(cache.iterdir())) == 2


def test_without_tuning_time_fastest_takes_the_first_which_is_float32(lowered, cache):
    with aios.load(lowered.bundle, precision="fastest", max_tuning_ms=0) as bridge:
        (chosen,) = [row for row in bridge.explain() if row.chosen]
    assert (chosen.engine, chosen.precision) == ("litert", "float32")


def test_golden_samples_at_load_are_judged_by_the_precisions_tolerance(lowered, tmp_path):
    from dataclasses import replace

    from aios.bundle.manifest import Tolerance, read_manifest, write_manifest

    bundle = shutil.copytree(lowered.bundle, tmp_path / "m.cell")
    aios.load(bundle, precision="int8", verify="full").close()
    manifest = read_manifest(bundle)
    strict = tuple(
        replace(artifact, tolerance=Tolerance()) if artifact.precision == "int8" else artifact
        for artifact in manifest.artifacts
    )
    write_manifest(bundle, replace(manifest, artifacts=strict))
    with pytest.raises(aios.CorruptBundleError, match="tolerances away"):
        aios.load(bundle, precision="int8")
    with aios.load(bundle, precision="fastest") as bridge:
        assert "int8" not in {row.precision for row in bridge.explain() if row.chosen}


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
