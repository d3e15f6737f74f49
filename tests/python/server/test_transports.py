import pytest

import aios
from aios.server.transports import Transport


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://a:1", "a:1"), ("http://a/", "a:80"), ("http://[::1]:9", "::1:9"),
        ("https://a", "a:443"), ("unix:/run/aios.sock", "unix:/run/aios.sock"),
    ],
)  # fmt: skip
def test_a_url_says_where_a_server_is(url, address):
    assert Transport(url, timeout_s=1).address == address


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:1", "ftp://a", "http://", "http://a/b", "unix:x", "http://a:65536", "http://a:b",
     "http://[::1"],
)  # fmt: skip
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(aios.InvalidArgumentError, match="expected http://HOST:PORT, https"):
        Transport(url, timeout_s=1)


def test_certificates_are_for_https_alone_and_must_be_there(tmp_path):
    with pytest.raises(aios.InvalidArgumentError, match="ca and client_cert are for https"):
        Transport("http://a", timeout_s=1, ca=tmp_path / "ca.pem")
    with pytest.raises(aios.InvalidArgumentError, match="ca or client_cert: .*No such file"):
        Transport("https://a", timeout_s=1, ca=tmp_path / "ca.pem")


def test_no_server_at_a_unix_socket_is_unavailable(tmp_path):
    with pytest.raises(aios.UnavailableError, match=r"no answer from unix:.*none"):
        aios.Client(f"unix:{tmp_path}/none", retries=0).models()
