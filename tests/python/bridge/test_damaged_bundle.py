"""Whatever happens to a bundle's files: a typed error that names one, never an answer."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import aios
from aios.bundle.manifest import hash_file, read_manifest, write_manifest

pytestmark = pytest.mark.usefixtures("core")


def _files(bundle):
    return sorted(str(p.relative_to(bundle)) for p in bundle.rglob("*") if p.is_file())


def _refused(bundle, **options):
    with pytest.raises(aios.CorruptBundleError) as caught:
        aios.load(bundle, **options)
    return str(caught.value)


def test_a_flipped_bit_anywhere_is_refused(bundle_copy):
    names = _files(bundle_copy)
    assert len(names) >= 6
    for name in names:
        path = bundle_copy / name
        content = path.read_bytes()
        for position in {0, len(content) // 2, len(content) - 1}:
            if not content:
                continue
            damaged = bytearray(content)
            damaged[position] ^= 1
            path.write_bytes(damaged)
            message = _refused(bundle_copy)
            assert name in message or "manifest" in message
        path.write_bytes(content)
    aios.load(bundle_copy).close()


@pytest.mark.parametrize("verify", ["quick", "full", "off"])
def test_a_cut_file_is_refused(bundle_copy, verify):
    for name in _files(bundle_copy):
        path = bundle_copy / name
        content = path.read_bytes()
        if not content:
            continue
        path.write_bytes(content[:-1])
        message = _refused(bundle_copy, verify=verify)
        assert name in message or "manifest" in message
        path.write_bytes(content)


@pytest.mark.parametrize("verify", ["quick", "off"])
def test_a_removed_file_is_refused(bundle_copy, verify):
    for name in _files(bundle_copy):
        path = bundle_copy / name
        content = path.read_bytes()
        path.unlink()
        message = _refused(bundle_copy, verify=verify)
        assert name in message or "manifest" in message
        path.write_bytes(content)


def _rewrite_manifest(bundle, change):
    document = json.loads((bundle / "manifest.json").read_text())
    change(document)
    import hashlib

    text = json.dumps(document)
    (bundle / "manifest.json").write_text(text)
    (bundle / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest() + "\n")


def _made(document):
    """The artifacts that weren't declined."""
    return [artifact for artifact in document["artifacts"] if artifact["files"]]


def test_another_format_version_is_unsupported(bundle_copy):
    _rewrite_manifest(bundle_copy, lambda document: document.update(format_version=99))
    with pytest.raises(aios.UnsupportedError, match="format_version"):
        aios.load(bundle_copy)


def test_a_path_out_of_the_bundle_is_refused(bundle_copy):
    def escape(document):
        document["files"][0]["path"] = "../../etc/passwd"

    _rewrite_manifest(bundle_copy, escape)
    assert "leaves the bundle" in _refused(bundle_copy)


def test_an_artifact_that_failed_at_export_is_never_loaded(bundle_copy):
    def fail(document):
        for artifact in _made(document):
            artifact.update(verdict="failed", reason="7 tolerances off")

    _rewrite_manifest(bundle_copy, fail)
    for engine in ("auto", "litert"):
        with pytest.raises(aios.NotFoundError, match="7 tolerances off"):
            aios.load(bundle_copy, engine=engine, verify="off")


def test_an_artifact_that_was_never_verified_is_not_loaded(bundle_copy):
    def forget(document):
        for artifact in _made(document):
            artifact.update(verdict="pending", reason=None)

    _rewrite_manifest(bundle_copy, forget)
    with pytest.raises(aios.NotFoundError, match="never verified"):
        aios.load(bundle_copy)


def _swap_model_for_another(bundle, tmp_path):
    """A well-formed bundle whose artifact answers wrongly: hashes alone can't see that."""
    import keras

    other = keras.Sequential([keras.Input((64,), name="x"), keras.layers.Dense(10)])
    aios.export(other, tmp_path / "other.cell", engines="litert")
    name = "litert/dynamic.tflite"
    (bundle / name).write_bytes((tmp_path / "other.cell" / name).read_bytes())
    record = hash_file(bundle, name)

    def record_it(document):
        for artifact in document["artifacts"]:
            for file in artifact["files"]:
                if file["path"] == name:
                    file.update(bytes=record.bytes, sha256=record.sha256)

    _rewrite_manifest(bundle, record_it)


def test_wrong_answers_are_found_by_the_golden_samples(bundle_copy, tmp_path):
    _swap_model_for_another(bundle_copy, tmp_path)
    for options in ({"engine": "litert"}, {"engine": "auto", "verify": "full"}):
        message = _refused(bundle_copy, **options)
        assert "output_0" in message
        assert "tolerances away" in message


def test_golden_samples_that_are_not_numbers_are_refused(bundle_copy):
    golden = bundle_copy / "golden.safetensors"
    tensors = load_file(golden)
    tensors["serving_default/outputs/output_0"][0] = np.nan
    save_file(tensors, golden)
    manifest = read_manifest(bundle_copy)
    files = tuple(
        hash_file(bundle_copy, f.path) if f.path == manifest.golden else f for f in manifest.files
    )
    from dataclasses import replace

    write_manifest(bundle_copy, replace(manifest, files=files))
    with pytest.raises(aios.CorruptBundleError, match="tolerances away"):
        aios.load(bundle_copy, verify="full")


def test_full_verification_runs_every_golden_sample(wrong_golden):
    aios.load(wrong_golden, engine="litert").close()
    with pytest.raises(aios.CorruptBundleError, match="golden sample 5, tensor 'output_0'"):
        aios.load(wrong_golden, engine="litert", verify="full")


def test_not_a_bundle_is_not_found(tmp_path):
    with pytest.raises(aios.NotFoundError, match="no bundle at"):
        aios.load(tmp_path / "nothing.cell")
