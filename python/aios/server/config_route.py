"""What a server was told, read by those who may change it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from aios.server.config import ServerConfig
from aios.server.replies import Route, json_reply, route


def config_route(config: ServerConfig) -> Route:
    """`GET /config`: every option with its value, by the names of the `--config` file."""
    return route("GET", "/config", lambda: json_reply(_plain(config)), scope="admin")


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    return value
