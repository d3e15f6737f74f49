"""What the bridge adds to a call, and the litert engine against LiteRT's own Python interpreter.

Run: .venv/bin/python -m benchmarks.bridge
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.timing import interleaved_p50_us

ITERATIONS = 20_000
PEER = "LiteRT's Python interpreter: set, invoke, get"


def _export_mlp(path: Path) -> None:
    import keras

    import aios

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((10,), name="x"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    aios.export(model, path)


def main() -> None:
    """Prints the table."""
    import aios
    from aios import _core

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "mlp.cell"
        _export_mlp(path)
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path / "litert/dynamic.tflite"), num_threads=1)
        interpreter.allocate_tensors()
        source = interpreter.get_input_details()[0]["index"]
        target = interpreter.get_output_details()[0]["index"]
        x = np.random.default_rng(0).standard_normal((1, 10)).astype(np.float32)
        out = np.empty((1, 3), np.float32)

        def litert() -> np.ndarray:
            interpreter.set_tensor(source, x)
            interpreter.invoke()
            return interpreter.get_tensor(target)

        with aios.load(path, engine="litert") as bridge:
            np.testing.assert_allclose(bridge.perform_inference(x), litert(), rtol=1e-5)
            calls = {
                "nanobind call without arguments": _core.nothing,
                PEER: litert,
                "the same again (control)": litert,
                "cell, array → new array": lambda: bridge.perform_inference(x),
                "cell, array → out=": lambda: bridge.perform_inference(x, out=out),
                "cell, bound": bridge.bind(x, out=out),
            }
            times = interleaved_p50_us(calls)
            inside = bridge.benchmark_performance(x, ITERATIONS).p50_us
    table = Table("MLP 10-64-32-3, batch 1, 1 thread", "µs", "LiteRT's Python ÷ this")
    for name, time_us in times.items():
        table.add_row(name, f"{time_us:.3f}", f"{times[PEER] / time_us:.2f}")
    table.add_row("inside C++ (cell.benchmark)", f"{inside:.3f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
