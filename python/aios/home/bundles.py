"""Bundles in a home: each under its hash, taken over whole and undamaged."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from aios.bundle.manifest import MANIFEST, hash_file, read_manifest
from aios.errors import CorruptBundleError, NotFoundError
from aios.home.file_contents import same_tree
from aios.home.home_files import HomeFiles


def adopt_bundle(home: HomeFiles, source: Path) -> tuple[Path, str]:
    """Copy a bundle into the home, under its hash; returns its place and hash.

    A damaged copy in its place is replaced.

    Raises:
        NotFoundError: there is no bundle at `source`.
        CorruptBundleError: a file of it isn't what its manifest says.
    """
    if not source.is_dir():
        raise NotFoundError(f"no bundle at '{source}': expected a directory, such as digits.cell")
    sha256 = bundle_sha256(source)
    home.content.pin(sha256)
    place = home.bundle(sha256)
    if not place.is_dir() or not (place.samefile(source) or same_tree(source, place)):
        _require_intact(source)
        with home.content.work_dir("bundle") as work:
            copy = work / "bundle.cell"
            shutil.copytree(source, copy)
            home.content.put_directory(copy, place)
    return place, sha256


def bundle_sha256(bundle: Path) -> str:
    """A bundle's hash: what `manifest.sha256` says, which covers every file.

    Else that of its files.
    """
    try:
        text = (bundle / "manifest.sha256").read_text(encoding="ascii").split()
        if text and len(text[0]) == 64:
            return text[0]
    except (OSError, UnicodeDecodeError):
        pass
    digest = hashlib.sha256()
    for path in sorted(item for item in bundle.rglob("*") if item.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(bundle)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def directory_bytes(place: Path) -> int:
    """The size of all files below `place`."""
    return sum(item.stat().st_size for item in place.rglob("*") if item.is_file())


def _require_intact(bundle: Path) -> None:
    """Compare every file with the manifest, if there is one."""
    if not (bundle / MANIFEST).is_file():
        return
    manifest = read_manifest(bundle)
    for file in (*manifest.files, *(file for item in manifest.artifacts for file in item.files)):
        try:
            found = hash_file(bundle, file.path)
        except OSError as error:
            raise CorruptBundleError(f"{bundle / file.path}: can't be read ({error})") from error
        if found != file:
            raise CorruptBundleError(
                f"{bundle / file.path}: expected {file.bytes} bytes of SHA-256 {file.sha256}, found"
                f" {found.bytes} of {found.sha256}; export the bundle again"
            )
