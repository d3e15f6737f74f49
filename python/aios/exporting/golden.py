"""Golden samples: what the model is asked and what it answered, kept as proof in the bundle.

The file is safetensors. Every tensor of signature SIG is named SIG/inputs/NAME or
SIG/outputs/NAME; axis 0 counts samples, the rest is the shape of one call of batch 1. Strings are
two tensors each, NAME#bytes and NAME#offsets, as aios.exporting.strings lays them out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from aios.bundle.comparison import Array, Arrays, answers_agree, tolerances_apart
from aios.bundle.manifest import SignatureRecord, Tolerance
from aios.errors import FailedPreconditionError, InvalidArgumentError, UnsupportedError
from aios.exporting import strings
from aios.exporting.denormals import jumps_at_zero
from aios.exporting.samples import NEAR_EDGES, Samples, is_stackable, with_edges

#: The file's name in a bundle.
FILE = "golden.safetensors"
#: Fewer tolerances than this between the answers to different samples prove little.
MIN_DISCRIMINATION = 20.0
_CHUNK = 32
_PROBED = 4

Answers = Callable[[Arrays], Arrays]


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """One signature's inputs and reference outputs; axis 0 of every array counts calls.

    `discrimination` is the median, over neighbouring samples, of how many tolerances apart their
    answers are. The first `in_range` samples are the user's own, zeros and denormals; those after
    them are up to 100 times as large. `independent` says that the model answers a batch of n as it
    answers n single samples; `jumps_at_zero`, that zeros stand for the denormal sample.
    """

    signature: SignatureRecord
    inputs: Arrays
    outputs: Arrays
    not_finite: int
    raised: int
    discrimination: float
    independent: bool
    in_range: int
    jumps_at_zero: bool = False

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(next(iter(self.outputs.values())))

    @property
    def dropped(self) -> int:
        """Samples left out: the answer wasn't finite, or the model raised."""
        return self.not_finite + self.raised

    def tells_apart(self, tolerance: Tolerance) -> bool:
        """Whether, in range, the first sample's answer wouldn't pass for every other's."""
        return any(
            bool(
                (tolerances_apart(np.repeat(array[:1], len(array), 0), array, tolerance) > 1).any()
            )
            for array in (array[: self.in_range] for array in self.outputs.values())
        )

    def batch(self, size: int) -> Arrays:
        """`size` samples as one batch, repeated from the first where there are fewer."""
        rows = np.arange(size) % self.count
        return {name: array[rows, 0] for name, array in self.inputs.items()}


def save(path: Path, sets: Iterable[GoldenSet]) -> None:
    """Writes the safetensors file that src/bundle/golden.hpp reads."""
    tensors: Arrays = {}
    for golden in sets:
        for role, arrays in (("inputs", golden.inputs), ("outputs", golden.outputs)):
            for name, array in arrays.items():
                key = f"{golden.signature.name}/{role}/{name}"
                if array.dtype == object:
                    tensors.update(strings.pack(key, array))
                else:
                    tensors[key] = np.ascontiguousarray(array)
    save_file(tensors, path)


def collect(
    answers: Answers, signature: SignatureRecord, samples: Samples, tolerance: Tolerance
) -> GoldenSet:
    """Runs the training model on samples and edge cases of them.

    Args:
        answers: The training model: arrays of one call in, arrays of one call out, by name.
        signature: The model's signature.
        samples: What to ask; see aios.exporting.samples.
        tolerance: What answers are told apart by.

    Raises:
        InvalidArgumentError: The model raises on the caller's own samples, or no answer is finite.
        FailedPreconditionError: The model answers the same input differently.
        UnsupportedError: The shape of an answer depends on the values of the inputs.
    """
    inputs = with_edges(samples.arrays)
    jumps = _without_denormals(answers, inputs, samples.count, tolerance)
    droppable = 0 if samples.drawn else samples.count
    # A model is compared with itself: rounding may differ between batch sizes all the same.
    asked = _ask(answers, signature, inputs, tolerance.at_least(Tolerance()), droppable)
    finite = _finite(asked.outputs)
    if not finite.any():
        raise InvalidArgumentError(
            f"signature '{signature.name}': the model's answers to all samples are NaN or "
            "infinite; check its weights and samples"
        )
    kept = {name: array[finite] for name, array in asked.outputs.items()}
    rows = asked.rows[finite]
    plain = int((rows < samples.count).sum())
    return GoldenSet(
        signature=signature,
        inputs={name: array[rows] for name, array in inputs.items()},
        outputs=kept,
        not_finite=int((~finite).sum()),
        raised=len(next(iter(inputs.values()), asked.rows)) - len(asked.rows),
        discrimination=_discrimination(
            {name: array[:plain] for name, array in kept.items()}, tolerance
        ),
        independent=asked.independent,
        in_range=int((rows < samples.count + NEAR_EDGES).sum()),
        jumps_at_zero=jumps,
    )


def _without_denormals(answers: Answers, inputs: Arrays, zeros: int, tolerance: Tolerance) -> bool:
    """Puts zeros in place of the denormal sample of a model whose answer jumps at zero."""
    if not jumps_at_zero(
        answers, {name: array[zeros] for name, array in inputs.items()}, tolerance
    ):
        return False
    for array in inputs.values():
        array[zeros + 1] = array[zeros]
    return True


@dataclass(frozen=True, slots=True)
class _Asked:
    rows: Array
    outputs: Arrays
    independent: bool


def _ask(
    answers: Answers,
    signature: SignatureRecord,
    inputs: Arrays,
    tolerance: Tolerance,
    droppable: int,
) -> _Asked:
    """Answers in batches where the model answers rows independently, else one by one.

    Rows from `droppable` on may be left out where the model raises.
    """
    count = len(next(iter(inputs.values()))) if inputs else 1
    probed = np.arange(min(_PROBED, count))
    singles = _one_by_one(answers, signature, inputs, probed, droppable)
    if len(singles.rows):
        _require_repeatable(answers, signature, inputs, singles, tolerance)
    independent = False
    if is_stackable(signature):
        try:
            together = _in_chunks(answers, inputs)
            first = {name: array[singles.rows] for name, array in together.items()}
            independent = answers_agree(first, singles.outputs, tolerance)
        except Exception:  # The model may raise anything on a batch; single calls name the sample.
            together = {}
        if independent:
            return _Asked(np.arange(count), together, independent=True)
    alone = _one_by_one(answers, signature, inputs, np.arange(count), droppable)
    if not len(alone.rows):
        raise InvalidArgumentError(
            f"signature '{signature.name}': the model raises on every drawn sample; pass "
            "samples=…, for example samples=x_val[:64]"
        )
    if is_stackable(signature):
        independent = _rows_independent(answers, inputs, alone, tolerance)
    return _Asked(alone.rows, alone.outputs, independent)


def _rows_independent(
    answers: Answers, inputs: Arrays, alone: _Asked, tolerance: Tolerance
) -> bool:
    """Whether one batch of samples that raised nothing alone is answered as those were."""
    rows = np.arange(min(_PROBED, len(alone.rows)))
    try:
        batch = answers({name: array[alone.rows[rows], 0] for name, array in inputs.items()})
    except Exception:
        return False
    together = {name: array[:, np.newaxis] for name, array in batch.items()}
    return answers_agree(
        together, {name: array[rows] for name, array in alone.outputs.items()}, tolerance
    )


def _in_chunks(answers: Answers, inputs: Arrays) -> Arrays:
    count = len(next(iter(inputs.values())))
    chunks = [
        answers({name: array[start : start + _CHUNK, 0] for name, array in inputs.items()})
        for start in range(0, count, _CHUNK)
    ]
    together = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return {name: array[:, np.newaxis] for name, array in together.items()}


def _one_by_one(
    answers: Answers, signature: SignatureRecord, inputs: Arrays, rows: Array, droppable: int
) -> _Asked:
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
    return _Asked(np.array(kept, dtype=np.intp), _stacked(signature, calls), independent=False)


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
    asked: _Asked,
    tolerance: Tolerance,
) -> None:
    row = asked.rows[:1]
    again = _one_by_one(answers, signature, inputs, row, droppable=0)
    first = {name: array[:1] for name, array in asked.outputs.items()}
    finite = _finite(first)[0]
    if finite and not answers_agree(again.outputs, first, tolerance):
        raise FailedPreconditionError(
            f"signature '{signature.name}': the model answers the same input differently from "
            "call to call; its answers can't be proved. Take out random draws and state that "
            "lasts between calls (as stateful=True)"
        )


def _finite(outputs: Arrays) -> Array:
    finite = np.ones(len(next(iter(outputs.values()))), dtype=bool)
    for array in outputs.values():
        if np.issubdtype(array.dtype, np.floating):
            finite &= np.isfinite(array).reshape(len(array), -1).all(axis=1)
    return finite


def _discrimination(outputs: Arrays, tolerance: Tolerance) -> float:
    """Median distance, in tolerances, between the answers to neighbouring samples."""
    distances = np.zeros(0)
    for array in outputs.values():
        if len(array) < 2:
            continue
        apart = tolerances_apart(array[1:], array[:-1], tolerance)
        distances = apart if distances.size == 0 else np.maximum(distances, apart)
    return float(np.median(distances)) if distances.size else 0.0
