"""Files by content: a damaged one heals when its content comes again; errors keep their owner."""

import errno

import numpy as np
import pytest
from workflow_doubles import flip

import aios
from aios.home.content_store import ContentStore


@pytest.fixture
def store(tmp_path):
    return ContentStore(tmp_path / "objects", tmp_path / "tmp")


def shorten(path):
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize("harm", [flip, shorten, lengthen])
def test_a_damaged_object_heals_when_its_content_is_stored_again(store, tmp_path, harm):
    content = b"content" * 500_000
    ref = store.put_bytes(content, ".bin")
    harm(store.path(ref.sha256, ".bin"))
    assert store.put_bytes(content, ".bin") == ref
    assert store.read_bytes(ref) == content
    (tmp_path / "a.bin").write_bytes(content)
    harm(store.path(ref.sha256, ".bin"))
    assert store.put_file(tmp_path / "a.bin") == ref
    assert store.read_bytes(ref) == content


def test_an_intact_object_is_not_written_again(store):
    ref = store.put_bytes(b"content", ".bin")
    before = store.path(ref.sha256, ".bin").stat()
    store.put_bytes(b"content", ".bin")
    assert store.path(ref.sha256, ".bin").stat().st_ino == before.st_ino


@pytest.mark.parametrize("harm", [flip, shorten])
def test_a_new_run_on_the_same_data_heals_it_and_then_the_old_one_goes_on(manager, harm):
    @aios.step(name="sum")
    def total(data):
        return float(data.sum())

    manager.register_workflow(aios.Workflow(id="w", steps=[total]))
    data = np.arange(100_000.0)
    assert manager.execute_workflow("w", data).result(60).status == "SUCCESS"
    (path,) = manager.home.content.root.rglob("*.npy")
    harm(path)
    assert manager.execute_workflow("w", data).result(60).status == "SUCCESS"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_the_users_own_error_in_a_work_dir_is_not_the_homes(store, code):
    with pytest.raises(OSError, match="of the user's own") as caught, store.work_dir("w"):
        raise OSError(code, "of the user's own")
    assert caught.value.errno == code
    assert list(store.tmp.iterdir()) == []


@pytest.mark.parametrize(
    "own",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        aios.OverloadedError("no space left in my own queue"),
    ],
)
def test_a_steps_own_full_disk_fails_the_step_and_keeps_the_run(manager, own):
    def writes(data, context):
        with context.work_dir():
            raise own

    manager.register_workflow(aios.Workflow(id="w", steps=[writes]))
    run = manager.execute_workflow("w")
    with pytest.raises(aios.WorkflowFailedError, match=f"in step 'writes': {type(own).__name__}"):
        run.result(60)
    assert run.status == "FAILED"


def test_a_file_of_the_users_that_is_missing_or_changing_is_named(store, tmp_path, monkeypatch):
    with pytest.raises(aios.NotFoundError, match=r"none\.bin: no such file"):
        store.put_file(tmp_path / "none.bin")
    with pytest.raises(aios.FailedPreconditionError, match="can't be read"):
        store.put_file(tmp_path)
    growing = tmp_path / "growing.bin"
    growing.write_bytes(b"first")
    original = ContentStore._write

    def grows_first(self, place, content):
        growing.write_bytes(b"second")
        original(self, place, content)

    monkeypatch.setattr(ContentStore, "_write", grows_first)
    with pytest.raises(aios.FailedPreconditionError, match="changed while it was stored"):
        store.put_file(growing)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_a_list_of_many_results_is_kept_in_a_file(manager):
    """5,000 elements made a record of 539 kB, written at each end of a step."""

    def many(data):
        return list(range(300))

    @aios.step(over="many")
    def each(many):
        return many * 2

    def last(each):
        return sum(each)

    manager.register_workflow(aios.Workflow(id="w", steps=[many, each, last]))
    run = manager.execute_workflow("w")
    run.result(60)
    assert run.output("each") == [2 * number for number in range(300)]
    assert run.output("last") == 300 * 299
    kept = manager.home.store.steps(run.id)["each"]
    assert kept.output["count"] == 300
    assert "inline" not in kept.output
    assert len(kept.to_json()) < 16 << 10
