"""Results are the caller's: memory is used again only when nobody can see it any more."""

import weakref

import numpy as np
import pytest

import aios

pytestmark = pytest.mark.usefixtures("core")


@pytest.fixture
def bridge(digits):
    with aios.load(digits.bundle) as loaded:
        yield loaded


@pytest.fixture
def samples(digits):
    return [digits.x_test[i : i + 1] for i in range(20)]


@pytest.fixture
def expected(bridge, samples):
    return [bridge.perform_inference(x, out=np.empty((1, 10), np.float32)) for x in samples]


def _call_all(bridge, samples):
    for x in samples:
        bridge.perform_inference(x)


def test_a_result_is_an_ordinary_array(bridge, samples):
    for x in samples:
        result = bridge.perform_inference(x)
        assert type(result) is np.ndarray
        assert result.base is None
        assert result.flags.owndata
        assert result.flags.writeable
        assert result.flags.c_contiguous
        assert result.shape == (1, 10)


@pytest.mark.native
def test_dropped_results_give_their_memory_to_the_next(bridge, samples):
    places = {bridge.perform_inference(x).ctypes.data for x in samples}
    assert len(places) <= 2
    result = None
    places = set()
    for x in samples:
        result = bridge.perform_inference(x)
        places.add(result.ctypes.data)
    assert len(places) <= 2


def test_results_that_are_held_stay_as_they_were(bridge, samples, expected):
    held = [bridge.perform_inference(x) for x in samples]
    _call_all(bridge, samples)
    np.testing.assert_array_equal(held, expected)


@pytest.mark.parametrize(
    "hold",
    [lambda y: y[0, 2:5], memoryview, np.from_dlpack, lambda y: y.T],
    ids=["slice", "memoryview", "dlpack", "transpose"],
)
def test_whatever_refers_to_a_result_keeps_its_content(bridge, samples, expected, hold):
    holder = hold(bridge.perform_inference(samples[0]))
    _call_all(bridge, samples[1:])
    np.testing.assert_array_equal(np.asarray(holder), np.asarray(hold(expected[0])))


def test_a_weak_reference_never_sees_another_answer(bridge, samples, expected):
    reference = weakref.ref(bridge.perform_inference(samples[0]))
    _call_all(bridge, samples[1:])
    seen = reference()
    assert seen is None or np.array_equal(seen, expected[0])


@pytest.mark.parametrize(
    "change",
    [
        lambda y: setattr(y, "shape", (10, 1)),
        lambda y: y.setflags(write=False),
        lambda y: setattr(y, "dtype", np.int32),
    ],
    ids=["shape", "flags", "dtype"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_result_that_was_changed_in_place_is_not_used_again(bridge, samples, expected, change):
    for x in samples[:3]:
        change(bridge.perform_inference(x))
    for x, answer in zip(samples, expected, strict=True):
        result = bridge.perform_inference(x)
        assert (result.shape, result.dtype) == ((1, 10), np.float32)
        assert result.flags.writeable
        np.testing.assert_array_equal(result, answer)


def test_batches_of_other_sizes_get_arrays_of_their_own(bridge, digits):
    for batch in (1, 3, 1, 0, 3, 7, 1):
        assert bridge.perform_inference(digits.x_test[:batch]).shape == (batch, 10)


def test_a_result_outlives_its_bridge(digits, samples):
    with aios.load(digits.bundle) as bridge:
        result = bridge.perform_inference(samples[0])
        copy = result.copy()
    del bridge
    np.testing.assert_array_equal(result, copy)


@pytest.mark.native
def test_a_weak_reference_that_closes_the_cell_ends_no_call_halfway(digits, run_python):
    code = f"""
import weakref
import numpy as np, aios
x = np.load({str(digits.bundle.parent / "x.npy")!r})
refused = 0
for number in range(20):
    bridge = aios.load({str(digits.bundle)!r}, engine="compiled")
    expected = bridge.perform_inference(x, out=np.empty((1, 10), np.float32))
    held = [bridge.perform_inference(x) for _ in range(1 + number % 2)]
    watch = [weakref.ref(y, lambda _: bridge.close()) for y in held]
    held.clear()
    try:
        while True:
            held.append(bridge.perform_inference(x))
            assert np.array_equal(held[-1], expected)
    except aios.FailedPreconditionError:
        refused += 1
print(refused)
"""
    np.save(digits.bundle.parent / "x.npy", digits.x_test[:1])
    assert run_python(code) == "20\n"


@pytest.mark.native
def test_a_weak_reference_that_calls_the_cell_while_it_closes(digits, run_python):
    code = f"""
import weakref
import numpy as np, aios
x = np.zeros((1, 64), np.float32)
bridge = aios.load({str(digits.bundle)!r}, engine="compiled")
def again(_):
    try:
        bridge.perform_inference(x)
    except aios.FailedPreconditionError:
        print("refused")
    bridge.load_model_from_training_cell({str(digits.bundle)!r})
y = bridge.perform_inference(x)
watch = weakref.ref(y, again)
del y
bridge.close()
print(bridge.perform_inference(x).shape)
"""
    assert run_python(code) == "refused\n(1, 10)\n"
