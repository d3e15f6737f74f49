"""Exports one application and measures its artifacts, in a process of its own.

Run by benchmarks.applications: python -m benchmarks.applications.export NAME FOLDER
"""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt

import aios
from aios.bundle.manifest import ArtifactRecord, read_manifest
from aios.compiler import compile_graphs
from aios.compiler.host import CompiledModel
from aios.exporting.engines.compiled import targets
from benchmarks.applications.figures import EngineFigures, Figures
from benchmarks.applications.memory import resident_bytes
from benchmarks.applications.models import Application, Images, named

Answers = npt.NDArray[np.floating]

#: Of a bundle's folder: what the compiler reads.
_SOURCE = "compiled/source"
_JUDGED_IMAGES = 6


def measure(application: Application, folder: Path) -> Figures:
    """Exports into `folder` and tells what came out; latencies aren't in it yet."""
    bundle = folder / f"{application.name}.cell"
    model = application.build()
    figures = Figures(application.name, int(model.count_params()))
    with PeakMemory() as memory:
        begin = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                aios.export(model, bundle, overwrite=True)
        except aios.AiosError as error:
            return replace(figures, failed=str(error))
        export_s = time.perf_counter() - begin
    artifacts = read_manifest(bundle).artifacts
    engines = tuple(_engine(bundle, artifact) for artifact in artifacts)
    figures = replace(figures, engines=engines, export_s=export_s, peak_bytes=memory.peak_bytes)
    graphs = {int(path.stem[1:]): path for path in (bundle / _SOURCE).glob("b*.tflite")}
    return _accuracy(_compile_time(figures, graphs, folder), graphs, application, folder)


class PeakMemory:
    """Watches the memory of this process and its children while it is entered."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            self.peak_bytes = max(self.peak_bytes, resident_bytes(os.getpid()))

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


def _engine(bundle: Path, artifact: ArtifactRecord) -> EngineFigures:
    shipped = [file.path for file in artifact.files if not file.path.startswith(_SOURCE)]
    shipped = [path for path in shipped if not path.endswith(".cc")]
    return EngineFigures(
        engine=artifact.engine,
        target=artifact.target,
        verdict=artifact.verdict,
        reason=artifact.reason or "",
        tolerances=artifact.worst,
        size_bytes=sum((bundle / path).stat().st_size for path in shipped),
    )


def _compile_time(figures: Figures, graphs: dict[int, Path], folder: Path) -> Figures:
    """Compiles for all targets, as an export does."""
    if not graphs:
        return figures
    begin, before = time.perf_counter(), _processor_time_s()
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(partial(_compile, graphs, folder), targets()))
    compile_s, cpu_s = time.perf_counter() - begin, _processor_time_s() - before
    return replace(figures, compile_s=compile_s, compile_cpu_s=cpu_s)


def _compile(graphs: dict[int, Path], folder: Path, target: str) -> None:
    compile_graphs(graphs, folder / target, name="model", target=target)


def _processor_time_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _accuracy(
    figures: Figures, graphs: dict[int, Path], application: Application, folder: Path
) -> Figures:
    """Errors against the same model in float64, which rounds too little to be seen."""
    if not graphs:
        return figures
    images = application.images(_JUDGED_IMAGES, seed=1)
    truth = _float64_answers(application, images)
    exact = folder / "exact"
    compile_graphs({1: graphs[1]}, exact, name="model", exact=True)
    run = CompiledModel(exact)
    answers = np.concatenate([run(images[i : i + 1])[0] for i in range(len(images))])
    figures = replace(figures, exact_error=median_error(answers, truth))
    if not any(item.engine == "litert" and item.verdict == "passed" for item in figures.engines):
        return figures
    with aios.load(folder / f"{application.name}.cell", engine="litert", verify="off") as bridge:
        answers = np.concatenate(
            [np.asarray(bridge.perform_inference(images[i : i + 1])) for i in range(len(images))]
        )
    return replace(figures, litert_error=median_error(answers, truth))


def median_error(answers: Answers, truth: Answers) -> float:
    """Median over rows of the largest error, as a part of the row's largest value."""
    wide = answers.astype(np.float64)
    errors = np.abs(wide - truth).max(axis=1) / np.abs(truth).max(axis=1)
    return float(np.median(errors))


def _float64_answers(application: Application, images: Images) -> Answers:
    import keras

    weights = application.build().get_weights()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        model = getattr(keras.applications, application.name)(
            weights=None, input_shape=images.shape[1:]
        )
        model.set_weights(weights)
        return np.concatenate(
            [np.asarray(model(images[i : i + 1], training=False)) for i in range(len(images))]
        )
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


if __name__ == "__main__":
    out = Path(sys.argv[2])
    measure(named(sys.argv[1]), out).write(out / "figures.json")
