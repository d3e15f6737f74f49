"""Asking the training model: one call at a time, in batches, and whether the two agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from aios.bundle.comparison import Array, Arrays, answers_agree
from aios.bundle.dtypes import STRING, is_float, numpy_dtype
from aios.bundle.manifest import SignatureRecord, Tolerance
from aios.errors import FailedPreconditionError, InvalidArgumentError, UnsupportedError
from aios.exporting.edges import NEAR_EDGES
from aios.exporting.samples import is_stackable

#: The training model: arrays of one call in, arrays of one call out, by name.
Answers = Callable[[Arrays], Arrays]

#: Samples in one call, and bytes of their inputs: layers hold a hundred times that, and oneDNN
#: keeps memory of the largest call for good.
_CHUNK = 32
_CHUNK_BYTES = 4 << 20
#: Samples that are asked alone and then in company.
_PROBED = 4
#: Samples that they are put together with.
_COMPANIONS = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """Answers to single calls: outputs[i] is that to row `rows[i]` of the inputs.

    `independent` says that the model answers a batch of n as it answers n single samples.
    """

    rows: Array
    outputs: Arrays
    independent: bool


def ask(
    answers: Answers,
    signature: SignatureRecord,
    inputs: Arrays,
    *,
    tolerance: Tolerance,
    plain: int,
    droppable: int,
) -> Asked:
    """Answers in batches where the model answers rows independently, else one by one.

    Args:
        answers: The training model.
        signature: The model's signature.
        inputs: Calls; axis 0 of every array counts them.
        tolerance: How far the model's answers may be from its own.
        plain: The first so many calls are samples, the others edge cases of them.
        droppable: Calls from this on may be left out where the model raises.

    Raises:
        InvalidArgumentError: The model raises on a call that may not be left out, or on all.
        FailedPreconditionError: The model answers the same input differently.
        UnsupportedError: The shape of an answer depends on the values of the inputs.
    """
    count = len(next(iter(inputs.values()))) if inputs else 1
    rows = np.arange(count)
    probed = _one_by_one(answers, signature, inputs, rows[: min(_PROBED, plain)], droppable)
    if len(probed.rows):
        _require_repeatable(answers, signature, inputs, probed, tolerance)
    stackable = is_stackable(signature)
    if stackable and _are_independent(answers, inputs, probed, plain, tolerance):
        try:
            together = _answered_together(answers, inputs)
        except Exception:  # The model may raise anything on a batch; single calls name the sample.
            together = {}
        # Zeros too: a floor under the batch's maximum is seen nowhere else.
        near = _one_by_one(answers, signature, inputs, rows[plain : plain + NEAR_EDGES], 0)
        if together and all(
            answers_agree(rows_of(together, asked.rows), asked.outputs, tolerance)
            for asked in (probed, near)
        ):
            return Asked(rows, together, independent=True)
    alone = _one_by_one(answers, signature, inputs, rows, droppable)
    if not len(alone.rows):
        raise InvalidArgumentError(
            f"signature '{signature.name}': the model raises on every drawn sample; pass "
            "samples=…, for example samples=x_val[:64]"
        )
    independent = stackable and _batches_agree(answers, inputs, alone, plain, tolerance)
    return Asked(alone.rows, alone.outputs, independent)


def batch_of(inputs: Arrays, rows: Array) -> Arrays:
    """Calls of batch 1 as one call, C-contiguous."""
    return {name: np.ascontiguousarray(array[rows, 0]) for name, array in inputs.items()}


def rows_of(arrays: Arrays, rows: Array) -> Arrays:
    """Some calls of arrays whose axis 0 counts them."""
    return {name: array[rows] for name, array in arrays.items()}


def finite_rows(outputs: Arrays) -> Array:
    """Which calls were answered with finite numbers alone."""
    finite = np.ones(len(next(iter(outputs.values()))), dtype=bool)
    for array in outputs.values():
        if is_float(array.dtype):
            finite &= np.isfinite(array).reshape(len(array), -1).all(axis=1)
    return finite


def _batches_agree(
    answers: Answers, inputs: Arrays, alone: Asked, plain: int, tolerance: Tolerance
) -> bool:
    """Whether batches of calls that raised nothing alone are answered as those were."""
    own = alone.rows[alone.rows < plain]
    for rows in in_chunks(own, inputs):
        try:
            together = _stacked_batch(answers(batch_of(inputs, rows)))
        except Exception:
            return False
        if not answers_agree(
            together, rows_of(alone.outputs, np.searchsorted(alone.rows, rows)), tolerance
        ):
            return False
    asked = {name: array[alone.rows] for name, array in inputs.items()}
    first = np.arange(min(_PROBED, len(own)))
    probed = Asked(first, rows_of(alone.outputs, first), independent=False)
    return _are_independent(answers, asked, probed, len(own), tolerance)


def _are_independent(
    answers: Answers, inputs: Arrays, probed: Asked, plain: int, tolerance: Tolerance
) -> bool:
    """Whether samples are answered in any company as they are alone.

    A batch's mean, maximum or size may decide for all its rows: so the company is the most unlike
    that there is, on either side.
    """
    if not len(probed.rows):
        return False
    for companion in _companions(inputs, plain):
        rows = np.array([companion, *probed.rows, companion])
        try:
            together = _stacked_batch(answers(batch_of(inputs, rows)))
        except Exception:  # It raises on the companion: that says nothing of the others.
            continue
        middle = {name: array[1:-1] for name, array in together.items() if len(array) == len(rows)}
        if not answers_agree(middle, probed.outputs, tolerance):
            return False
    return True


def _companions(inputs: Arrays, plain: int) -> Iterator[int]:
    """The farthest edge cases; where there are none, samples of the least and greatest sums."""
    count = len(next(iter(inputs.values())))
    if plain < count:
        yield from range(max(plain, count - _COMPANIONS), count)
        return
    sums = np.zeros(count)
    for array in inputs.values():
        if array.dtype != numpy_dtype(STRING):
            sums += array.reshape(count, -1).sum(axis=1, dtype=np.float64)
    order = np.argsort(sums, kind="stable")
    half = _COMPANIONS // 2
    yield from dict.fromkeys((*order[:half], *order[-half:]))


def in_chunks(rows: Array, inputs: Arrays) -> list[Array]:
    """The rows in parts that the training model can answer in one call each.

    Args:
        rows: Indices of calls.
        inputs: Calls; axis 0 of every array counts them.
    """
    call_bytes = sum(array.nbytes // max(1, len(array)) for array in inputs.values())
    size = min(_CHUNK, max(1, _CHUNK_BYTES // max(1, call_bytes)))
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _answered_together(answers: Answers, inputs: Arrays) -> Arrays:
    count = len(next(iter(inputs.values())))
    chunks = [answers(batch_of(inputs, rows)) for rows in in_chunks(np.arange(count), inputs)]
    together = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return _stacked_batch(together)


def _stacked_batch(outputs: Arrays) -> Arrays:
    """A batch's answer as those to calls of batch 1."""
    return {name: array[:, np.newaxis] for name, array in outputs.items()}


def _one_by_one(
    answers: Answers, signature: SignatureRecord, inputs: Arrays, rows: Array, droppable: int
) -> Asked:
    kept, calls = [], []
    for row in rows:
        try:
            calls.append(answers({name: array[row] for name, array in inputs.items()}))
        except Exception as error:
            if row < droppable:
                raise InvalidArgumentError(
                    f"samples: the model raises on sample {row} of signature "
                    f"'{signature.name}': {error}"
                ) from error
            continue
        kept.append(row)
    return Asked(np.array(kept, dtype=np.intp), _stacked(signature, calls), independent=False)


def _stacked(signature: SignatureRecord, calls: list[Arrays]) -> Arrays:
    outputs: Arrays = {}
    for spec in signature.outputs if calls else ():
        shapes = {call[spec.name].shape for call in calls}
        if len(shapes) != 1:
            raise UnsupportedError(
                f"output '{spec.name}' has a shape that depends on the values of the inputs "
                f"({', '.join(map(str, sorted(shapes)[:3]))}); give it one shape"
            )
        outputs[spec.name] = np.stack([call[spec.name] for call in calls])
    return outputs


def _require_repeatable(
    answers: Answers,
    signature: SignatureRecord,
    inputs: Arrays,
    asked: Asked,
    tolerance: Tolerance,
) -> None:
    row = asked.rows[:1]
    again = _one_by_one(answers, signature, inputs, row, droppable=0)
    first = {name: array[:1] for name, array in asked.outputs.items()}
    if finite_rows(first)[0] and not answers_agree(again.outputs, first, tolerance):
        raise FailedPreconditionError(
            f"signature '{signature.name}': the model answers the same input differently from "
            "call to call; its answers can't be proved. Take out random draws and state that "
            "lasts between calls (as stateful=True)"
        )
