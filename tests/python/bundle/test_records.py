"""What records of a manifest say of themselves."""

from dataclasses import replace

from manifests import MANIFEST

from aios.bundle.records import FileRecord, Tolerance

(ARTIFACT,) = MANIFEST.artifacts


def test_a_tolerance_is_at_least_another_in_each_part():
    assert Tolerance(1e-3, 1e-6).at_least(Tolerance()) == Tolerance(1e-3, 1e-4)


def test_an_artifact_is_told_from_others_by_engine_target_and_precision():
    assert ARTIFACT.key == ("litert", "any", "float32")
    assert replace(ARTIFACT, verdict="failed").key == ARTIFACT.key


def test_an_artifact_is_as_large_as_its_files():
    assert replace(ARTIFACT, files=(*ARTIFACT.files, FileRecord("b", 4, "0" * 64))).bytes == 7


def test_an_artifact_is_judged_on_what_it_is_proved_for_else_on_what_all_must_be():
    required, wider = {"serve": {"x": (0.0, 1.0)}}, {"serve": {"x": (0.0, 9.0)}}
    manifest = replace(MANIFEST, input_ranges=required)
    assert manifest.ranges_of(ARTIFACT) == required
    assert manifest.ranges_of(replace(ARTIFACT, proven_range=wider)) == wider
