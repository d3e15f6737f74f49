"""Mutations of a bundle's files, the same for the same random generator."""

from __future__ import annotations

import json
import random
import struct

_NUMBERS = [
    0,
    -1,
    1,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64,
    -(2**63),
    1e308,
    -0.5,
    1e-320,
]
_TEXTS = [
    "", ".", "..", "../x", "/etc/passwd", "a\0b", "x" * 5000, "é", "\ud7ff", "float32", "float64",
    "string", "bool", "litert", "compiled", "tensorflow", "passed", "pending", "serving_default",
    "golden.safetensors", "manifest.json", "litert/dynamic.tflite", "saved_model",
]  # fmt: skip
_VALUES = [*_NUMBERS, *_TEXTS, None, True, False, [], {}, [[]], [None], {"": 0}]


def mutate_json(generator: random.Random, document: object) -> object:
    """One to four changes anywhere in a JSON document, which is not changed itself."""
    copy = json.loads(json.dumps(document))
    for _ in range(generator.choice((1, 1, 2, 4))):
        copy = _change(generator, copy)
    return copy


def mutate_bytes(generator: random.Random, content: bytes) -> bytes:
    """Flips, cuts, repeats or inserts bytes."""
    changed = bytearray(content)
    for _ in range(generator.choice((1, 1, 3, 10))):
        at = generator.randrange(len(changed) + 1)
        kind = generator.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << generator.randrange(8)
        elif kind == 1:
            del changed[at : at + generator.choice((1, 8, 100, len(changed)))]
        elif kind == 2:
            changed[at:at] = generator.randbytes(generator.choice((1, 4, 64)))
        elif kind == 3:
            changed[at:at] = changed[at : at + 40]
        else:
            changed[at:at] = generator.choice(
                (b"[" * 3000, b'{"a":' * 500, b"\xff\xfe", b"\0", b"9" * 400)
            )
    return bytes(changed)


def mutate_safetensors(generator: random.Random, content: bytes) -> bytes:
    """Changes the header's JSON, its length, or anything."""
    (length,) = struct.unpack_from("<Q", content)
    header, payload = content[8 : 8 + length], content[8 + length :]
    kind = generator.randrange(4)
    if kind == 0:
        return mutate_bytes(generator, content)
    if kind == 1:
        odd = generator.choice(
            (0, 1, length - 1, length + 1, len(content), 2**63, 2**64 - 1, 2**64 - 8)
        )
        return struct.pack("<Q", odd) + header + payload
    if kind == 2:
        payload = payload[: generator.randrange(len(payload) + 1)]
    changed = json.dumps(mutate_json(generator, json.loads(header))).encode()
    return struct.pack("<Q", len(changed)) + changed + payload


def _change(generator: random.Random, document: object) -> object:
    places = list(_places(document))
    if not places:
        return generator.choice(_VALUES)
    container, key = generator.choice(places)
    kind = generator.randrange(5)
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, list):
        container.insert(key, json.loads(json.dumps(container[key])))
    elif kind == 2:
        _, other = generator.choice(places), generator.choice(places)
        container[key] = json.loads(json.dumps(_at(other)))
    elif kind == 3 and isinstance(container[key], (int, float)):
        container[key] = container[key] + generator.choice((-1, 1, 2**32, -(2**40)))
    else:
        container[key] = generator.choice(_VALUES)
    return document


def _at(place):
    container, key = place
    return container[key]


def _places(document):
    stack = [document] if isinstance(document, (dict, list)) else []
    while stack:
        node = stack.pop()
        entries = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in list(entries):
            yield node, key
            if isinstance(value, (dict, list)) and value:
                stack.append(value)
