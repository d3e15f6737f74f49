"""`aios doctor`: what this machine can run, and what to do about what it can't."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from aios.cli.environment import native_log_left_out, prepare_tensorflow
from aios.cli.home import home_report, home_text
from aios.cli.home import restore as restore_home
from aios.cli.machine import (
    best_target,
    cgroup_cpus,
    cpu_features,
    cpu_model,
    thread_budget,
    usable_cpus,
)
from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.tables import Column, Listing
from aios.errors import AiosError

_NEWER = "this build of aios doesn't have this engine; install a newer aios-cells"
_TRAINING = ("tensorflow-cpu", "tensorflow", "keras", "safetensors", "matplotlib", "tensorboard")


@reports_errors
def doctor(
    *,
    home: Annotated[
        Path, typer.Option("--home", envvar="AIOS_HOME", help="The manager's folder.")
    ] = Path("~/.aios"),
    backup: Annotated[
        Path | None,
        typer.Option(
            "--backup",
            metavar="[FILE]",
            help="Write the whole home to FILE, a .tar or .tar.gz; without FILE, a copy of its"
            " database to its backups/.",
        ),
    ] = None,
    restore: Annotated[
        Path | None,
        typer.Option("--restore", help="Make the home, a new folder, from such a FILE first."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Find engines, compiler and the manager's home, and say how to repair what is missing."""
    prepare_tensorflow()
    if restore is not None:
        restore_home(restore, home)
    report: dict[str, Any] = {
        "aios": _version_of("aios-cells"),
        "python": platform.python_version(),
        "os": platform.platform(),
        "core": _core(),
        "engines": engines(),
        "cpu": _cpu(),
        "compiler": _compiler(),
        "home": home_report(home, backup=backup),
        "packages": {name: found for name in _TRAINING if (found := _version_of(name))},
    }
    if as_json:
        print_json(report)
    else:
        _print(report)
    damaged = bool(report["home"].get("problems"))
    if damaged or not any(engine["supported"] for engine in report["engines"]):
        raise typer.Exit(1)


def _core() -> dict[str, Any]:
    from aios.bridge.core import IS_NATIVE, core

    remedy = None
    if not IS_NATIVE:
        from aios.bridge.fallback.notice import remedy as how

        remedy = how()
    return {"native": IS_NATIVE, "path": str(core.__file__), "remedy": remedy}


def engines() -> list[dict[str, Any]]:
    """Each engine: found or not, where, which version, whether it runs here, what to do."""
    from aios.bridge.engines import engine_names

    reasons = _probe()
    return [_engine(name, reasons.get(name, "")) for name in engine_names()]


def _probe() -> dict[str, str]:
    """Why an engine doesn't give the answers of a small model; empty if it does."""
    from aios.bridge.library_check import TRIAL
    from aios.proving import open_prover

    with native_log_left_out(), open_prover() as prover:
        return {entry.engine: entry.reason for entry in prover.verify(TRIAL)}


def _engine(name: str, reason: str) -> dict[str, Any]:
    from aios.bridge.core import refusal
    from aios.bridge.engines import facts_of, library_path

    in_build = "isn't part of this build" not in reason and not refusal(name)
    facts = facts_of(name)
    if facts.machine_code:
        return _compiled(name, in_build)

    path = library_path(name) or os.environ.get(facts.variable, "")
    versions = [_version_of(wheel) for wheel in facts.wheels]
    installed = next((one for one in versions if one), None)
    found = bool(path) and Path(path).is_file()
    remedy: str | None = None
    if not in_build:
        remedy = refusal(name) or _NEWER
    elif not found:
        remedy = f"pip install aios-cells[{name}], or set {facts.variable} to its library"
    elif reason:
        remedy = f"{reason}; pip install '{facts.wheels[0]}=={facts.tested}.*'"
    supported = in_build and found and remedy is None
    note = None
    if supported and installed is not None and not installed.startswith(f"{facts.tested}."):
        note = f"tested with {facts.tested}; other versions are checked at every load"
    return {
        "name": name,
        "found": found,
        "path": path or None,
        "version": installed,
        "supported": supported,
        "remedy": remedy,
        "note": note,
    }


def _compiled(name: str, in_build: bool) -> dict[str, Any]:
    from aios.bridge.core import core, refusal

    allowed = os.environ.get("AIOS_ALLOW_NATIVE", "1") != "0"
    machine = platform.machine().lower() in ("x86_64", "amd64", "aarch64", "arm64")
    remedy = None
    if not in_build:
        remedy = refusal(name) or _NEWER
    elif not machine:
        remedy = f"compiled models run on x86-64 and aarch64, not on {platform.machine()}"
    elif not allowed:
        remedy = "AIOS_ALLOW_NATIVE=0 is set and refuses code from bundles; unset it to allow it"
    return {
        "name": name,
        "found": in_build,
        "path": str(core.__file__) if in_build else None,
        "version": _version_of("aios-cells"),
        "supported": in_build and machine and allowed,
        "remedy": remedy,
        "note": None,
    }


def _cpu() -> dict[str, Any]:
    return {
        "model": cpu_model(),
        "machine": platform.machine(),
        "target": best_target(),
        "features": cpu_features(),
        "cpus": os.cpu_count(),
        "usable": usable_cpus(),
        "cgroup_limit": cgroup_cpus(),
        "thread_budget": thread_budget(),
    }


def _compiler() -> dict[str, Any]:
    from aios.compiler.toolchain import find_toolchain

    try:
        found = find_toolchain()
    except AiosError as error:
        return {"found": False, "path": None, "version": None, "remedy": str(error)}
    return {
        "found": True,
        "path": " ".join(found.command),
        "version": found.version,
        "remedy": None,
    }


def _version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _print(report: dict[str, Any]) -> None:
    listing = Listing("engine", "state", "version", Column("library, or what to do", folds=True))
    for engine in report["engines"]:
        state = Text("ready", "green") if engine["supported"] else Text("missing", "yellow")
        where = Text(engine["remedy"] or engine["path"] or "")
        if engine["note"]:
            where.append(f" ({engine['note']})")
        listing.add(engine["name"], state, engine["version"] or "", where)
    listing.print(data)
    data.print()
    cpu, compiler = report["cpu"], report["compiler"]
    core = report["core"]
    lines = {
        "core": f"C++, {core['path']}" if core["native"] else f"pure Python; {core['remedy']}",
        "cpu": f"{cpu['model']}, {cpu['usable']} of {cpu['cpus']} CPUs, "
        f"{cpu['thread_budget']} for threads, {cpu['target']}",
        "features": " ".join(cpu["features"]),
        "compiler": f"{compiler['path']}: {compiler['version']}"
        if compiler["found"]
        else f"none; {compiler['remedy']}",
        "home": home_text(report["home"]),
        "packages": ", ".join(f"{name} {found}" for name, found in report["packages"].items())
        or "none for training: pip install aios-cells[tensorflow]",
        "aios": f"{report['aios']}, Python {report['python']}",
    }
    facts = Listing()
    for name, line in lines.items():
        facts.note(name, line)
    facts.print(data)
    if not any(engine["supported"] for engine in report["engines"]):
        talk.print(Text("no engine can run here: pip install aios-cells[litert]"))
