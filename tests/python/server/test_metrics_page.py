import pytest
from server_snapshots import BOUNDS_US, TOTALS, VERSIONS

from aios.registry.shadow_results import ShadowResult
from aios.server.metrics_page import NAMES, metrics_page


def lines(names="aios", versions=VERSIONS, shadows=()):
    """A page as {name with labels: value}."""
    body = metrics_page(names, versions, TOTALS, BOUNDS_US, shadows).body.decode()
    return dict(line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#"))


def test_calls_are_counted_by_how_they_went():
    page = lines()
    labels = 'model="digits",version="2",protocol="kserve"'
    counts = [
        page[f'aios_requests_total{{{labels},outcome="{outcome}"}}']
        for outcome in ("ok", "client_error", "server_error")
    ]
    assert counts == ["3", "1", "2"]
    assert not any('protocol="tensorflow-serving-grpc"' in name for name in page)


def test_latency_and_samples_are_told_by_protocol_task_and_signature():
    page = lines()
    labels = 'model="digits",version="2",protocol="kserve",task="predict",signature="serve"'
    assert page[f"aios_samples_total{{{labels}}}"] == "7"
    buckets = [
        page[f'aios_request_latency_us_bucket{{{labels},le="{le}"}}'] for le in (1, 10, "+Inf")
    ]
    assert buckets == ["1", "3", "3"]
    assert page[f"aios_request_latency_us_sum{{{labels}}}"] == "12.5"


def test_a_version_is_shown_with_its_engine_while_it_answers():
    page = lines()
    assert page['aios_model_ready{model="digits",version="2"}'] == "1"
    assert page['aios_model_ready{model="digits",version="3"}'] == "0"
    engines = {name: value for name, value in page.items() if name.startswith("aios_model_engine")}
    labels = 'model="digits",version="2",engine="compiled",proven="True"'
    assert engines == {f"aios_model_engine{{{labels}}}": "1"}


def test_batches_and_queues_are_told_of_versions_that_answer():
    page = lines()
    labels = 'model="digits",version="2"'
    buckets = [
        page[f'aios_batch_size_bucket{{{labels},le="{le}"}}'] for le in (1, 2, 4, 64, "+Inf")
    ]
    assert buckets == ["5", "5", "7", "7", "8"]
    assert page[f"aios_batch_size_sum{{{labels}}}"] == "16"
    assert page[f"aios_queued_total{{{labels}}}"] == "4"
    assert page[f"aios_queue_us_total{{{labels}}}"] == "9.0"
    assert page[f"aios_expired_total{{{labels}}}"] == "1"


def test_what_the_data_plane_has_seen_is_told():
    assert lines()["aios_connections"] == "4"
    assert lines(versions=[])["aios_sent_bytes_total"] == "0"


@pytest.mark.parametrize("names", NAMES)
def test_prometheus_reads_every_page(names):
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is missing")
    body = metrics_page(names, VERSIONS, TOTALS, BOUNDS_US).body.decode()
    families = list(parser.text_string_to_metric_families(body))
    assert len(families) == len({family.name for family in families}) > 2
    assert all(family.documentation and family.samples for family in families)
    for family in families:
        for sample in family.samples:
            if sample.name.endswith("_count"):
                (last,) = (
                    each.value
                    for each in family.samples
                    if each.labels == {**sample.labels, "le": "+Inf"}
                )
                assert last == sample.value


def test_what_is_known_of_challengers_is_told():
    compared = ShadowResult(
        name="m", champion=1, challenger=2, compared=4, agreed=3, failed=1, dropped=7
    )
    page = lines(versions=[], shadows=[compared])
    labels = 'model="m",champion="1",challenger="2"'
    assert page[f"aios_shadow_compared_total{{{labels}}}"] == "4"
    assert page[f"aios_shadow_dropped_total{{{labels}}}"] == "7"
    assert page[f"aios_shadow_agreement{{{labels}}}"] == "0.6"
    assert not [name for name in lines() if "shadow" in name]
