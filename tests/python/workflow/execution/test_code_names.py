"""What a function's code names is found without running it."""

import json
import textwrap

from aios.workflow.execution.code_names import names_of, source_of


def names(source, package=""):
    namespace = {}
    exec(textwrap.dedent(source), namespace)
    return names_of(namespace["f"].__code__, package)


def test_globals_and_what_is_reached_through_them_are_named():
    found = names("def f(x):\n    return helpers.deep.clean(x) + LIMIT")
    assert ("helpers", "deep", "clean") in found.chains
    assert ("LIMIT",) in found.chains


def test_functions_inside_count_too():
    found = names("def f(x):\n    return [g(y) for y in x], (lambda: h)()")
    assert {("g",), ("h",)} <= found.chains


def test_imports_inside_are_named_and_relative_ones_from_their_package():
    found = names("def f():\n    import os.path\n    from json import dumps, loads")
    assert {"os.path", "json", "json.dumps", "json.loads"} <= found.imports
    found = names("def f():\n    from . import a\n    from ..up import b", "pack.inner")
    assert {"pack.inner.a", "pack.up", "pack.up.b"} <= found.imports


def test_the_file_of_a_module_is_found_without_importing_it(tmp_path, monkeypatch):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "pack" / "part.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert source_of("pack.part") == tmp_path / "pack" / "part.py"
    assert source_of("pack") == tmp_path / "pack" / "__init__.py"
    assert str(source_of("json")) == json.__file__
    assert source_of("pack.absent") is None
    assert source_of("sys") is None
