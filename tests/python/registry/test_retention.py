"""What a home keeps, and that nothing else is left of the rest."""

import os
import sqlite3
import threading

import numpy as np
import pytest
from workflow_doubles import FakeClock, wait_until

import aios
from aios.registry.retention import Retention, prune

DAY_S = 86_400.0
RUNS = int(os.environ.get("AIOS_PRUNE_RUNS", "60"))


def double(data):
    return data["x"] * 2


def total(double):
    return float(double.sum())


DAILY = aios.Workflow(id="daily", steps=[double, total])


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def daily(make_manager, clock):
    """A manager with a workflow whose data, result and message differ from day to day."""
    manager = make_manager(clock=clock)
    manager.register_workflow(DAILY)

    def run_day(day):
        clock.wall_s = 1_700_000_000.0 + day * DAY_S
        run = manager.execute_workflow("daily", {"x": np.full(500, float(day))})
        run.result(60)
        settled(manager)
        manager.publish(aios.ModelTrained(created=clock.wall_s), durable=True)
        return run

    return manager, run_day


def settled(manager):
    """A worker's pins end a moment after its run: until then what it stored stays."""
    wait_until(lambda: not manager.home.pins.is_dir() or not list(manager.home.pins.iterdir()))


def objects(manager):
    return sorted(path.name for path in manager.home.content.root.rglob("*") if path.is_file())


def count(manager, table):
    with sqlite3.connect(manager.home.path / "aios.db") as db:
        return db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]


def rows(manager):
    """How many each table has."""
    with sqlite3.connect(manager.home.path / "aios.db") as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {table: count(manager, table) for (table,) in tables}


def pages(manager):
    with sqlite3.connect(manager.home.path / "aios.db") as db:
        return db.execute("PRAGMA page_count").fetchone()[0]


def test_the_size_of_a_home_is_bounded_by_what_is_kept(daily):
    """New data every day: after each `prune` there is what the newest runs name, and no more."""
    manager, run_day = daily
    sizes, held = [], []
    for day in range(RUNS):
        run_day(day)
        if day % 20 == 19:
            manager.prune(keep_days=5, keep_runs=10)
            assert [run.output("total") for run in manager.runs()] == [
                1000.0 * past for past in range(day, day - 10, -1)
            ]
            assert len(objects(manager)) == 10 * 2  # input and result of each; sums are inline
            assert (count(manager, "runs"), count(manager, "steps")) == (10, 20)
            assert count(manager, "messages") == 10 * 6 + 6
            assert list(manager.home.pins.iterdir()) == []
            held.append(rows(manager))
            sizes.append(pages(manager))
    assert held == [held[0]] * len(held)
    # Pages split as they fill: without `prune` the last would be three times the first.
    assert max(sizes) < 2 * sizes[0]


def test_a_run_is_kept_while_it_is_young_or_of_the_newest_of_its_workflow(daily, clock):
    manager, run_day = daily
    runs = [run_day(day).id for day in range(10)]
    report = manager.prune(keep_days=4.5, keep_runs=2)
    assert report.runs == 5
    assert [run.id for run in manager.runs()] == runs[:4:-1]
    assert manager.prune(keep_days=0.5, keep_runs=3).runs == 2
    assert [run.id for run in manager.runs()] == runs[:6:-1]
    clock.wall_s += 1000 * DAY_S
    assert manager.prune(keep_runs=1).runs == 2
    assert manager.prune(keep_days=0, keep_runs=0).runs == 1
    assert objects(manager) == []
    with pytest.raises(aios.NotFoundError, match="no run"):
        manager.resume(runs[-1])


def test_what_goes_on_is_kept_with_all_that_it_names(make_manager, clock):
    """A run that isn't over, one that waits in the store, a schedule's data."""
    manager = make_manager(clock=clock, max_active_runs=1)
    release = threading.Event()

    def first(data):
        return data + 1

    def second(first):
        assert release.wait(60)
        return float(first.sum())

    manager.register_workflow(aios.Workflow(id="w", steps=[first, second]))
    runs = [manager.execute_workflow("w", np.full(100, float(n))) for n in range(2)]
    wait_until(lambda: len(runs[0].steps) == 2)
    manager.schedule("w", np.full(100, 7.0), every_s=DAY_S, start_at=clock.wall_s + 10 * DAY_S)
    kept = objects(manager)
    clock.wall_s += 5 * DAY_S
    manager.prune(keep_days=0, keep_runs=0)
    assert objects(manager) == kept
    release.set()
    assert [run.result(60).status for run in runs] == ["SUCCESS", "SUCCESS"]
    assert [run.output("second") for run in runs] == [100.0, 200.0]
    clock.wall_s += 10 * DAY_S
    wait_until(lambda: len(manager.runs()) == 3)
    assert manager.runs()[0].result(60).step("second").output["inline"] == 800.0


def make_bundle(folder, text):
    place = folder / f"{text}.cell"
    place.mkdir()
    (place / "weights").write_text(text)
    return place


def bundles(manager):
    return {(path / "weights").read_text() for path in manager.home.bundles.iterdir()}


def test_versions_and_aliases_keep_their_bundles_whatever_becomes_of_their_runs(
    make_manager, clock, tmp_path
):
    manager = make_manager(clock=clock)

    @aios.step
    def train(data, context):
        return context.register_model("m", make_bundle(tmp_path, data))

    manager.register_workflow(aios.Workflow(id="w", steps=[train]))
    for text in "abcdef":
        manager.execute_workflow("w", text).result(60)
    settled(manager)
    manager.promote("m", 1, "mine")
    manager.promote("m", 3)
    manager.promote("m", 4)
    clock.wall_s += 100 * DAY_S
    assert manager.prune(keep_days=0, keep_runs=0).runs == 6
    assert bundles(manager) == set("abcdef")
    assert manager.home.store.documents("effects") == []
    report = manager.prune(keep_versions=1)
    assert (report.versions, report.bundles) == (2, 2)
    assert bundles(manager) == set("acdf")
    assert [item.version for item in manager.registry.versions("m", deleted=True)] == [1, 3, 4, 6]
    assert manager.rollback("m").version == 3
    manager.execute_workflow("w", "g").result(60)
    assert manager.registry.versions("m")[-1].version == 7


def test_the_number_of_a_deleted_version_is_never_given_again(make_manager, clock, tmp_path):
    manager = make_manager(clock=clock)
    for text in "ab":
        manager.registry.register("m", make_bundle(tmp_path, text))
    clock.wall_s += 100 * DAY_S
    manager.prune(keep_versions=0)
    assert manager.registry.versions("m") == []
    assert manager.registry.register("m", make_bundle(tmp_path, "c")).version == 3


def test_a_bundle_that_a_failed_run_may_still_register_is_kept(make_manager, clock, tmp_path):
    manager = make_manager(clock=clock)
    fail = [True]

    def export(data, context):
        from aios.home.bundles import adopt_bundle

        return adopt_bundle(context.home, make_bundle(tmp_path, data))[1]

    @aios.step
    def register(export, context):
        if fail:
            raise OSError("not yet")
        return context.register_model("m", context.home.bundle(export))

    manager.register_workflow(aios.Workflow(id="w", steps=[export, register]))
    run = manager.execute_workflow("w", "a")
    with pytest.raises(aios.WorkflowFailedError):
        run.result(60)
    clock.wall_s += 100 * DAY_S
    manager.prune(keep_days=0, keep_runs=1)
    fail.clear()
    assert manager.resume(run.id).result(60).status == "SUCCESS"
    assert bundles(manager) == {"a"}


def test_checkpoints_of_removed_runs_go_with_them(daily):
    manager, run_day = daily
    runs = [run_day(day) for day in range(2)]
    for run in runs:
        (manager.home.checkpoints(run.id) / "train-x").mkdir(parents=True)
    manager.prune(keep_days=0.5, keep_runs=0)
    assert [place.name for place in (manager.home.path / "checkpoints").iterdir()] == [runs[1].id]


def test_a_manager_with_a_retention_prunes_by_itself_once_for_all(make_manager, clock):
    retention = Retention(keep_days=1, keep_runs=1, every_s=3600)
    one, two = (make_manager(clock=clock, retention=retention) for _ in range(2))
    one.register_workflow(DAILY)
    two.register_workflow(DAILY)
    wait_until(lambda: one.home.store.documents("retention"))
    for value in range(3):
        one.execute_workflow("daily", {"x": np.full(300, value + 1.0)}).result(60)
    assert len(one.runs()) == 3
    settled(one)
    clock.wall_s += 2 * DAY_S
    wait_until(lambda: len(one.runs()) == 1 and len(objects(one)) == 2)
    (last,) = one.home.store.documents("retention")
    assert (last.value["at"], last.revision) == (clock.wall_s, 2)


@pytest.mark.parametrize(
    "options",
    [
        {"keep_days": -1},
        {"keep_days": float("nan")},
        {"keep_days": "30"},
        {"keep_runs": 2.5},
        {"keep_runs": True},
        {"keep_versions": -1},
    ],
)
def test_an_impossible_retention_is_refused(options):
    (name,) = options
    with pytest.raises(aios.InvalidArgumentError, match=f"{name}: expected a number of 0 or more"):
        aios.Retention(**options)


def test_one_prunes_at_a_time(daily):
    from aios.home.lock import home_lock

    manager, _ = daily
    with (
        home_lock(manager.home.path, shared=True),
        pytest.raises(aios.UnavailableError, match="another process prunes or copies this home"),
    ):
        prune(manager.home, manager._clock, Retention(), wait_s=0)
    assert prune(manager.home, manager._clock, Retention(), wait_s=0).runs == 0


def test_a_damaged_version_stops_no_contents_from_staying(daily, tmp_path):
    manager, _ = daily
    manager.registry.register("m", make_bundle(tmp_path, "a"))
    with sqlite3.connect(manager.home.path / "aios.db") as db:
        db.execute("UPDATE documents SET value = 'not JSON ' || value WHERE collection='versions'")
    db.close()
    with pytest.raises(aios.CorruptHomeError, match="versions 'm/00000001'"):
        manager.prune(keep_days=0, keep_runs=0)
    assert bundles(manager) == {"a"}


def test_a_home_of_an_earlier_release_is_pruned_though_its_file_does_not_shrink(make_manager):
    manager = make_manager()
    with manager.home.store.transaction() as db:
        db.execute("COMMIT")
        db.execute("PRAGMA auto_vacuum=NONE")
        db.execute("VACUUM")
        db.execute("BEGIN")
    manager.register_workflow(DAILY)
    manager.execute_workflow("daily", {"x": np.ones(3)}).result(60)
    settled(manager)
    assert manager.prune(keep_days=0, keep_runs=0).runs == 1
    assert objects(manager) == []
