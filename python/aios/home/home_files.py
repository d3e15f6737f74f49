"""Where things are in a home, for those who need its files and not its database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aios.home.content_store import ContentStore
from aios.home.pins import PinFile


class HomeFiles:
    """The folders of a home; see `aios.home.home`.

    Args:
        path: the home.
        pins: where what is stored is pinned; default: a pin file of its own, until `release`.
    """

    def __init__(self, path: Path, pins: PinFile | None = None) -> None:
        self.path = path
        self.pins = path / "pins"
        tmp = path / "tmp"
        self.content = ContentStore(path / "objects", tmp, pins or PinFile(self.pins, tmp))
        self.bundles = path / "bundles"

    @contextmanager
    def work(self) -> Iterator[HomeFiles]:
        """The same files, for a piece of work that commits what it stores before it ends."""
        files = HomeFiles(self.path)
        try:
            yield files
        finally:
            files.release()

    def pin_file(self) -> Path | None:
        """For a child process that stores on behalf of this work."""
        return None if self.content.pins is None else self.content.pins.path()

    def release(self) -> None:
        """What was stored by these is named by a record now, or may go."""
        if self.content.pins is not None:
            self.content.pins.close()

    def checkpoints(self, run_id: str) -> Path:
        """Where the trainings of a run keep their checkpoints."""
        return self.path / "checkpoints" / run_id

    def bundle(self, sha256: str) -> Path:
        """Where the bundle with this hash is."""
        place = self.bundles / f"{sha256}.cell"
        if not place.is_dir():
            self.content.restore(place)
        return place

    def forget_checkpoints(self, run_id: str) -> None:
        """Remove the checkpoints of a run that is over."""
        shutil.rmtree(self.checkpoints(run_id), ignore_errors=True)
