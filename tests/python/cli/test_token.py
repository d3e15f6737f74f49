import json

from typer.testing import CliRunner

from aios.cli.main import app


def run(*arguments):
    return CliRunner().invoke(app, ["token", *map(str, arguments)])


def test_a_token_is_made_listed_and_revoked(tmp_path):
    file = tmp_path / "tokens.json"
    made = run("new", "-f", file, "--scope", "admin", "--note", "ci", "--json")
    assert made.exit_code == 0, made.output
    token = json.loads(made.output)
    assert token["scope"] == "admin"
    listed = run("list", "-f", file).output
    assert token["id"] in listed
    assert "ci" in listed
    assert token["token"] not in listed + file.read_text()
    assert run("revoke", token["id"], "-f", file).exit_code == 0
    assert json.loads(run("list", "-f", file, "--json").output) == {"tokens": []}
    assert run("revoke", token["id"], "-f", file).exit_code == 1
