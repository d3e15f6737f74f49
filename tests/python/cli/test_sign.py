import json
import shutil

import pytest
from typer.testing import CliRunner

from aios.cli.main import app

pytestmark = pytest.mark.native


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--json"])


def test_a_bundle_is_signed_by_a_key_that_was_made(tmp_path):
    from aios.bridge.library_check import TRIAL

    bundle = shutil.copytree(TRIAL, tmp_path / "1.cell")
    made = run("keygen", "-o", tmp_path / "release.pem")
    if "OpenSSL" in made.output:
        pytest.skip(f"signatures need OpenSSL: {made.output}")
    assert json.loads(made.output)["public"] == str(tmp_path / "release.pub.pem")
    signed = run("sign", bundle, "--key", tmp_path / "release.pem")
    assert json.loads(signed.output) == {"signature": str(tmp_path / "1.cell.sig")}
    assert (tmp_path / "1.cell.sig").exists()
    refused = run("sign", bundle, "--key", tmp_path / "release.pub.pem")
    assert json.loads(refused.output)["error"]["type"] == "InvalidArgumentError"
