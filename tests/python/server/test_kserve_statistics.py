from types import SimpleNamespace

from aios.server.folder import VersionKey
from aios.server.kserve_statistics import model_statistics

ROWS = [
    ("tensorflow-serving", [2, 1, 0], [2, 0], 1.5, 5),
    ("kserve", [1, 0, 3], [0, 1], 2.25, 1),
]


def test_requests_of_all_protocols_are_added():
    entry = SimpleNamespace(key=VersionKey("m", 7), model=SimpleNamespace(totals=lambda: ROWS))
    document = model_statistics(entry)
    assert (document["name"], document["version"]) == ("m", "7")
    assert document["inference_count"] == 6
    assert document["inference_stats"]["success"] == {"count": 3, "ns": 3750}
    assert document["inference_stats"]["fail"]["count"] == 4


def test_a_version_that_was_taken_down_has_none():
    assert model_statistics(SimpleNamespace(key=VersionKey("m", 7), model=None)) is None
