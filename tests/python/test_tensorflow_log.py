"""What TensorFlow logs while aios works with it."""

import os

import pytest

pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")

from aios import tensorflow_log
from aios.tensorflow_log import LEVEL, only_errors

EVERYTHING, ERRORS, FATAL = 0, 2, 3


@pytest.fixture
def log(monkeypatch):
    """TensorFlow's log as it is for somebody who set nothing: it tells everything."""
    import tensorflow  # noqa: F401

    monkeypatch.delenv(LEVEL, raising=False)
    log = tensorflow_log._Log.find()
    assert log is not None
    before = log.level()
    log.set_level(EVERYTHING)
    yield log
    log.set_level(before)


def test_a_block_shows_errors_alone_and_gives_the_level_back(log):
    with only_errors():
        assert log.level() == ERRORS
    assert log.level() == EVERYTHING
    with pytest.raises(ZeroDivisionError), only_errors():
        1 / 0  # noqa: B018
    assert log.level() == EVERYTHING


def test_a_log_that_shows_less_stays(log):
    log.set_level(FATAL)
    with only_errors():
        assert log.level() == FATAL
    assert log.level() == FATAL


def test_what_the_user_asked_for_stays(log, monkeypatch):
    monkeypatch.setenv(LEVEL, "0")
    with only_errors():
        assert log.level() == EVERYTHING
    assert os.environ[LEVEL] == "0"


def test_a_tensorflow_whose_log_cannot_be_set_is_left_alone(log, monkeypatch):
    monkeypatch.setattr(tensorflow_log._Log, "find", lambda: None)
    with only_errors():
        assert log.level() == EVERYTHING


@pytest.mark.usefixtures("log")
def test_an_export_writes_nothing_to_stderr(tmp_path, capfd):
    import keras

    import aios

    model = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2)])
    aios.export(model, tmp_path / "m.cell", engines="litert")
    assert capfd.readouterr().err == ""


def test_blocks_that_overlap_give_the_level_back_once(log):
    first, second = only_errors(), only_errors()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert log.level() == ERRORS
    second.__exit__(None, None, None)
    assert log.level() == EVERYTHING
