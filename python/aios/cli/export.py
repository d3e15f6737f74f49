"""`aios export`: a saved model becomes a bundle."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from aios.cli.array_files import read_arrays
from aios.cli.environment import import_tensorflow, prepare_tensorflow
from aios.cli.inspect import artifact_listing, artifact_rows
from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.suggestions import engine_names, precision_names
from aios.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    did_you_mean,
)
from aios.installed import TRAINING, require


@reports_errors
def export(
    model: Annotated[Path, typer.Argument(help="A .keras file or a SavedModel directory.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle, as digits.cell.")],
    samples: Annotated[
        Path | None,
        typer.Option(help="Inputs to prove it on: a .npy, or a .npz by name for several inputs."),
    ] = None,
    engines: Annotated[str, typer.Option(help="all, or as compiled,litert.")] = "all",
    precisions: Annotated[
        str, typer.Option(help="Besides float32, as float16,int8 (litert), bfloat16 (openvino).")
    ] = "float32",
    tolerance: Annotated[
        float | None,
        typer.Option(min=0, help="Allowed float32 error, as 1e-4; else the model's own precision."),
    ] = None,
    input_range: Annotated[
        list[str] | None,
        typer.Option(help="Values to prove it for, as 0,255, or x=-1e6,1e6 for each input."),
    ] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option(help="Open inner sizes to prepare for, as x=16,64, or x=224x224,320x320."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Class names, as cat,dog, or a text file, one per line.")
    ] = None,
    imports: Annotated[
        str | None,
        typer.Option("--import", help="A Python module that registers classes of yours."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a bundle that is there.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Export a model, verify it through C++ on this machine, and publish it as a bundle."""
    _require_model(model)
    if output.exists() and not overwrite:
        raise FailedPreconditionError(
            f"'{output}' exists already; pass --overwrite to replace it, or choose another name"
        )
    options = {
        "engines": "all" if engines == "all" else engine_names("--engines", engines),
        "precisions": precision_names("--precisions", precisions),
        "tolerance": tolerance,
        "samples": None if samples is None else read_arrays("--samples", samples),
        "input_range": _input_range(input_range) if input_range else None,
        "sizes": _sizes(sizes) if sizes else None,
        "labels": None if labels is None else _labels(labels),
        "overwrite": overwrite,
    }
    report = _exported(model, output, imports, options)
    if as_json:
        print_json(_document(report))
    else:
        _print(report)


def _exported(model: Path, output: Path, imports: str | None, options: dict[str, Any]) -> Any:
    """Imports TensorFlow and what the model needs, and exports it."""
    require(TRAINING, "exporting", "tensorflow")
    if imports is not None:
        _require_module(imports)
    prepare_tensorflow()
    import_tensorflow()
    if imports is not None:
        importlib.import_module(imports)
    from aios.exporting import export as exported

    talk.print(Text(f"exporting {model} …"))
    with warnings.catch_warnings():
        # They are in the report, which is printed.
        warnings.simplefilter("ignore")
        return exported(model, output, **options)


def _require_model(path: Path) -> None:
    if path.exists():
        return
    near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, near) or ": expected a .keras file or a SavedModel directory"
    raise NotFoundError(f"no model at '{path}'{hint}")


def _input_range(values: list[str]) -> list[float] | dict[str, list[float]]:
    """What `aios.export` takes, which checks it, from "0,255" or from "x=0,255" of each input."""
    found: dict[str, list[float]] = {}
    for value in values:
        name, _, bounds = value.rpartition("=")
        try:
            found[name] = [float(bound) for bound in bounds.split(",")]
        except ValueError as error:
            raise InvalidArgumentError(
                f"--input-range: expected a range, as -1e6,1e6 or x=-1e6,1e6, got {value!r}"
            ) from error
    return found[""] if found.keys() == {""} else found


def _sizes(values: list[str]) -> dict[str, list[tuple[int, ...]]]:
    """What `aios.export` takes, which checks it, from "x=16,64" or "x=224x224" of each input."""
    found = {}
    for value in values:
        name, separator, listed = value.rpartition("=")
        try:
            found[name] = [tuple(map(int, size.split("x"))) for size in listed.split(",")]
        except ValueError:
            separator = ""
        if not separator:
            raise InvalidArgumentError(
                "--sizes: expected an input and the sizes that it leaves open, as x=16,64, or "
                f"x=224x224,320x320 where those are two, got {value!r}"
            )
    return found


def _labels(value: str) -> list[str]:
    path = Path(value)
    if path.suffix == ".txt" or path.is_file():
        try:
            return [line.strip() for line in path.read_text().splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(f"--labels: '{path}' can't be read: {error}") from error
    return [name.strip() for name in value.split(",")]


def _require_module(module: str) -> None:
    sys.path.insert(0, "")
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise NotFoundError(
            f"--import: '{module}' can't be imported: expected a module of this directory or of "
            "PYTHONPATH, as my_layers"
        )


def _document(report: Any) -> dict[str, Any]:
    return {
        "path": report.path,
        "artifacts": artifact_rows(report.artifacts),
        "golden_samples": report.golden_samples,
        "dropped_samples": report.dropped_samples,
        "discrimination": report.discrimination,
        "warnings": list(report.warnings),
        "seconds": report.seconds,
    }


def _print(report: Any) -> None:
    artifact_listing(report.artifacts).print(data)
    for note in report.warnings:
        talk.print(Text.assemble(("warning:", "bold yellow"), " ", note), soft_wrap=True)
    talk.print(
        Text(f"{report.path}: {report.golden_samples} golden samples, {report.seconds:.1f} s")
    )
