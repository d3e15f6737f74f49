"""What the core tells of its engines, and where their libraries are."""

import sys

import pytest

import aios
from aios.bridge import engines, fallback
from aios.bridge.core import core
from aios.bridge.fallback.candidate import LOADERS
from aios.bridge.fallback.engine_table import INTERPRETED
from aios.bridge.fallback.records import EngineFacts


def _told(facts):
    return {name: getattr(facts, name) for name in EngineFacts.__dataclass_fields__}


@pytest.mark.native
def test_both_cores_tell_the_same_of_every_engine():
    assert [_told(facts) for facts in core.engines()] == [
        _told(facts) for facts in fallback.engines()
    ]


def test_every_interpreted_engine_has_a_loader():
    assert tuple(LOADERS) == INTERPRETED
    assert set(INTERPRETED) <= set(engines.engine_names())


def test_an_unknown_engine_is_named_with_those_that_there_are():
    with pytest.raises(aios.NotFoundError, match="'abacus' isn't part of this build; it has: comp"):
        engines.facts_of("abacus")


def test_the_path_is_of_the_file_that_the_table_names(tmp_path, monkeypatch):
    (tmp_path / "ai_edge_litert").mkdir()
    library = tmp_path / "ai_edge_litert" / engines.facts_of("litert").file
    library.touch()
    (tmp_path / "ai_edge_litert/__init__.py").touch()
    # An imported package would be found where it was imported from.
    monkeypatch.delitem(sys.modules, "ai_edge_litert", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    # One that is imported is found where it was.
    monkeypatch.delitem(sys.modules, "ai_edge_litert", raising=False)
    assert engines.library_path("litert") == str(library)
    assert engines.library_paths()["litert"] == str(library)


def test_an_engine_of_our_own_has_no_library():
    assert engines.library_path("compiled") == ""
    assert "compiled" not in engines.library_paths()


def test_messages_name_the_vendor_where_there_is_one():
    assert engines.vendor_of("openvino") == "OpenVINO"
    assert engines.vendor_of("compiled") == "engine 'compiled'"
    assert engines.vendor_of("abacus") == "engine 'abacus'"
