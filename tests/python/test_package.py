import re
from pathlib import Path

import pytest

import aios

HEAVY = ("tensorflow", "keras", "typer", "rich", "sqlite3", "ai_edge_litert", "aios.workflow")


def test_importing_the_package_imports_nothing_heavy(run_python):
    loaded = run_python("import sys, aios; print(*sys.modules)").split()
    assert not [name for name in HEAVY if name in loaded]


def test_loading_a_bundle_imports_no_tensorflow(run_python, digits):
    code = f"import sys, aios; aios.load({str(digits.bundle)!r}); print(*sys.modules)"
    loaded = run_python(code).split()
    assert not {"tensorflow", "keras", "ai_edge_litert"}.intersection(loaded)


def test_every_public_name_resolves():
    for name in dir(aios):
        assert getattr(aios, name) is not None


def test_exporting_does_not_hide_the_function_export():
    import aios.exporting

    assert callable(aios.export)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'abacus'"):
        _ = aios.abacus


def test_every_error_is_also_the_builtin_that_users_expect():
    assert issubclass(aios.InvalidArgumentError, ValueError)
    assert issubclass(aios.NotFoundError, LookupError)
    assert issubclass(aios.UnsupportedError, NotImplementedError)
    assert issubclass(aios.DeadlineExceededError, TimeoutError)
    codes = [getattr(aios, name).code for name in dir(aios) if name.endswith("Error")]
    assert set(codes) == {2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 14, 15}


def test_the_committed_stubs_are_what_the_extension_says_of_itself():
    stubgen = pytest.importorskip("nanobind.stubgen", reason="needs nanobind: make test has it")
    import aios._core as core

    generator = stubgen.StubGen(core, include_private=True)
    generator.put(core)
    committed = (Path(__file__).parents[2] / "python/aios/_core.pyi").read_text()
    assert _words(generator.get()) == _words(committed), "run: make stubs"


def _words(stub):
    return re.sub(r"\s+", " ", stub)
