"""The arguments of `aios.export`, checked before anything is made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from aios.bundle.manifest import MANIFEST, MAX_TOLERANCE, SignatureRecord, Tolerance
from aios.bundle.precision import FLOAT32, FLOATS, TOLERANCES, own_tolerance, precision_name
from aios.bundle.publish import already_exists
from aios.bundle.ranges import Range, SignatureRanges
from aios.errors import FailedPreconditionError, InvalidArgumentError
from aios.exporting.engines import MAKERS

#: One for the only input, or one for each that it names.
InputRange = Sequence[float] | Mapping[str, Sequence[float]]
#: One for float32, or one for each precision that it names.
Tolerances = float | Tolerance | Mapping[str, float | Tolerance]


def target_directory(path: object, *, overwrite: bool) -> Path:
    """Where the bundle goes; a symbolic link stays, and what it points to is replaced.

    Raises:
        InvalidArgumentError: Not a path that can be a directory's name.
        FailedPreconditionError: Something is there that may not be replaced.
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise InvalidArgumentError(
            f"path: expected a directory to write, as 'digits.cell', got {path!r}"
        )
    target = Path(os.fspath(path))
    if target.is_symlink():
        target = Path(os.path.realpath(target))
    if target.name in ("", "..") or "\0" in str(target):
        raise InvalidArgumentError(
            f"path: expected a directory to write, as 'digits.cell', got {os.fspath(path)!r}"
        )
    if not os.path.lexists(target):
        return target
    if not target.is_dir():
        raise FailedPreconditionError(
            f"'{target}' is a file, and a bundle is a directory; choose another name or remove it"
        )
    if not overwrite:
        raise already_exists(target)
    if any(target.iterdir()) and not (target / MANIFEST).exists():
        raise FailedPreconditionError(
            f"'{target}' isn't a bundle (it has no {MANIFEST}), so it isn't overwritten; choose "
            "another name or remove it"
        )
    return target


def engine_names(engines: str | Sequence[str]) -> tuple[str, ...]:
    """The engines asked for, each once.

    Raises:
        InvalidArgumentError: An unknown one, or none.
    """
    known = tuple(MAKERS)
    names = known if engines == "all" else (engines,) if isinstance(engines, str) else engines
    for name in names:
        if name not in known:
            raise InvalidArgumentError(f"engines: expected 'all' or any of {known}, got {name!r}")
    if not names:
        raise InvalidArgumentError(f"engines: expected 'all' or any of {known}, got none")
    return tuple(dict.fromkeys(names))


def precision_names(precisions: str | Sequence[str]) -> tuple[str, ...]:
    """The precisions to make, each once; float32, which the others stand beside, always is.

    Raises:
        InvalidArgumentError: An unknown one, or none.
    """
    asked = (precisions,) if isinstance(precisions, str) else tuple(precisions)
    if not asked:
        raise InvalidArgumentError(
            f"precisions: expected some of {', '.join(TOLERANCES)}, got none"
        )
    return tuple(dict.fromkeys((FLOAT32, *(precision_name("precisions", name) for name in asked))))


def tolerances_of(
    tolerance: Tolerances | None, precisions: Iterable[str], floats: Iterable[str] = (FLOAT32,)
) -> dict[str, Tolerance]:
    """The tolerance of each precision: the one asked for, or its own, not less than the model's.

    Args:
        tolerance: As for `aios.export`.
        precisions: Those to make, float32 first.
        floats: Float types that the model calculates in: its own answers are that exact.

    Raises:
        InvalidArgumentError: Not a positive number, or of a precision that isn't made.
    """
    named = tolerance if isinstance(tolerance, Mapping) else {FLOAT32: tolerance}
    asked = {precision_name("tolerance", name): value for name, value in named.items()}
    least = own_tolerance(floats)
    allowed: dict[str, Tolerance] = {}
    for precision in precisions:
        value = asked.pop(precision, None)
        own = least
        if precision != FLOAT32:
            own = TOLERANCES[precision].at_least(allowed[FLOAT32])
        allowed[precision] = own if value is None else _positive(value)
    if asked:
        raise InvalidArgumentError(
            f"tolerance: expected one for any of {', '.join(allowed)}, which are made, got one for "
            f"{', '.join(asked)}"
        )
    return allowed


def input_ranges_of(
    input_range: InputRange | None, signatures: Sequence[SignatureRecord] = ()
) -> SignatureRanges:
    """The ranges of input values asked for, by signature and input.

    Args:
        input_range: As for `aios.export`.
        signatures: The model's; none to check the form alone.

    Raises:
        InvalidArgumentError: Not a pair of numbers, the lower first, or of an input that the model
            hasn't, or that isn't of floats.
    """
    if input_range is None:
        return {}
    floats = {spec.name for item in signatures for spec in item.inputs if spec.dtype in FLOATS}
    if isinstance(input_range, Mapping):
        named = {str(name): _bounds(bounds) for name, bounds in input_range.items()}
    else:
        named = dict.fromkeys(floats, _bounds(input_range))
        if signatures and len(floats) != 1:
            raise InvalidArgumentError(
                f"input_range: the model has {len(floats)} inputs of floats; give each its own, as "
                f"{{'{min(floats, default='x')}': (-1e6, 1e6)}}"
            )
    unknown = sorted(named.keys() - floats) if signatures else []
    if unknown:
        raise InvalidArgumentError(
            f"input_range: expected ranges of inputs of floats, {', '.join(sorted(floats))}, got "
            f"one for {', '.join(unknown)}"
        )
    return {
        item.name: {spec.name: named[spec.name] for spec in item.inputs if spec.name in named}
        for item in signatures
    }


def _bounds(bounds: object) -> Range:
    try:
        low, high = map(float, bounds)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        low = high = float("nan")
    if not float("-inf") < low < high < float("inf"):
        raise InvalidArgumentError(
            "input_range: expected the least and the greatest value, as (-1e6, 1e6), got "
            f"{bounds!r}"
        )
    return low, high


def _positive(tolerance: float | Tolerance) -> Tolerance:
    if isinstance(tolerance, Tolerance):
        chosen = tolerance
    elif isinstance(tolerance, (int, float)):
        chosen = Tolerance(float(tolerance), float(tolerance))
    else:
        raise InvalidArgumentError(
            f"tolerance: expected a number as 1e-4, or aios.Tolerance, got {tolerance!r}"
        )
    parts = (chosen.absolute, chosen.relative)
    if not (min(parts) >= 0 and sum(parts) > 0 and max(parts) <= MAX_TOLERANCE):
        raise InvalidArgumentError(
            f"tolerance: expected a positive number of at most {MAX_TOLERANCE:g}, as 1e-4, got "
            f"{tolerance!r}"
        )
    return chosen


def label_names(
    labels: Sequence[str] | None, signature: SignatureRecord | None = None
) -> tuple[str, ...] | None:
    """The class labels, one for each of the first output's classes.

    Raises:
        InvalidArgumentError: Not a sequence, or of another length than the output has classes.
    """
    if labels is None:
        return None
    if isinstance(labels, (str, bytes)):
        raise InvalidArgumentError(
            f"labels: expected a list of class names, as ['cat', 'dog'], got {labels!r}"
        )
    names = tuple(str(label) for label in labels)
    if signature is not None and len(signature.outputs) == 1 and signature.outputs[0].shape:
        classes = signature.outputs[0].shape[-1]
        if len(signature.outputs[0].shape) > 1 and classes > 1 and classes != len(names):
            raise InvalidArgumentError(
                f"labels: output '{signature.outputs[0].name}' has {classes} classes, got "
                f"{len(names)} labels"
            )
    return names
