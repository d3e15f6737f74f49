"""Where things are in a home, for those who need its files and not its database."""

from __future__ import annotations

import shutil
from pathlib import Path

from aios.workflow.content_store import ContentStore


class HomeFiles:
    """The folders of a home; see `aios.workflow.home`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = ContentStore(path / "objects", path / "tmp")
        self.bundles = path / "bundles"

    def checkpoints(self, run_id: str) -> Path:
        """Where the trainings of a run keep their checkpoints."""
        return self.path / "checkpoints" / run_id

    def bundle(self, sha256: str) -> Path:
        """Where the bundle with this hash is."""
        return self.bundles / f"{sha256}.cell"

    def forget_checkpoints(self, run_id: str) -> None:
        """Remove the checkpoints of a run that is over."""
        shutil.rmtree(self.checkpoints(run_id), ignore_errors=True)
