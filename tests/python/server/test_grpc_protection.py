"""Tokens, TLS and limits by gRPC, with grpcio's own client."""

import shutil
import subprocess

import pytest

import aios
from aios.server.tokens import TokenFile

grpc = pytest.importorskip("grpc", reason="pip install 'aios-cells[test]'")

pytestmark = pytest.mark.native

_DEADLINE_S = 60
LIVE = "/inference.GRPCInferenceService/ServerLive"
INFER = "/inference.GRPCInferenceService/ModelInfer"
METADATA = "/inference.GRPCInferenceService/ServerMetadata"
UNLOAD = "/inference.GRPCInferenceService/RepositoryModelUnload"
#: ModelInferRequest and RepositoryModelUnloadRequest with a name that no model has.
NO_MODEL = b"\x0a\x04none"
UNLOAD_NONE = b"\x12\x04none"


def code(channel, path, token=None, message=b""):
    """The code that a call ends with."""
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    try:
        channel.unary_unary(path)(message, timeout=_DEADLINE_S, metadata=metadata)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.fixture
def tokens(tmp_path):
    return TokenFile(tmp_path / "tokens.json")


def test_a_token_lets_its_owner_do_what_its_scope_says(models, tokens):
    _, reader = tokens.new("infer")
    _, keeper = tokens.new("admin")
    with (
        aios.Server(models, http_port=0, grpc_port=0, poll_s=0, token_file=tokens.path) as server,
        grpc.insecure_channel(server.grpc_url) as channel,
    ):
        for token in (None, "aios_guess"):
            assert code(channel, LIVE, token) == grpc.StatusCode.OK
            for path, message in ((INFER, NO_MODEL), (METADATA, b""), (UNLOAD, UNLOAD_NONE)):
                refused = code(channel, path, token, message)
                assert refused == grpc.StatusCode.UNAUTHENTICATED, path
        assert code(channel, METADATA, reader) == grpc.StatusCode.OK
        assert code(channel, INFER, reader, NO_MODEL) == grpc.StatusCode.NOT_FOUND
        assert code(channel, UNLOAD, reader, UNLOAD_NONE) == grpc.StatusCode.PERMISSION_DENIED
        assert code(channel, UNLOAD, keeper, UNLOAD_NONE) not in (
            grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED
        )  # fmt: skip


def test_its_port_speaks_tls(models, tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command to make a certificate with: install openssl")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-out", cert, "-keyout", key, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    with aios.Server(
        models, http_port=0, grpc_port=0, poll_s=0, tls_cert=cert, tls_key=key
    ) as server:
        credentials = grpc.ssl_channel_credentials(cert.read_bytes())
        with grpc.secure_channel(server.grpc_url, credentials) as channel:
            assert code(channel, LIVE) == grpc.StatusCode.OK
            assert code(channel, INFER, message=NO_MODEL) == grpc.StatusCode.NOT_FOUND


def test_a_client_that_asks_too_often_is_told(models):
    with (
        aios.Server(
            models, http_port=0, grpc_port=0, poll_s=0, client_requests_per_s=0.001, client_burst=2
        ) as server,
        grpc.insecure_channel(server.grpc_url) as channel,
    ):
        codes = [code(channel, LIVE) for _ in range(3)]
    assert codes == [*[grpc.StatusCode.OK] * 2, grpc.StatusCode.RESOURCE_EXHAUSTED]
