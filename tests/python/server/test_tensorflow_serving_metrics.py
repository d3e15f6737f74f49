from dataclasses import replace

from server_snapshots import BOUNDS_US, VERSIONS

from aios.server.tensorflow_serving_metrics import lines


def test_only_calls_in_its_own_protocols_are_counted():
    page = list(lines(VERSIONS, BOUNDS_US))
    assert ':tensorflow:serving:request_count{model_name="digits",status="OK"} 4' in page
    assert ':tensorflow:serving:request_example_count_total{model="digits"} 8' in page


def test_latency_is_told_by_interface_and_transport():
    page = list(lines(VERSIONS, BOUNDS_US))
    name, labels = ":tensorflow:serving:request_latency", 'model_name="digits",API="Predict"'
    assert f'{name}_bucket{{{labels},entrypoint="REST",le="10"}} 3' in page
    assert f'{name}_sum{{{labels},entrypoint="REST"}} 5.0' in page
    assert f'{name}_count{{model_name="digits",API="Regress",entrypoint="REST"}} 1' in page


def test_versions_of_a_model_are_counted_together():
    both = [VERSIONS[0], replace(VERSIONS[0], version=4)]
    page = list(lines(both, BOUNDS_US))
    assert ':tensorflow:serving:request_count{model_name="digits",status="OK"} 8' in page
    grpc = [row._replace(protocol=f"{row.protocol}-grpc") for row in VERSIONS[0].answered]
    page = list(lines([replace(VERSIONS[0], answered=grpc)], BOUNDS_US))
    assert any('API="Predict",entrypoint="GRPC"' in line for line in page)
