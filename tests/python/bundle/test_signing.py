"""Signatures of bundles: who made one, and that it is the one that was signed."""

import os
import shutil
import subprocess
import threading

import pytest

import aios
from aios.bundle import signing

pytestmark = pytest.mark.native


@pytest.fixture
def keys(tmp_path):
    """A secret key and its public one."""
    secret = tmp_path / "release.pem"
    try:
        return secret, signing.make_keys(secret)
    except aios.UnsupportedError as error:
        pytest.skip(f"signatures need OpenSSL: {error}")


@pytest.fixture
def bundle(tmp_path):
    from aios.bridge.library_check import TRIAL

    return shutil.copytree(TRIAL, tmp_path / "m" / "1.cell")


def test_a_signed_bundle_is_known_by_its_makers_key(bundle, keys):
    secret, public = keys
    assert signing.sign(bundle, secret) == bundle.with_name("1.cell.sig")
    assert signing.verified_manifest(bundle, public) == (
        (bundle / "manifest.sha256").read_text().strip()
    )
    with aios.load(bundle, require_signature=public) as bridge:
        assert bridge.signature.inputs


def test_what_is_not_signed_or_was_changed_is_refused(bundle, keys, tmp_path):
    secret, public = keys
    with pytest.raises(aios.PermissionDeniedError, match="isn't signed by a key that is trusted"):
        aios.load(bundle, require_signature=public)
    signing.sign(bundle, secret)
    other = signing.make_keys(tmp_path / "other.pem")
    with pytest.raises(aios.PermissionDeniedError, match="isn't signed by a key that is trusted"):
        signing.verified_manifest(bundle, other)
    manifest = bundle / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    with pytest.raises(aios.PermissionDeniedError, match="was changed since it was signed"):
        signing.verified_manifest(bundle, public)


def test_a_file_of_a_signed_bundle_is_checked_though_verify_is_off(bundle, keys):
    secret, public = keys
    signing.sign(bundle, secret)
    golden = bundle / "golden.safetensors"
    content = bytearray(golden.read_bytes())
    content[-1] ^= 1
    golden.write_bytes(content)
    with pytest.raises(aios.CorruptBundleError, match=r"golden\.safetensors"):
        aios.load(bundle, require_signature=public, verify="off")


def test_a_bundle_that_is_put_in_place_after_the_check_is_not_loaded(bundle):
    with pytest.raises(aios.CorruptBundleError, match="isn't the bundle whose manifest"):
        aios.TensorFlowCellularBridge().load_model_from_training_cell(
            bundle, manifest_sha256="0" * 64
        )


def test_a_saved_model_is_refused(tmp_path, keys):
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(aios.PermissionDeniedError, match="only bundles can be signed"):
        aios.load(tmp_path / "2", require_signature=keys[1])


def test_several_keys_may_sign_and_each_of_several_may_be_trusted(bundle, keys, tmp_path):
    secret, public = keys
    second = tmp_path / "second.pem"
    second_public = signing.make_keys(second)
    signing.sign(bundle, secret)
    signing.sign(bundle, second)
    signing.sign(bundle, second)
    assert len(signing.signature_file(bundle).read_text().splitlines()) == 2
    both = tmp_path / "both.pem"
    both.write_text(second_public.read_text() + public.read_text())
    for trusted in (public, second_public, both):
        assert signing.verified_manifest(bundle, trusted)


def test_keys_are_as_openssl_writes_them_and_the_secret_is_its_owners(keys):
    secret, public = keys
    assert secret.stat().st_mode & 0o777 == 0o600
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command: install openssl")
    shown = subprocess.run(
        ["openssl", "pkey", "-in", secret, "-pubout"],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert shown.stdout == public.read_text()
    with pytest.raises(aios.FailedPreconditionError, match="can't be made: File exists"):
        signing.make_keys(secret)


def test_a_file_without_a_key_is_told(bundle, keys, tmp_path):
    with pytest.raises(aios.InvalidArgumentError, match="BEGIN PRIVATE KEY"):
        signing.sign(bundle, keys[1])
    with pytest.raises(aios.NotFoundError, match="no key at"):
        signing.verified_manifest(bundle, tmp_path / "none.pem")


@pytest.mark.parametrize("text", ["", "x", "\xff\n", "{id}\n", "{id} ===\n", "{id} AAAA\n"])
def test_a_file_of_signatures_that_is_none_proves_nothing(bundle, keys, text):
    secret, public = keys
    signing.sign(bundle, secret)
    file = signing.signature_file(bundle)
    name = file.read_text().split()[0]
    file.write_text(text.replace("{id}", name))
    with pytest.raises(aios.PermissionDeniedError):
        signing.verified_manifest(bundle, public)


def test_signatures_that_are_a_pipe_are_not_waited_for(bundle, keys):
    os.mkfifo(bundle.with_name("1.cell.sig"))
    refused = []

    def verify():
        try:
            signing.verified_manifest(bundle, keys[1])
        except aios.PermissionDeniedError as error:
            refused.append(str(error))

    asked = threading.Thread(target=verify, daemon=True)
    asked.start()
    asked.join(30)
    assert "isn't signed by a key that is trusted" in "".join(refused)
