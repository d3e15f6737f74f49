"""A run's writer commits what its machine decides, and loses nothing that the machine was told."""

import aios
from aios.workflow.execution.inline import InlineExecutor
from aios.workflow.execution.run_events import RetryDue


def writer_of(manager, run):
    return manager._host._writers[run.id]


def test_a_retry_that_is_due_while_all_places_are_taken_still_comes(make_manager):
    inline, failed = InlineExecutor(), []
    manager = make_manager(executor=inline)

    @aios.step(over="parts", retries=1, backoff_s=3600)
    def each(parts):
        if parts == 0 and not failed:
            failed.append(parts)
            raise OSError("once")
        return parts

    manager.register_workflow(
        aios.Workflow(id="w", steps=[aios.step(name="parts")(lambda data: data), each])
    )
    run = manager.execute_workflow("w", list(range(20)))
    inline.run("parts")
    inline.run("each[0]")
    writer = writer_of(manager, run)
    assert len(writer.machine.running) == writer.machine.parallel == 16
    writer.deliver(RetryDue("each[0]"))
    inline.run_all()
    assert run.status == "SUCCESS"
    assert run.output("each") == list(range(20))
