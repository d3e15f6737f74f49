"""What is said of a home, and of its damage."""

import shutil

from workflow_doubles import damage

from aios.registry.checkup import check_home


def test_check_home_tells_how_a_home_is(closed_home, tmp_path):
    home, _ = closed_home
    report = check_home(home)
    assert (report.exists, report.ok, report.runs, report.unfinished) == (True, True, 1, 0)
    assert report.bytes > 0
    assert report.free_bytes > 0
    absent = check_home(tmp_path / "absent")
    assert (absent.exists, absent.ok) == (False, True)
    damage(home / "aios.db")
    broken = check_home(home)
    assert not broken.ok
    assert "restore a copy from backups/" in broken.remedy


def test_a_missing_bundle_of_a_version_is_a_problem(closed_home, tmp_path, make_manager):
    home, _ = closed_home
    place = tmp_path / "a.cell"
    place.mkdir()
    (place / "weights").write_text("a")
    manager = make_manager()
    version = manager.registry.register("m", place)
    manager.close()
    shutil.rmtree(version.bundle)
    report = check_home(home)
    assert report.problems == (f"registry: m version 1: bundle {version.bundle} is missing",)
