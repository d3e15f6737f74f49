"""NumPy arrays at the boundary of a cell.

The checks and the words are those of src/python/numpy_tensor.cc and src/core/signature.cpp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from aios.bridge.fallback.records import Signature, TensorSpec
from aios.bundle.dtypes import DTYPES, STRING, can_cast, describe, numpy_dtype
from aios.bundle.schema import ANY_SIZE, MAX_RANK
from aios.errors import InvalidArgumentError, UnsupportedError

Array = npt.NDArray[Any]


def borrow_inputs(signature: Signature, x: object, *, copy: bool) -> list[Array]:
    """The arrays of one call, in the signature's order; their shapes aren't checked yet.

    Args:
        signature: What is called.
        x: A NumPy array or anything with DLPack or the buffer protocol on the CPU, for the only
            input; or a dict of them by name.
        copy: Convert another dtype, byte order or layout instead of refusing it.

    Raises:
        InvalidArgumentError: A value is missing, unknown, or no such array.
    """
    return _borrow_all("input", signature.inputs, x, lambda v, spec: _borrow_input(v, spec, copy))


def borrow_outputs(signature: Signature, out: object) -> list[Array]:
    """The caller's writable arrays for the answers, in the signature's order."""
    return _borrow_all("output", signature.outputs, out, _borrow_output)


def check_inputs(signature: Signature, inputs: Sequence[Array]) -> int:
    """Checks dtypes and shapes, and that all inputs agree on the batch, which it returns."""
    batch = None
    for spec, array in zip(signature.inputs, inputs, strict=True):
        _check_tensor("input", spec, array)
        if not spec.is_batched:
            continue
        if batch not in (None, len(array)):
            raise InvalidArgumentError(
                f"input '{spec.name}': expected a batch of {batch} as in the inputs before it, got "
                f"{describe_array(array)}; give every input the same number of samples"
            )
        batch = len(array)
    return 1 if batch is None else batch


def check_outputs(
    signature: Signature, batch: int, inputs: Sequence[Array], outputs: Sequence[Array]
) -> None:
    """Checks dtypes and shapes for a batch, and that each has memory of its own."""
    for index, (spec, output) in enumerate(zip(signature.outputs, outputs, strict=True)):
        _check_tensor("output", spec, output)
        if spec.is_batched and len(output) != batch:
            raise InvalidArgumentError(
                f"output '{spec.name}': expected {describe(spec.dtype, (batch, *spec.shape[1:]))}, "
                f"got {describe_array(output)}; give it the batch size of the inputs"
            )
        users = [(array, "an input") for array in inputs]
        before = zip(signature.outputs[:index], outputs[:index], strict=True)
        users += [(array, f"output '{other.name}'") for other, array in before]
        for array, user in users:
            if np.may_share_memory(output, array):
                raise InvalidArgumentError(
                    f"output '{spec.name}': expected memory of its own, got memory that {user} "
                    "uses too; give it an array of its own"
                )


def outputs_are_known(signature: Signature) -> bool:
    """Whether the shapes of all outputs follow from the batch alone."""
    return all(
        spec.dtype != STRING and ANY_SIZE not in spec.shape[1:] for spec in signature.outputs
    )


def new_outputs(signature: Signature, batch: int) -> list[Array]:
    """Arrays for the answers to a batch; their elements are undefined.

    Raises:
        UnsupportedError: A size besides the batch isn't known before the call.
    """
    for spec in signature.outputs:
        if ANY_SIZE in spec.shape[1:]:
            raise UnsupportedError(
                f"output '{spec.name}' has the shape {spec}: only its first dimension may be of "
                "any size here"
            )
    return [np.empty(_sized(spec, batch), dtype_of(spec)) for spec in signature.outputs]


def empty_outputs(signature: Signature) -> list[Array]:
    """Answers to a batch of 0, of which no other unknown size is known either."""
    return [np.empty(_sized(spec, 0), dtype_of(spec)) for spec in signature.outputs]


def dtype_of(spec: TensorSpec) -> np.dtype[Any]:
    """NumPy's dtype; objects of type bytes for strings."""
    return numpy_dtype(spec.dtype)


def bytes_of(array: Array) -> int:
    """Bytes of the elements; of strings, of their characters."""
    return sum(map(len, array.flat)) if array.dtype == object else array.nbytes


def describe_array(array: Array) -> str:
    """As "float32[4,12]"."""
    return describe(_dtype_name(array), array.shape)


def _sized(spec: TensorSpec, size: int) -> tuple[int, ...]:
    return tuple(size if dim == ANY_SIZE else dim for dim in spec.shape)


def _dtype_name(array: Array) -> str:
    if array.dtype == object:
        return STRING
    return array.dtype.name if array.dtype.isnative else str(array.dtype)


def _reject(role: str, spec: TensorSpec, got: str, remedy: str) -> NoReturn:
    raise InvalidArgumentError(f"{role} '{spec.name}': expected {spec}, got {got}; {remedy}")


def _borrow_all(
    role: str,
    specs: Sequence[TensorSpec],
    values: object,
    borrow: Callable[[object, TensorSpec], Array],
) -> list[Array]:
    """One value for the only tensor of a role, or a dict of all of them by name."""
    names = ", ".join(f"'{spec.name}'" for spec in specs)
    if not isinstance(values, dict):
        if len(specs) != 1:
            raise InvalidArgumentError(
                f"the model has {len(specs)} {role}s: pass a dict with {names}"
            )
        return [borrow(values, specs[0])]
    known = {spec.name for spec in specs}
    for name in values:
        if name not in known:
            raise InvalidArgumentError(f"{role} {name!r} isn't in the signature: expected {names}")
    for spec in specs:
        if spec.name not in values:
            raise InvalidArgumentError(f"{role} '{spec.name}' is missing: expected {spec}")
    return [borrow(values[spec.name], spec) for spec in specs]


def _borrow_input(value: object, spec: TensorSpec, copy: bool) -> Array:
    if spec.dtype == STRING:
        return _strings(value, spec)
    array = value.view(np.ndarray) if isinstance(value, np.ndarray) else _view_of(value)
    if copy and (array is None or not _is_plain(array) or array.dtype != dtype_of(spec)):
        array = _converted(value, spec)
    if array is None:
        remedy = "pass a NumPy array or a CPU tensor, or copy=True"
        _reject("input", spec, type(value).__name__, remedy)
    if not _is_plain(array):
        kind = "a non-contiguous" if array.dtype.isnative else "a byte-swapped"
        remedy = "pass np.ascontiguousarray(x) or copy=True"
        _reject("input", spec, f"{kind} {describe(str(array.dtype), array.shape)}", remedy)
    _require_tensor("input", spec, array)
    return array


def _borrow_output(value: object, spec: TensorSpec) -> Array:
    if not isinstance(value, np.ndarray):
        _reject("output", spec, type(value).__name__, "pass a NumPy array")
    if not (_is_plain(value) and value.flags.writeable):
        got = f"a read-only or non-contiguous {describe(str(value.dtype), value.shape)}"
        _reject("output", spec, got, "pass a writable C-contiguous array")
    _require_tensor("output", spec, value)
    return value


def _require_tensor(role: str, spec: TensorSpec, array: Array) -> None:
    """A dtype and rank that a tensor can have at all."""
    got = describe(str(array.dtype), array.shape)
    if array.dtype.name not in DTYPES:
        _reject(role, spec, got, f"cast to {spec.dtype}")
    if array.ndim > MAX_RANK:
        _reject(role, spec, got, f"pass {len(spec.shape)} dimensions")


def _is_plain(array: Array) -> bool:
    """Contiguous, aligned, and in this machine's byte order."""
    return array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative


def _view_of(value: Any) -> Array | None:
    """An array over the memory of another library's tensor; None if it offers no such view."""
    if hasattr(value, "__dlpack__"):
        # Not on the CPU, or a dtype that NumPy lacks: then it is no array.
        with suppress(Exception):
            return np.from_dlpack(value)
    try:
        return np.asarray(memoryview(value))
    except (TypeError, ValueError, BufferError, NotImplementedError):
        return None


def _converted(value: object, spec: TensorSpec) -> Array:
    array = np.asarray(value)
    if not can_cast(array.dtype, spec.dtype):
        got = describe(str(array.dtype), array.shape)
        _reject("input", spec, got, "that cast would lose information")
    # ascontiguousarray gives a 0-d array one dimension.
    return np.ascontiguousarray(array, dtype_of(spec)).reshape(array.shape)


def _strings(value: object, spec: TensorSpec) -> Array:
    """An object array of bytes, from one of str or bytes."""
    array = np.asarray(value)
    elements = [
        element.encode() if isinstance(element, str) else element
        for element in array.ravel().tolist()
    ]
    if not all(isinstance(element, bytes) for element in elements):
        got = describe(str(array.dtype), array.shape)
        _reject("input", spec, got, "pass an array of str or bytes")
    strings = np.empty(len(elements), object)
    strings[:] = elements
    return strings.reshape(array.shape)


def _check_tensor(role: str, spec: TensorSpec, array: Array) -> None:
    same_dtype = _dtype_name(array) == spec.dtype
    wrong = [
        axis
        for axis, (expected, size) in enumerate(zip(spec.shape, array.shape, strict=False))
        if expected not in (ANY_SIZE, size)
    ]
    if same_dtype and array.ndim == len(spec.shape) and not wrong:
        return
    remedies = [] if same_dtype else [f"cast to {spec.dtype}"]
    if array.ndim + 1 == len(spec.shape) and spec.is_batched:
        remedies.append("add a leading batch dimension")
    elif array.ndim != len(spec.shape):
        remedies.append(f"pass {len(spec.shape)} dimensions")
    elif wrong:
        last = wrong[0] + 1 == array.ndim
        remedies.append("check the feature count" if last else f"check dimension {wrong[0]}")
    _reject(role, spec, describe_array(array), " and ".join(remedies))
