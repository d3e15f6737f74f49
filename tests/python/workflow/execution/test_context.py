"""What a step can do by its context."""

from workflow_doubles import register

import aios


def test_a_step_can_make_an_outside_effect_once(manager):
    calls = []

    @aios.step(retries=3, backoff_s=0.01)
    def pays(data, context):
        receipt = context.once("payment", lambda: calls.append(1) or len(calls))
        if context.attempt < 3:
            raise OSError("after the effect")
        return receipt

    register(manager, pays)
    run = manager.execute_workflow("w")
    run.result(60)
    assert len(calls) == 1
    assert run.output("pays") == 1
