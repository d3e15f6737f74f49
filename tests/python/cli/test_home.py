"""What `aios doctor` says and does about a manager's home."""

import os


def test_a_home_below_a_file_is_said(tmp_path, doctor):
    (tmp_path / "file").write_text("")
    _, report = doctor("--home", tmp_path / "file" / "home")
    assert "is a file" in report["home"]["remedy"]


def test_a_managers_home_is_checked_and_backed_up(aios_command, tmp_path, doctor):
    import aios

    home = tmp_path / "home"
    aios.AICellManager(home).close()
    shown, report = doctor("--home", home, "--backup")
    assert shown.returncode == 0
    assert report["home"]["problems"] == []
    assert report["home"]["runs"] == report["home"]["versions"] == 0
    assert os.path.exists(report["home"]["backup"])
    database = home / "aios.db"
    content = bytearray(database.read_bytes())
    content[:64] = bytes(64)
    database.write_bytes(content)
    for extra in ("aios.db-wal", "aios.db-shm"):
        (home / extra).unlink(missing_ok=True)
    shown, report = doctor("--home", home)
    assert shown.returncode == 1
    assert report["home"]["problems"]
    assert "backups/" in report["home"]["remedy"]
    shown = aios_command("doctor", "--home", home)
    assert shown.returncode == 1
    assert "problem: " in shown.stdout
    assert "aios.db: file is not a database" in " ".join(shown.stdout.split())
    assert "remedy: restore a copy from backups/" in shown.stdout
    database.write_bytes(b"")
    shown = aios_command("doctor", "--home", home)
    assert shown.returncode == 1
    assert "aios.db: is empty, and this folder is a manager's home" in shown.stdout


def test_a_whole_home_is_backed_up_to_a_file_and_restored(aios_command, tmp_path, doctor):
    import aios

    with aios.AICellManager(tmp_path / "home") as manager:
        manager.register_workflow(
            aios.Workflow(id="w", steps=[aios.step(name="one")(lambda data: data)])
        )
        manager.execute_workflow("w", b"data").result(60)
    file = tmp_path / "copy.tar.gz"
    shown, report = doctor("--home", tmp_path / "home", "--backup", file)
    assert (shown.returncode, report["home"]["backup"]) == (0, str(file))
    shown, report = doctor("--restore", file, "--home", tmp_path / "new")
    assert shown.returncode == 0
    assert (report["home"]["path"], report["home"]["runs"]) == (str(tmp_path / "new"), 1)
    shown = aios_command("doctor", "--restore", file, "--home", tmp_path / "new")
    assert shown.returncode == 1
    assert "has something in it; restore to a new folder" in shown.stderr
