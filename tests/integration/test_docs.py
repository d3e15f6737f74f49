"""Every Python block and every `aios` command of the guides runs, in order."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    "page",
    [
        "quickstart.md",
        "guides/training.md",
        "guides/export-and-run.md",
        "guides/serving.md",
        "guides/streams.md",
    ],
)
def test_a_pages_blocks_run(page, short_folder, monkeypatch):
    pytest.importorskip("keras", reason="needs the extra [tensorflow]")
    pytest.importorskip("matplotlib", reason="needs the extra [plot]")
    monkeypatch.chdir(short_folder)
    blocks = re.findall(r"```(python|sh)\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert blocks
    namespace = {}
    for kind, block in blocks:
        if kind == "python":
            exec(compile(block, page, "exec"), namespace)
            continue
        for line in block.strip().splitlines():
            program, *arguments = shlex.split(line)
            assert program == "aios"
            finished = subprocess.run(
                [sys.executable, "-m", "aios", *arguments],
                capture_output=True, text=True, timeout=300, check=False, env=dict(os.environ),
            )  # fmt: skip
            assert finished.returncode == 0, f"{line}\n{finished.stdout}{finished.stderr}"


def test_links_between_pages_lead_somewhere():
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page}: {target}"
