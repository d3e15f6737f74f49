"""`aios demo`: the whole story on scikit-learn's digits, which ship with scikit-learn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from aios.cli.environment import native_log_left_out, prepare_tensorflow
from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.tables import Column, Listing
from aios.installed import TRAINING, require


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency of one call for one sample, array in, array out, in microseconds."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo measured; worst_error is the largest |C++ - Keras| on the held-out set."""

    accuracy: dict[str, float]
    worst_error: float
    engine: str
    latency_us: dict[str, Latency]
    bundle: Path
    held_out: int


@reports_errors
def demo(
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the bundle goes; replaced if there.")
    ] = Path("digits-demo.cell"),
    as_json: JsonFlag = False,
) -> None:
    """Train on handwritten digits, export, verify, run in C++, and compare with Keras."""
    require((*TRAINING, "ai_edge_litert", "sklearn"), "the demo", "demo")
    prepare_tensorflow()
    with native_log_left_out():
        report = run(output)
    if as_json:
        print_json(report)
    else:
        _print(report)


def run(output: Path) -> DemoReport:
    """Trains, exports to `output`, and measures."""
    import numpy as np

    from aios.bridge import load
    from aios.training import TensorFlowTrainingCell, TrainingConfig

    talk.print("1/4 training on 1,437 of 1,797 images of handwritten digits (8x8 pixels) …")
    x_train, y_train, x_test, y_test = _digits()
    cell = TensorFlowTrainingCell(TrainingConfig(epochs=40, early_stopping_patience=6))
    cell.create_model(input_shape=(64,), num_classes=10)
    cell.train(x_train, y_train, x_test, y_test)
    talk.print("2/4 exporting and verifying through the C++ cell …")
    cell.export_for_cpp_inference(
        output, labels=[str(digit) for digit in range(10)], overwrite=True
    )
    talk.print("3/4 answering the held-out set in C++ and in Keras …")
    with load(output) as bridge:
        keras_answers = np.asarray(cell.model(x_test, training=False))
        cpp_answers = bridge.perform_inference(x_test)
        talk.print("4/4 measuring latency …")
        latency = _latencies(cell.model, output / "saved_model", bridge, x_test[:1])
        return DemoReport(
            accuracy={
                "keras": _accuracy(keras_answers, y_test),
                "cpp": _accuracy(cpp_answers, y_test),
            },
            worst_error=float(np.abs(cpp_answers - keras_answers).max()),
            engine=bridge.engine,
            latency_us=latency,
            bundle=output,
            held_out=len(x_test),
        )


def _digits() -> tuple[Any, Any, Any, Any]:
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = (x / 16.0).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=0.2, random_state=0, stratify=y
    )
    return x_train, y_train, x_test, y_test


def _accuracy(answers: Any, labels: Any) -> float:
    import numpy as np

    return float((np.asarray(answers).argmax(axis=1) == labels).mean())


def _latencies(model: Any, saved_model: Path, bridge: Any, x: Any) -> dict[str, Latency]:
    import numpy as np
    import tensorflow as tf

    signature = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    name = bridge.signature.inputs[0].name
    answer = bridge.signature.outputs[0].name

    def call_signature() -> Any:
        return signature(**{name: tf.constant(x)})[answer].numpy()

    calls: dict[str, tuple[Callable[[], Any], int]] = {
        "keras_predict": (lambda: model.predict(x, verbose=0), 8),
        "keras_call": (lambda: np.asarray(model(x, training=False)), 60),
        "saved_model": (call_signature, 200),
        bridge.engine: (lambda: bridge.perform_inference(x), 5000),
    }
    return _interleaved(calls, rounds=5)


def _interleaved(
    calls: dict[str, tuple[Callable[[], Any], int]], rounds: int
) -> dict[str, Latency]:
    """Times all in turns, so that a busy moment of the machine hits all alike."""
    import numpy as np

    times: dict[str, list[float]] = {name: [] for name in calls}
    for call, _ in calls.values():
        for _ in range(3):
            call()
    for _ in range(rounds):
        for name, (call, count) in calls.items():
            for _ in range(count):
                begin = time.perf_counter_ns()
                call()
                times[name].append((time.perf_counter_ns() - begin) / 1e3)
    return {
        name: Latency(float(np.percentile(values, 50)), float(np.percentile(values, 99)))
        for name, values in times.items()
    }


_LABELS = {
    "keras_predict": "Keras model.predict(x)",
    "keras_call": "Keras model(x)",
    "saved_model": "SavedModel signature",
}


def _print(report: DemoReport) -> None:
    parity = Listing(
        *(
            Column(name, right=True)
            for name in ("held-out images", "accuracy in Keras", "accuracy in C++", "worst error")
        )
    )
    parity.add(
        str(report.held_out),
        f"{report.accuracy['keras']:.4f}",
        f"{report.accuracy['cpp']:.4f}",
        f"{report.worst_error:.1e}",
    )
    parity.print(data)
    data.print()
    listing = Listing(
        "one image, array in, array out",
        *(Column(name, right=True) for name in ("p50 µs", "p99 µs", "C++ cell is faster by")),
    )
    cell = report.latency_us[report.engine].p50
    for name, latency in report.latency_us.items():
        ratio = "" if name == report.engine else f"{latency.p50 / cell:,.0f}x"
        label = _LABELS.get(name, f"C++ cell ({name})")
        listing.add(label, f"{latency.p50:,.2f}", f"{latency.p99:,.2f}", ratio)
    listing.print(data)
    talk.print(f"the bundle is at {report.bundle}; look inside with: aios inspect {report.bundle}")
