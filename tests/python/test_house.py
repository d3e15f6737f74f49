"""Imports point down: no circle, and no room that imports one above it, in Python and in C++.

Every import counts: at the top of a module, inside a function, for types only, and by a text that
names a module. What a lower room must reach above it registers in a table of the lower one.
"""

import ast
import functools
import re
from pathlib import Path

import pytest

from aios.bridge import fallback

REPOSITORY = Path(__file__).resolve().parents[2]

#: Lowest first. `_core` is the C++ extension; the face, `aios` itself, is above all of them.
ROOMS = (
    "_core", "errors", "version", "installed", "tensorflow_log", "bundle", "home", "compiler",
    "bridge", "proving", "registry", "telemetry", "deployment", "exporting", "training", "workflow",
    "server", "cluster", "cli",
)  # fmt: skip
CPP_ROOMS = ("core", "bundle", "engines", "runtime", "server", "c", "python")


def _sources():
    """Every module's text, by its dotted name."""
    root = REPOSITORY / "python"
    found = {"aios._core": ""}
    for path in (root / "aios").rglob("*.py"):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path.read_text()
    return found


def _imports(sources, asked=None):
    """For every module, the modules that it imports anywhere in its text, or asks for otherwise."""
    return {
        name: {
            target
            for wanted in (asked or _asked)(text)
            if (target := _module(sources, wanted)) and target != name
        }
        for name, text in sources.items()
    }


@functools.cache
def _asked(text):
    """The dotted names that a module's text imports."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@functools.cache
def _named(text):
    """The modules that a module's texts name, as "aios.room.module" or "aios.room.module:thing"."""
    values = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    pattern = re.compile(r"(aios(?:\.\w+){2,})(?::\w+)?")
    return [found[1] for value in map(str, values) if (found := pattern.fullmatch(value))]


def _module(sources, name):
    """The module that a dotted name is in; empty for one that isn't ours."""
    while name and name not in sources:
        name = name.rpartition(".")[0]
    return name


def _upward(imports):
    def room(module):
        parts = module.split(".")
        # The face and `python -m aios` are on top.
        return ROOMS.index(parts[1]) if len(parts) > 1 and parts[1] != "__main__" else len(ROOMS)

    return sorted(
        f"{module} imports {target}"
        for module, targets in imports.items()
        for target in targets
        if room(target) > room(module)
    )


def _circles(imports):
    """Modules that import one another, by taking away what imports nothing that is left."""
    left = {module: set(targets) for module, targets in imports.items()}
    while ends := {module for module, targets in left.items() if not targets & left.keys()}:
        left = {module: targets for module, targets in left.items() if module not in ends}
    while tops := left.keys() - set().union(*left.values()):
        left = {module: targets for module, targets in left.items() if module not in tops}
    return sorted(left)


def test_every_room_is_in_the_list():
    found = {name.split(".")[1] for name in _sources() if "." in name}
    assert found - {"__main__"} <= set(ROOMS)


def test_no_module_imports_one_of_a_higher_room():
    assert _upward(_imports(_sources())) == []


def test_no_module_names_one_of_a_higher_room():
    assert _upward(_imports(_sources(), _named)) == []


def test_no_modules_import_one_another():
    assert _circles(_imports(_sources())) == []


@pytest.mark.parametrize(
    "text",
    [
        "from aios.cli.output import data",
        "def late():\n    from aios.workflow import manager",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import aios",
    ],
)
def test_an_import_that_points_up_is_found(text):
    sources = {**_sources(), "aios.bundle.new": text}
    (found,) = _upward(_imports(sources))
    assert found.startswith("aios.bundle.new imports aios")


@pytest.mark.parametrize("name", ["aios.workflow.gates", "aios.workflow.gates:Gates"])
def test_a_text_that_names_a_higher_module_is_found(name):
    sources = {**_sources(), "aios.bundle.new": f"CLASSES = {{'Gates': '{name}'}}"}
    (found,) = _upward(_imports(sources, _named))
    assert found == "aios.bundle.new imports aios.workflow.gates"


def test_a_circle_is_found():
    sources = {
        **_sources(),
        "aios.bundle.one": "def late():\n    from aios.bundle import two",
        "aios.bundle.two": "from aios.bundle.three import x",
        "aios.bundle.three": "import aios.bundle.one",
        "aios.bundle.user": "import aios.bundle.one",
    }
    assert _circles(_imports(sources)) == [f"aios.bundle.{n}" for n in ("one", "three", "two")]


def _includes():
    """(file, room, included room) of every include of one C++ room by another."""
    for path in sorted((REPOSITORY / "src").rglob("*")):
        if path.suffix not in (".cpp", ".hpp", ".cc", ".h", ".c"):
            continue
        room = path.relative_to(REPOSITORY / "src").parts[0]
        for other in re.findall(r'^#include "(\w+)/', path.read_text(), re.MULTILINE):
            if other in CPP_ROOMS:
                yield path.name, room, other


def test_no_cpp_file_includes_one_of_a_higher_room():
    found = list(_includes())
    assert len(found) > 100
    upward = [
        f"{name} ({room}) includes {other}"
        for name, room, other in found
        if CPP_ROOMS.index(other) > CPP_ROOMS.index(room)
    ]
    assert upward == []


def test_no_cpp_file_but_its_own_folder_and_the_table_names_an_engine():
    names = "|".join(facts.name for facts in fallback.engines())
    found = [
        f"{path.relative_to(REPOSITORY)}: {line.strip()}"
        for path in sorted((REPOSITORY / "src").rglob("*"))
        if path.suffix in (".cpp", ".hpp", ".cc") and path.name != "engine_table.cpp"
        for line in path.read_text().splitlines()
        for name in re.findall(rf"[\"'](?:{names})[\"']", line.partition("//")[0])
        if path.parent.name != name[1:-1]
    ]
    assert found == []
