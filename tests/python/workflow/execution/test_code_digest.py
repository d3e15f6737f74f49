import importlib
import shutil
import sys
import textwrap
import threading

import numpy as np
import pytest

import aios
from aios.workflow.execution.code_digest import is_project, step_code
from aios.workflow.steps import Step


def code_of(source, name="f", constants=None):
    """The hash of a function compiled from `source`, as a module that its user edits."""
    namespace = {"__name__": "__main__"}
    exec(textwrap.dedent(source), namespace)
    return step_code(Step(namespace[name], constants=constants or {}))


BASE = """
def helper(x):
    return x + 1

LIMIT = 3

def f(data):
    return helper(data) * LIMIT
"""


def test_comments_layout_and_docstring_do_not_count():
    same = """
    # a comment
    LIMIT = 3


    def helper(x):

        return x + 1  # same

    def f(data):
        '''Documented now.'''
        return helper(data) * LIMIT
    """
    assert code_of(BASE) == code_of(same)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("* LIMIT", "+ LIMIT"),
        ("LIMIT = 3", "LIMIT = 4"),
        ("helper(data)", "helper(x=data)"),
        ("x + 1", "x + 2"),
        ("def f(data)", "def f(data, extra=None)"),
    ],
)
def test_code_constants_and_called_functions_count(old, new):
    assert old in BASE
    assert code_of(BASE) != code_of(BASE.replace(old, new))


def test_closures_count_by_content():
    def make(rate, weights):
        def f(data):
            return data * rate * weights

        return step_code(Step(f))

    assert make(1, np.ones(3)) == make(1, np.ones(3))
    assert make(1, np.ones(3)) != make(2, np.ones(3))
    assert make(1, np.ones(3)) != make(1, np.zeros(3))


def test_constants_and_the_version_count():
    def f(data, rate):
        return data

    base = step_code(Step(f, constants={"rate": 1}))
    assert base == step_code(Step(f, constants={"rate": 1}))
    assert base != step_code(Step(f, constants={"rate": 2}))
    assert base != step_code(Step(f, constants={"rate": 1}, version="2"))


def test_the_hash_does_not_depend_on_set_order_or_addresses():
    source = "def f(data):\n    return data in {'a', 'b', 'c', 'd'} or print\n"
    assert code_of(source) == code_of(source)


def test_recursive_functions_end():
    source = "def f(data):\n    return f(data)\n"
    assert len(code_of(source).hash) == 32


def test_installed_packages_count_by_name_only(monkeypatch):
    source = "import numpy as np\ndef f(data):\n    return np.mean(data)\n"
    assert code_of(source) == code_of(source.replace("numpy as np", "numpy as np; unused = 1"))


HELPERS = """
import logging

RATE = 3
LIMITS = {"low": 1}
log = logging.getLogger("x")

class Scale:
    FACTOR = 2

    @property
    def twice(self):
        return 2 * self.FACTOR

class Child(Scale):
    pass

def clean(x):
    return _inner(x) * RATE

def _inner(x):
    return x + 1

def unused(x):
    return x
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Hashes `f` of a file beside modules of the test, each time as if in a new process."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def hash_of(source, **modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        for name in [*modules, "flow"]:
            sys.modules.pop(name, None)
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        (tmp_path / "flow.py").write_text(textwrap.dedent(source))
        is_project.cache_clear()
        return step_code(Step(importlib.import_module("flow").f))

    return hash_of


@pytest.mark.parametrize(
    "body",
    [
        "import helpers\ndef f(data):\n    return helpers.clean(data)",
        "import helpers as h\ndef f(data):\n    return list(map(h.clean, data))",
        "import helpers\ndef f(data):\n    return [helpers.clean(x) for x in data]",
        "import helpers\ndef f(data):\n    return (lambda x: helpers.clean(x))(data)",
        "from helpers import clean\ndef f(data):\n    return clean(data)",
        "def f(data):\n    import helpers\n    return helpers.clean(data)",
        "def f(data):\n    from helpers import clean\n    return clean(data)",
        "import helpers\ndef use(module, x):\n    return module.clean(x)\n"
        "def f(data):\n    return use(helpers, data)",
        "def make():\n    import helpers\n    def g(data):\n        return helpers.clean(data)\n"
        "    return g\nf = make()",
    ],
)
@pytest.mark.parametrize(
    ("old", "new"), [("RATE = 3", "RATE = 4"), ("x + 1", "x + 2"), ("* RATE", "+ RATE")]
)
def test_what_is_reached_through_a_module_of_the_project_counts(project, body, old, new):
    assert old in HELPERS
    assert (
        project(body, helpers=HELPERS).hash != project(body, helpers=HELPERS.replace(old, new)).hash
    )
    assert project(body, helpers=HELPERS).hash == project(body, helpers=HELPERS).hash


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("helpers.RATE", "RATE = 3", "RATE = 4"),
        ("helpers.LIMITS['low']", '"low": 1', '"low": 2'),
        ("helpers.Scale.FACTOR", "FACTOR = 2", "FACTOR = 3"),
        ("helpers.Scale().twice", "2 * self", "3 * self"),
        ("helpers.Child.FACTOR", "FACTOR = 2", "FACTOR = 3"),
    ],
)
def test_values_and_classes_of_a_module_count(project, name, old, new):
    body = f"import helpers\ndef f(data):\n    return {name}"
    edited = HELPERS.replace(old, new)
    assert edited != HELPERS
    assert project(body, helpers=HELPERS).hash != project(body, helpers=edited).hash


def test_what_a_module_has_and_the_step_does_not_name_does_not_count(project):
    body = "import helpers\ndef f(data):\n    return helpers.clean(data)"
    edited = HELPERS.replace("def unused(x):\n    return x", "def unused(x):\n    return -x")
    assert edited != HELPERS
    assert project(body, helpers=HELPERS) == project(body, helpers=edited)


def test_modules_are_followed_into_modules_and_packages(project, tmp_path):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    body = "import middle\ndef f(data):\n    return middle.deep.answer(data)"
    middle = "import pkg.deep as deep\n"

    def hash_of(number):
        (package / "deep.py").write_text(f"def answer(data):\n    return {number}\n")
        for name in ("pkg", "pkg.deep"):
            sys.modules.pop(name, None)
        shutil.rmtree(package / "__pycache__", ignore_errors=True)
        return project(body, middle=middle).hash

    assert hash_of(1) == hash_of(1) != hash_of(2)


def test_a_decorator_of_the_project_counts(project):
    decorator = """
    import functools
    def scaled(function):
        @functools.wraps(function)
        def wrapper(data):
            return function(data) * 3
        return wrapper
    """
    body = "from deco import scaled\n@scaled\ndef f(data):\n    return data"
    assert (
        project(body, deco=decorator).hash != project(body, deco=decorator.replace("3", "4")).hash
    )
    cached = "import functools\n@functools.lru_cache\ndef g(x):\n    return x + 1\n"
    body = "def f(data):\n    return g(data)"
    assert project(cached + body).hash != project(cached.replace("+ 1", "+ 2") + body).hash


def test_what_cannot_be_seen_is_told(project):
    body = """
    import logging, re, threading
    import sklearn.metrics
    import helpers

    class Settings:
        pass

    log = logging.getLogger("x")
    pattern = re.compile("a")
    settings = Settings()

    def f(data, context):
        from keras import ops
        log.info(pattern.match(data), helpers.absent(), sklearn.metrics.r2_score, helpers.log)
        return settings, ops
    """
    code = project(body, helpers=HELPERS)
    assert code.unseen == (
        "helpers.absent (not there yet)",
        "settings (Settings)",
        "the version of keras",
        "the version of sklearn",
    )
    named = step_code(Step(sys.modules["flow"].f, packages=("keras", "scikit-learn")))
    assert "the version of keras" not in named.unseen


def test_the_hash_of_the_standard_steps_is_the_same_in_every_process(run_python):
    code = """
import aios
from aios.workflow.execution.code_digest import is_project, step_code
for step in aios.Workflow(id="w", training=aios.TrainingConfig()).plan.steps.values():
    print(step.name, *step_code(step))
"""
    first = run_python(code, PYTHONHASHSEED="1")
    assert first == run_python(code, PYTHONHASHSEED="2")
    assert len(first.splitlines()) == 10


def test_a_list_that_holds_itself_ends():
    knot = [1]
    knot.append(knot)

    def f(data):
        return knot

    assert step_code(Step(f)) == step_code(Step(f))


def test_show_tells_what_was_not_seen(manager):
    event = threading.Event()

    def waits(data):
        return event.is_set()

    manager.register_workflow(aios.Workflow(id="w", steps=[waits]))
    run = manager.execute_workflow("w")
    run.result(60)
    assert run.steps[0].unseen == ("event (Event)",)


def test_the_names_of_keyword_arguments_count():
    source = "def f(data):\n    return dict(a=data, b=1)\n"
    assert code_of(source) == code_of(source)
    assert code_of(source) != code_of(source.replace("b=1", "c=1"))
