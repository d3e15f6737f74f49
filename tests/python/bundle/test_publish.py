import pytest

from aios.bundle import publish
from aios.errors import FailedPreconditionError


def _write(target, content, *, overwrite=False):
    with publish.pending_directory(target) as work:
        (work / "file").write_text(content)
        publish.publish(work, target, overwrite=overwrite)


def _names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_publishing_leaves_only_the_target(tmp_path):
    _write(tmp_path / "a.cell", "new")
    assert (tmp_path / "a.cell" / "file").read_text() == "new"
    assert _names(tmp_path) == ["a.cell"]


def test_an_existing_target_stays_unless_overwritten(tmp_path):
    _write(tmp_path / "a.cell", "old")
    with pytest.raises(FailedPreconditionError, match="exists already"):
        _write(tmp_path / "a.cell", "new")
    assert (tmp_path / "a.cell" / "file").read_text() == "old"
    _write(tmp_path / "a.cell", "new", overwrite=True)
    assert (tmp_path / "a.cell" / "file").read_text() == "new"
    assert _names(tmp_path) == ["a.cell"]


def test_without_an_atomic_exchange_the_old_one_is_renamed_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(publish.ctypes, "CDLL", lambda *_, **__: object())
    _write(tmp_path / "a.cell", "old")
    _write(tmp_path / "a.cell", "new", overwrite=True)
    assert (tmp_path / "a.cell" / "file").read_text() == "new"
    assert _names(tmp_path) == ["a.cell"]


def test_an_error_leaves_nothing_behind(tmp_path):
    with pytest.raises(RuntimeError), publish.pending_directory(tmp_path / "a.cell") as work:
        (work / "file").write_text("half")
        raise RuntimeError
    assert _names(tmp_path) == []


def test_what_a_killed_writer_left_is_removed_but_not_what_a_live_one_writes(tmp_path):
    abandoned = tmp_path / ".a.cell.abandoned.tmp"
    abandoned.mkdir()
    with publish.pending_directory(tmp_path / "a.cell") as live:
        _write(tmp_path / "a.cell", "new")
        assert live.exists()
    assert not abandoned.exists()


def test_a_missing_parent_is_a_failed_precondition(tmp_path):
    with pytest.raises(FailedPreconditionError, match="nowhere"):
        _write(tmp_path / "nowhere" / "a.cell", "new")
