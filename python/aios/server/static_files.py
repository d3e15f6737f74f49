"""The files of the dashboard, which are part of the package: its page asks nobody else."""

from __future__ import annotations

from importlib.resources import files

from aios.errors import NotFoundError
from aios.server.replies import Reply

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

#: A page runs and shows what this server has, and nothing else; no other page may frame it.
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def static_files() -> dict[str, Reply]:
    """Every file, by its name, as it is answered."""
    found = {}
    for entry in files("aios.server").joinpath("static").iterdir():
        kind = _TYPES.get(entry.name[entry.name.rfind(".") :])
        if kind is not None:
            found[entry.name] = Reply(200, entry.read_bytes(), kind, dict(SECURITY))
    return found


def file_reply(known: dict[str, Reply], name: str) -> Reply:
    """A file.

    Raises:
        NotFoundError: There is none of that name.
    """
    if name not in known:
        raise NotFoundError(f"no file '{name}': expected one of {', '.join(sorted(known))}")
    return known[name]
