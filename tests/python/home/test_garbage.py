"""Removal beside writers, and killed at any moment: what is named is never lost."""

import os
import threading

import numpy as np
import pytest
from workflow_doubles import wait_until

import aios
from aios.home import garbage
from aios.home.codec import ValueRef, load_value, store_value
from aios.home.content_store import ContentStore
from aios.home.garbage import Named, collect, hashes
from aios.home.home_files import HomeFiles
from aios.home.pins import PinFile


class Records:
    """Stands for a database: what is committed names contents."""

    def __init__(self):
        self.texts = []

    def named(self, home):
        found = garbage.Trees(home).with_all_under(hashes(" ".join(map(str, self.texts))))
        return Named(found, found)


def contents(home):
    return {path.name for path in home.content.root.rglob("*") if path.is_file()}


def put(home, value, records=None):
    """Store a value as a piece of work that commits its reference, or doesn't."""
    with home.work() as work:
        ref = store_value(value, work.content)
        if records is not None:
            records.texts.append(ref.to_json())
    return ref


def test_what_nothing_names_goes_and_what_a_tree_names_stays(files):
    records = Records()
    kept = put(files, [np.arange(5), "x" * 20_000], records)
    put(files, np.arange(6))
    (files.content.root / "ab").mkdir(exist_ok=True)
    (files.content.root / "ab" / "notes.txt").write_text("no object")
    removed = collect(files, lambda: records.named(files))
    assert (removed.objects, removed.bundles) == (1, 0)
    assert removed.bytes > 0
    assert load_value(kept, files.content)[0].tolist() == [0, 1, 2, 3, 4]
    assert "notes.txt" in contents(files)
    assert list(files.content.trash.iterdir()) == []


def test_what_is_stored_and_not_yet_committed_stays(files):
    with files.work() as work:
        ref = store_value(np.arange(5), work.content)
        assert collect(files, lambda: Named(set(), set())).objects == 0
        assert load_value(ref, files.content).tolist() == [0, 1, 2, 3, 4]
    assert collect(files, lambda: Named(set(), set())).objects == 1


def test_a_child_process_pins_for_its_parent(files):
    with files.work() as work:
        child = HomeFiles(files.path, PinFile.joined(work.pin_file()))
        ref = store_value(np.arange(5), child.content)
        child.release()
        assert collect(files, lambda: Named(set(), set())).objects == 0
        assert load_value(ref, files.content).size == 5


#: When the other process acts: before what is named is read first, before it is read again.
MOMENTS = [1, 2]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("committed", [True, False])
def test_who_finds_an_object_while_it_is_removed_keeps_it(files, moment, committed):
    """It was garbage; another process stores the same content and names it."""
    records = Records()
    put(files, np.arange(5))
    work = HomeFiles(files.path)
    reads = []

    def named():
        reads.append(1)
        if len(reads) == moment:
            ref = store_value(np.arange(5), work.content)
            reads.append(ref)
            if committed:
                records.texts.append(ref.to_json())
                work.release()
        return records.named(files)

    collect(files, named)
    ref = next(item for item in reads if isinstance(item, ValueRef))
    assert load_value(ref, files.content).tolist() == [0, 1, 2, 3, 4]
    work.release()


def test_who_looked_before_the_move_and_commits_before_the_pins_are_read_keeps_it(
    files, monkeypatch
):
    records = Records()
    put(files, np.arange(5))
    work = HomeFiles(files.path)
    ref = store_value(np.arange(5), work.content)
    original = garbage.pinned
    reads = []

    def commits_first(folder):
        reads.append(1)
        if len(reads) == 1:
            return set()  # it looked before there was a pin
        records.texts.append(ref.to_json())
        work.release()
        return original(folder)

    monkeypatch.setattr(garbage, "pinned", commits_first)
    assert collect(files, lambda: records.named(files)).objects == 0
    assert load_value(ref, files.content).size == 5


def test_what_is_in_the_trash_is_still_read(files):
    ref = put(files, np.arange(5))
    (path,) = files.content.root.rglob("*.npy")
    files.content.to_trash(path)
    assert load_value(ref, files.content).size == 5
    assert contents(files) == {path.name}
    bundle = files.bundles / ("b" * 64 + ".cell")
    bundle.mkdir(parents=True)
    files.content.to_trash(bundle)
    assert files.bundle("b" * 64).is_dir()


def dies_at(step, home, named):
    """Collect in a child process that is gone, as by kill -9, at a step that touches the disk."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    steps = []

    def counted(original):
        def wrapped(*arguments, **options):
            steps.append(1)
            if len(steps) > step:
                os._exit(9)
            return original(*arguments, **options)

        return wrapped

    for name in ("to_trash", "restore", "discard"):
        setattr(ContentStore, name, counted(getattr(ContentStore, name)))
    os.rename = counted(os.rename)
    os.unlink = counted(os.unlink)
    collect(home, named)
    os._exit(0)


def test_a_kill_at_any_moment_loses_nothing_that_is_named(tmp_path):
    step, killed = 0, True
    while killed:
        home, records = HomeFiles(tmp_path / f"home-{step}"), Records()
        kept = put(home, [1, np.arange(3)], records)
        for value in range(3):
            put(home, np.full(4, value))
        for sha256 in ("a" * 64, "b" * 64):
            bundle = home.bundle(sha256)
            bundle.mkdir(parents=True)
            (bundle / "weights").write_text("w" * 100)
        records.texts.append("a" * 64)
        killed = dies_at(step, home, lambda home=home, records=records: records.named(home))
        for place in [*home.bundles.iterdir(), *home.content.trash.glob("*.cell")]:
            assert (place / "weights").read_text() == "w" * 100, "half a bundle"
        assert load_value(kept, home.content)[1].tolist() == [0, 1, 2]
        assert (home.bundle("a" * 64) / "weights").read_text() == "w" * 100
        collect(home, lambda home=home, records=records: records.named(home))
        assert len(contents(home)) == 1
        assert [place.stem for place in home.bundles.iterdir()] == ["a" * 64]
        assert list(home.content.trash.iterdir()) == []
        step += 1
    assert step > 10


def test_runs_on_the_same_data_succeed_while_the_home_is_pruned_all_the_time(make_manager):
    """Every object is garbage a moment after it was made, and is made again at once."""
    manager = make_manager(lease_s=30)
    other = make_manager(lease_s=30)

    def double(data):
        return data * 2

    def total(double):
        return float(double.sum())

    manager.register_workflow(aios.Workflow(id="w", steps=[double, total]))
    stop, failures, prunes = threading.Event(), [], []

    def prune():
        while not stop.is_set():
            try:
                prunes.append(other.prune(keep_days=0, keep_runs=0))
            except Exception as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=prune)]
    threads[0].start()
    for number in range(60):
        run = manager.execute_workflow("w", np.full(50, float(number % 3)))
        while True:
            try:
                if manager.run_record(run.id).status != "RUNNING":
                    assert manager.run_record(run.id).status == "SUCCESS"
                    break
            except aios.NotFoundError:
                break  # it succeeded and was removed
        failures += manager.runs(status="FAILED")
        assert failures == []
    stop.set()
    threads[0].join()
    wait_until(lambda: not list(manager.home.pins.iterdir()))
    other.prune(keep_days=0, keep_runs=0)
    assert failures == []
    assert sum(report.objects for report in prunes) > 0
    assert manager.runs() == []
    assert contents(manager.home) == set()
