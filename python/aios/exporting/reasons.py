"""What other software's errors say, in as many words as help."""

from __future__ import annotations

import re


def first_line(error: BaseException, limit: int = 300) -> str:
    """The line that matters of an error's message, which may be a page long."""
    lines = [re.sub(r"\x1b\[\d+m", "", line).strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        return repr(error)
    introductions = ("in user code:", "Exception encountered when calling")
    if len(lines) > 1 and lines[0].startswith(introductions[0]):
        lines = [line for line in lines if "Error:" in line][-1:] or lines[-1:]
    if len(lines) > 1 and lines[0].startswith(introductions[1]):
        lines = [f"{lines[0]} {lines[1]}"]
    return lines[0][:limit]
