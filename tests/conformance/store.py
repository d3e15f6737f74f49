"""What every `Store` must do: subclass `StoreConformance` with a `store` fixture."""

import threading
from dataclasses import replace

import pytest

from aios.home.clock import ClockReading
from aios.home.store import (
    AddMessage,
    CheckDocument,
    Claim,
    ConflictError,
    FinishRun,
    Lease,
    LeaseLostError,
    PutDocument,
    PutStep,
    ReleaseRun,
    RunRecord,
    SetPlan,
    StepRecord,
    StoredMessage,
    leased,
)


def at(seconds, domain="here"):
    return ClockReading(domain, seconds)


def message(name, run_id="r"):
    return StoredMessage(name, "Note", 1, run_id, 5.0, {"text": name})


def claim(owner, now, *runs, **options):
    return Claim(owner, now, 10.0, runs or ("r",), **options)


class StoreConformance:
    """The guarantees of `aios.home.store`, one sentence each."""

    @pytest.fixture
    def run(self, store):
        """A run that nobody holds."""
        record = RunRecord("r", "flow", "RUNNING", 1.0, {"a": [1]}, "hash", "m:w")
        assert store.create_run(record, [AddMessage(message("created"))])
        return record

    def lease(self, store, owner="me", now=None, **options):
        (taken,) = store.claim(claim(owner, now or at(0.0), **options))
        return Lease("r", owner, taken.lease.epoch)

    def test_a_run_is_read_back_as_it_was_written(self, store, run):
        assert store.runs(run_id="r") == [run]
        assert store.runs(run_id="other") == []

    def test_a_second_run_of_one_id_changes_nothing(self, store, run):
        other = replace(run, workflow="changed")
        assert not store.create_run(other, [AddMessage(message("second"))])
        assert store.runs(run_id="r")[0].workflow == "flow"
        assert [item.id for item in store.messages()] == ["created"]

    def test_runs_come_newest_first_and_by_workflow_and_status(self, store):
        for number, (workflow, status) in enumerate(
            [("a", "RUNNING"), ("b", "FAILED"), ("a", "SUCCESS")]
        ):
            store.create_run(RunRecord(f"r{number}", workflow, status, float(number), {}))
        assert [item.id for item in store.runs()] == ["r2", "r1", "r0"]
        assert [item.id for item in store.runs(workflow="a")] == ["r2", "r0"]
        assert [item.id for item in store.runs(status="FAILED")] == ["r1"]
        assert [item.id for item in store.runs(limit=1)] == ["r2"]

    def test_each_claim_raises_the_epoch(self, store, run):
        (first,) = store.claim(claim("a", at(0)))
        (second,) = store.claim(claim("b", at(100)))
        assert (first.lease.owner, first.lease.epoch) == ("a", 1)
        assert (second.lease.owner, second.lease.epoch) == ("b", 2)

    def test_a_held_lease_cannot_be_claimed_before_its_end(self, store, run):
        self.lease(store)
        assert store.claim(claim("other", at(9.99))) == []
        assert len(store.claim(claim("other", at(10.0)))) == 1

    def test_a_heartbeat_extends_the_lease(self, store, run):
        lease = self.lease(store)
        assert store.heartbeat([lease], at(8.0), 10.0) == set()
        assert store.claim(claim("other", at(17.9))) == []
        assert len(store.claim(claim("other", at(18.0)))) == 1

    def test_a_lease_of_another_clock_is_never_judged_by_its_end(self, store, run):
        self.lease(store)
        assert store.claim(claim("other", at(1e12, "elsewhere"))) == []

    def test_a_vouched_lease_is_taken_only_as_it_was_seen(self, store, run):
        lease = self.lease(store)
        seen = store.runs(run_id="r")[0].lease
        store.heartbeat([lease], at(1.0), 10.0)
        stale = {"r": (seen.epoch, seen.beat)}
        assert store.claim(claim("other", at(1.0, "elsewhere"), vouched=stale)) == []
        fresh = {"r": (seen.epoch, seen.beat + 1)}
        assert len(store.claim(claim("other", at(1.0, "elsewhere"), vouched=fresh))) == 1

    def test_a_finished_run_is_claimed_only_to_reopen_it(self, store, run):
        lease = self.lease(store)
        store.commit([FinishRun("FAILED", 9.0, {"message": "x"})], lease=lease)
        assert store.claim(claim("a", at(50), force=True)) == []
        (opened,) = store.claim(claim("a", at(50), force=True, reopen=True))
        assert (opened.status, opened.error, opened.finished) == ("RUNNING", None, None)

    def test_a_run_that_succeeded_is_never_reopened(self, store, run):
        store.commit([FinishRun("SUCCESS", 9.0)], lease=self.lease(store))
        assert store.claim(claim("a", at(50), force=True, reopen=True)) == []

    def test_at_most_limit_runs_are_claimed_oldest_first(self, store):
        for number in range(4):
            store.create_run(RunRecord(f"r{number}", "flow", "RUNNING", float(number), {}))
        ids = ("r3", "r2", "r1", "r0")
        taken = store.claim(claim("me", at(0), *ids, limit=2))
        assert [item.id for item in taken] == ["r0", "r1"]

    def test_a_former_owner_can_write_nothing(self, store, run):
        old = self.lease(store)
        self.lease(store, "thief", at(20.0))
        changes = [
            PutStep(StepRecord("s", "SUCCESS")),
            AddMessage(message("late")),
            PutDocument("d", "k", {"v": 1}),
        ]
        with pytest.raises(LeaseLostError, match="epoch 2"):
            store.commit(changes, lease=old)
        assert store.steps("r") == {}
        assert store.documents("d") == []
        assert [item.id for item in store.messages()] == ["created"]
        assert store.heartbeat([old], at(21.0), 10.0) == {"r"}

    def test_a_released_run_is_free_at_once(self, store, run):
        lease = self.lease(store)
        store.commit([ReleaseRun()], lease=lease)
        with pytest.raises(LeaseLostError):
            store.commit([PutStep(StepRecord("s", "SUCCESS"))], lease=lease)
        assert len(store.claim(claim("other", at(0.1)))) == 1

    def test_a_commit_is_all_or_nothing(self, store, run):
        lease = self.lease(store)
        store.commit([PutDocument("d", "k", {"v": 1}, expect=0)])
        with pytest.raises(ConflictError, match="d/k: expected revision 0, found 1"):
            store.commit(
                [PutStep(StepRecord("s", "SUCCESS")), PutDocument("d", "k", {"v": 2}, expect=0)],
                lease=lease,
            )
        assert store.steps("r") == {}
        assert store.documents("d")[0].value == {"v": 1}

    def test_documents_change_only_from_the_revision_expected(self, store):
        store.commit([PutDocument("d", "k", {"v": 1}, expect=0)])
        store.commit([PutDocument("d", "k", {"v": 2}, expect=1)])
        (found,) = store.documents("d")
        assert (found.revision, found.value) == (2, {"v": 2})
        with pytest.raises(ConflictError):
            store.commit([PutDocument("d", "k", {"v": 3}, expect=1)])
        with pytest.raises(ConflictError):
            store.commit([CheckDocument("d", "k", 1)])
        store.commit([CheckDocument("d", "k", 2), PutDocument("d", "k", None)])
        assert store.documents("d") == []

    def test_documents_are_found_by_prefix_in_order(self, store):
        keys = ["b/2", "b/10", "a", "b%", "b_x"]
        store.commit([PutDocument("d", key, {}) for key in keys])
        assert [item.key for item in store.documents("d", "b/")] == ["b/10", "b/2"]
        assert [item.key for item in store.documents("d", "b")] == ["b%", "b/10", "b/2", "b_x"]
        assert store.documents("other") == []

    def test_steps_are_written_over_by_name(self, store, run):
        lease = self.lease(store)
        done = StepRecord("s", "SUCCESS", 1, 2, 3.0, 0.5, {"code": "c"}, {"sha256": "h"})
        store.commit([PutStep(StepRecord("s", "RUNNING")), PutStep(done)], lease=lease)
        assert store.steps("r") == {"s": done}

    def test_a_message_of_a_known_id_is_dropped(self, store, run):
        store.commit(
            [AddMessage(message("m1")), AddMessage(message("m2")), AddMessage(message("m1"))]
        )
        found = store.messages()
        assert [item.id for item in found] == ["created", "m1", "m2"]
        assert [item.seq for item in found] == sorted(item.seq for item in found)
        assert store.last_seq() == found[-1].seq

    def test_messages_are_found_after_a_place_and_by_run_and_type(self, store):
        other = replace(message("b", "q"), type="Other")
        store.commit([AddMessage(message("a")), AddMessage(other), AddMessage(message("c"))])
        first = store.messages()[0]
        assert [item.id for item in store.messages(first.seq)] == ["b", "c"]
        assert [item.id for item in store.messages(run_id="r")] == ["a", "c"]
        assert [item.id for item in store.messages(types=["Other"])] == ["b"]
        assert [item.id for item in store.messages(limit=2)] == ["a", "b"]
        assert first.body == {"text": "a"}

    def test_only_one_of_many_claimants_wins(self, store, run):
        winners = []
        barrier = threading.Barrier(8)

        def contend(name):
            barrier.wait()
            winners.extend(item.lease.owner for item in store.claim(claim(name, at(0))))

        threads = [threading.Thread(target=contend, args=(f"t{i}",)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(winners) == 1

    def test_concurrent_writers_lose_nothing(self, store):
        def write(name):
            for number in range(25):
                store.commit([AddMessage(message(f"{name}-{number}"))])

        threads = [threading.Thread(target=write, args=(f"t{i}",)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.messages()) == 100

    def test_a_run_may_be_born_with_a_lease(self, store):
        run = leased(RunRecord("r", "flow", "RUNNING", 1.0, {}), "me", at(0), 10.0)
        store.create_run(run)
        store.commit([PutStep(StepRecord("s", "RUNNING"))], lease=Lease("r", "me", 1), durable=True)
        assert store.claim(claim("other", at(5))) == []

    def ended(self, store, run_id, created, workflow="flow", status="SUCCESS"):
        store.create_run(
            RunRecord(run_id, workflow, status, created, {"n": run_id}, finished=created + 1)
        )

    def test_runs_expire_by_age_beyond_the_newest_of_their_workflow(self, store):
        for number in range(5):
            self.ended(store, f"a{number}", float(number), "a")
        self.ended(store, "b0", 0.0, "b", "FAILED")
        store.create_run(RunRecord("a5", "a", "RUNNING", 0.0, {}))
        assert store.expired(100.0, 2) == ["a2", "a1", "a0"]
        assert store.expired(2.5, 2) == ["a1", "a0"]
        assert sorted(store.expired(100.0, 0)) == ["a0", "a1", "a2", "a3", "a4", "b0"]
        assert store.expired(0.0, 0) == []

    def test_a_run_is_forgotten_whole_and_no_other_with_it(self, store, run):
        lease = self.lease(store)
        done = [PutStep(StepRecord("s", "SUCCESS")), FinishRun("SUCCESS", 9.0)]
        effects = [PutDocument("effects", f"{key}/s/", {"of": key}) for key in ("r", "r2", "r-2")]
        store.commit([*effects, *done], lease=lease)
        self.ended(store, "r2", 1.0)
        store.commit([AddMessage(message("other", "r2"))])
        assert store.forget(["r", "absent"]) == ["r"]
        assert store.run_ids() == {"r2"}
        assert store.steps("r") == {}
        assert [item.id for item in store.messages()] == ["other"]
        assert [item.key for item in store.documents("effects")] == ["r-2/s/", "r2/s/"]

    def test_a_run_that_goes_on_is_never_forgotten(self, store, run):
        assert store.forget(["r"]) == []
        lease = self.lease(store)
        store.commit([FinishRun("FAILED", 9.0)], lease=lease)
        store.claim(claim("other", at(50), force=True, reopen=True))
        assert store.forget(["r"]) == []
        assert store.run_ids() == {"r"}

    def test_the_order_of_messages_goes_on_where_it_was_after_some_are_forgotten(self, store):
        store.commit([AddMessage(replace(message(name, ""), created=5.0)) for name in "ab"])
        store.commit([AddMessage(replace(message("young", ""), created=50.0))])
        last = store.last_seq()
        assert store.forget_messages(10.0) == 2
        assert [item.id for item in store.messages()] == ["young"]
        assert store.forget_messages(100.0) == 1
        store.commit([AddMessage(message("new"))])
        assert store.last_seq() == last + 1

    def test_everything_that_may_name_contents_is_referred_to(self, store, run):
        lease = self.lease(store)
        store.commit(
            [PutStep(StepRecord("s", "SUCCESS", output={"x": "of the step"}))], lease=lease
        )
        store.commit([PutDocument("d", "k", {"x": "of the document"})])
        with store.references() as references:
            found = {(item.owner, item.status): item.text for item in references}
            assert found.keys() == {("run", "RUNNING"), ("d", "")}
            assert "of the step" in found["run", "RUNNING"]
            assert "of the document" in found["d", ""]
        with store.references() as references:
            assert sum(item.owner == "run" for item in references) == 2

    def test_the_plan_of_a_run_is_kept(self, store, run):
        lease = self.lease(store)
        store.commit([SetPlan(("a", "b"))], lease=lease)
        assert store.runs(run_id="r")[0].plan == ("a", "b")

    def test_a_backup_is_a_store_of_its_own(self, store, run, tmp_path):
        store.backup(tmp_path / "copy.db")
        store.commit([AddMessage(message("later"))])
        copy = self.reopen(tmp_path / "copy.db")
        assert [item.id for item in copy.messages()] == ["created"]
        copy.close()

    def reopen(self, path):
        raise NotImplementedError
