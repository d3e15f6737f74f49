"""What a training tells while it goes on."""

import io

import numpy as np
import pytest

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")


GENERATOR = np.random.default_rng(0)


X = GENERATOR.normal(size=(60, 2)).astype(np.float32)


Y = (X[:, 0] > 0).astype(np.int64)


def new_cell(**options):
    cell = aios.TensorFlowTrainingCell(aios.TrainingConfig(**{"epochs": 2, **options}))
    cell.create_model(2, 2)
    return cell


def lines(text):
    return [line.split("  ")[0] for line in text.splitlines() if line.startswith(("epoch", "stop"))]


def test_a_script_sees_a_line_per_epoch_on_stderr(capfd):
    new_cell().train(X, Y, X, Y)
    out, err = capfd.readouterr()
    assert lines(err) == ["epoch 1/2", "epoch 2/2"]
    assert "val_loss 0." in err
    assert out == ""


@pytest.mark.parametrize(("verbose", "told"), [(0, 0), (False, 0), (2, 3)])
def test_verbose_decides_what_is_told(capfd, verbose, told):
    new_cell(epochs=3).train(X, Y, verbose=verbose)
    out, err = capfd.readouterr()
    assert len(lines(err)) == told
    assert out == ""


def test_a_long_training_tells_the_first_and_the_last_epoch_and_some_between():
    from aios.training.progress import ProgressLines, reporter

    (callback,) = reporter("auto", 200)
    assert isinstance(callback, ProgressLines)
    told = []
    callback._tell = lambda: told.append(callback._last)
    for epoch in range(200):
        callback.on_epoch_end(epoch, {"loss": 0.5})
    assert [item.split("  ")[0] for item in told][:3] == [
        "epoch 1/200",
        "epoch 10/200",
        "epoch 20/200",
    ]
    assert len(told) == 21


def test_a_training_that_stops_before_its_time_says_so(capfd):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    new_cell(epochs=5).train(X, Y, callbacks=[Stop()])
    assert lines(capfd.readouterr().err)[-1] == "stopped after epoch 2 of 5"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_bar_keeps_its_counts_at_any_width(width):
    """Metrics stood beside it, and left no room for it in 80 columns."""
    from rich.console import Console

    from aios.training.progress import ProgressBar

    bar = ProgressBar(40)
    names = ("accuracy", "loss", "val_accuracy", "val_loss")
    bar.on_epoch_end(11, dict.fromkeys(names, 0.12345))
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(bar._screen())
    first, *rest = console.file.getvalue().splitlines()
    assert first.startswith("training ━━")
    assert first.rstrip().endswith("12/40 -:--:--")
    words = " ".join(rest).split()
    assert words == [word for name in names for word in (name, "0.1235")]


def test_a_training_that_is_interrupted_leaves_no_bar_that_goes_on_drawing(monkeypatch):
    from aios.training import progress

    class Interrupted(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert made[0]._live.is_started
            raise KeyboardInterrupt

    made = []
    reporter = progress.reporter
    monkeypatch.setattr(progress, "reporter", lambda *asked: made.extend(reporter(*asked)) or made)
    with pytest.raises(KeyboardInterrupt):
        new_cell().train(X, Y, verbose=1, callbacks=[Interrupted()])
    assert not made[0]._live.is_started


@pytest.mark.parametrize("verbose", ["loud", 3, None, 1.5])
def test_another_verbose_is_refused(verbose):
    with pytest.raises(aios.InvalidArgumentError, match=r"verbose: expected 'auto', 0 .*got"):
        new_cell().train(X, Y, verbose=verbose)
