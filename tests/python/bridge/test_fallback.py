"""The pure-Python fallback: what it promises beside what the tests of both cores say."""

import inspect
import re
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from conftest import REPOSITORY
from cores import pure_python
from tolerance import assert_within_tolerance

import aios
from aios import _core
from aios.bridge import fallback
from aios.bridge.fallback.threads import ThreadBudget

pytestmark = pytest.mark.native

#: The server's, and what benchmarks call.
EXTENSIONS_ALONE = {"DataPlane", "ServedModel", "ServerRequest", "latency_bounds_us", "nothing"}


@pytest.fixture(scope="module")
def load():
    return pure_python().load


@pytest.fixture(scope="module")
def pure(load, digits):
    with load(digits.bundle) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def native(digits):
    with aios.load(digits.bundle, engine="litert") as bridge:
        yield bridge


def test_it_has_every_name_and_member_of_the_extension():
    for name in set(dir(_core)) - EXTENSIONS_ALONE:
        if name.startswith("_"):
            continue
        theirs, ours = getattr(_core, name), getattr(fallback, name)
        if inspect.isclass(theirs):
            assert set(dir(theirs)) - set(dir(object)) <= _members(ours), name
    for name in ("_load", "perform_inference", "bind", "benchmark_performance"):
        assert list(inspect.signature(getattr(fallback.Cell, name)).parameters) == _stubbed(name)


def test_its_methods_have_the_texts_of_the_extension():
    for name in ("bind", "benchmark_performance", "metrics", "explain", "close", "engine",
                 "signature", "signatures", "perform_inference", "_load"):  # fmt: skip
        theirs = inspect.getdoc(getattr(_core.Cell, name))
        assert theirs.endswith(inspect.getdoc(getattr(fallback.Cell, name))), name


def _members(kind):
    return set(dir(kind)) | set(getattr(kind, "__dataclass_fields__", ()))


def _stubbed(method):
    stub = (REPOSITORY / "python/aios/_core.pyi").read_text()
    (parameters,) = re.findall(rf"def {method}\((self.*?)\) ->", stub)
    return ["self", *re.findall(r"(\w+): ", parameters)]


_X = np.zeros((4, 64), np.float32)


@pytest.mark.parametrize(
    ("x", "options"),
    [
        (np.zeros((4, 12)), {}),
        (np.zeros(64, np.float32), {}),
        (np.zeros((), np.float32), {}),
        (np.zeros((1, 64, 1), np.float32), {}),
        (np.zeros((1,) * 9, np.float32), {}),
        (np.zeros((1, 64), np.int64), {}),
        (np.zeros((1, 64), np.complex64), {}),
        (np.zeros((1, 64), object), {}),
        (np.array([["a"]]), {}),
        (np.zeros((1, 64), ">f4"), {}),
        (np.zeros((64, 2), np.float32).T, {}),
        (np.zeros((1, 63), np.float64), {}),
        ([[0.0] * 64], {}),
        (None, {}),
        ("digits", {}),
        ({"y": _X}, {}),
        ({1: _X}, {}),
        ({}, {}),
        (_X.astype(np.complex64), {"copy": True}),
        (_X, {"signature": "abacus"}),
        (_X, {"out": np.zeros((4, 10))}),
        (_X, {"out": np.zeros((3, 10), np.float32)}),
        (_X, {"out": np.zeros((4, 9), np.float32)}),
        (_X, {"out": np.zeros((10, 4), np.float32).T}),
        (_X, {"out": np.zeros((4, 10), object)}),
        (_X, {"out": [0.0]}),
        (_X, {"out": {"y": np.zeros((4, 10), np.float32)}}),
        (_X, {"out": _X.reshape(-1)[:40].reshape(4, 10)}),
    ],
)
def test_bad_arrays_get_the_words_of_the_cpp_cell(pure, native, x, options):
    with pytest.raises(aios.AiosError) as expected:
        native.perform_inference(x, **options)
    with pytest.raises(type(expected.value)) as got:
        pure.perform_inference(x, **options)
    assert str(got.value) == str(expected.value)


def test_what_it_tells_of_a_model_reads_as_in_cpp(pure, native, digits):
    assert repr(pure.signature) == repr(native.signature)
    assert repr(pure.signature.inputs[0]) == repr(native.signature.inputs[0])
    result = pure.benchmark_performance(digits.x_test[:1], iterations=20)
    assert re.fullmatch(
        r"BenchmarkResult\(engine='python-litert', p50_us=[\d.]+, p99_us=[\d.]+\)", repr(result)
    )


def test_it_counts_threads_as_the_cpp_cell_does(pure):
    for name in ("cgroup_cpus", "usable_cpus", "thread_budget"):
        assert getattr(fallback, name)() == getattr(_core, name)()
    assert {row.threads for row in pure.explain()} == {1}


def test_calls_on_several_threads_take_turns_within_the_budget():
    budget, order = ThreadBudget(2, cpus=2), []

    def ask():
        with budget.share(2):
            order.append("second")

    caller = threading.Thread(target=ask)
    with budget.share(1), budget.share(2):
        caller.start()
        caller.join(0.2)
        order.append("first")
    caller.join(60)
    assert order == ["first", "second"]
    assert budget.cut(8) == 2


def test_auto_takes_litert_and_says_what_the_others_need(pure):
    rows = {row.engine: row for row in pure.explain()}
    assert pure.engine == pure.metrics().engine == "python-litert"
    assert rows["python-litert"].chosen
    assert not rows["python-tensorflow"].chosen
    assert "needs the C++ extension" in rows["compiled"].reason
    assert rows["compiled"].batch == 0


def test_auto_takes_tensorflow_where_litert_is_missing(load, digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    cell = load(digits.bundle)
    assert cell.engine == "python-tensorflow"
    expected = np.asarray(digits.model(digits.x_test, training=False))
    assert_within_tolerance(cell.perform_inference(digits.x_test), expected)
    (reason,) = [row.reason for row in cell.explain() if row.engine == "python-litert"]
    assert "pip install aios-cells[litert]" in reason
    with pytest.raises(aios.NotFoundError, match=r"pip install aios-cells\[litert\]"):
        load(digits.bundle, engine="litert")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(aios.NotFoundError, match=r"\[litert\].*\[tensorflow\]"):
        load(digits.bundle)


@pytest.mark.parametrize("engine", ["compiled", "openvino"])
def test_the_extensions_engines_are_refused_with_the_remedy(load, digits, engine):
    with pytest.raises(aios.NotFoundError, match=f"'{engine}' needs the C\\+\\+ extension"):
        load(digits.bundle, engine=engine)


def test_verify_bundle_gives_the_verdicts_of_the_cpp_cell(digits, wrong_golden):
    from aios.bridge.engines import library_paths

    for bundle in (digits.bundle, wrong_golden):
        expected = {
            entry.engine: entry
            for entry in _core.verify_bundle(str(bundle), libraries=library_paths())
        }
        entries = {entry.engine: entry for entry in fallback.verify_bundle(str(bundle))}
        assert entries.keys() == expected.keys()
        for engine in ("litert", "tensorflow"):
            ours, theirs = entries[engine], expected[engine]
            assert (ours.ok, ours.samples) == (theirs.ok, theirs.samples)
            assert ours.worst == pytest.approx(theirs.worst, rel=0.5, abs=0.05)
        assert entries["compiled"].samples == 0
        assert "needs the C++ extension" in entries["compiled"].reason
    assert not entries["litert"].ok
    assert (entries["litert"].sample, entries["litert"].tensor) == (5, "output_0")


def test_a_batch_that_the_files_are_not_made_for_is_refused(load, tmp_path):
    import keras

    from aios.bundle.manifest import read_manifest, write_manifest

    model = keras.Sequential([keras.Input((9, 4), name="x"), keras.layers.LSTM(5)])
    aios.export(model, tmp_path / "m.cell", engines="litert")
    x = np.random.default_rng(0).standard_normal((11, 9, 4)).astype(np.float32)
    composed = load(tmp_path / "m.cell", engine="litert")
    assert_within_tolerance(composed.perform_inference(x), np.asarray(model(x)))
    manifest = read_manifest(tmp_path / "m.cell")
    artifacts = tuple(replace(artifact, composable=False) for artifact in manifest.artifacts)
    write_manifest(tmp_path / "m.cell", replace(manifest, artifacts=artifacts))
    apart = load(tmp_path / "m.cell", engine="litert")
    assert_within_tolerance(apart.perform_inference(x[:8]), np.asarray(model(x[:8])))
    with pytest.raises(aios.UnsupportedError, match="no graph for a batch of 11"):
        apart.perform_inference(x)


def test_one_warning_per_process_shown_where_aios_was_called(digits, run_python):
    code = f"""
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import aios
    for engine in ("auto", "litert"):
        with aios.load({str(digits.bundle)!r}, engine=engine) as bridge:
            assert bridge.engine == "python-litert"
    aios.TensorFlowCellularBridge().load_model_from_training_cell({str(digits.bundle)!r})
ours = [item for item in caught if item.category is aios.PurePythonWarning]
print(len(ours), ours[0].filename, ours[0].lineno, ours[0].message)
"""
    shown = run_python(code, AIOS_PURE_PYTHON="1")
    assert shown.startswith("1 <string> 7 aios runs without its C++ extension")
    assert "unset AIOS_PURE_PYTHON" in shown


def test_an_export_says_what_verified_it(run_python, tmp_path):
    code = f"""
import json, numpy as np, keras, aios
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(3)])
report = aios.export(model, {str(tmp_path / "m.cell")!r})
print(json.dumps([report.errors, report.declined, report.warnings]))
"""
    import json

    shown = run_python(code, AIOS_PURE_PYTHON="1")
    errors, declined, warnings = json.loads(shown.splitlines()[-1])
    assert errors.keys() == {"litert", "tensorflow"}
    assert all("without the C++ extension" in declined[name] for name in ("compiled", "openvino"))
    assert any("Python interpreters" in line for line in warnings)
    with aios.load(tmp_path / "m.cell", engine="litert", verify="full") as bridge:
        assert bridge.engine == "litert"
