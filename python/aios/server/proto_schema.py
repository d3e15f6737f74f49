"""Reads `.proto` files: the messages, enums and services that they describe.

Only what the files of this project use: proto3 without options, extensions and reserved fields. The
files are installed beside this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from aios.errors import InternalError, NotFoundError

FOLDER = Path(__file__).parent / "proto"

#: Types that need no definition.
SCALARS = frozenset(
    ("bool", "bytes", "double", "float", "int32", "int64", "string", "uint32", "uint64")
)

_TOKEN = re.compile(r'\s*(?://[^\n]*\s*)*("[^"]*"|[A-Za-z_][\w.]*|\d+|[{}();=<>,])')


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field of a message; `type` is a scalar's name, or a message's or enum's full name."""

    name: str
    number: int
    type: str
    is_repeated: bool = False
    is_map: bool = False
    oneof: str | None = None


@dataclass(frozen=True, slots=True)
class EnumSchema:
    """An enum, by its full name."""

    name: str
    values: dict[str, int]


@dataclass(frozen=True, slots=True)
class MessageSchema:
    """A message, by its full name; a map's entry is one of its nested messages."""

    name: str
    fields: tuple[FieldSchema, ...]
    nested: tuple[MessageSchema, ...] = ()
    enums: tuple[EnumSchema, ...] = ()
    oneofs: tuple[str, ...] = ()
    is_map_entry: bool = False


@dataclass(frozen=True, slots=True)
class MethodSchema:
    """A method of a service; its types are full names of messages."""

    name: str
    input: str
    output: str
    client_streaming: bool
    server_streaming: bool


@dataclass(frozen=True, slots=True)
class ServiceSchema:
    """A service, by its full name."""

    name: str
    methods: tuple[MethodSchema, ...]


@dataclass(slots=True)
class FileSchema:
    """What one file describes."""

    name: str
    package: str = ""
    imports: list[str] = field(default_factory=list)
    messages: list[MessageSchema] = field(default_factory=list)
    enums: list[EnumSchema] = field(default_factory=list)
    services: list[ServiceSchema] = field(default_factory=list)


class Schemas:
    """Files with all that they import.

    Args:
        files: Names of files, as `inference.proto`.

    Raises:
        NotFoundError: There is no such file.
        InternalError: A file isn't what this module reads.
    """

    def __init__(self, *files: str) -> None:
        self.files: dict[str, FileSchema] = {}
        self.messages: dict[str, MessageSchema] = {}
        self.enums: dict[str, EnumSchema] = {}
        for name in files:
            self._add(name)
        for schema in self.files.values():
            schema.messages = [self._resolved(each, schema.package) for each in schema.messages]
        for schema in self.files.values():
            for message in schema.messages:
                self._index(message)

    def _add(self, name: str) -> None:
        if name in self.files:
            return
        schema = parse(name, _text_of(name))
        for imported in schema.imports:
            self._add(imported)
        self.files[name] = schema
        for message in schema.messages:
            self._index(message)
        self.enums.update((each.name, each) for each in schema.enums)

    def _index(self, message: MessageSchema) -> None:
        self.messages[message.name] = message
        self.enums.update((each.name, each) for each in message.enums)
        for nested in message.nested:
            self._index(nested)

    def _resolved(self, message: MessageSchema, scope: str) -> MessageSchema:
        """The message with the full names of its fields' types."""
        fields = tuple(
            each if each.type in SCALARS else replace(each, type=self._found(each, message.name))
            for each in message.fields
        )
        nested = tuple(self._resolved(each, message.name) for each in message.nested)
        return replace(message, fields=fields, nested=nested)

    def _found(self, of: FieldSchema, scope: str) -> str:
        """The full name of a field's type, looked for from the innermost scope outwards."""
        while True:
            name = f"{scope}.{of.type}" if scope else of.type
            if name in self.messages or name in self.enums:
                return name
            if not scope:
                raise InternalError(f"field '{of.name}': there is no type '{of.type}'")
            scope = scope.rpartition(".")[0]


def parse(name: str, text: str) -> FileSchema:
    """What a file's text describes; types of fields as they are written there.

    Raises:
        InternalError: The text isn't what this module reads.
    """
    return _Parser(name, text).file()


@cache
def _text_of(name: str) -> str:
    try:
        return (FOLDER / name).read_text()
    except OSError as error:
        raise NotFoundError(f"no file '{name}' in '{FOLDER}' ({error.strerror})") from error


def _tokens(text: str) -> Iterator[str]:
    end = re.search(r"(?:\s|//[^\n]*(?:\n|$))*\Z", text)
    assert end is not None
    at = 0
    while at < end.start():
        found = _TOKEN.match(text, at)
        if found is None:
            raise InternalError(f"unexpected text: {text[at : at + 30]!r}")
        yield found[1]
        at = found.end()


class _Parser:
    def __init__(self, name: str, text: str) -> None:
        self._file = FileSchema(name)
        self._tokens = list(_tokens(text))[::-1]

    def file(self) -> FileSchema:
        while self._tokens:
            word = self._next()
            if word == "syntax":
                self._expect("=", '"proto3"', ";")
            elif word == "package":
                self._file.package = self._next()
                self._expect(";")
            elif word == "import":
                self._file.imports.append(self._next().strip('"'))
                self._expect(";")
            elif word == "message":
                self._file.messages.append(self._message(self._file.package))
            elif word == "enum":
                self._file.enums.append(self._enum(self._file.package))
            elif word == "service":
                self._file.services.append(self._service())
            else:
                raise self._error(word)
        return self._file

    def _next(self) -> str:
        if not self._tokens:
            raise self._error("the end")
        return self._tokens.pop()

    def _expect(self, *words: str) -> None:
        for word in words:
            found = self._next()
            if found != word:
                raise self._error(f"{found}, not {word}")

    def _takes(self, word: str) -> bool:
        if not self._tokens or self._tokens[-1] != word:
            return False
        self._tokens.pop()
        return True

    def _error(self, found: str) -> InternalError:
        return InternalError(f"{self._file.name}: unexpected {found}")

    def _message(self, scope: str) -> MessageSchema:
        name = f"{scope}.{self._next()}"
        fields: list[FieldSchema] = []
        nested: list[MessageSchema] = []
        enums: list[EnumSchema] = []
        oneofs: list[str] = []
        self._expect("{")
        while not self._takes("}"):
            word = self._next()
            # A field may be of a type of these names, but none here is.
            if word == "message":
                nested.append(self._message(name))
            elif word == "enum":
                enums.append(self._enum(name))
            elif word == "oneof":
                oneofs.append(self._next())
                self._expect("{")
                while not self._takes("}"):
                    fields.append(self._field(self._next(), oneof=oneofs[-1]))
            elif word == "map":
                fields.append(self._map(name, nested))
            elif word == "repeated":
                fields.append(self._field(self._next(), is_repeated=True))
            else:
                fields.append(self._field(word))
        return MessageSchema(name, tuple(fields), tuple(nested), tuple(enums), tuple(oneofs))

    def _field(
        self,
        type_name: str,
        *,
        is_repeated: bool = False,
        is_map: bool = False,
        oneof: str | None = None,
    ) -> FieldSchema:
        name = self._next()
        self._expect("=")
        number = int(self._next())
        self._expect(";")
        return FieldSchema(name, number, type_name, is_repeated, is_map, oneof)

    def _map(self, scope: str, nested: list[MessageSchema]) -> FieldSchema:
        """A map is a repeated message with a key and a value."""
        self._expect("<")
        key = self._next()
        self._expect(",")
        value = self._next()
        self._expect(">")
        entry = "".join(part.title() for part in self._tokens[-1].split("_")) + "Entry"
        fields = (FieldSchema("key", 1, key), FieldSchema("value", 2, value))
        nested.append(MessageSchema(f"{scope}.{entry}", fields, is_map_entry=True))
        return self._field(entry, is_repeated=True, is_map=True)

    def _enum(self, scope: str) -> EnumSchema:
        name = f"{scope}.{self._next()}"
        values: dict[str, int] = {}
        self._expect("{")
        while not self._takes("}"):
            value = self._next()
            self._expect("=")
            values[value] = int(self._next())
            self._expect(";")
        return EnumSchema(name, values)

    def _service(self) -> ServiceSchema:
        name = f"{self._file.package}.{self._next()}"
        methods: list[MethodSchema] = []
        self._expect("{")
        while not self._takes("}"):
            self._expect("rpc")
            method = self._next()
            asked, client_streaming = self._method_type()
            self._expect("returns")
            answer, server_streaming = self._method_type()
            self._expect(";")
            methods.append(MethodSchema(method, asked, answer, client_streaming, server_streaming))
        return ServiceSchema(name, tuple(methods))

    def _method_type(self) -> tuple[str, bool]:
        self._expect("(")
        is_stream = self._takes("stream")
        name = f"{self._file.package}.{self._next()}"
        self._expect(")")
        return name, is_stream
