"""Comparisons follow routes, and what they count is kept."""

import shutil
import threading
import time

import numpy as np
import pytest
from typer.testing import CliRunner

import aios
from aios.cli.main import app
from aios.registry.shadow_results import shadow_results
from aios.server.config import ModelConfig, ServerConfig, ShadowConfig
from aios.server.folder import VersionKey
from aios.server.routing import Route
from aios.server.shadows import Shadows

CONFIG = ServerConfig(per_model={"m": ModelConfig(shadow=ShadowConfig(share=0.5, tolerance=0.1))})
MODELS = {VersionKey("m", version): f"model {version}" for version in (1, 2, 3)}


class Comparison:
    """Counts what it is told to."""

    def __init__(self, *asked):
        self.asked = asked
        self.counts = {"compared": 0, "failed": 0, "dropped": 0, "worst": 0.0, "champion_us": [0]}
        self.closed = False

    def see(self, calls):
        self.counts["compared"] += calls
        self.counts["champion_us"] = [self.counts["champion_us"][0] + calls]

    def totals(self):
        return dict(self.counts)

    def close(self):
        self.closed = True


@pytest.fixture
def started():
    return []


@pytest.fixture
def shadows(started):
    def start(*asked):
        started.append(Comparison(*asked))
        return started[-1]

    return lambda store=None: Shadows(start, CONFIG, store)


def test_a_comparison_runs_while_its_route_and_its_models_are_there(shadows, started):
    found = shadows()
    found.follow({"m": Route(1, challenger=2), "n": Route(1)}, MODELS)
    found.follow({"m": Route(1, challenger=2)}, MODELS)
    assert [each.asked for each in started] == [("model 1", "model 2", 0.5, 0.1)]
    assert found.running() == {("m", 1, 2)}
    found.follow({"m": Route(1, challenger=2)}, {**MODELS, VersionKey("m", 2): "another"})
    assert [each.closed for each in started] == [True, False]
    found.follow({"m": Route(2, challenger=3)}, MODELS)
    found.close()
    assert [each.closed for each in started] == [True, True, True]
    assert found.running() == set()


def test_counts_of_one_pair_add_up_over_its_comparisons(shadows, started):
    found = shadows()
    found.follow({"m": Route(1, challenger=2)}, MODELS)
    started[0].see(3)
    found.keep()
    started[0].see(4)
    found.follow({}, {})
    found.follow({"m": Route(1, challenger=2)}, MODELS)
    started[1].see(5)
    (result,) = found.results()
    assert (result.compared, result.champion_us) == (12, (12,))


def test_counts_are_kept_in_a_home_and_found_there_again(shadows, started, tmp_path):
    with aios.AICellManager(tmp_path / "home") as manager:
        store = manager.home.store
        for _ in range(2):
            found = shadows(store)
            found.follow({"m": Route(1, challenger=2)}, MODELS)
            started[-1].see(3)
            found.keep()
            found.keep()
            started[-1].see(1)
            found.close()
        assert [each.compared for each in shadow_results(store)] == [8]
        assert [each.compared for each in shadows(store).results()] == [8]


class BusyStore:
    """A home that another process holds until it is let go."""

    def __init__(self):
        self.is_asked, self.is_free = threading.Event(), threading.Event()

    def documents(self, *_which):
        return []

    def commit(self, _changes):
        self.is_asked.set()
        assert self.is_free.wait(60)


def test_who_asks_what_is_known_does_not_wait_for_the_home(shadows, started):
    store = BusyStore()
    found = shadows(store)
    found.follow({"m": Route(1, challenger=2)}, MODELS)
    started[0].see(3)
    keeping = threading.Thread(target=found.keep)
    keeping.start()
    assert store.is_asked.wait(60)
    (meanwhile,) = found.results()
    store.is_free.set()
    keeping.join(60)
    (after,) = found.results()
    assert (meanwhile.compared, after.compared) == (3, 3)


def _compared(server, calls):
    """The only result, once so many calls were compared."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        (result,) = server.shadows()
        if result.compared >= calls:
            return result
    raise AssertionError(f"{calls} calls weren't compared: {result}")


@pytest.mark.native
def test_a_challenger_is_compared_without_being_asked_for(models, trial, connect):
    shutil.copytree(trial, models / "trial" / "2.cell")
    config = {"trial": {"shadow": {"version": 2, "share": 1.0}}}
    with aios.Server(models, http_port=0, poll_s=0, per_model=config) as server:
        client = connect(server)
        _predict(client, 4)
        result = _compared(server, 4)
        assert (result.compared, result.agreed, result.agreement) == (4, 4, 1.0)
        (shown,) = client.get("/shadows").json["shadows"]
        assert (shown["champion"], shown["challenger"], shown["running"]) == (1, 2, True)
        (told,) = client.get("/dashboard/data").json["shadows"]
        assert (told["compared"], sum(told["challenger_us"])) == (4, 4)
        answered = {entry.key.version: entry.model.totals() for entry in server.models()}
        assert sum(sum(row[1]) for row in answered[2]) == 0


@pytest.mark.native
def test_what_a_server_has_compared_lets_a_version_of_a_home_be_promoted(trial, connect, tmp_path):
    with aios.AICellManager(tmp_path / "home") as manager:
        for alias in ("champion", "challenger"):
            version = manager.registry.register("trial", trial).version
            manager.promote("trial", version, alias=alias)
    config = {"trial": {"shadow": {"share": 1.0}}}
    home = tmp_path / "home"
    with aios.Server(registry=home, http_port=0, poll_s=0, per_model=config) as server:
        _predict(connect(server), 3)
        _compared(server, 3)
    asked = ["registry", "promote", "trial", "2", "--after-shadow", "--home", str(home)]
    assert CliRunner().invoke(app, [*asked, "--min-compared", "4"]).exit_code == 1
    assert CliRunner().invoke(app, [*asked, "--min-compared", "3"]).exit_code == 0


def _predict(client, calls):
    x = np.linspace(-1, 1, 8, dtype=np.float32)
    for _ in range(calls):
        asked = client.post("/v1/models/trial:predict", {"instances": [x.tolist()]})
        assert asked.status == 200
