"""What a training model is asked, and whether its answer to a row depends on the batch."""

import numpy as np
import pytest

from aios.bundle.manifest import SignatureRecord, TensorRecord, Tolerance
from aios.errors import InvalidArgumentError
from aios.exporting import golden
from aios.exporting.asking import in_chunks
from aios.exporting.samples import drawn, given

SIGNATURE = SignatureRecord(
    "serve", (TensorRecord("x", "float32", (-1, 3)),), (TensorRecord("y", "float32", (-1, 3)),)
)
IDS = SignatureRecord(
    "serve", (TensorRecord("x", "int32", (-1, 3)),), (TensorRecord("y", "float32", (-1, 3)),)
)


def _unique(x):
    return x + np.float32(len(np.unique(np.round(x))))


DEPENDENT = {
    "one of two branches by the batch's mean": lambda x: x * 2 if x.mean() > 0 else -x,
    "a branch that only large values take": lambda x: x if x.std() < 1e6 else x * 0,
    "the batch's own statistics": lambda x: (x - x.mean(0)) / (x.std(0) + 1e-3),
    "softmax over the batch": lambda x: np.exp(x - x.max(0)) / np.exp(x - x.max(0)).sum(0),
    "a running sum": lambda x: np.cumsum(x, 0),
    "the number of different values": _unique,
    "the batch's size": lambda x: x + np.float32(len(x) > 20),
    "order": lambda x: np.sort(x, 0),
    "a floor under the batch's maximum": lambda x: np.maximum(
        20 * np.log10(np.maximum(np.abs(x), 1e-10)), 20 * np.log10(np.abs(x).max() + 1e-10) - 80
    ),
}


def _collect(model, signature=SIGNATURE, samples=None):
    asked = []

    def answers(inputs):
        asked.append(len(inputs["x"]))
        with np.errstate(all="ignore"):
            return {"y": np.asarray(model(inputs["x"]), np.float32)}

    chosen = drawn(signature) if samples is None else given(signature, samples)
    return golden.collect(answers, signature, chosen, Tolerance()), asked


@pytest.mark.parametrize("kind", DEPENDENT)
def test_rows_that_depend_on_the_batch_are_known_and_asked_one_by_one(kind):
    model = DEPENDENT[kind]
    made, _ = _collect(model)
    assert not made.independent
    for row in range(made.count):
        with np.errstate(all="ignore"):
            alone = model(made.inputs["x"][row])
        np.testing.assert_array_equal(made.outputs["y"][row], np.asarray(alone, np.float32))


def test_the_branch_is_known_where_the_samples_alone_never_change_it():
    x = np.abs(np.random.default_rng(0).standard_normal((16, 3))).astype(np.float32)
    made, _ = _collect(lambda x: x * 2 if x.mean() > 0 else -x, samples=x)
    assert not made.independent


def test_ids_that_decide_for_the_batch_are_known():
    made, _ = _collect(lambda x: x * 2.0 if x.mean() > 0.5 else x * 1.0, IDS)
    assert not made.independent
    np.testing.assert_array_equal(made.outputs["y"][0], made.inputs["x"][0])


@pytest.mark.parametrize("signature", [SIGNATURE, IDS])
def test_rows_that_do_not_depend_on_the_batch_are_asked_together(signature):
    made, asked = _collect(lambda x: x * 2.0 + 1, signature)
    assert made.independent
    assert asked.count(32) == 1
    np.testing.assert_array_equal(made.outputs["y"], made.inputs["x"] * np.float32(2) + 1)


def test_what_the_model_raises_on_only_in_company_leaves_rows_independent():
    def model(x):
        if np.nanmax(np.abs(x)) > 50:
            raise ValueError("out of range")
        return x * 2

    made, _ = _collect(model, samples=np.ones((5, 3), np.float32) * [[1], [2], [3], [4], [5]])
    assert made.independent
    assert made.own == 5
    assert made.raised == 0
    assert np.abs(made.inputs["x"]).max() <= 50
    with pytest.raises(InvalidArgumentError, match="raises on sample 1"):
        _collect(model, samples=np.array([[1, 2, 3], [99, 0, 0]], np.float32))


_WHOLE = np.arange(96, dtype=np.float32).reshape(8, 3, 4)
LAYOUTS = {
    "Fortran order": np.asfortranarray(_WHOLE[:, :, 0]),
    "moved axes": np.moveaxis(_WHOLE.transpose(1, 2, 0), -1, 0)[:, :, 1],
    "reversed": _WHOLE[::-1, ::-1, 2],
    "every second column": np.repeat(_WHOLE[:, :, 3], 2, axis=1)[:, ::2],
    "byte-swapped": _WHOLE[:, :, 0].astype(">f4"),
    "a field of records": np.array(
        [(1, row) for row in _WHOLE[:, :, 1]], dtype=[("id", "i1"), ("x", "f8", 3)]
    )["x"],
    "float64, broadcast": np.broadcast_to(_WHOLE[0, :, 2].astype(np.float64), (8, 3)),
    "read-only bytes": np.frombuffer(_WHOLE[:, :, 0].tobytes(), np.float32).reshape(8, 3),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_samples_of_any_layout_become_contiguous_with_the_same_values(layout):
    x = LAYOUTS[layout]
    kept = given(SIGNATURE, x).arrays["x"]
    np.testing.assert_array_equal(kept[:, 0], x.astype(np.float32))
    made, _ = _collect(lambda x: x * 2.0, samples=x)
    for array in (kept, made.inputs["x"], *made.batch(5).values()):
        assert array.dtype == np.float32
        assert array.dtype.isnative
        assert array.flags.c_contiguous


def test_columns_of_records_and_data_frames_are_taken_by_name():
    specs = (TensorRecord("age", "float32", (-1, 1)), TensorRecord("job", "int64", (-1, 1)))
    signature = SignatureRecord("serve", specs, specs[:1])
    records = np.array([(41, 2), (19, 0)], dtype=[("age", ">f8"), ("job", "i2")])
    by_name = {name: records[name] for name in records.dtype.names}
    for samples in (records, by_name, _Frame(records)):
        kept = given(signature, samples).arrays
        np.testing.assert_array_equal(kept["age"], np.array([[[41]], [[19]]], np.float32))
        np.testing.assert_array_equal(kept["job"], np.array([[[2]], [[0]]], np.int64))


@pytest.mark.parametrize(("edge", "sizes"), [(4, [32, 8]), (224, [6] * 6 + [4]), (2048, [1] * 40)])
def test_calls_of_large_samples_are_small(edge, sizes):
    images = np.broadcast_to(np.float32(0), (40, 1, edge, edge, 3))
    parts = in_chunks(np.arange(40), {"x": images})
    assert [len(rows) for rows in parts] == sizes
    assert np.concatenate(parts).tolist() == list(range(40))


class _Frame:
    """What a pandas DataFrame is to us."""

    def __init__(self, records):
        self.columns, self._records = list(records.dtype.names), records

    def __getitem__(self, name):
        return self._records[name]
