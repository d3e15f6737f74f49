import gzip
import json
import zlib

import pytest

from aios.server.encodings import BodyError, decoded, encoded
from aios.server.replies import Reply


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", b"cell"),
        ("identity", b"cell"),
        (" GZip", gzip.compress(b"cell")),
        ("deflate", zlib.compress(b"cell")),
    ],
)
def test_a_body_is_read_in_the_encoding_that_its_header_names(encoding, body):
    assert decoded(body, encoding, 4) == b"cell"


@pytest.mark.parametrize(
    ("encoding", "body", "status", "words"),
    [
        ("br", b"cell", 415, "expected gzip, deflate or none, got br"),
        ("gzip", b"cell", 400, "incorrect header check"),
        ("gzip", gzip.compress(b"cell")[:-1], 400, "cut short"),
        ("deflate", zlib.compress(b"cell") + b"x", 400, "more follow"),
        ("gzip", gzip.compress(bytes(10_000_000)), 413, "at most 4 bytes"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(encoding, body, status, words):
    with pytest.raises(BodyError, match=words) as caught:
        decoded(body, encoding, 4)
    assert caught.value.reply.status == status
    assert words in json.loads(caught.value.reply.body)["error"]


def test_a_large_answer_is_compressed_for_a_client_that_takes_it():
    large = Reply(200, b"a" * 2000, headers={"X": "y"})
    reply = encoded(large, "br, GZIP;q=0.5")
    assert gzip.decompress(reply.body) == large.body
    assert reply.headers == {"X": "y", "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    assert encoded(large, "*").headers == reply.headers


@pytest.mark.parametrize("accepted", ["", "br", "deflate", "gzip;q=0", "gzip; q=0.0"])
def test_an_answer_is_left_alone_for_a_client_that_does_not_take_gzip(accepted):
    large = Reply(200, b"a" * 2000)
    assert encoded(large, accepted) is large


def test_a_small_answer_is_not_compressed():
    small = Reply(200, b"a" * 1000)
    assert encoded(small, "gzip") is small
