"""Who made a bundle: signatures by Ed25519 beside it, over its manifest, which names every file.

Keys are PEM files as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from aios.bundle.directory import BundleDirectory
from aios.bundle.records import MANIFEST
from aios.bundle.schema import MANIFEST_BYTES
from aios.errors import (
    CorruptBundleError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnsupportedError,
)

#: What follows a bundle's name: `digits.cell.sig`.
SUFFIX = ".sig"

#: Signed before the manifest, so that no signature of something else counts.
_PURPOSE = b"aios bundle 1\n"
_KEY_BYTES = 32
#: A signature a line; more lines than anybody needs.
_MOST_BYTES = 1 << 16
#: The DER of a key is this and its 32 bytes (RFC 8410, section 7).
_SECRET_DER = bytes.fromhex("302e020100300506032b657004220420")
_PUBLIC_DER = bytes.fromhex("302a300506032b6570032100")
_PEM = re.compile(r"-----BEGIN (?P<kind>[A-Z ]+)-----\s(?P<text>.*?)-----END (?P=kind)-----", re.S)
_SECRET, _PUBLIC = "PRIVATE KEY", "PUBLIC KEY"

PathText = str | os.PathLike[str]


def make_keys(secret_file: PathText) -> Path:
    """Makes a key: the secret one in a file of its owner's alone, the public one beside it.

    Args:
        secret_file: As `release.pem`; the public key is `release.pub.pem`.

    Returns:
        The public key's file.

    Raises:
        FailedPreconditionError: A file is there already, or can't be written.
        UnsupportedError: There is no OpenSSL here.
    """
    secret_path = Path(secret_file)
    public_path = secret_path.with_name(f"{secret_path.stem}.pub{secret_path.suffix}")
    secret = secrets.token_bytes(_KEY_BYTES)
    public = _native().ed25519_public_key(secret)
    _create(secret_path, _pem(_SECRET, _SECRET_DER + secret), 0o600)
    _create(public_path, _pem(_PUBLIC, _PUBLIC_DER + public), 0o644)
    return public_path


def sign(bundle: PathText, secret_file: PathText) -> Path:
    """Signs a bundle; a signature by another key stays.

    Args:
        bundle: A bundle's directory.
        secret_file: The secret key in PEM.

    Returns:
        The file of signatures, `BUNDLE.sig`.

    Raises:
        NotFoundError: There is no such bundle or key.
        InvalidArgumentError: The file has no Ed25519 key.
    """
    (secret,) = _keys(Path(secret_file), _SECRET, _SECRET_DER)[:1]
    native = _native()
    public = native.ed25519_public_key(secret)
    manifest = _manifest(Path(bundle))
    signature = native.ed25519_sign(secret, _PURPOSE + manifest)
    file = signature_file(bundle)
    mine = key_id(public)
    others = [line for line in _lines(file) if line.split()[0] != mine]
    text = "\n".join([*others, f"{mine} {base64.b64encode(signature).decode()}", ""])
    _replace(file, text)
    return file


def verified_manifest(bundle: PathText, public_file: PathText) -> str:
    """Checks that a bundle is signed by a key that is trusted.

    Args:
        bundle: A bundle's directory.
        public_file: A file with one or more public keys in PEM.

    Returns:
        The SHA-256 of the manifest that is signed: load no other one.

    Raises:
        PermissionDeniedError: No signature by one of the keys, or what is signed is another bundle.
        NotFoundError: There is no such bundle or key file.
        InvalidArgumentError: The file has no Ed25519 key.
    """
    trusted = {key_id(key): key for key in _keys(Path(public_file), _PUBLIC, _PUBLIC_DER)}
    manifest = _manifest(Path(bundle))
    native, known = _native(), False
    for line in _lines(signature_file(bundle)):
        name, _, encoded = line.partition(" ")
        if name not in trusted:
            continue
        known = True
        with suppress(binascii.Error):
            signature = base64.b64decode(encoded, validate=True)
            if native.ed25519_verify(trusted[name], _PURPOSE + manifest, signature):
                return hashlib.sha256(manifest).hexdigest()
    why = "was changed since it was signed" if known else "isn't signed by a key that is trusted"
    raise PermissionDeniedError(
        f"bundle '{bundle}' {why}: expected a signature in '{signature_file(bundle)}' by a key of "
        f"'{public_file}'; aios sign makes one"
    )


def signature_file(bundle: PathText) -> Path:
    """Where a bundle's signatures are."""
    path = Path(bundle)
    return path.with_name(path.name + SUFFIX)


def key_id(public: bytes) -> str:
    """By which a key is found: the beginning of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def _manifest(bundle: Path) -> bytes:
    if not (bundle / MANIFEST).exists():
        raise PermissionDeniedError(
            f"'{bundle}' isn't a bundle: only bundles can be signed; export it first"
        )
    try:
        return BundleDirectory(bundle).read_small(MANIFEST, MANIFEST_BYTES)
    except CorruptBundleError as error:
        raise PermissionDeniedError(f"bundle '{bundle}': no manifest to sign: {error}") from error


def _lines(file: Path) -> list[str]:
    try:
        # Who wrote it isn't trusted: the other end of a FIFO may never come.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as opened:
            text = opened.read(_MOST_BYTES) or b""
    except OSError:
        return []
    return [line for line in text.decode("ascii", "replace").splitlines() if line.strip()]


def _keys(file: Path, kind: str, prefix: bytes) -> list[bytes]:
    try:
        text = file.read_text("ascii", "replace")
    except OSError as error:
        raise NotFoundError(
            f"no key at '{file}': {error.strerror}; aios keygen makes one"
        ) from error
    found = []
    for block in _PEM.finditer(text):
        with suppress(binascii.Error):
            der = base64.b64decode("".join(block["text"].split()), validate=True)
            if block["kind"] == kind and der.startswith(prefix) and len(der) == len(prefix) + 32:
                found.append(der[len(prefix) :])
    if not found:
        raise InvalidArgumentError(
            f"'{file}': expected an Ed25519 key in PEM, BEGIN {kind}; aios keygen makes both"
        )
    return found


def _pem(kind: str, der: bytes) -> str:
    text = base64.b64encode(der).decode()
    return f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n"


def _create(file: Path, text: str, mode: int) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(text)
    except OSError as error:
        raise FailedPreconditionError(f"'{file}' can't be made: {error.strerror}") from error


def _replace(file: Path, text: str) -> None:
    """In one step, so that a server never sees half of it."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(descriptor, "w") as opened:
                opened.write(text)
                os.fchmod(opened.fileno(), 0o644)
            Path(temporary).replace(file)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise FailedPreconditionError(f"'{file}' can't be written: {error.strerror}") from error


def _native() -> Any:
    """The extension, which has the arithmetic."""
    try:
        from aios import _core
    except ImportError as error:
        raise UnsupportedError("signatures need the C++ extension of aios") from error
    return _core
