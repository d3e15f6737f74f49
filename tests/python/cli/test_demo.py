"""`aios demo`."""

import json


def test_demo_tells_the_whole_story_as_json(aios_command):
    shown = aios_command("demo", "--json")
    assert shown.returncode == 0, shown.stderr
    report = json.loads(shown.stdout)
    assert report["accuracy"]["keras"] == report["accuracy"]["cpp"] >= 0.95
    assert report["worst_error"] < 1e-5
    assert report["engine"] in ("compiled", "litert", "openvino", "tensorflow")
    latency = report["latency_us"]
    assert set(latency) == {"keras_predict", "keras_call", "saved_model", report["engine"]}
    for figures in latency.values():
        assert 0 < figures["p50"] <= figures["p99"]
    assert aios_command("inspect", report["bundle"]).returncode == 0
