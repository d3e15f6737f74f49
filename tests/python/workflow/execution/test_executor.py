"""The table of executors: by name, by an entry point of a package, or an object of one's own."""

import pytest

import aios
from aios.workflow.execution import executor
from aios.workflow.execution.executor import Limits, make_executor, register_executor
from aios.workflow.execution.inline import InlineExecutor

LIMITS = Limits(threads=3, processes=2)


@pytest.fixture(autouse=True)
def table(monkeypatch):
    monkeypatch.setattr(executor, "_TABLE", {})


def test_a_registered_executor_is_made_with_the_managers_limits():
    made = []
    register_executor("far", lambda limits: made.append(limits) or InlineExecutor())
    assert isinstance(make_executor("far", LIMITS), InlineExecutor)
    assert made == [LIMITS]


def test_a_package_adds_an_executor_by_an_entry_point(tmp_path, monkeypatch):
    (tmp_path / "far_away.py").write_text(
        "from aios.workflow.execution.inline import InlineExecutor\n"
        "class Far(InlineExecutor):\n"
        "    def __init__(self, limits):\n"
        "        super().__init__()\n"
        "        self.limits = limits\n"
    )
    package = tmp_path / "far_away-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: far-away\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[aios.executors]\nfar = far_away:Far\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    made = make_executor("far", LIMITS)
    assert (type(made).__name__, made.limits) == ("Far", LIMITS)


def test_an_unknown_executor_is_refused_with_the_known_ones():
    register_executor("far", lambda limits: InlineExecutor())
    with pytest.raises(aios.NotFoundError, match=r"no executor 'ray'.*there are: far, local"):
        make_executor("ray", LIMITS)


def test_the_name_of_the_local_executors_is_taken():
    with pytest.raises(aios.InvalidArgumentError, match="another one than 'local'"):
        register_executor("local", lambda limits: InlineExecutor())
