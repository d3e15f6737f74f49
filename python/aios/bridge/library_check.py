"""Tries a vendor's library in a process of its own: what src/engines/trial_process.hpp watches.

python -m aios.bridge.library_check ENGINE LIBRARY
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from aios.bridge.core import core
from aios.bridge.isolation import LIBRARY_CHECK, die_with_parent

#: A dense net on every engine that is a vendor's; tests/trial_bundle.py makes it.
TRIAL = Path(__file__).parent / "trial_bundle"


def main() -> None:
    """Has the library read, compile and answer a small model; what it says is for nobody."""
    engine, library = sys.argv[1:]
    die_with_parent()
    os.environ.pop(LIBRARY_CHECK, None)
    watcher = os.dup(1)
    os.dup2(2, 1)
    os.write(watcher, b"b")
    # An answer that is wrong, or an error, does no harm.
    core.verify_bundle(
        str(TRIAL), libraries={engine: library}, only=(engine, "any", "float32"), check_files=False
    )
    os.write(watcher, b"e")
    # Nor is it asked to end well.
    os._exit(0)


if __name__ == "__main__":
    main()
