"""Every run machine is checked after each event that it takes, in all tests of workflows."""

import pytest

from aios.workflow.execution.run_machine import RunMachine


@pytest.fixture(scope="module", autouse=True)
def valid_machines():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("start", "handle"):
            patch.setattr(RunMachine, name, _checked(getattr(RunMachine, name)))
        yield


def _checked(method):
    def checked(self, *arguments):
        instructions = method(self, *arguments)
        self.validate()
        return instructions

    return checked
