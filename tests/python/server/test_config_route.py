import json
from pathlib import Path

from aios.server.config import ModelConfig, ServerConfig
from aios.server.config_route import config_route
from aios.server.replies import answer_of, match


def test_every_option_is_told_by_its_name():
    of_model = ModelConfig(engine="litert", labels={"stable": 3})
    config = ServerConfig(models=Path("models"), http_port=0, per_model={"digits": of_model})
    route = config_route(config)
    assert route.scope == "admin"
    told = json.loads(answer_of(match([route], "GET", "/config"), b"").body)
    assert (told["models"], told["http_port"], told["poll_s"]) == ("models", 0, 1.0)
    assert told["per_model"]["digits"]["labels"] == {"stable": 3}
    assert set(told) == set(ServerConfig.__dataclass_fields__)
