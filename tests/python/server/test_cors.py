import pytest

import aios
from aios.server import cors

_PAGE = {"Origin": "https://app.example"}


@pytest.mark.native
def test_pages_of_the_origin_may_read_and_others_may_not(models, connect):
    with aios.Server(models, http_port=0, poll_s=0, cors_origin=_PAGE["Origin"]) as server:
        client = connect(server)
        asked = client._request("OPTIONS", "/v2/models/trial/infer", None, _PAGE)
        answered = client.post("/v1/models/trial:predict", b"{", _PAGE)
        refused = client.post("/v2/repository/models/trial/unload", b"", _PAGE)
    assert asked.status == 204
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    for answer in (asked, answered, refused):
        assert answer.headers["Access-Control-Allow-Origin"] == _PAGE["Origin"]
        assert answer.headers["Vary"] == "Origin"
    assert (answered.status, refused.status) == (400, 403)


@pytest.mark.native
def test_it_is_off_unless_it_is_asked_for(models, connect):
    with aios.Server(models, http_port=0, poll_s=0) as server:
        client = connect(server)
        assert client._request("OPTIONS", "/v2", None, _PAGE).status == 405
        assert "Access-Control-Allow-Origin" not in client.get("/v2").headers
    assert cors.answer_headers(None) == ""
    assert cors.routes(None) == []


@pytest.mark.parametrize("origin", ["", "app.example", "https://a\r\nX: y", "https://a/b", "**"])
def test_an_origin_that_is_none_is_refused(origin):
    with pytest.raises(aios.InvalidArgumentError, match="expected an origin, as https://app"):
        aios.ServerConfig(cors_origin=origin)
    assert cors.answer_headers("*").startswith("Access-Control-Allow-Origin: *\r\n")
