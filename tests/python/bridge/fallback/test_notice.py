"""What a user is told about running without the extension."""

import json

import pytest

import aios
from aios.bridge.fallback import notice

pytestmark = pytest.mark.native


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

    shown = run_python(code, AIOS_PURE_PYTHON="1")
    errors, declined, warnings = json.loads(shown.splitlines()[-1])
    assert errors.keys() == {"litert", "tensorflow"}
    assert all("without the C++ extension" in declined[name] for name in ("compiled", "openvino"))
    assert any("Python interpreters" in line for line in warnings)
    with aios.load(tmp_path / "m.cell", engine="litert", verify="full") as bridge:
        assert bridge.engine == "litert"


@pytest.mark.parametrize(
    ("installed", "words"), [(True, "unset AIOS_PURE_PYTHON"), (False, "a C++17")]
)
def test_the_remedy_is_what_helps_here(monkeypatch, installed, words):
    monkeypatch.setattr(notice, "is_extension_installed", lambda: installed)
    assert words in notice.remedy()
    assert notice.refusal("litert") == notice.refusal("tensorflow") == ""
    told = notice.refusal("compiled")
    assert told.startswith("engine 'compiled' needs the C++ extension of aios; ")
    assert told.endswith(notice.remedy())
