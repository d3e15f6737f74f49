"""Whatever a step raises or leaves behind, its run ends with a reason, and the manager goes on."""

import pytest

import aios
from aios.home.error_text import MAX_ERROR_CHARS, error_json, text_of, traceback_of
from aios.home.store import AddMessage


class RaisesError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class NoTextError(Exception):
    def __str__(self):
        return 5  # noqa: PLE0307


class InterruptingError(Exception):
    def __str__(self):
        raise KeyboardInterrupt


class OfNoKind(BaseException):
    pass


class HugeError(Exception):
    def __str__(self):
        return "head" + "x" * 5_000_000 + "tail"


class LyingError(Exception):
    @property
    def __class__(self):
        raise RuntimeError("who asks?")


class CodedError(Exception):
    @property
    def code(self):
        raise RuntimeError("no code")


class NotUtf8Error(Exception):
    def __str__(self):
        return "file \udce4.txt"


KINDS = [
    RaisesError,
    NoTextError,
    InterruptingError,
    OfNoKind,
    HugeError,
    LyingError,
    CodedError,
    NotUtf8Error,
    SystemExit,
]


@pytest.mark.parametrize("kind", KINDS)
def test_its_text_can_be_kept_whatever_it_is(kind):
    found = error_json(kind())
    assert (found["type"], found["code"]) == (kind.__name__, 2)
    assert 0 < len(found["message"]) <= MAX_ERROR_CHARS
    assert found["message"].encode("utf-8")
    assert len(traceback_of(kind())) <= MAX_ERROR_CHARS


def test_a_long_text_keeps_its_head_and_its_tail():
    text = text_of(HugeError())
    assert text.startswith("headxxx")
    assert text.endswith("xxxtail")
    assert "characters left out" in text


def test_only_our_own_errors_have_a_code():
    class HttpError(Exception):
        code = 404

    assert error_json(HttpError())["code"] == 2
    assert error_json(aios.NotFoundError("no"))["code"] == 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_may_raise_anything_and_its_run_fails_with_the_type(make_manager, kind):
    manager = make_manager(workers=1)

    def broken(data):
        raise kind

    def fine(data):
        return data

    manager.register_workflow(aios.Workflow(id="broken", steps=[broken]))
    manager.register_workflow(aios.Workflow(id="fine", steps=[fine]))
    run = manager.execute_workflow("broken")
    with pytest.raises(aios.WorkflowFailedError, match=kind.__name__):
        run.result(60)
    assert run.status == "FAILED"
    assert manager.execute_workflow("fine", 1).result(60).status == "SUCCESS"


def test_an_isolated_step_may_raise_anything(manager):
    def broken(data):
        class Silent(BaseException):
            def __str__(self):
                if data == "huge":
                    return "x" * 20_000_000
                raise SystemExit(data)

        raise Silent

    step = aios.step(isolated="same", name="s")(broken)
    manager.register_workflow(aios.Workflow(id="w", steps=[step]))
    for data in ("silent", "huge"):
        run = manager.execute_workflow("w", data)
        with pytest.raises(aios.WorkflowFailedError, match="Silent"):
            run.result(60)
        assert len(run.steps[0].error["message"]) <= MAX_ERROR_CHARS


def unrecordable_verdict(context):
    context.verdict = {"checks": object()}


def unrecordable_message(context):
    context.emit(aios.ModelTrained(metrics={"a": object()}))


def unknown_change(context):
    context.add_change("nonsense")


def a_message_without_a_time(context):
    context.add_change(AddMessage(aios.ModelTrained(created=None).to_stored()))


@pytest.mark.parametrize(
    "leave", [unrecordable_verdict, unrecordable_message, unknown_change, a_message_without_a_time]
)
def test_a_step_whose_success_cannot_be_recorded_has_failed(manager, leave):
    def step_(data, context):
        leave(context)
        return 1

    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(step_)]))
    run = manager.execute_workflow("w")
    with pytest.raises(aios.WorkflowFailedError, match=r"in step 's'.*can't be recorded"):
        run.result(60)
    assert run.steps[0].status == "FAILED"


def test_a_step_that_fails_with_a_verdict_that_is_no_json_fails_without_it(manager):
    def step_(data, context):
        context.verdict = object()
        raise ValueError("first")

    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(step_)]))
    run = manager.execute_workflow("w")
    with pytest.raises(aios.WorkflowFailedError, match="first"):
        run.result(60)
    assert run.steps[0].verdict is None
