"""Makes golden samples, what the model is asked and what it answered, and writes their file.

The file is safetensors. Every tensor of signature SIG is named SIG/inputs/NAME or
SIG/outputs/NAME; axis 0 counts samples, the rest is the shape of one call of batch 1. Strings are
two tensors each, NAME#bytes and NAME#offsets, as aios.exporting.strings lays them out.
SIG/probe_inputs/NAME and SIG/probe_outputs/NAME are calls that the model answers with NaN or
infinities: they show whether an engine hides those, and judge no accuracy. SIG#1, SIG#2, … hold
samples of SIG at other inner sizes.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from aios.bundle.comparison import Array, Arrays, tolerances_apart
from aios.bundle.coverage import rows_inside
from aios.bundle.manifest import SignatureRecord, Tolerance
from aios.bundle.ranges import InputRanges, SignatureRanges
from aios.errors import InvalidArgumentError
from aios.exporting import strings
from aios.exporting.asking import Answers, Asked, ask, batch_of, finite_rows, rows_of
from aios.exporting.conditioning import undetermined
from aios.exporting.denormals import jumps_at_zero
from aios.exporting.edges import required_ranges, with_edges
from aios.exporting.samples import Samples

#: The file's name in a bundle.
FILE = "golden.safetensors"
#: Fewer tolerances than this between the answers to different samples prove little.
MIN_DISCRIMINATION = 20.0
#: A distance that JSON can hold, for answers that aren't equal where that is all that counts.
_UNEQUAL = 1e6


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """One signature's inputs and reference outputs; axis 0 of every array counts calls.

    The first `own` samples are the user's, or drawn; up to `in_range`, zeros and denormals follow;
    those after them get larger and larger. `ranges` are of the input values that artifacts must be
    proved for: a sample outside may be missed. `probe_inputs` and `probe_outputs` are calls
    that the model answers with NaN or infinities, which are no samples.

    `discrimination` is the median, over neighbouring samples, of how many tolerances apart their
    answers are. `independent` says that the model answers a batch of n as it answers n single
    samples; `jumps_at_zero`, that zeros stand for the denormal sample. `undetermined` large samples
    were left out, for aios.exporting.conditioning's reason.

    `others` are samples at other inner sizes, of a model that leaves those open; `prepared` says of
    one that artifacts are made for its sizes.
    """

    signature: SignatureRecord
    inputs: Arrays
    outputs: Arrays
    probe_inputs: Arrays
    probe_outputs: Arrays
    ranges: InputRanges
    not_finite: int
    raised: int
    discrimination: float
    independent: bool
    own: int
    in_range: int
    jumps_at_zero: bool = False
    prepared: bool = True
    others: tuple[GoldenSet, ...] = ()
    undetermined: int = 0

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(next(iter(self.outputs.values())))

    @property
    def dropped(self) -> int:
        """Own samples that judge nothing: the answer wasn't finite, or the model raised."""
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
        """`size` samples in the ranges as one batch, repeated where there are fewer."""
        rows = np.flatnonzero(rows_inside(self.inputs, self.ranges))
        return batch_of(self.inputs, np.resize(rows, size))


def ranges_of(sets: Iterable[GoldenSet]) -> SignatureRanges:
    """Of the input values that artifacts must be proved for, by signature."""
    return {item.signature.name: item.ranges for item in sets}


def save(path: Path, sets: Iterable[GoldenSet]) -> None:
    """Writes the safetensors file that src/bundle/golden.hpp reads, of the umask's mode."""
    tensors: Arrays = {}
    for signature, golden in _by_key(sets):
        for role, arrays in (
            ("inputs", golden.inputs),
            ("outputs", golden.outputs),
            ("probe_inputs", golden.probe_inputs),
            ("probe_outputs", golden.probe_outputs),
        ):
            for name, array in arrays.items():
                key = f"{signature}/{role}/{name}"
                if array.dtype == object:
                    tensors.update(strings.pack(key, array))
                else:
                    tensors[key] = np.ascontiguousarray(array)
    # safetensors lets nobody but its writer read a file, whatever the umask says.
    path.touch()
    mode = stat.S_IMODE(path.stat().st_mode)
    save_file(tensors, path)
    path.chmod(mode)


def _by_key(sets: Iterable[GoldenSet]) -> Iterator[tuple[str, GoldenSet]]:
    """Each set by what its tensors' names begin with; SIG#1, SIG#2, … are other sizes of SIG."""
    for golden in sets:
        name = golden.signature.name
        yield name, golden
        for index, other in enumerate(golden.others, 1):
            yield f"{name}#{index}", other


def collect(
    answers: Answers,
    signature: SignatureRecord,
    samples: Samples,
    tolerance: Tolerance,
    asked: InputRanges | None = None,
) -> GoldenSet:
    """Runs the training model on samples and edge cases of them.

    Args:
        answers: The training model: arrays of one call in, arrays of one call out, by name.
        signature: Of the model.
        samples: What to ask.
        tolerance: What answers are told apart by.
        asked: Ranges that inputs keep to; those without one have that of aios.exporting.edges.

    Raises:
        InvalidArgumentError: No answer is finite, or as `ask`, whose other errors it raises too.
    """
    asked = asked or {}
    edges = with_edges(samples.arrays, asked)
    inputs, plain = edges.arrays, samples.count
    jumps = edges.near > plain and _without_denormals(answers, inputs, plain, tolerance)
    # A model is compared with itself: rounding may differ between batch sizes all the same.
    found = ask(
        answers,
        signature,
        inputs,
        tolerance=tolerance.at_least(Tolerance()),
        plain=plain,
        droppable=0 if samples.drawn else plain,
    )
    finite = finite_rows(found.outputs)
    total = len(next(iter(inputs.values()), found.rows))
    judged = finite & (found.rows < total - edges.probes)
    _require_some(judged, signature)
    ranges = required_ranges(samples.arrays, asked)
    # A miss beyond the ranges rejects nothing: only what could is worth asking again.
    far = judged & rows_inside(rows_of(inputs, found.rows), ranges) & (found.rows >= edges.near)
    loose = _undetermined(answers, inputs, found, far, tolerance)
    judged &= ~loose
    rows = found.rows[judged]
    outputs = rows_of(found.outputs, judged)
    own = int((rows < plain).sum())
    return GoldenSet(
        signature=signature,
        inputs=rows_of(inputs, rows),
        outputs=outputs,
        probe_inputs={} if finite.all() else rows_of(inputs, found.rows[~finite]),
        probe_outputs={} if finite.all() else rows_of(found.outputs, ~finite),
        ranges=ranges,
        not_finite=int((~finite & (found.rows < plain)).sum()),
        raised=plain - int((found.rows < plain).sum()),
        discrimination=_discrimination(rows_of(outputs, np.arange(own)), tolerance),
        independent=found.independent,
        own=own,
        in_range=int((rows < edges.near).sum()),
        jumps_at_zero=jumps,
        undetermined=int(loose.sum()),
    )


def _require_some(judged: Array, signature: SignatureRecord) -> None:
    if not judged.any():
        raise InvalidArgumentError(
            f"signature '{signature.name}': the model's answers to all samples are NaN or "
            "infinite; check its weights and samples"
        )


def _undetermined(
    answers: Answers, inputs: Arrays, found: Asked, asked: Array, tolerance: Tolerance
) -> Array:
    """Which of the calls in `asked`, a bool each, have answers that rounding alone decides."""
    rows = np.flatnonzero(asked)
    loose = np.zeros(len(found.rows), dtype=bool)
    loose[rows] = undetermined(
        answers,
        rows_of(inputs, found.rows[rows]),
        rows_of(found.outputs, rows),
        tolerance,
        independent=found.independent,
    )
    return loose


def _without_denormals(answers: Answers, inputs: Arrays, zeros: int, tolerance: Tolerance) -> bool:
    """Puts zeros in place of the denormal sample of a model whose answer jumps at zero."""
    if not jumps_at_zero(
        answers, {name: array[zeros] for name, array in inputs.items()}, tolerance
    ):
        return False
    for array in inputs.values():
        array[zeros + 1] = array[zeros]
    return True


def _discrimination(outputs: Arrays, tolerance: Tolerance) -> float:
    """Median distance, in tolerances, between the answers to neighbouring samples."""
    distances = np.zeros(0)
    for array in outputs.values():
        if len(array) < 2:
            continue
        apart = np.minimum(tolerances_apart(array[1:], array[:-1], tolerance), _UNEQUAL)
        distances = apart if distances.size == 0 else np.maximum(distances, apart)
    return float(np.median(distances)) if distances.size else 0.0
