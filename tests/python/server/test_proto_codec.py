"""Messages as dicts are the same bytes that protobuf's own package reads and writes."""

import random

import pytest
from proto_messages import message_class, schemas

from aios.errors import InternalError, InvalidArgumentError
from aios.server.proto_codec import Codec
from aios.server.proto_schema import SCALARS

#: The files are installed with the extension.
pytestmark = pytest.mark.native

CODEC = Codec(schemas())
REQUEST = "inference.ModelInferRequest"

VALUES = {
    "bool": [True],
    "bytes": [b"", b"\xff\0"],
    "string": ["", "é", "x" * 200],
    "double": [0.0, -1.5, float("inf"), 1e300],
    "float": [0.0, 0.5, -float("inf")],
    "int32": [0, -(2**31), 2**31 - 1],
    "int64": [0, -(2**63), 2**63 - 1],
    "uint32": [0, 2**32 - 1],
    "uint64": [0, 2**64 - 1],
}


def any_value(kind, chance, depth):
    if kind in SCALARS:
        return chance.choice(VALUES[kind])
    if kind in schemas().enums:
        return chance.choice(list(schemas().enums[kind].values.values()))
    return any_document(kind, chance, depth + 1)


def any_document(name, chance, depth=0):
    """Any dict that decode() may give for a message."""
    document = {}
    message = schemas().messages[name]
    for field in message.fields:
        chosen = {f.oneof: f for f in message.fields if f.oneof and chance.random() < 0.5}
        is_message = field.type in schemas().messages
        if field.is_map:
            key, value = (f.type for f in schemas().messages[field.type].fields)
            document[field.name] = {
                any_value(key, chance, depth): any_value(value, chance, depth)
                for _ in range(chance.randrange(3 if depth < 4 else 1))
            }
        elif field.is_repeated:
            many = chance.randrange(3 if depth < 4 or not is_message else 1)
            document[field.name] = [any_value(field.type, chance, depth) for _ in range(many)]
        elif field.oneof is not None:
            taken = {f.name for f in message.fields if f.oneof == field.oneof} & document.keys()
            if not taken and chosen.get(field.oneof) is field and depth < 4:
                document[field.name] = any_value(field.type, chance, depth)
        elif not is_message or (depth < 4 and chance.random() < 0.5):
            document[field.name] = any_value(field.type, chance, depth)
    return document


def fill(message, document, name):
    """Gives protobuf's object what a dict has."""
    for field in schemas().messages[name].fields:
        if field.name not in document:
            continue
        value, target = document[field.name], getattr(message, field.name)
        if field.is_map:
            of = schemas().messages[field.type].fields[1].type
            for key, each in value.items():
                if of in schemas().messages:
                    target[key].SetInParent()
                    fill(target[key], each, of)
                else:
                    target[key] = each
        elif field.type in schemas().messages:
            for each in value if field.is_repeated else [value]:
                nested = target.add() if field.is_repeated else target
                nested.SetInParent()
                fill(nested, each, field.type)
        elif field.is_repeated:
            target.extend(value)
        else:
            setattr(message, field.name, value)


def test_every_message_is_read_and_written_as_protobuf_does():
    chance = random.Random(1)
    for name in sorted(schemas().messages):
        if schemas().messages[name].is_map_entry:
            continue
        for _ in range(10):
            document = any_document(name, chance)
            theirs = message_class(name)()
            fill(theirs, document, name)
            assert CODEC.decode(name, theirs.SerializeToString()) == document, name
            assert message_class(name).FromString(CODEC.encode(name, document)) == theirs, name


def test_numbers_may_be_text_and_enums_names_as_in_json():
    state = {"version": "-3", "state": "AVAILABLE"}
    data = CODEC.encode("tensorflow.serving.ModelVersionStatus", state)
    message = message_class("tensorflow.serving.ModelVersionStatus").FromString(data)
    assert (message.version, message.state) == (-3, 30)


def test_repeated_numbers_are_read_packed_or_not_and_messages_in_parts():
    shape = "inference.ModelMetadataResponse.TensorMetadata"
    assert CODEC.decode(shape, b"\x1a\x02\x01\x02\x18\x03")["shape"] == [1, 2, 3]
    parts = b"\x0a\x03\x0a\x01a" + b"\x0a\x03\x1a\x01s"
    spec = CODEC.decode("tensorflow.serving.PredictRequest", parts)["model_spec"]
    assert spec == {"name": "a", "signature_name": "s"}
    many = b"".join(b"\x0a\x03\x0a\x01" + bytes([letter]) for letter in b"abc")
    assert CODEC.decode("tensorflow.serving.PredictRequest", many)["model_spec"]["name"] == "c"


def test_the_last_member_of_a_oneof_counts():
    spec = CODEC.decode("tensorflow.serving.ModelSpec", b"\x12\x02\x08\x07\x22\x01x")
    assert spec == {"name": "", "signature_name": "", "version_label": "x"}


def test_unknown_fields_and_groups_are_ignored():
    assert CODEC.decode(REQUEST, b"\xf8\x07\x01\x0b\x08\x01\x0c\x0a\x01m")["model_name"] == "m"


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a", b"\x0a\x05x", b"\xff" * 11, b"\x00\x01", b"\x0b", b"\x0c", b"\x0f", b"\x0b\x14",
        b"\x0a\x01\xff", b"\x0b" * 200, b"\x21\x00",
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(data):
    with pytest.raises(InvalidArgumentError, match="malformed message"):
        CODEC.decode(REQUEST, data)


def test_a_value_without_a_field_is_refused():
    with pytest.raises(InternalError, match="ServerLiveResponse has no field alive"):
        CODEC.encode("inference.ServerLiveResponse", {"alive": True})
