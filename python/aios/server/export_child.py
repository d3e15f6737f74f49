"""The child process that exports a SavedModel while its server runs it as it is.

Arguments: the SavedModel, and where its bundle goes. It answers with one line of JSON, in which
`reason` is empty if the bundle is there.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from aios.bridge.isolation import die_with_parent

_NICER = 15


def main() -> None:
    """Exports, and tells how it went."""
    die_with_parent()
    os.nice(_NICER)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    answer = os.dup(1)
    # What libraries print is talk.
    os.dup2(2, 1)
    reason = exported(Path(sys.argv[1]), Path(sys.argv[2]))
    os.write(answer, json.dumps({"reason": reason}).encode() + b"\n")


def exported(source: Path, target: Path) -> str:
    """Why it can't be exported; empty if it is."""
    from aios.errors import AiosError
    from aios.exporting import export

    try:
        export(source, target, overwrite=True)
    except AiosError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""
