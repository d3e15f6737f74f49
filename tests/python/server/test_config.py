"""What a server is told: by keywords, and by a file, of which keywords are stronger."""

from pathlib import Path

import pytest

import aios
from aios.server.config import ModelConfig, ServerConfig, config_of


def _file(tmp_path, text):
    file = tmp_path / "server.toml"
    file.write_text(text)
    return file


def test_keywords_come_before_a_file_and_a_file_before_the_defaults(tmp_path):
    file = _file(tmp_path, 'models = "m"\nhttp_port = 9000\npoll_s = 5\n')
    told = config_of(file, {"http_port": 0, "workers": None})
    assert (told.http_port, told.poll_s, told.workers, told.host) == (0, 5.0, None, "127.0.0.1")


def test_a_files_paths_are_relative_to_where_it_is(tmp_path):
    assert config_of(_file(tmp_path, 'models = "m"'), {}).models == tmp_path / "m"
    assert config_of(_file(tmp_path, 'models = "/m"'), {}).models == Path("/m")
    assert config_of(_file(tmp_path, 'models = "/m"'), {"models": "n"}).models == Path("n")
    assert config_of(_file(tmp_path, 'access_log = "log"'), {}).access_log == str(tmp_path / "log")
    assert config_of(_file(tmp_path, 'access_log = "-"'), {}).access_log == "-"
    nobodys = config_of(_file(tmp_path, 'models = "~no user/m"'), {}).models
    assert nobodys == tmp_path / "~no user" / "m"


def test_a_config_may_be_changed_by_keywords():
    told = config_of(ServerConfig(models="m", engine="litert"), {"engine": "compiled"})
    assert (told.models, told.engine) == (Path("m"), "compiled")


def test_single_models_have_options_of_their_own(tmp_path):
    file = _file(
        tmp_path,
        'models = "m"\n[per_model.digits]\nengine = "compiled"\nlabels = { stable = 3 }\n',
    )
    told = config_of(file, {})
    assert told.of_model("digits") == ModelConfig(engine="compiled", labels={"stable": 3})
    assert told.of_model("other") == ModelConfig()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('htp_port = 1\nmodels = "m"', "server.toml: htp_port: no such option; did you mean"),
        ('http_port = "1"\nmodels = "m"', "server.toml: http_port: expected a whole number from 0"),
        ('[per_model.a]\nprecison = "int8"', "per_model.a.precison: no such option; did you mean"),
        ("[per_model.a.labels]\nx = 1.5", "per_model.a.labels.x: expected a whole number"),
        ('models = "m', "server.toml: isn't TOML: "),
    ],
)
def test_a_file_that_says_something_wrong_is_refused_by_name(tmp_path, text, words):
    with pytest.raises(aios.InvalidArgumentError) as caught:
        config_of(_file(tmp_path, text), {"models": "n"})
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(aios.NotFoundError, match="no config at .*none.toml"):
        config_of(tmp_path / "none.toml", {})
    with pytest.raises(aios.UnavailableError, match="can't be read: Is a directory"):
        config_of(tmp_path, {})


def test_every_option_has_a_text_that_says_what_it_does():
    from aios.server.options import options_of

    for kind in (ServerConfig, ModelConfig):
        assert not [each.name for each in options_of(kind) if not each.rule.doc.endswith(".")]
