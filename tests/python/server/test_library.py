"""What is served follows what is wanted, with bundles and a data plane of the test's own."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import aios
from aios.server.config import ServerConfig
from aios.server.folder import FoundModel, VersionKey
from aios.server.library import ModelLibrary, State
from aios.server.wanted import Wanted

KEY = VersionKey("m", 1)
CONFIG = ServerConfig()


class Bridge:
    """Knows what it was called with."""

    def __init__(self, found):
        self.found = found
        self.engine = "compiled"
        self.batches = []
        self.closed = False
        spec = SimpleNamespace(name="x", dtype="float32", shape=(-1, 2))
        self.signature = SimpleNamespace(inputs=[spec])

    def perform_inference(self, x):
        self.batches.append(x["x"].shape[0])
        return np.zeros(1)

    def close(self):
        self.closed = True


class Plane:
    """Remembers the last table."""

    def __init__(self):
        self.used = []

    def serve(self, name, version, cell, class_labels):
        return SimpleNamespace(name=name, version=version, cell=cell)

    def use(self, models, routes):
        self.routes = routes
        self.used = [(model.name, model.version, model.cell.found.stamp[0]) for model in models]


def found(stamp, path="a"):
    return FoundModel(Path(path), (stamp,), is_proven=True)


@pytest.fixture
def plane():
    return Plane()


@pytest.fixture
def library(plane):
    def load(_key, one):
        if one.path == Path("broken"):
            raise aios.CorruptBundleError("golden.safetensors: another hash")
        if one.path == Path("bug"):
            raise ZeroDivisionError("oops")
        return Bridge(one)

    return ModelLibrary(plane, load, CONFIG)


def test_what_is_new_is_loaded_and_what_is_gone_is_closed(library, plane):
    library.sync(Wanted({KEY: found(1), VersionKey("m", 2): found(2)}))
    assert plane.used == [("m", 1, 1), ("m", 2, 2)]
    first = library.entries()[0].bridge
    library.sync(Wanted({VersionKey("m", 2): found(2)}))
    assert plane.used == [("m", 2, 2)]
    assert first.closed
    assert [entry.key.version for entry in library.entries()] == [2]


def test_a_version_is_warm_in_every_batch_size_before_it_answers(library):
    library.sync(Wanted({KEY: found(1)}))
    (entry,) = library.entries()
    assert sorted(set(entry.bridge.batches)) == [1, 2, 4, 8, 16, 32]


def test_another_bundle_takes_over_and_the_one_before_is_closed(library, plane):
    library.sync(Wanted({KEY: found(1)}))
    before = library.entries()[0].bridge
    library.sync(Wanted({KEY: found(2)}))
    assert plane.used == [("m", 1, 2)]
    assert before.closed


def test_what_did_not_change_is_not_loaded_again(library):
    library.sync(Wanted({KEY: found(1)}))
    before = library.entries()[0].bridge
    library.sync(Wanted({KEY: found(1)}))
    assert library.entries()[0].bridge is before
    assert not before.closed


def test_a_bundle_that_fails_leaves_the_one_before_answering_with_the_reason(library, plane):
    library.sync(Wanted({KEY: found(1)}))
    library.sync(Wanted({KEY: found(2, "broken")}))
    assert plane.used == [("m", 1, 1)]
    (entry,) = library.entries()
    assert entry.state is State.AVAILABLE
    assert not entry.bridge.closed
    assert str(entry.error) == "golden.safetensors: another hash"
    library.sync(Wanted({KEY: found(3)}))
    assert plane.used == [("m", 1, 3)]
    assert library.entries()[0].error is None


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("broken", aios.CorruptBundleError, "another hash"),
        ("bug", aios.InternalError, "ZeroDivisionError: oops"),
    ],
)
def test_a_version_that_fails_has_ended_with_its_reason(library, plane, path, error, words):
    library.sync(Wanted({KEY: found(1, path)}))
    (entry,) = library.entries()
    assert (entry.state, entry.model, plane.used) == (State.END, None, [])
    assert isinstance(entry.error, error)
    assert words in str(entry.error)


def test_it_is_ready_when_every_name_has_a_version_that_answers(library):
    assert not library.is_ready
    library.sync(Wanted({KEY: found(1), VersionKey("n", 1): found(1, "broken")}))
    assert not library.is_ready
    library.sync(Wanted({KEY: found(1), VersionKey("m", 2): found(1, "broken")}))
    assert library.is_ready


def test_closing_takes_everything_down(library, plane):
    library.sync(Wanted({KEY: found(1)}))
    bridge = library.entries()[0].bridge
    library.close()
    assert plane.used == []
    assert bridge.closed


def test_what_failed_is_tried_again_when_one_of_its_files_came(plane, tmp_path):
    tried = []

    def load(_key, one):
        tried.append(one)
        if not (one.path / "variables" / "data").exists():
            raise aios.CorruptBundleError("data: missing")
        return Bridge(one)

    library = ModelLibrary(plane, load, CONFIG)
    wanted = {KEY: found(1, tmp_path)}
    library.sync(Wanted(wanted))
    library.sync(Wanted(wanted))
    assert (len(tried), library.entries()[0].state) == (1, State.END)
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "data").touch()
    library.sync(Wanted(wanted))
    library.sync(Wanted(wanted))
    assert (len(tried), library.entries()[0].state) == (2, State.AVAILABLE)


def test_calls_are_routed_as_is_wanted(library, plane):
    two = VersionKey("m", 2)
    found_both = {KEY: found(1), two: found(2)}
    library.sync(Wanted(found_both, labels={"m": {"stable": 1}}, usual={"m": 1}))
    assert plane.routes == {"m": ({"stable": 1}, 1, None)}
    library.sync(Wanted(found_both, labels={"m": {"stable": 2}}, usual={"m": 2}))
    assert plane.routes == {"m": ({"stable": 2}, 2, None)}


def test_a_version_that_is_not_wanted_stays_until_one_that_is_answers(library, plane):
    two = VersionKey("m", 2)
    library.sync(Wanted({KEY: found(1)}))
    library.sync(Wanted({two: found(2, "broken")}, spare={KEY: found(1)}))
    assert plane.used == [("m", 1, 1)]
    assert [entry.state for entry in library.entries()] == [State.AVAILABLE, State.END]
    library.sync(Wanted({two: found(3)}, spare={KEY: found(1)}))
    assert plane.used == [("m", 2, 3)]


def test_one_content_under_two_names_is_loaded_once(plane, tmp_path):
    loaded = []

    def load(_key, one):
        loaded.append(Bridge(one))
        return loaded[-1]

    library = ModelLibrary(plane, load, ServerConfig())
    one = found(1, tmp_path)
    library.sync(Wanted({KEY: one, VersionKey("n", 4): one}))
    assert len(loaded) == 1
    assert plane.used == [("m", 1, 1), ("n", 4, 1)]
    library.sync(Wanted({VersionKey("n", 4): one}))
    assert not loaded[0].closed
    library.close()
    assert loaded[0].closed
