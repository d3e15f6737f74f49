"""Garbage collection while a model is exported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def only_new_objects_collected() -> Iterator[None]:
    """Keeps Python's garbage collector from the objects that are there already.

    TensorFlow and Keras alone are some hundred thousand, which every full collection visits, and
    TensorFlow's converter asks for one each time: a tenth of a small model's export. Where a
    program has frozen its objects itself, nothing is done.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
