"""`aios run`: a bundle's answers to arrays in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from aios.bundle.manifest import read_manifest
from aios.cli.array_files import read_arrays, require_output, write_arrays
from aios.cli.arrays import described, document_of, print_arrays
from aios.cli.environment import native_log_left_out, prepare_tensorflow
from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.suggestions import PrecisionOption, allowed_precision, engine_names, require_bundle
from aios.cli.tables import Column, Listing
from aios.errors import InvalidArgumentError

if TYPE_CHECKING:
    import numpy.typing as npt

    Arrays = dict[str, npt.NDArray[Any]]

_SHOWN_ROWS = 20


@reports_errors
def run(
    bundle: Annotated[Path, typer.Argument(help="A bundle directory, as digits.cell.")],
    *,
    inputs: Annotated[
        Path,
        typer.Option("--input", "-i", help="A .npy for one input, a .npz by name for several."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .npy or .npz to write; else answers are printed."),
    ] = None,
    engine: Annotated[str, typer.Option(help="auto, or the engine to run on.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads that one call may use.")] = 1,
    precision: PrecisionOption = "float32",
    signature: Annotated[
        str | None, typer.Option(help="The signature to call, where there are several.")
    ] = None,
    cast: Annotated[
        bool, typer.Option("--cast", help="Convert inputs of another dtype, as float64.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Answer a batch of inputs."""
    (name,) = engine_names("--engine", engine, extra=("auto",))[:1]
    allowed = allowed_precision(precision)
    require_bundle(bundle)
    manifest = read_manifest(bundle)
    x = read_arrays("--input", inputs)
    prepare_tensorflow(threads)
    from aios.bridge import load

    with (
        native_log_left_out(),
        load(bundle, engine=name, threads=threads, precision=allowed) as bridge,
    ):
        names = [spec.name for spec in bridge.signature.outputs]
        if output is not None and signature is None:
            require_output("--output", output, names)
        answer = _answer(bridge, x, cast=cast, signature=signature)
        arrays: Arrays = answer if isinstance(answer, dict) else {names[0]: answer}
        used = bridge.engine
    labelled = _labelled(arrays, manifest.labels)
    if output is not None:
        write_arrays("--output", output, arrays)
        shapes = ", ".join(f"{name} {described(array)}" for name, array in arrays.items())
        talk.print(Text(f"{output}: {shapes}, engine {used}"))
    if as_json:
        print_json(_document(used, arrays, labelled, output))
    elif output is None:
        _print(arrays, labelled)


def _answer(bridge: Any, x: Any, *, cast: bool, signature: str | None) -> Any:
    try:
        return bridge.perform_inference(x, copy=cast, signature=signature)
    except InvalidArgumentError as error:
        if cast or not any(words in str(error) for words in ("copy=True", "cast to")):
            raise
        # What the bridge says is for Python; here an option does it.
        raise InvalidArgumentError(f"{error}; on the command line: --cast") from error


def _document(
    engine: str, arrays: Arrays, labelled: list[dict[str, Any]] | None, output: Path | None
) -> dict[str, Any]:
    outputs = {
        name: document_of(array, with_values=output is None) for name, array in arrays.items()
    }
    return {"engine": engine, "outputs": outputs, "labels": labelled, "output": output}


def _labelled(arrays: Arrays, labels: tuple[str, ...] | None) -> list[dict[str, Any]] | None:
    """Each sample's class, where the one output has a score per label."""
    if labels is None or len(arrays) != 1:
        return None
    (scores,) = arrays.values()
    if scores.ndim != 2 or scores.shape[1] != len(labels) or scores.dtype.kind != "f":
        return None
    best = scores.argmax(axis=1).tolist()
    return [
        {"label": labels[one], "index": one, "score": float(scores[row, one])}
        for row, one in enumerate(best)
    ]


def _print(arrays: Arrays, labelled: list[dict[str, Any]] | None) -> None:
    if labelled is not None:
        listing = Listing(
            Column("sample", right=True), Column("label", folds=True), Column("score", right=True)
        )
        for row, entry in enumerate(labelled[:_SHOWN_ROWS]):
            listing.add(str(row), Text(entry["label"]), f"{entry['score']:.4f}")
        listing.print(data)
        if len(labelled) > _SHOWN_ROWS:
            talk.print(f"{len(labelled) - _SHOWN_ROWS} more; all of them with --output or --json")
        return
    print_arrays(arrays)
