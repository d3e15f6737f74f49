from server_snapshots import VERSIONS

from aios.server.triton_metrics import lines


def test_calls_of_every_protocol_are_counted_by_version():
    page = list(lines(VERSIONS))
    labels = 'model="digits",version="2"'
    for expected in (
        f"nv_inference_request_success{{{labels}}} 7",
        f'nv_inference_request_failure{{{labels},reason="BACKEND"}} 2',
        f'nv_inference_request_failure{{{labels},reason="OTHER"}} 1',
        f"nv_inference_count{{{labels}}} 16",
        f"nv_inference_exec_count{{{labels}}} 8",
        f'nv_inference_request_failure{{{labels},reason="REJECTED"}} 3',
        f'nv_inference_request_failure{{{labels},reason="CANCELED"}} 3',
        f"nv_inference_queue_duration_us{{{labels}}} 9",
        f"nv_inference_compute_infer_duration_us{{{labels}}} 6",
        f"nv_inference_request_duration_us{{{labels}}} 118",
    ):
        assert expected in page
    assert not any('version="3"' in line for line in page)
