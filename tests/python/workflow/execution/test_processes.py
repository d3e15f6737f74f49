"""Steps in child processes: crashes, time limits, orphans, and how functions get there."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from workflow_doubles import wait_until

import aios
from aios.workflow.execution.callables import describe, resolve


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def run_one(manager, function, data=None, **options):
    step = aios.step(isolated=True, name="step", **options)(function)
    manager.register_workflow(aios.Workflow(id="w", steps=[step]))
    return manager.execute_workflow("w", data)


def test_a_function_runs_in_another_process_and_its_messages_come_with_it(manager):
    def work(data, context):
        import os

        import aios

        context.emit(aios.ModelTrained(metrics={"n": len(data)}))
        context.report(aios.TrainingProgress(epoch=1))
        return {"pid": os.getpid(), "double": data * 2}

    seen = []
    manager.subscribe(aios.TrainingProgress, seen.append)
    run = run_one(manager, work, np.arange(3))
    run.result(60)
    output = run.output("step")
    assert output["pid"] != os.getpid()
    assert output["double"].tolist() == [0, 2, 4]
    kinds = [type(item).__name__ for item in run.events()]
    assert kinds.count("ModelTrained") == kinds.count("TrainingProgress") == 1
    wait_until(lambda: seen)
    assert seen[0].run_id == run.id


def test_a_lambda_and_a_closure_travel_by_value(manager):
    factor = 7
    run = run_one(manager, lambda data: data * factor, 6)
    run.result(60)
    assert run.output("step") == 42


def test_an_exception_keeps_its_type_and_place(manager):
    def work(data):
        raise ZeroDivisionError("nothing to share")

    with pytest.raises(
        aios.WorkflowFailedError, match="ZeroDivisionError: nothing to share .in work,"
    ):
        run_one(manager, work).result(60)


def test_a_typed_error_stays_typed(manager):
    def work(data):
        import aios

        raise aios.InvalidArgumentError("x: expected more")

    run = run_one(manager, work)
    with pytest.raises(aios.WorkflowFailedError):
        run.result(60)
    assert run.steps[0].error == {
        "type": "InvalidArgumentError",
        "code": 3,
        "message": "x: expected more",
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("os.kill(os.getpid(), 9)", "was killed .SIGKILL.*too much memory; give it more memory"),
        ("os.kill(os.getpid(), 11)", "crashed .SIGSEGV"),
        (
            "print('last words', file=sys.stderr, flush=True); os._exit(3)",
            "with code 3.*last words",
        ),
        ("bytearray(1 << 60)", "MemoryError"),
    ],
)
def test_a_process_that_dies_is_a_failed_step_with_its_reason(manager, body, message):
    namespace = {}
    exec(f"def work(data):\n    import os, sys\n    {body}\n", namespace)
    namespace["work"].__module__ = "__main__"
    with pytest.raises(aios.WorkflowFailedError, match=message):
        run_one(manager, namespace["work"]).result(60)
    run = run_one(manager, lambda data: "the manager lives")
    assert run.result(60).status == "SUCCESS"


def hang(data):
    import os
    import subprocess
    import sys
    import time
    from pathlib import Path

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    draft = Path(data + ".draft")
    draft.write_text(f"{os.getpid()} {child.pid}")
    draft.rename(data)
    time.sleep(600)


def test_a_step_past_its_time_is_killed_with_all_that_it_started(manager, tmp_path):
    path = tmp_path / "pids"
    for limit in (1, 4, 16, 50):  # until it has come as far as to hang
        run = run_one(manager, hang, str(path), timeout_s=limit)
        expected = rf"longer than its timeout_s of {limit}; its processes were"
        with pytest.raises(aios.WorkflowFailedError, match=expected):
            run.result(120)
        if path.exists():
            break
    assert run.steps[0].error["type"] == "DeadlineExceededError"
    pids = [int(item) for item in path.read_text().split()]
    assert len(pids) == 2
    wait_until(lambda: not any(map(lives, pids)))


def test_cancelling_kills_the_process_and_its_group(manager, tmp_path):
    path = tmp_path / "pids"
    run = run_one(manager, hang, str(path))
    wait_until(path.exists)
    run.cancel()
    pids = [int(item) for item in path.read_text().split()]
    wait_until(lambda: not any(map(lives, pids)))


def test_closing_the_manager_kills_the_process(make_manager, tmp_path):
    manager = make_manager()
    path = tmp_path / "pids"
    run_one(manager, hang, str(path))
    wait_until(path.exists)
    manager.close()
    pids = [int(item) for item in path.read_text().split()]
    wait_until(lambda: not any(map(lives, pids)))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_a_killed_manager(tmp_path, number):
    source = f"""
    import sys, time
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    import aios
    from test_processes import hang
    manager = aios.AICellManager(sys.argv[1])
    step = aios.step(isolated=True)(hang)
    manager.register_workflow(aios.Workflow(id="w", steps=[step]))
    manager.execute_workflow("w", sys.argv[2])
    time.sleep(600)
    """
    path = tmp_path / "pids"
    command = [sys.executable, "-c", textwrap.dedent(source), str(tmp_path / "home"), str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    manager = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
    wait_until(path.exists)
    manager.send_signal(number)
    manager.wait(60)
    pids = [int(item) for item in path.read_text().split()]
    wait_until(lambda: not any(map(lives, pids)))


def test_isolated_steps_of_a_run_share_a_process_by_name(manager):
    def pid(data):
        import os

        return os.getpid()

    steps = [
        aios.step(name="a", isolated="x")(pid),
        aios.step(name="b", isolated="x", after="a")(pid),
        aios.step(name="c", isolated="y", after="b")(pid),
    ]
    manager.register_workflow(aios.Workflow(id="w", steps=steps))
    run = manager.execute_workflow("w")
    run.result(60)
    a, b, c = (run.output(name) for name in "abc")
    assert a == b != c
    wait_until(lambda: not lives(a) and not lives(c))


def test_main_is_never_run_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            import aios
            open(sys.argv[2], "a").write("main ran\\n")

            def helper(x):
                return x + 1

            @aios.step(isolated=True)
            def work(data):
                return helper(data)

            with aios.AICellManager(sys.argv[1]) as manager:
                manager.register_workflow(aios.Workflow(id="w", steps=[work]))
                run = manager.execute_workflow("w", 1)
                run.result(60)
                print(run.output("work"))
            """
        )
    )
    log = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "home"), str(log)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout == "2\n", done.stderr
    assert log.read_text() == "main ran\n"


def test_a_pickled_function_is_never_written_to_the_home(manager, tmp_path):
    secret = "text-that-only-the-closure-knows"
    run = run_one(manager, lambda data: len(secret))
    run.result(60)
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_an_importable_function_travels_by_name():
    import json

    assert describe(json.dumps) == {"name": "json:dumps"}
    assert resolve({"name": "json:dumps"}) is json.dumps
    assert "pickle" in describe(lambda: 1)
    assert resolve(describe(lambda: 41))() == 41


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "no_such_module_here:build",
            "can't be imported: No module named.*PYTHONPATH.*then resume",
        ),
        ("json:no_such_function", "json has no 'no_such_function'; register the workflow again"),
    ],
)
def test_a_builder_that_is_gone_says_what_to_do(name, message):
    with pytest.raises(aios.NotFoundError, match=message):
        resolve({"name": name})


def test_a_builder_name_of_another_form_is_refused():
    with pytest.raises(aios.InvalidArgumentError, match="expected a function or 'module:function'"):
        describe("models.build")


def test_a_builder_gone_at_resume_fails_typed_and_goes_on_when_it_is_back(
    make_manager, tmp_path, monkeypatch
):
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def use(data, builder):
        from aios.workflow.execution.callables import resolve

        return resolve({"name": builder})()

    step = aios.step(isolated=True, constants={"builder": "late_module:build"})(use)
    manager = make_manager()
    manager.register_workflow(aios.Workflow(id="w", steps=[step]))
    run = manager.execute_workflow("w")
    with pytest.raises(aios.WorkflowFailedError, match="'late_module:build' can't be imported"):
        run.result(60)
    assert run.steps[0].error["type"] == "NotFoundError"
    (folder / "late_module.py").write_text("def build():\n    return 'built'\n")
    assert manager.resume(run.id).result(60).status == "SUCCESS"
    assert run.output("use") == "built"
