"""The file of tokens: what is in it, and who may write to it."""

import hashlib
import json
import threading

import pytest

import aios
from aios.server.tokens import TokenFile, token_hash


@pytest.fixture
def tokens(tmp_path):
    return TokenFile(tmp_path / "secret" / "tokens.json")


def test_a_token_is_told_once_and_only_its_hash_is_kept(tokens):
    kept, text = tokens.new("admin", note="deploys")
    assert text.startswith("aios_")
    assert len(text) == len("aios_") + 43
    assert kept.sha256 == hashlib.sha256(text.encode()).hexdigest() == token_hash(text)
    assert (kept.scope, kept.note) == ("admin", "deploys")
    assert text not in tokens.path.read_text()
    assert tokens.read() == [kept]


def test_its_file_is_its_owners_alone_and_nothing_else_is_left(tokens):
    tokens.new()
    tokens.new()
    assert tokens.path.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tokens.path.parent.iterdir()) == [
        ".tokens.json.lock", "tokens.json"
    ]  # fmt: skip


def test_revoking_takes_one_away(tokens):
    first, second = tokens.new()[0], tokens.new()[0]
    tokens.revoke(first.id)
    assert tokens.read() == [second]
    with pytest.raises(aios.NotFoundError, match=f"no token '{first.id}' in .* it has {second.id}"):
        tokens.revoke(first.id)


def test_tokens_that_are_made_at_once_are_all_kept(tokens):
    threads = [threading.Thread(target=tokens.new) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({token.id for token in tokens.read()}) == 8


def test_there_are_two_scopes(tokens):
    with pytest.raises(aios.InvalidArgumentError, match="expected infer or admin, got 'root'"):
        tokens.new("root")
    assert not tokens.path.exists()


def test_a_file_that_others_write_to_is_refused(tokens):
    tokens.new()
    tokens.path.chmod(0o620)
    with pytest.raises(aios.FailedPreconditionError, match="chmod 600"):
        tokens.read()
    with pytest.raises(aios.NotFoundError, match="aios token new"):
        TokenFile(tokens.path.parent / "none").read()


def changed(**fields):
    """A file with one token that isn't as it should be."""
    token = {"id": "a", "scope": "infer", "sha256": "0" * 64, "created": "now"} | fields
    return json.dumps({"tokens": [token]})


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{}", '{"tokens": [1]}', '{"tokens": [{"id": "a"}]}',
        changed(scope="all"), changed(sha256="0" * 63), changed(id=1), changed(more="x"),
    ],
)  # fmt: skip
def test_a_file_of_something_else_is_refused(tmp_path, content):
    file = tmp_path / "tokens.json"
    file.touch(0o600)
    file.write_text(content)
    with pytest.raises(aios.InvalidArgumentError, match=r"token file '.*tokens\.json' isn't one"):
        TokenFile(file).read()


def test_who_could_read_the_file_still_can_when_tokens_come_and_go(tokens):
    kept, _ = tokens.new()
    tokens.path.chmod(0o640)
    tokens.new()
    assert tokens.path.stat().st_mode & 0o777 == 0o640
    tokens.revoke(kept.id)
    assert tokens.path.stat().st_mode & 0o777 == 0o640
