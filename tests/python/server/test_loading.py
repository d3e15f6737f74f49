"""Models are loaded once for one content, and are warm before they answer."""

import os
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

import aios
from aios.server.folder import FoundModel
from aios.server.loading import SharedBridges, loaders, return_memory, warm_up

SECONDS = 30


class Bridge:
    def __init__(self):
        self.closed = 0

    def close(self):
        self.closed += 1


def _found(path, stamp=1):
    return FoundModel(path, (stamp,), is_proven=True)


@pytest.fixture
def two(trial, tmp_path):
    """Two bundles of one content."""
    return [_found(shutil.copytree(trial, tmp_path / name)) for name in ("a.cell", "b.cell")]


def test_one_content_is_loaded_once_and_closed_with_its_last_holder(two):
    shared = SharedBridges()
    first = shared.take(two[0], (), Bridge)
    assert shared.take(two[1], (), Bridge) is first
    shared.give_back(first)
    assert first.closed == 0
    shared.give_back(first)
    assert first.closed == 1
    assert shared.take(two[1], (), Bridge) is not first


def test_other_options_and_other_contents_are_other_models(two):
    shared = SharedBridges()
    first = shared.take(two[0], ("litert",), Bridge)
    assert shared.take(two[1], ("compiled",), Bridge) is not first
    (two[1].path / "manifest.json").write_text("{}")
    assert shared.take(two[1], ("litert",), Bridge) is not first


def test_a_bundle_that_says_the_same_but_is_damaged_does_not_join(two):
    shared = SharedBridges()
    first = shared.take(two[0], (), Bridge)
    (two[1].path / "golden.safetensors").write_bytes(b"x")
    with pytest.raises(aios.CorruptBundleError, match=r"golden\.safetensors"):
        shared.take(two[1], (), Bridge)
    shared.give_back(first)
    assert first.closed == 1


def test_who_waits_for_one_that_fails_has_an_error_of_its_own(two):
    shared, started, go_on, errors = SharedBridges(), threading.Event(), threading.Event(), []

    def fails():
        started.set()
        assert go_on.wait(SECONDS)
        raise aios.NotFoundError("the first")

    def fails_too():
        raise aios.NotFoundError("the second")

    def take(found, load):
        with pytest.raises(aios.NotFoundError) as caught:
            shared.take(found, (), load)
        errors.append(str(caught.value))

    first = threading.Thread(target=take, args=(two[0], fails))
    first.start()
    assert started.wait(SECONDS)
    second = threading.Thread(target=take, args=(two[1], fails_too))
    second.start()
    go_on.set()
    first.join(SECONDS)
    second.join(SECONDS)
    assert sorted(errors) == ["the first", "the second"]


@pytest.mark.parametrize(
    ("shape", "batches"), [((-1, 2), [1, 2, 4, 8, 16, 32]), ((3, 2), [3]), ((-1, -1), None)]
)
def test_it_is_warm_in_every_batch_size(shape, batches):
    called = []
    spec = SimpleNamespace(name="x", dtype="float32", shape=shape)
    bridge = SimpleNamespace(
        engine="compiled",
        signature=SimpleNamespace(inputs=[spec]),
        perform_inference=lambda x: called.append(x["x"].shape),
    )
    warm_up(bridge)
    assert sorted({size[0] for size in called}) == (batches or [1, 2, 4, 8, 16, 32])
    assert {size[1] for size in called} == {1 if shape[1] < 0 else 2}


def test_a_model_that_zeros_do_not_suit_is_warmed_up_all_the_same():
    def refuse(_x):
        raise aios.InvalidArgumentError("x: expected no zeros")

    spec = SimpleNamespace(name="x", dtype="string", shape=(-1,))
    warm_up(
        SimpleNamespace(
            engine="compiled", signature=SimpleNamespace(inputs=[spec]), perform_inference=refuse
        )
    )


def test_there_is_one_loader_at_least_and_memory_can_be_returned():
    assert loaders() >= 1
    return_memory()


def test_what_has_no_manifest_is_known_by_its_place():
    shared = SharedBridges()
    first = shared.take(_found(Path("none")), (), Bridge)
    assert shared.take(_found(Path("none"), 2), (), Bridge) is not first


def test_a_manifest_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "manifest.json")
    taken = threading.Thread(
        target=SharedBridges().take, args=(_found(tmp_path), (), Bridge), daemon=True
    )
    taken.start()
    taken.join(SECONDS)
    assert not taken.is_alive()
