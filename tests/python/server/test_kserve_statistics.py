from server_snapshots import VERSIONS

from aios.server.kserve_statistics import model_statistics


def test_requests_of_all_protocols_are_added():
    document = model_statistics(VERSIONS[0])
    assert (document["name"], document["version"]) == ("digits", "2")
    assert document["inference_count"] == 16
    assert document["last_inference"] == 1_700_000_000_000
    assert document["inference_stats"]["success"] == {"count": 7, "ns": 117_500}
    assert document["inference_stats"]["fail"] == {"count": 3, "ns": 3_250}


def test_runs_of_the_model_are_told_by_their_parts_and_batches():
    document = model_statistics(VERSIONS[0])
    assert document["execution_count"] == 8
    stats = document["inference_stats"]
    assert stats["queue"] == {"count": 4, "ns": 9_000}
    assert stats["compute_infer"] == {"count": 8, "ns": 6_006}
    assert [batch["batch_size"] for batch in document["batch_stats"]] == [1, 3]
    assert document["batch_stats"][1] == {
        "batch_size": 3,
        "compute_input": {"count": 2, "ns": 50},
        "compute_infer": {"count": 2, "ns": 4_000},
        "compute_output": {"count": 2, "ns": 25},
    }
