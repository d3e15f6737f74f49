"""What commands set in the environment before TensorFlow is loaded, which reads it only then."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def prepare_tensorflow(threads: int = 1) -> None:
    """Keeps TensorFlow's log off stderr and its process-wide thread pool at `threads`.

    What the user has set stays.
    """
    quiet = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)


def import_tensorflow() -> None:
    """Imports TensorFlow without what it prints before it reads its log level."""
    if "tensorflow" not in sys.modules:
        with native_stderr_kept_back():
            import tensorflow  # noqa: F401


@contextmanager
def native_stderr_kept_back() -> Iterator[None]:
    """Keeps what native code writes to stderr, and shows it only if the block fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            if failed:
                kept.seek(0)
                os.write(2, kept.read())
