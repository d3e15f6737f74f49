"""What a manager counts, in Prometheus's text format."""

import numpy as np
from workflow_doubles import FLOW

from aios.telemetry.metrics import Counter, Histogram, gauge_text, label_text, number


def test_prometheus_text_counts_runs_and_steps(manager):
    manager.register_workflow(FLOW)
    manager.execute_workflow("flow", np.ones(2)).result(60)
    text = manager.prometheus()
    assert 'aios_runs_total{status="SUCCESS",workflow="flow"} 1' in text
    assert 'aios_steps_total{status="SUCCESS",step="double",workflow="flow"} 1' in text
    assert 'aios_step_seconds_count{step="load",workflow="flow"} 1' in text
    assert 'le="+Inf"' in text


def test_a_counter_counts_by_labels():
    counter = Counter("calls_total", "Calls.")
    counter.add(model="b")
    counter.add(2.5, model="a")
    counter.add(model="b")
    assert (counter.value(model="b"), counter.value(model="c")) == (2, 0)
    assert list(counter.text()) == [
        "# HELP calls_total Calls.",
        "# TYPE calls_total counter",
        'calls_total{model="a"} 2.5',
        'calls_total{model="b"} 2',
    ]


def test_the_buckets_of_a_histogram_add_up():
    histogram = Histogram("seconds", "Time.", (0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value)
    assert list(histogram.text())[2:] == [
        'seconds_bucket{le="0.1"} 2',
        'seconds_bucket{le="1"} 3',
        'seconds_bucket{le="+Inf"} 4',
        "seconds_sum 7.65",
        "seconds_count 4",
    ]


def test_labels_are_escaped_and_numbers_exact():
    assert label_text(()) == ""
    assert label_text((("a", 'x"\\\n'),)) == r'{a="x\"\\\n"}'
    assert [number(value) for value in (3.0, 0.1, 1e300)] == ["3", "0.1", "1e+300"]
    assert list(gauge_text("g", "G.", {(): 1.5}))[-1] == "g 1.5"
