"""Other names for a .tflite file's inputs, written into the file.

Format: a FlatBuffer by the schema of TensorFlow Lite. A reference in it is an unsigned distance
forward, in bytes, so that a longer name may stand at the file's end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

#: The first field of a TensorMap is its name.
_NAME_SLOT = 4


def with_input_names(model: bytes, names: Mapping[str, Mapping[str, str]]) -> bytes:
    """The file with inputs renamed: names that differ, by signature and old name."""
    file = bytearray(model)
    for reference, old, new in _references(model, names):
        if old != new:
            file += b"\0" * (-len(file) % 4)
            struct.pack_into("<I", file, reference, len(file) - reference)
            text = new.encode()
            file += struct.pack("<I", len(text)) + text + b"\0"
    return bytes(file)


def _references(
    model: bytes, names: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[int, str, str]]:
    """Where in the file each input's name is referred to, with the old and the new one."""
    from tensorflow.lite.python import schema_py_generated as schema

    root = schema.Model.GetRootAs(model, 0)
    for index in range(root.SignatureDefsLength()):
        signature = root.SignatureDefs(index)
        wanted = names[_text(signature.SignatureKey())]
        for i in range(signature.InputsLength()):
            entry = signature.Inputs(i)
            name = _text(entry.Name())
            table = entry._tab
            yield table.Pos + table.Offset(_NAME_SLOT), name, wanted.get(name, name)


def _text(name: Any) -> str:
    return (name or b"").decode()
