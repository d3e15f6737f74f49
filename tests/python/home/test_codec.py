import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aios
from aios.home.codec import ValueRef, combine, load_element, load_value, store_value
from aios.home.content_store import ContentStore


@pytest.fixture
def store(tmp_path):
    return ContentStore(tmp_path / "objects", tmp_path / "tmp")


def round_trip(value, store):
    reference = ValueRef.from_json(store_value(value, store).to_json())
    return load_value(reference, store)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_plain_values_come_back_equal(tmp_path_factory, value):
    place = tmp_path_factory.getbasetemp() / "codec"
    found = round_trip(value, ContentStore(place / "objects", place / "tmp"))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.array(3.5),
        np.zeros((0, 4), np.int64),
        np.arange(10)[::2],
        np.asfortranarray(np.eye(3)),
        np.array(["a", "bc"]),
        np.array([True, False]),
    ],
)
def test_arrays_come_back_equal_and_read_only(store, array):
    found = round_trip({"x": array}, store)["x"]
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert (found == array).all()
    with pytest.raises(ValueError, match="read-only"):
        found[...] = 0


def test_the_same_value_has_the_same_hash_and_one_file(store):
    first = store_value({"a": np.arange(5), "b": 1}, store)
    second = store_value({"b": 1, "a": np.arange(5)}, store)
    assert first.sha256 == second.sha256
    assert len([path for path in store.root.rglob("*") if path.is_file()]) == 1
    assert store_value({"a": np.arange(6), "b": 1}, store).sha256 != first.sha256


def test_small_values_need_no_file_and_large_ones_one(store):
    assert store_value(list(range(100)), store).file is None
    big = store_value(list(range(10_000)), store)
    assert big.inline is None
    assert load_value(big, store) == list(range(10_000))


def test_keys_that_look_like_nodes_come_back(store):
    assert round_trip({"$array": 1, "$tuple": [2]}, store) == {"$array": 1, "$tuple": [2]}


def test_training_data_and_files_come_back(store, tmp_path):
    data = aios.TrainingData(np.ones((4, 2)), np.arange(4))
    found = round_trip(data, store)
    assert (found.x_train == data.x_train).all()
    assert found.x_val is None
    (tmp_path / "model.weights.h5").write_bytes(b"weights")
    reference = round_trip(store.put_file(tmp_path / "model.weights.h5"), store)
    assert store.open_path(reference).read_bytes() == b"weights"
    assert reference.suffix == ".weights.h5"


def test_elements_are_read_one_by_one(store):
    reference = store_value([np.zeros(2), np.ones(2)], store)
    assert reference.count == 2
    assert (load_element(reference, 1, store) == 1).all()
    assert load_element(store_value((7, 8), store), 0, store) == 7
    joined = combine([store_value("x", store), store_value([1], store)])
    assert load_value(joined, store) == ["x", [1]]
    assert load_element(joined, 1, store) == [1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1: "a"}, "result: expected string keys, got 1"),
        ({"deep": [object()]}, r"result\['deep'\]\[0\]: expected None, bool.*, got object$"),
        (np.array([object()]), "got array of object"),
        ({1, 2}, "got set$"),
    ],
)
def test_what_cannot_be_stored_is_named_with_its_place(store, value, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        store_value(value, store)


def test_a_users_own_class_is_not_taken_for_one_of_the_same_name(store):
    @dataclasses.dataclass
    class Verdict:
        passed: bool

    with pytest.raises(aios.InvalidArgumentError, match="got Verdict$"):
        store_value(Verdict(True), store)


class Frame:
    """Stands for a data frame of columns of several kinds."""

    def __array__(self, dtype=None, copy=None):
        return np.array([[1, "a"]], object)

    def to_numpy(self):
        return self.__array__()


def test_a_data_frame_as_data_is_named_with_what_to_do(manager):
    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(lambda data: 1)]))
    message = r"data: expected None, .*, got Frame; of a data frame, its \.to_numpy"
    with pytest.raises(aios.InvalidArgumentError, match=message):
        manager.execute_workflow("w", Frame())
    with pytest.raises(aios.InvalidArgumentError, match=r"data\['x'\]: expected .*got Frame"):
        manager.execute_workflow("w", {"x": Frame()})
    with pytest.raises(aios.InvalidArgumentError, match="x_train: expected numbers or text of one"):
        aios.TrainingData(Frame(), np.zeros(1))
    assert manager.runs() == []


def test_a_changed_file_is_found(store):
    reference = store_value(np.arange(5), store)
    (path,) = store.root.rglob("*.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(aios.CorruptHomeError, match="expected SHA-256"):
        load_value(reference, store)
    path.write_bytes(content[:-1])
    with pytest.raises(aios.CorruptHomeError, match="expected .* bytes, found"):
        load_value(reference, store)
    path.unlink()
    with pytest.raises(aios.CorruptHomeError, match="missing; a run refers to it"):
        load_value(reference, store)


def test_no_half_file_is_left_when_the_disk_is_full(store, monkeypatch):
    import errno
    import os

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(aios.OverloadedError, match="no space left.*free space and resume"):
        store_value(np.arange(5), store)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
    assert list(store.tmp.iterdir()) == []


def test_leftovers_of_dead_processes_are_swept(store):
    store.tmp.mkdir(parents=True)
    with store.work_dir("mine") as mine:
        dead = mine.name.split(".")[0] + ".999999999"
        (store.tmp / f"{dead}-abc").write_text("half")
        (store.tmp / f"{dead}-dir").mkdir()
        (store.tmp / "1.1-of-another-container").mkdir()
        assert store.sweep() == 2
        assert mine.is_dir()
    assert [place.name for place in store.tmp.iterdir()] == ["1.1-of-another-container"]
