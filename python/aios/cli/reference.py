"""The page docs/reference/cli.md, made from the commands themselves.

`python -m aios.cli.reference` prints it; a test compares it with what is committed.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any, get_type_hints

from typer.main import get_command

from aios.cli.main import app

_HEAD = """# Command line

Made from the commands by `python -m aios.cli.reference > docs/reference/cli.md`.

Data goes to stdout, talk to stderr. Every command takes `--json`; an error is then
`{"error": {"code", "type", "message"}}` on stdout. Exit status: 0 done, 1 failed (also: something
was found to be wrong), 2 mistyped. Errors are one line; `AIOS_TRACEBACK=1` shows where a bug is.
"""


def page() -> str:
    """The whole page, as Markdown."""
    parts = [_HEAD]
    root = get_command(app)
    _describe(root, "aios", parts)
    return "\n".join(parts)


def _describe(command: Any, path: str, parts: list[str]) -> None:
    options = [one for one in command.params if one.opts[0].startswith("-")]
    arguments = [one for one in command.params if one not in options]
    children = getattr(command, "commands", {})
    kinds = _kinds(command)
    usage = [path, *[one.name.upper() for one in arguments]]
    usage += [f"{one.opts[0]} {kinds.get(one.name, '')}".strip() for one in options if one.required]
    usage += ["COMMAND"] if children else ["[OPTIONS]"] if options else []
    parts.append(f"## `{' '.join(usage)}`\n")
    text = " ".join((command.help or "").split())
    if text:
        parts.append(f"{text}\n")
    shown = [one for one in (*arguments, *options) if one.name != "help"]
    if shown:
        parts.append("| | |\n|---|---|")
        parts += [f"| `{_names(one, kinds)}` | {_help(one)} |" for one in shown]
        parts.append("")
    for name in sorted(children):
        _describe(children[name], f"{path} {name}", parts)


def _kinds(command: Any) -> dict[str, str]:
    """What each parameter takes, by the annotations of the command's function."""
    function = inspect.unwrap(command.callback) if command.callback else None
    names = {"Path": "PATH", "int": "N", "float": "X", "bool": ""}
    found = {}
    for name, hint in (get_type_hints(function) if function else {}).items():
        text = getattr(hint, "__name__", str(hint))
        found[name] = next((shown for kind, shown in names.items() if kind in text), "TEXT")
    return found


def _names(parameter: Any, kinds: dict[str, str]) -> str:
    if not parameter.opts[0].startswith("-"):
        return str(parameter.name.upper())
    return f"{', '.join(parameter.opts)} {kinds.get(parameter.name, '')}".strip()


def _help(parameter: Any) -> str:
    text = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    default = parameter.default
    if default is None and isinstance(parameter.show_default, str):
        default = parameter.show_default
    if isinstance(default, bool) or default is None or callable(default) or parameter.required:
        return text
    return f"{text} Default: `{default}`."


if __name__ == "__main__":
    sys.stdout.write(page())
