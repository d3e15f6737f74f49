"""What the child process of a step does, and what it never does."""

import os
import subprocess
import sys
import textwrap

import numpy as np
from workflow_doubles import run_one, wait_until

import aios


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
