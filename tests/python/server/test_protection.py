"""Who is answered: tokens, TLS, Unix sockets and limits of a server."""

import logging
import shutil
import ssl
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest

import aios
from aios.server.protection import tls_files
from aios.server.tokens import TokenFile

pytestmark = pytest.mark.native

_X = {"x": np.linspace(-1, 1, 8, dtype=np.float32)[None]}
_CERTIFICATE = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@pytest.fixture
def tokens(tmp_path):
    return TokenFile(tmp_path / "tokens.json")


def certificate(folder, name):
    """A certificate for this machine that signed itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command to make a certificate with: install openssl")
    files = folder / f"{name}.pem", folder / f"{name}-key.pem"
    subprocess.run(
        ["openssl", *_CERTIFICATE, "-nodes", "-out", files[0], "-keyout", files[1], "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return files


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return certificate(folder, "first"), certificate(folder, "second")


def copy(files, to):
    for file, place in zip(files, to, strict=True):
        shutil.copy(file, place)


def statuses(connect, server, token=None):
    """What each kind of request is answered."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    client = connect(server)
    ask = client._request
    return {
        "health": ask("GET", "/healthz", None, headers).status,
        "infer": client.post("/v1/models/trial:predict", {"instances": []}, headers).status,
        "metadata": ask("GET", "/v2", None, headers).status,
        "metrics": ask("GET", "/metrics", None, headers).status,
        "load": client.post("/v2/repository/models/trial/load", b"", headers).status,
    }


def test_without_tokens_clients_of_this_machine_may_do_all(models, connect):
    with aios.Server(models, http_port=0, poll_s=0) as server:
        answered = statuses(connect, server)
        foreign = connect(server).post(
            "/v2/repository/models/trial/load", b"", {"Origin": "http://evil.example"}
        )
    assert answered["load"] not in (401, 403)
    assert answered["metadata"] == answered["metrics"] == 200
    assert foreign.status == 403
    assert "needs the scope admin" in foreign.json["error"]


def test_with_a_token_file_every_client_needs_one_that_fits(models, connect, tokens):
    _, reader = tokens.new("infer")
    _, keeper = tokens.new("admin")
    with aios.Server(models, http_port=0, poll_s=0, token_file=tokens.path) as server:
        nobody = statuses(connect, server)
        assert nobody["health"] == 200
        assert set(nobody.values()) == {200, 401}
        assert statuses(connect, server, "aios_guess") == nobody
        may_read = statuses(connect, server, reader)
        assert may_read == {
            "health": 200, "infer": 400, "metadata": 200, "metrics": 200, "load": 403
        }  # fmt: skip
        assert statuses(connect, server, keeper)["load"] not in (401, 403)
        refused = connect(server).get("/v2")
        assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_metrics_can_be_left_open(models, connect, tokens):
    tokens.new()
    with aios.Server(
        models, http_port=0, poll_s=0, token_file=tokens.path, open_metrics=True
    ) as server:
        answered = statuses(connect, server)
    assert (answered["metrics"], answered["metadata"]) == (200, 401)


def test_a_client_sends_its_token(models, tokens):
    kept, text = tokens.new()
    with aios.Server(models, http_port=0, poll_s=0, token_file=tokens.path) as server:
        client = aios.Client(server.url, token=text)
        assert client.infer("trial", _X)
        with pytest.raises(aios.PermissionDeniedError, match="a token that this server knows"):
            aios.Client(server.url).infer("trial", _X)
        tokens.revoke(kept.id)
        server.sync()
        with pytest.raises(aios.PermissionDeniedError):
            client.infer("trial", _X)
    with pytest.raises(aios.InvalidArgumentError, match="token: expected printable ASCII"):
        aios.Client(server.url, token="a\r\nHost: b")


def test_a_token_file_that_went_bad_is_told_and_the_tokens_before_still_hold(
    models, tokens, caplog
):
    _, text = tokens.new()
    with aios.Server(models, http_port=0, poll_s=0, token_file=tokens.path) as server:
        tokens.path.write_text("{")
        with caplog.at_level(logging.WARNING, "aios.server"):
            server.sync()
        assert aios.Client(server.url, token=text).infer("trial", _X)
    (record,) = caplog.records
    assert "kept what was loaded before: token file" in record.getMessage()


def test_a_server_does_not_start_without_the_files_that_protect_it(models, tmp_path):
    with pytest.raises(aios.NotFoundError, match="no token file"):
        aios.Server(models, http_port=0, token_file=tmp_path / "none")
    with pytest.raises(aios.InvalidArgumentError, match=r"none\.pem' doesn't do: error"):
        aios.Server(
            models, http_port=0, tls_cert=tmp_path / "none.pem", tls_key=tmp_path / "key.pem"
        )
    with pytest.raises(aios.InvalidArgumentError, match="both: tls_cert and tls_key"):
        aios.Server(models, http_port=0, tls_cert=tmp_path / "none.pem")


def test_without_openssl_all_but_tls_works_and_tls_says_why(run_python, trial):
    from aios import _core

    assert b"libcrypto.so" not in Path(_core.__file__).read_bytes()
    code = f"""
import aios
aios.Server({str(trial)!r}, http_port=0, poll_s=0).close()
try:
    aios.Server({str(trial)!r}, http_port=0, tls_cert="c", tls_key="k")
except aios.UnsupportedError as error:
    print(error)
"""
    shown = run_python(code, AIOS_OPENSSL_LIBRARY="/none.so")
    assert shown.startswith("TLS and signatures need OpenSSL, and AIOS_OPENSSL_LIBRARY '/none.so'")


def test_files_of_tls_come_together_or_not_at_all(tmp_path):
    assert tls_files(None, None, None) is None
    with pytest.raises(aios.InvalidArgumentError):
        tls_files(None, None, tmp_path)


def test_its_port_speaks_tls_and_a_client_checks_whose_it_is(models, certificates):
    (cert, key), (other, _) = certificates
    with aios.Server(models, http_port=0, poll_s=0, tls_cert=cert, tls_key=key) as server:
        assert server.url.startswith("https://127.0.0.1:")
        with aios.Client(server.url, ca=cert) as client:
            assert client.infer("trial", _X)
            # More than one record, and more than one piece.
            large = {"x": np.zeros((50000, 8), np.float32)}
            (answer,) = client.infer("trial", large).values()
            assert answer.shape == (50000, 3)
        with pytest.raises(aios.UnavailableError, match="certificate verify failed"):
            aios.Client(server.url, ca=other, retries=0).infer("trial", _X)
        with pytest.raises(aios.UnavailableError):
            aios.Client(server.url.replace("https", "http"), retries=0).infer("trial", _X)


def test_a_new_certificate_is_taken_and_a_bad_one_is_not(models, certificates, tmp_path, caplog):
    (cert, _), (other, _) = certificates
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    copy(certificates[0], paths)
    with aios.Server(models, http_port=0, poll_s=0, tls_cert=paths[0], tls_key=paths[1]) as server:
        address = (server.host, server.http_port)
        assert ssl.get_server_certificate(address) == cert.read_text()
        paths[0].write_text("x")
        with caplog.at_level(logging.WARNING, "aios.server"):
            server.sync()
        assert "cert.pem' doesn't do" in caplog.text
        assert ssl.get_server_certificate(address) == cert.read_text()
        copy(certificates[1], paths)
        server.sync()
        assert ssl.get_server_certificate(address) == other.read_text()


def test_a_client_without_the_certificate_that_is_asked_for_is_not_answered(models, certificates):
    (cert, key), (theirs, their_key) = certificates
    with aios.Server(
        models, http_port=0, poll_s=0, tls_cert=cert, tls_key=key, tls_client_ca=theirs
    ) as server:
        with pytest.raises(aios.UnavailableError):
            aios.Client(server.url, ca=cert, retries=0).infer("trial", _X)
        known = aios.Client(server.url, ca=cert, client_cert=(theirs, their_key))
        assert known.infer("trial", _X)


def test_it_listens_at_a_unix_socket_which_goes_with_it(models, short_folder):
    path = short_folder / "s"
    with aios.Server(models, http_port=0, poll_s=0, unix_socket=path) as server:
        assert server.unix_socket == path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with aios.Client(f"unix:{path}") as client:
            assert client.infer("trial", _X)
        with pytest.raises(aios.FailedPreconditionError, match="another server listens there"):
            aios.Server(models, http_port=0, poll_s=0, unix_socket=path)
    assert not path.exists()


def test_a_mode_that_is_none_is_refused(models):
    with pytest.raises(aios.InvalidArgumentError, match="three octal digits, such as 600"):
        aios.Server(models, unix_socket="s", unix_socket_mode="rw")


def test_a_client_that_asks_too_often_is_told_when_to_come_again(models, connect):
    with aios.Server(
        models, http_port=0, poll_s=0, client_requests_per_s=0.001, client_burst=2
    ) as server:
        client = connect(server)
        answers = [client.get("/healthz") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 500


def test_a_client_has_no_more_connections_than_it_may(models, connect):
    with aios.Server(models, http_port=0, poll_s=0, client_connections=1) as server:
        assert connect(server).get("/healthz").status == 200
        with pytest.raises(ConnectionError):
            connect(server).get("/healthz")


def test_limits_of_heads_are_options(models, connect):
    with aios.Server(models, http_port=0, poll_s=0, max_head_kib=1, max_headers=5) as server:
        assert connect(server)._request("GET", "/healthz", None, {"A": "x" * 2000}).status == 431
        many = {f"A{k}": "x" for k in range(6)}
        assert connect(server)._request("GET", "/healthz", None, many).status == 431
        assert connect(server).get("/healthz").status == 200


def test_only_signed_bundles_answer_where_signatures_are_required(models, connect, tmp_path):
    from aios.bundle import signing

    secret = tmp_path / "release.pem"
    try:
        public = signing.make_keys(secret)
    except aios.UnsupportedError as error:
        pytest.skip(f"signatures need OpenSSL: {error}")
    (models / "trial" / "2").mkdir()
    (models / "trial" / "2" / "saved_model.pb").write_bytes(b"")
    with aios.Server(models, http_port=0, poll_s=0, require_signature=public) as server:
        assert {entry.key.version: entry.state for entry in server.models()} == {1: "END", 2: "END"}
        assert all(isinstance(entry.error, aios.PermissionDeniedError) for entry in server.models())
        signing.sign(models / "trial" / "1.cell", secret)
        server.sync()
        assert connect(server).get("/v2/models/trial/ready").status == 200
