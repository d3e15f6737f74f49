"""Look-up tables of a frozen graph: what they hold becomes constants that fill them anew.

A frozen graph can't refer to the tables of the process that exported it. Each becomes a static
table of the graph's own, with an operation that must run once before the first call.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from aios.errors import UnsupportedError
from aios.exporting.nodes import constant


def table_nodes(name: str, handle: Any, types: set[tuple[int, int]]) -> list[Any]:
    """A table with the contents of another: its own node first, the operation that fills it last.

    Args:
        name: What to call the table's node.
        handle: The handle of the table to copy, an eager tensor.
        types: The types of keys and values that the graph asks it with.

    Raises:
        UnsupportedError: It isn't a look-up table, or not one that constants can fill.
    """
    import tensorflow as tf

    if len(types) != 1:
        raise UnsupportedError(f"it holds a resource that is no look-up table: '{name}'")
    ((key_type, value_type),) = types
    try:
        keys, values = tf.raw_ops.LookupTableExportV2(
            table_handle=handle, Tkeys=key_type, Tvalues=value_type
        )
        _require_static(key_type, value_type, keys, values)
    except Exception as error:
        raise UnsupportedError(f"its look-up table '{name}' can't be copied: {error}") from error
    return _nodes(name, key_type, value_type, keys.numpy(), values.numpy())


def _nodes(name: str, key_type: int, value_type: int, keys: Any, values: Any) -> list[Any]:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    order = np.argsort(keys, kind="stable")
    entries = [
        constant(f"{name}/{part}", array[order], dtype)
        for part, array, dtype in (("keys", keys, key_type), ("values", values, value_type))
    ]
    table = NodeDef(name=name, op="HashTableV2")
    table.attr["key_dtype"].type = key_type
    table.attr["value_dtype"].type = value_type
    # Tables of one name are one table to a process: content alone makes it safe to share.
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(entry.attr["value"].SerializeToString(deterministic=True))
    table.attr["shared_name"].s = f"aios_{digest.hexdigest()}".encode()
    fill = NodeDef(name=f"{name}/fill", op="InitializeTableV2")
    fill.input.extend([name, *(entry.name for entry in entries)])
    fill.attr["Tkey"].type = key_type
    fill.attr["Tval"].type = value_type
    return [table, *entries, fill]


def _require_static(key_type: int, value_type: int, keys: Any, values: Any) -> None:
    """Raises unless a static table takes these contents: not every pair of types has one."""
    import tensorflow as tf

    table = tf.raw_ops.AnonymousHashTable(key_dtype=key_type, value_dtype=value_type)
    tf.raw_ops.InitializeTableV2(table_handle=table, keys=keys, values=values)
