"""What the records of a home name stays; a deleted version's bundle only while a run goes on."""

import pytest

from aios.home.home import Home
from aios.home.references import named
from aios.home.store import PutDocument, RunRecord

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    yield made
    made.close()


def version(sha256, deleted=False):
    return PutDocument("versions", f"m/{sha256[:4]}", {"sha256": sha256, "deleted": deleted})


def test_runs_and_documents_name_contents(home):
    home.store.create_run(RunRecord("r", "w", "SUCCESS", 0.0, {"sha256": A}, A))
    home.store.commit([PutDocument("schedules", "s", {"data": {"sha256": B}}), version(C)])
    found = named(home)
    assert found.objects == {A, B, C}
    assert found.bundles == {A, B, C}


@pytest.mark.parametrize(("status", "kept"), [("RUNNING", True), ("FAILED", False)])
def test_the_bundle_of_a_deleted_version_stays_while_a_run_that_names_it_goes_on(
    home, status, kept
):
    home.store.create_run(RunRecord("r", "w", status, 0.0, {"sha256": A}, A))
    home.store.commit([version(A, deleted=True)])
    assert (A in named(home).bundles) is kept


def test_of_two_versions_with_one_bundle_the_one_that_is_left_keeps_it(home):
    home.store.commit([version(A, deleted=True), PutDocument("versions", "n/1", {"sha256": A})])
    assert named(home).bundles == {A}
