"""What a maker has written, before anything has judged it."""

import pytest

from aios.bundle.manifest import GraphRecord, SignatureRecord, TensorRecord, Tolerance
from aios.errors import UnsupportedError
from aios.exporting import golden
from aios.exporting.engines.pending import keep_only, pending_record, require_no_strings
from aios.exporting.samples import drawn

X = TensorRecord("x", "float32", (-1, 2))
SIGNATURE = SignatureRecord("serve", (X,), (TensorRecord("y", "float32", (-1, 2)),))


def sets_of(signature=SIGNATURE):
    answers = golden.collect(
        lambda inputs: {"y": inputs["x"]}, signature, drawn(signature), Tolerance()
    )
    return [answers]


@pytest.fixture
def work(tmp_path):
    for path in ("litert/b1.tflite", "litert/16/b1.tflite", "saved/b/c", "saved/a"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    return tmp_path


def test_a_record_has_every_file_of_its_graphs_once(work):
    graphs = [GraphRecord("litert/b1.tflite", 1), GraphRecord("saved"), GraphRecord("saved")]
    record = pending_record("litert", work, sets_of(), graphs, Tolerance(1e-3))
    assert [file.path for file in record.files] == ["litert/b1.tflite", "saved/a", "saved/b/c"]
    assert (record.key, record.verdict) == (("litert", "any", "float32"), "pending")
    assert record.tolerance == Tolerance(1e-3)
    assert record.composable


def test_batches_are_composed_only_where_dimension_0_counts_samples(work):
    fixed = SignatureRecord("serve", (TensorRecord("x", "float32", (2, 2)),), SIGNATURE.outputs)
    record = pending_record("litert", work, sets_of(fixed), [GraphRecord("saved")], Tolerance())
    assert not record.composable


def test_what_else_was_tried_is_removed_with_the_folders_that_this_empties(work):
    record = pending_record(
        "litert", work, sets_of(), [GraphRecord("litert/b1.tflite", 1)], Tolerance()
    )
    keep_only(work / "litert", work, record)
    assert [path.name for path in (work / "litert").rglob("*")] == ["b1.tflite"]
    assert (work / "saved/a").exists()


def test_strings_are_refused_by_the_tensors_name():
    words = SignatureRecord("serve", (TensorRecord("words", "string", (-1,)),), ())
    (item,) = sets_of()

    class Set:
        signature = words

    require_no_strings([item])
    with pytest.raises(UnsupportedError, match="tensor 'words' is of strings"):
        require_no_strings([item, Set()])
