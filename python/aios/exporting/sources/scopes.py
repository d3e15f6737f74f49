"""Layers of any name can be traced: TensorFlow's scopes take only a part of ASCII."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

_lock = threading.RLock()


@contextmanager
def any_scope_name() -> Iterator[None]:
    """While it lasts, a graph's scope that TensorFlow would refuse gets a name like it.

    Scopes only tell a reader where a node comes from; Keras names them after layers and variables,
    which it calls as its user likes. One thread at a time may be in here.
    """
    import tensorflow as tf

    with _lock:
        given = tf.Graph.name_scope

        def name_scope(graph: Any, name: Any) -> AbstractContextManager[Any]:
            return given(graph, _scope_name(name))  # type: ignore[no-any-return]

        tf.Graph.name_scope = name_scope
        try:
            yield
        finally:
            tf.Graph.name_scope = given


def _scope_name(name: Any) -> Any:
    # A scope that is entered again ends in a slash, and is a name already.
    if not isinstance(name, str) or name.endswith("/"):
        return name
    plain = re.sub(r"[^A-Za-z0-9_./>-]", "_", name)
    return re.sub(r"^[^A-Za-z0-9.]", r"x\g<0>", plain)
