"""What a bundle must prove before its files are used; the C++ of it is src/bundle/manifest.cpp."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from aios.bundle.directory import BundleDirectory, FileIdentity, sha256_of
from aios.bundle.fields import shown
from aios.bundle.manifest import parse_opened
from aios.bundle.publish import recover_interrupted_swap
from aios.bundle.records import ArtifactRecord, FileRecord, Manifest
from aios.errors import CorruptBundleError


@dataclass(frozen=True, slots=True)
class OpenBundle:
    """A bundle's directory, kept open, and its manifest; `checked` are files that were, by path."""

    directory: BundleDirectory
    manifest: Manifest
    checked: dict[str, FileIdentity] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """Its path as it was given, for messages."""
        return self.directory.root

    def require_unchanged(self, artifact: ArtifactRecord) -> None:
        """Raises CorruptBundleError, naming the file, unless its files are those checked."""
        for file in artifact.files:
            checked = self.checked.get(file.path)
            if checked not in (None, self.directory.identity_of(file.path)):
                raise CorruptBundleError(
                    f"bundle file '{file.path}' in '{self.root}': it was written to after it had "
                    "been checked; load the bundle again, and replace bundles instead of editing "
                    "them"
                )


def open_bundle(root: Path) -> OpenBundle:
    """Opens a bundle and reads its manifest.

    Raises:
        NotFoundError: No directory.
        CorruptBundleError: The manifest is missing, changed or malformed, or a path leaves `root`.
        UnsupportedError: Another format version, or a dtype that this version doesn't know.
    """
    recover_interrupted_swap(root)
    directory = BundleDirectory(root)
    return OpenBundle(directory, parse_opened(directory))


def check_files(bundle: OpenBundle, *, sizes_only: bool) -> None:
    """Compares every file that the manifest names with its record.

    Raises:
        CorruptBundleError: A file is missing, no regular file, of another size or SHA-256; or there
            is one more in a directory that is a graph. Names it.
    """
    manifest = bundle.manifest
    for file in (*manifest.files, *(f for artifact in manifest.artifacts for f in artifact.files)):
        # Artifacts may share files.
        if file.path not in bundle.checked:
            bundle.checked[file.path] = _checked(bundle.directory, file, sizes_only=sizes_only)
    for artifact in manifest.artifacts:
        for graph in artifact.graphs:
            if graph.path not in bundle.checked:
                _require_only_checked(bundle, graph.path)


def _checked(directory: BundleDirectory, file: FileRecord, *, sizes_only: bool) -> FileIdentity:
    expected, got = "", ""
    with directory.open(file.path) as opened:
        identity = FileIdentity.of(os.fstat(opened.fileno()))
        if identity.bytes != file.bytes:
            expected, got = f"{file.bytes} bytes", f"{identity.bytes}"
        elif not sizes_only and (digest := sha256_of(opened)) != file.sha256:
            expected, got = f"SHA-256 {file.sha256}", digest
    if got:
        raise CorruptBundleError(
            f"bundle file '{file.path}' in '{directory.root}': expected {expected}, got {got}; "
            "export the bundle again"
        )
    return identity


def _require_only_checked(bundle: OpenBundle, folder: str) -> None:
    """Libraries find files of a directory by themselves: none may be there that wasn't checked."""
    root = bundle.directory.reach(folder)
    for place, folders, files in os.walk(root):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in (*files, *links):
            path = f"{folder}/{Path(place, name).relative_to(root).as_posix()}"
            if path not in bundle.checked:
                bundle.directory.unreadable(shown(path), "it isn't in the manifest")
