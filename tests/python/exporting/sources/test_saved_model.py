"""SavedModel directories give their own answers from C++."""

import pytest
from exported import assert_answers, normal

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def test_a_keras_saved_model_directory(tmp_path):
    model = keras.Sequential([keras.Input((6, 4), name="x"), layers.LSTM(5), layers.Dense(2)])
    model.export(tmp_path / "saved", verbose=False)
    report = aios.export(tmp_path / "saved", tmp_path / "m.cell")
    manifest = read_manifest(tmp_path / "m.cell")
    assert [signature.name for signature in manifest.signatures] == ["serving_default", "serve"]
    assert manifest.provenance["model"]["kind"] == "saved_model"
    assert {artifact.verdict for artifact in report.artifacts} == {"passed"}
    x = normal(11, 6, 4)
    assert_answers(tmp_path / "m.cell", x, {"output_0": model(x)})


def test_damaged_files_are_refused_by_name(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"not a zip file")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\xff\xff garbage")
    for name, message in (
        ("model.keras", "can't load .*not a zip archive"),
        ("notes.txt", "got the file"),
        ("empty", "no SavedModel"),
        ("saved", "can't be loaded"),
    ):
        with pytest.raises(aios.InvalidArgumentError, match=message):
            aios.export(tmp_path / name, tmp_path / "m.cell")
    assert not (tmp_path / "m.cell").exists()
