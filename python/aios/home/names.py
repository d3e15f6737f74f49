"""Names of workflows, models, aliases and schedules."""

from __future__ import annotations

import re
from typing import Final

from aios.errors import InvalidArgumentError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def check_name(what: str, name: str) -> str:
    """Returns `name`, if it can name a workflow, a model or an alias.

    Raises:
        InvalidArgumentError: It can't; `what` says in the message what it was to name.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidArgumentError(
            f"{what}: expected letters, digits, '.', '_' and '-', such as 'digits', got {name!r}"
        )
    return name
