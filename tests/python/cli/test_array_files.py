"""Arrays in .npy and .npz files."""

import numpy as np
import pytest

import aios
from aios.cli.array_files import read_arrays, require_output, write_arrays

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_one_array_and_several_come_back_as_they_were(tmp_path):
    write_arrays("-o", tmp_path / "x.npy", {"x": X})
    np.testing.assert_array_equal(read_arrays("-i", tmp_path / "x.npy"), X)
    write_arrays("-o", tmp_path / "x.npz", {"x": X, "y": X + 1})
    found = read_arrays("-i", tmp_path / "x.npz")
    assert list(found) == ["x", "y"]
    np.testing.assert_array_equal(found["y"], X + 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.npy", "x.npz"]


def test_a_file_that_is_not_there_gets_a_suggestion(tmp_path):
    np.save(tmp_path / "samples.npy", X)
    with pytest.raises(aios.NotFoundError, match=r"no file at .*; did you mean 'samples.npy'\?"):
        read_arrays("--input", tmp_path / "sample.npy")


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 and no zip"])
def test_what_is_no_such_file_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(aios.InvalidArgumentError, match=f"--input: .*{name}"):
        read_arrays("--input", tmp_path / name)


def test_python_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(aios.InvalidArgumentError, match="numbers only"):
        read_arrays("--input", tmp_path / "x.npy")


def test_an_archive_of_nothing_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz")
    with pytest.raises(aios.InvalidArgumentError, match="holds no array"):
        read_arrays("--input", tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("name", "names", "message"),
    [
        ("y.npy", ["a", "b"], r"a .npy holds one array, and the model gives a, b; name a .npz"),
        ("y.csv", ["a"], "expected a .npy or .npz file, as x.npy, got 'y.csv'"),
    ],
)
def test_a_file_that_cannot_hold_the_answers_is_refused_before_there_are_any(
    tmp_path, name, names, message
):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        require_output("--output", tmp_path / name, names)


def test_a_directory_that_is_not_there_is_told_and_nothing_is_left(tmp_path):
    with pytest.raises(aios.FailedPreconditionError, match="can't be written"):
        write_arrays("-o", tmp_path / "nowhere" / "y.npy", {"y": X})
    assert list(tmp_path.iterdir()) == []
