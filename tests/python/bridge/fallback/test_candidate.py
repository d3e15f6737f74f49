"""An artifact that may run: loaded, checked by its golden samples, and what it says of itself."""

import pytest

import aios
from aios.bridge.fallback.candidate import Candidate, choice, load_artifact
from aios.bundle.integrity import open_bundle


@pytest.fixture
def candidate(digits):
    def of(bundle=digits.bundle, engine="litert", golden_samples=2):
        opened = open_bundle(bundle)
        (artifact,) = [one for one in opened.manifest.artifacts if one.engine == engine][:1]
        return Candidate(opened, artifact, 1, golden_samples)

    return of


def test_it_runs_every_signature_of_the_bundle(candidate):
    made = candidate()
    runners = made.load()
    assert [record.name for record in runners] == ["serving_default"]
    assert (made.engine, made.failure) == ("python-litert", None)
    assert made.row("the only one").chosen
    assert made.row("").reason == "not tried: another one runs"


def test_what_answers_wrongly_does_not_run_and_says_so(candidate, wrong_golden):
    made = candidate(wrong_golden, golden_samples=None)
    assert made.load() is None
    assert isinstance(made.failure, aios.CorruptBundleError)
    assert "golden sample 5, tensor 'output_0'" in made.row("").reason
    assert candidate(wrong_golden, golden_samples=0).load() is not None


def test_an_engine_without_an_interpreter_is_not_found(digits):
    opened = open_bundle(digits.bundle)
    (artifact, *_) = [one for one in opened.manifest.artifacts if one.engine == "compiled"]
    with pytest.raises(aios.NotFoundError, match="needs the C\\+\\+ extension"):
        load_artifact(opened, artifact, 1)


def test_a_row_of_what_takes_no_part_is_of_no_batch(digits):
    (artifact, *_) = open_bundle(digits.bundle).manifest.artifacts
    row = choice("compiled", artifact, "declined")
    assert (row.batch, row.chosen, row.reason) == (0, False, "declined")
    assert row.max_error == artifact.max_error
