"""What is verified of a bundle, and in which words, whatever process the engines are in."""

import pytest

from aios.bundle.manifest import read_manifest
from aios.errors import CorruptBundleError
from aios.proving import ArtifactVerification, Prover


class Listing(Prover):
    """Lists the artifacts that it is asked to verify."""

    isolated = False
    closed = False

    def verify_one(self, bundle, key, threads):
        return ArtifactVerification(*key, samples=threads)

    def answers(self, bundle, artifact, signature, inputs):
        raise NotImplementedError

    def stream_answers(self, bundle, inputs):
        raise NotImplementedError

    def interpret(self, model, signature, inputs):
        raise NotImplementedError

    def close(self):
        self.closed = True


def test_every_artifact_that_passed_is_verified_or_those_of_some_engines(digits):
    passed = [a.key for a in read_manifest(digits.bundle).artifacts if a.verdict == "passed"]
    with Listing() as prover:
        entries = prover.verify(digits.bundle, threads=2)
        some = prover.verify(digits.bundle, only=["litert"])
    assert [(e.engine, e.target, e.precision) for e in entries] == passed
    assert {e.samples for e in entries} == {2}
    assert {e.engine for e in some} == {"litert"}
    assert prover.closed


def test_files_are_checked_before_any_engine_runs(bundle_copy):
    (artifact,) = (a for a in read_manifest(bundle_copy).artifacts if a.engine == "litert")
    path = bundle_copy / artifact.files[0].path
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptBundleError, match=artifact.files[0].path):
        Listing().verify(bundle_copy)
