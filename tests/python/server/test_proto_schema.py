"""What .proto files say, read without protobuf."""

import pytest

from aios.errors import InternalError, NotFoundError
from aios.server.proto_schema import FieldSchema, Schemas, parse

#: The files are installed with the extension.
pytestmark = pytest.mark.native

TEXT = """
// A comment; with {signs} in it.
syntax = "proto3";
package a.b;
import "other.proto";

service S {
  rpc Ask(Question) returns (stream Answer);  // and one after
}

message Question {
  enum Kind { NONE = 0; SOME = 2; }
  message Inner { bool optional = 1; }
  oneof choice { string text = 1; Inner inner = 5; }
  repeated int64 sizes = 3;
  map<string, Inner> many_inners = 4;
  Kind kind = 16;
}
message Answer {}
"""


def test_a_file_is_its_messages_enums_and_services():
    schema = parse("a.proto", TEXT)
    assert (schema.package, schema.imports) == ("a.b", ["other.proto"])
    (service,) = schema.services
    (ask,) = service.methods
    assert (service.name, ask.name, ask.input, ask.output) == (
        "a.b.S", "Ask", "a.b.Question", "a.b.Answer",
    )  # fmt: skip
    assert (ask.client_streaming, ask.server_streaming) == (False, True)
    question, answer = schema.messages
    assert answer.fields == ()
    assert question.oneofs == ("choice",)
    assert question.enums[0].values == {"NONE": 0, "SOME": 2}
    assert question.fields == (
        FieldSchema("text", 1, "string", oneof="choice"),
        FieldSchema("inner", 5, "Inner", oneof="choice"),
        FieldSchema("sizes", 3, "int64", is_repeated=True),
        FieldSchema("many_inners", 4, "ManyInnersEntry", is_repeated=True, is_map=True),
        FieldSchema("kind", 16, "Kind"),
    )
    assert [nested.name for nested in question.nested] == [
        "a.b.Question.Inner", "a.b.Question.ManyInnersEntry",
    ]  # fmt: skip


def test_types_are_found_from_the_inside_out_and_in_imported_files():
    schemas = Schemas("tensorflow_serving.proto")
    fields = {f.name: f.type for f in schemas.messages["tensorflow.serving.ModelSpec"].fields}
    assert fields["version"] == "google.protobuf.Int64Value"
    entry = schemas.messages["tensorflow.serving.PredictRequest.InputsEntry"]
    assert entry.fields[1].type == "tensorflow.TensorProto"
    status = schemas.messages["tensorflow.serving.ModelVersionStatus"]
    assert status.fields[1].type == "tensorflow.serving.ModelVersionStatus.State"


@pytest.mark.parametrize(
    "text",
    ["message A { int64 x 1; }", "message A {", "option x = 1;", "message A { & }", "syntax = 2;"],
)
def test_what_is_not_read_is_refused(text):
    with pytest.raises(InternalError, match="unexpected"):
        parse("a.proto", text)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(NotFoundError, match=r"no file 'none\.proto'"):
        Schemas("none.proto")
