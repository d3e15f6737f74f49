"""`python -m aios` is the command line; `--cmake-dir` is for CMAKE_PREFIX_PATH."""

from __future__ import annotations

import sys


def _cmake_dir() -> str:
    """The prefix below which lib/cmake/aios is: where the extension was installed."""
    from pathlib import Path

    from aios import _core

    return str(Path(_core.__file__).parent)


if sys.argv[1:] == ["--cmake-dir"]:
    print(_cmake_dir())
else:
    from aios.cli.main import main

    main()
