"""gRPC's control methods ask the routes of REST and answer what they answer."""

import json

import pytest
from proto_messages import message_class

from aios.errors import (
    AiosError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    UnsupportedError,
)
from aios.server.grpc_methods import UnauthenticatedError, methods
from aios.server.replies import empty_reply, json_reply, route

#: The files are installed with the extension.
pytestmark = pytest.mark.native

KSERVE = "inference.GRPCInferenceService"
SERVING = "tensorflow.serving"


class Routes:
    """Answers with documents of the test's own, and remembers what was asked."""

    def __init__(self):
        self.asked = []
        self.answers = {}
        self.methods = methods(
            [
                route("GET", "(?P<path>/v[12].*)", self.get, scope="open"),
                route("POST", "/v2/repository/index", self.index, scope="infer"),
                route("POST", "(?P<path>/v2/.*)", self.post),
            ]
        )

    def get(self, path):
        self.asked.append(path)
        answer = self.answers[path]
        if isinstance(answer, AiosError):
            raise answer
        return empty_reply(answer) if isinstance(answer, int) else json_reply(answer)

    def index(self, body):
        rows = [{"name": "m", "version": "1", "state": "READY", "reason": ""}]
        return json_reply(rows if json.loads(body)["ready"] else rows * 2)

    def post(self, body, path):
        self.asked.append((path, json.loads(body)))
        return empty_reply(200)

    def call(self, path, asked, answer, granted="admin", **fields):
        message = message_class(asked)(**fields)
        reply = self.methods[f"/{path}"](message.SerializeToString(), granted)
        return message_class(answer).FromString(reply)

    def kserve(self, method, granted="admin", **fields):
        path = f"{KSERVE}/{method}"
        of = f"inference.{method}"
        return self.call(path, f"{of}Request", f"{of}Response", granted, **fields)

    def status(self, **fields):
        return self.call(
            f"{SERVING}.ModelService/GetModelStatus",
            f"{SERVING}.GetModelStatusRequest",
            f"{SERVING}.GetModelStatusResponse",
            **fields,
        )

    def metadata(self, **fields):
        return self.call(
            f"{SERVING}.PredictionService/GetModelMetadata",
            f"{SERVING}.GetModelMetadataRequest",
            f"{SERVING}.GetModelMetadataResponse",
            **fields,
        )


@pytest.fixture
def routes():
    return Routes()


def test_health_is_the_status_of_its_routes(routes):
    routes.answers = {
        "/v2/health/live": 200, "/v2/health/ready": 400,
        "/v2/models/a/b/ready": 200, "/v2/models/m/versions/2/ready": 400,
    }  # fmt: skip
    assert routes.kserve("ServerLive").live
    assert not routes.kserve("ServerReady").ready
    assert routes.kserve("ModelReady", name="a/b").ready
    assert not routes.kserve("ModelReady", name="m", version="2").ready


def test_documents_of_kserve_become_messages(routes):
    tensor = {"name": "x", "datatype": "FP32", "shape": [-1, 2]}
    routes.answers = {
        "/v2": {"name": "aios", "version": "1", "extensions": ["statistics"]},
        "/v2/models/m": {"name": "m", "versions": ["1"], "platform": "p", "inputs": [tensor]},
        "/v2/models/m/config": {
            "name": "m", "version_policy": {"all": {}}, "max_batch_size": 8,
            "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [2]}],
            "parameters": {"engine": {"string_value": "compiled"}},
        },
        "/v2/models/stats": {"model_stats": [{"name": "m", "inference_count": 3}]},
        "/v2/models/m/versions/1/stats": {
            "model_stats": [{"inference_stats": {"success": {"count": 2, "ns": 5}}}]
        },
    }  # fmt: skip
    assert list(routes.kserve("ServerMetadata").extensions) == ["statistics"]
    assert list(routes.kserve("ModelMetadata", name="m").inputs[0].shape) == [-1, 2]
    config = routes.kserve("ModelConfig", name="m").config
    assert config.version_policy.WhichOneof("policy_choice") == "all"
    assert (config.input[0].data_type, config.max_batch_size) == (11, 8)
    assert config.parameters["engine"].string_value == "compiled"
    assert routes.kserve("ModelStatistics").model_stats[0].inference_count == 3
    of_version = routes.kserve("ModelStatistics", name="m", version="1").model_stats[0]
    assert of_version.inference_stats.success.ns == 5


def test_the_index_and_changes_are_posted(routes):
    assert len(routes.kserve("RepositoryIndex").models) == 2
    assert routes.kserve("RepositoryIndex", ready=True).models[0].state == "READY"
    routes.kserve("RepositoryModelLoad", model_name="m")
    parameter = message_class("inference.ModelRepositoryParameter")(bool_param=True)
    routes.kserve(
        "RepositoryModelUnload", model_name="m", parameters={"unload_dependents": parameter}
    )
    assert routes.asked == [
        ("/v2/repository/models/m/load", {"parameters": {}}),
        ("/v2/repository/models/m/unload", {"parameters": {"unload_dependents": True}}),
    ]


def test_the_status_of_versions_becomes_a_message(routes):
    version = {
        "version": "123", "state": "END",
        "status": {"error_code": "DATA_LOSS", "error_message": "why"},
    }  # fmt: skip
    document = {"model_version_status": [version]}
    routes.answers = dict.fromkeys(
        ("/v1/models/m", "/v1/models/m/versions/123", "/v1/models/m/labels/stable"), document
    )
    (status,) = routes.status(model_spec={"name": "m"}).model_version_status
    assert (status.version, status.state) == (123, 50)
    assert (status.status.error_code, status.status.error_message) == (15, "why")
    routes.status(model_spec={"name": "m", "version": {"value": 123}})
    routes.status(model_spec={"name": "m", "version_label": "stable"})
    assert routes.asked == list(routes.answers)


def test_signatures_are_packed_into_any(routes):
    dim = {"size": "-1", "name": ""}
    shape = {"dim": [dim], "unknown_rank": False}
    tensor = {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": "x:0"}
    signature = {"inputs": {"x": tensor}, "outputs": {}, "method_name": "predict"}
    routes.answers["/v1/models/m/metadata"] = {
        "model_spec": {"name": "m", "signature_name": "", "version": "7"},
        "metadata": {"signature_def": {"signature_def": {"serve": signature}}},
    }
    answer = routes.metadata(model_spec={"name": "m"}, metadata_field=["signature_def"])
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("m", 7)
    packed = answer.metadata["signature_def"]
    assert packed.type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
    unpacked = message_class(f"{SERVING}.SignatureDefMap").FromString(packed.value)
    found = unpacked.signature_def["serve"].inputs["x"]
    assert (found.name, found.dtype, found.tensor_shape.dim[0].size) == ("x:0", 1, -1)


def test_errors_of_routes_keep_their_words_and_get_grpcs_codes(routes):
    routes.answers = {
        "/v2/models/m": NotFoundError("Request for unknown model: 'm' is not found"),
        "/v1/models/m": NotFoundError("Could not find any versions of model m"),
    }
    with pytest.raises(NotFoundError, match="Request for unknown model: 'm' is not found"):
        routes.kserve("ModelMetadata", name="m")
    with pytest.raises(NotFoundError, match="Could not find any versions of model m"):
        routes.status(model_spec={"name": "m"})


def test_clients_get_what_they_may(routes):
    with pytest.raises(UnauthenticatedError, match="expected a token") as caught:
        routes.kserve("RepositoryIndex", granted="open")
    assert caught.value.code == 16
    with pytest.raises(PermissionDeniedError, match="this needs the scope admin"):
        routes.kserve("RepositoryModelLoad", granted="infer", model_name="m")
    assert routes.asked == []


def test_requests_that_name_nothing_are_refused(routes):
    with pytest.raises(InvalidArgumentError, match="expected a model's name"):
        routes.kserve("ModelMetadata")
    with pytest.raises(InvalidArgumentError, match="failed to get model version"):
        routes.kserve("ModelMetadata", name="m", version="1/x")
    with pytest.raises(InvalidArgumentError, match="Missing ModelSpec"):
        routes.status()
    with pytest.raises(InvalidArgumentError, match="has no name"):
        routes.status(model_spec={"signature_name": "s"})
    with pytest.raises(InvalidArgumentError, match="at least one metadata_field"):
        routes.metadata(model_spec={"name": "m"})
    with pytest.raises(InvalidArgumentError, match="Metadata field x is not supported"):
        routes.metadata(model_spec={"name": "m"}, metadata_field=["x"])


def test_a_new_configuration_is_refused_by_name(routes):
    with pytest.raises(UnsupportedError, match="HandleReloadConfigRequest isn't supported"):
        routes.methods[f"/{SERVING}.ModelService/HandleReloadConfigRequest"](b"", "admin")
