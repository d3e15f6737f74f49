from pathlib import Path
from types import SimpleNamespace

import pytest

import aios
from aios.bundle.manifest import read_manifest
from aios.server.folder import FoundModel, VersionKey
from aios.server.library import ModelEntry, State
from aios.server.model_document import (
    chosen_artifact,
    finite,
    model_document,
    sample_document,
)


def _entry(path=Path("none"), bridge=None, is_proven=True):
    found = FoundModel(path, (), is_proven)
    return ModelEntry(VersionKey("m", 1), found, State.AVAILABLE, bridge=bridge)


def _choice(engine, batch, chosen=True):
    return SimpleNamespace(
        engine=engine, target="any", precision="float32", batch=batch, chosen=chosen
    )


def test_the_artifact_is_the_one_that_answers_single_samples(trial):
    choices = [_choice("openvino", 8), _choice("litert", 1), _choice("tensorflow", 1, False)]
    entry = _entry(bridge=SimpleNamespace(explain=lambda: choices))
    assert chosen_artifact(entry, read_manifest(trial)).engine == "litert"
    assert chosen_artifact(entry, None) is None


def test_a_version_that_is_not_loaded_has_no_signature_and_no_engine():
    told = model_document(_entry(is_proven=False), None)
    assert (told["signature"], told["choices"], told["proof"]) == (None, [], None)
    assert told["proven"] is False


def test_a_model_without_a_bundle_has_no_samples():
    with pytest.raises(aios.NotFoundError, match="carries no samples"):
        sample_document(_entry(is_proven=False), None, 0)


def test_numbers_that_json_cannot_hold_are_left_out():
    values = [1.5, 0.0, None, float("nan"), float("inf")]
    assert [finite(value) for value in values] == [1.5, 0.0, None, None, None]
