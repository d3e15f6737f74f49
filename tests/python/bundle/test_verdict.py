from pathlib import Path
from types import SimpleNamespace

from aios.bundle.verdict import reason_of


def test_a_reason_names_files_as_the_bundle_does():
    entry = SimpleNamespace(reason="/tmp/.m.cell.ab12/compiled/aarch64/model.so: wrong machine")
    shown = reason_of(entry, Path("/tmp/.m.cell.ab12"))
    assert shown == "compiled/aarch64/model.so: wrong machine"
