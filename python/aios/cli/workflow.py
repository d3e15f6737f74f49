"""`aios workflow`: run, list, show, resume and cancel durable workflows."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.tables import Column, Listing, size
from aios.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from aios.home.sqlite_file import Mode
    from aios.workflow.execution.reports import RunReport, StepReport
    from aios.workflow.handle import RunHandle
    from aios.workflow.manager import AICellManager
    from aios.workflow.workflow import Workflow

app = typer.Typer(
    name="workflow", help="Run durable workflows, and look at their runs.", no_args_is_help=True
)

HomeOption = Annotated[
    Path, typer.Option("--home", envvar="AIOS_HOME", help="The manager's folder.")
]
RunArgument = Annotated[str, typer.Argument(help="A run's id, as 'aios workflow list' shows it.")]
HOME = Path("~/.aios")


@app.command()
@reports_errors
def run(
    workflow: Annotated[
        str,
        typer.Argument(help="MODULE:WORKFLOW, as models.digits:workflow or digits.py:workflow."),
    ],
    *,
    data_file: Annotated[
        Path | None, typer.Option("--data", help="An .npz with x_train, y_train[, x_val, y_val].")
    ] = None,
    home: HomeOption = HOME,
    as_json: JsonFlag = False,
) -> None:
    """Run a workflow to its end; killed, it goes on with 'aios workflow resume'."""
    made = load_workflow(workflow)
    given = None if data_file is None else load_data(data_file)
    with open_manager(home, "create") as manager:
        manager.register_workflow(made)
        handle = manager.execute_workflow(made.id, given, source=workflow)
        _follow(handle, made, as_json)


@app.command("list")
@reports_errors
def list_runs(
    *,
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20,
    home: HomeOption = HOME,
    as_json: JsonFlag = False,
) -> None:
    """List runs, newest first."""
    with open_manager(home, "read") as manager:
        reports = [item.report() for item in manager.runs(workflow=workflow, limit=limit)]
    if as_json:
        print_json({"runs": [report.to_json() for report in reports]})
        return
    listing = Listing(
        Column("run", folds=True),
        Column("workflow", folds=True),
        "status",
        Column("seconds", right=True),
        Column("steps", right=True),
    )
    for report in reports:
        done = sum(step.status == "SUCCESS" for step in report.steps)
        listing.add(
            report.id,
            report.workflow,
            report.status,
            _seconds(report.seconds),
            f"{done}/{len(report.steps) + len(report.not_reached)}",
        )
    listing.print(data)


@app.command()
@reports_errors
def show(run: RunArgument, *, home: HomeOption = HOME, as_json: JsonFlag = False) -> None:
    """Show a run's steps, also those not reached, durations, verdicts, and why steps ran again."""
    with open_manager(home, "read") as manager:
        report = manager.run(run).report()
        versions = manager.registry.lineage(run_id=run)
    if as_json:
        print_json({"runs": [report.to_json()], "versions": [item.to_json() for item in versions]})
        return
    _print_report(report)
    for item in versions:
        aliases = f" ({', '.join(item.aliases)})" if item.aliases else ""
        data.print(Text(f"registered {item.name} version {item.version}{aliases}: {item.bundle}"))


@app.command()
@reports_errors
def resume(
    run: RunArgument,
    *,
    workflow: Annotated[
        str | None, typer.Option(help="MODULE:WORKFLOW, if not where the run was started from.")
    ] = None,
    home: HomeOption = HOME,
    as_json: JsonFlag = False,
) -> None:
    """Go on with a run that was killed, failed or was cancelled, to its end."""
    with open_manager(home) as manager:
        source = workflow or manager.run_record(run).source
        if not source:
            raise NotFoundError(
                f"run {run} wasn't started by 'aios workflow run': say where its workflow is, with"
                " --workflow MODULE:WORKFLOW"
            )
        made = load_workflow(source)
        manager.register_workflow(made)
        _follow(manager.resume(run), made, as_json)


@app.command()
@reports_errors
def cancel(run: RunArgument, *, home: HomeOption = HOME, as_json: JsonFlag = False) -> None:
    """End a run now, whichever process works on it."""
    with open_manager(home) as manager:
        changed = manager.cancel(run)
        status = manager.run(run).status
    if as_json:
        print_json({"id": run, "status": status, "cancelled": changed})
    else:
        data.print(Text(f"{run}: {status}" if changed else f"{run} was over already: {status}"))


@app.command()
@reports_errors
def prune(
    *,
    keep_days: Annotated[
        float, typer.Option(min=0, help="Runs that ended in the last so many days stay.")
    ] = 30,
    keep_runs: Annotated[
        int, typer.Option(min=0, help="And so do the newest so many of each workflow.")
    ] = 100,
    keep_versions: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Of each model, keep the newest so many and all that an alias "
            "names or would go back to; else all.",
        ),
    ] = None,
    home: HomeOption = HOME,
    as_json: JsonFlag = False,
) -> None:
    """Remove old runs, and the results and bundles that nothing names any more."""
    with open_manager(home) as manager:
        report = manager.prune(keep_days, keep_runs, keep_versions)
    if as_json:
        print_json(report.to_json())
        return
    data.print(
        Text(
            f"removed {report.runs} runs, {report.versions} versions, {report.messages} messages,"
            f" {report.objects} objects and {report.bundles} bundles: {size(report.bytes)}"
        )
    )


def load_workflow(source: str) -> Workflow:
    """The workflow named "module:name" or "file.py:name"; the working directory is looked in too.

    Raises:
        InvalidArgumentError: not of that form, or not a workflow.
        NotFoundError: no such module, or name in it.
    """
    from aios.workflow.workflow import Workflow

    place, _, name = source.rpartition(":")
    if not place or not name:
        raise InvalidArgumentError(
            f"expected MODULE:WORKFLOW, such as models.digits:workflow, got {source!r}"
        )
    folder, module = Path.cwd(), place
    if place.endswith(".py"):
        folder, module = Path(place).absolute().parent, Path(place).stem
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise NotFoundError(f"'{source}' can't be imported: {error}; looked in {folder}") from error
    except AttributeError as error:
        raise NotFoundError(f"'{source}': {module} has no '{name}'") from error
    if not isinstance(found, Workflow):
        raise InvalidArgumentError(
            f"'{source}': expected an aios.Workflow, got {type(found).__name__}"
        )
    return found


def load_data(path: Path) -> Any:
    """The arrays of an .npz: `TrainingData` if it holds x_train and y_train, else a dict."""
    import numpy as np

    from aios.workflow.pipeline.training_data import TrainingData

    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except FileNotFoundError as error:
        raise NotFoundError(f"no file '{path}'") from error
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidArgumentError(
            f"'{path}': expected an .npz of arrays, as numpy.savez writes it ({error})"
        ) from error
    if {"x_train", "y_train"} <= found.keys() <= {"x_train", "y_train", "x_val", "y_val"}:
        return TrainingData(**found)
    return found


def open_manager(home: Path, mode: Mode = "open") -> AICellManager:
    """A manager of the home; by default it has to be there."""
    from aios.workflow.manager import AICellManager

    return AICellManager(home, mode=mode)


def _follow(handle: RunHandle, workflow: Workflow, as_json: bool) -> None:
    """Show progress until the run is over, then the report."""
    try:
        _show_progress(handle, workflow, as_json)
    except KeyboardInterrupt:
        talk.print(Text(f"stopped; 'aios workflow resume {handle.id}' goes on"))
        raise typer.Exit(130) from None
    report = handle.result()
    if as_json:
        print_json({"runs": [report.to_json()]})
    else:
        _print_report(report)


def _show_progress(handle: RunHandle, workflow: Workflow, as_json: bool) -> None:
    from aios.home.messages import StepFinished, StepStarted, TrainingProgress

    if not as_json:
        talk.print(Text(f"run {handle.id}"))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=talk, disable=not talk.is_terminal) as bar:
        task = bar.add_task("starting", total=len(workflow.plan.steps))
        done: set[str] = set()
        for event in handle.events():
            if isinstance(event, StepStarted):
                bar.update(task, description=event.step)
            elif isinstance(event, TrainingProgress):
                bar.update(task, description=f"{event.step} {event.epoch}/{event.epochs}")
            elif isinstance(event, StepFinished) and event.status == "SUCCESS":
                done.add(event.step)
                bar.update(task, completed=len(done & workflow.plan.steps.keys()))


def _print_report(report: RunReport) -> None:
    data.print(
        Text(f"{report.id}  {report.workflow}  {report.status}  {_seconds(report.seconds)} s")
    )
    listing = Listing(
        Column("step", folds=True),
        "status",
        Column("seconds", right=True),
        Column("attempt", right=True),
        "verdict",
    )
    for step in report.steps:
        status, seconds = step.status, _seconds(step.seconds)
        listing.add(step.name, status, seconds, str(step.attempt), _verdict(step), note=_why(step))
    waits = "waiting" if report.status == "RUNNING" else "not reached"
    for name in report.not_reached:
        listing.add(name, waits, "", "", "")
    listing.print(data)
    for step in report.steps:
        if step.unseen:
            data.print(
                Text(
                    f"not seen in {step.name}: {', '.join(step.unseen)}; when such a thing"
                    " changes, give the step version='…' or packages=(…)"
                )
            )
    for step in report.steps:
        for item in _artifacts(step):
            error = "" if item["max_error"] is None else f", error {item['max_error']:.2g}"
            reason = f": {item['reason']}" if item["reason"] else ""
            name = f"{item['engine']} {item['precision']}"
            data.print(Text(f"artifact {name} {item['verdict']}{error}{reason}"))


def _artifacts(step: StepReport) -> list[dict[str, Any]]:
    """The artifacts in the result of the standard export step."""
    found = (step.output or {}).get("inline")
    return list(found.get("artifacts", ())) if isinstance(found, dict) else []


def _verdict(step: StepReport) -> str:
    if step.verdict is None:
        return ""
    return "passed" if step.verdict["passed"] else "failed"


def _why(step: StepReport) -> str:
    if step.error is not None and step.status != "SUCCESS":
        return f"{step.error['type']}: {step.error['message']}"
    return step.reason


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
