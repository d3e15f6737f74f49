"""What a terminal of 80 columns shows, whole: each command's screen is a file in screens/."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from aios.bundle.manifest import ArtifactRecord, FileRecord, Manifest, SignatureRecord, TensorRecord
from aios.cli import bench, demo, doctor, export, inspect, registry, verify
from aios.exporting.report import ExportReport
from aios.registry.registry import ModelVersion

SCREENS = Path(__file__).parent / "screens"
LONG = (
    "LiteRT can't run the operators FlexTensorListReserve, FlexTensorListStack and "
    "FlexTensorListFromTensor; give the layer a fixed number of steps, or use another engine"
)


@pytest.fixture
def screen(monkeypatch, capsys):
    """Compares what was printed with the screen of that name, line by line."""
    for module in (bench, demo, doctor, export, inspect, registry, verify):
        for name in ("data", "talk"):
            if hasattr(module, name):
                monkeypatch.setattr(
                    module, name, Console(width=80, highlight=False, color_system=None)
                )

    def check(name):
        shown = capsys.readouterr().out
        path = SCREENS / f"{name}.txt"
        if os.environ.get("AIOS_WRITE_SCREENS"):
            path.write_text(shown)
        assert shown == path.read_text()
        assert max(map(len, shown.splitlines())) <= 80

    return check


def _artifact(engine, target="any", precision="float32", **fields):
    given = {"files": (FileRecord("artifact", 1_234_567, "0" * 64),), "verdict": "passed"} | fields
    return ArtifactRecord(engine, target, precision, **given)


PROVED = {"proven_range": {"serve": {"x": (-1e30, 1e30)}}, "probes": 3, "propagated": 2}
ARTIFACTS = (
    _artifact("compiled", "native", max_error=2.6e-6, top1_agreement=1.0, **PROVED),
    _artifact("compiled", "x86-64-v3", max_error=1.5e-6, top1_agreement=1.0, **PROVED),
    _artifact("litert", precision="int8", max_error=0.0123, top1_agreement=0.987),
    _artifact("litert", verdict="declined", files=(), reason=LONG),
    _artifact("openvino", precision="bfloat16", max_error=1.0, relative_error=3e-3),
    _artifact("tensorflow", max_error=0.0, top1_agreement=1.0),
)


def test_inspect(screen):
    inspect.artifact_listing(ARTIFACTS).print(inspect.data)
    inspect.print_proofs(ARTIFACTS)
    screen("inspect")


def test_export(screen):
    export._print(
        ExportReport(
            path=Path("models/digits.cell"),
            artifacts=ARTIFACTS[:2],
            golden_samples=70,
            dropped_samples=0,
            discrimination=99745.0,
            warnings=(),
            seconds=12.3,
            diverging_layers={},
        )
    )
    screen("export")


def test_verify(screen):
    rows = [
        {"engine": "compiled", "target": "x86-64-v3", "precision": "float32", "ok": True,
         "not_run": False, "samples": 70, "worst": 0.0714, "reason": None},
        {"engine": "litert", "target": "any", "precision": "int8", "ok": False,
         "not_run": False, "samples": 70, "worst": 1234.5, "reason": LONG},
        {"engine": "openvino", "target": "any", "precision": "float32", "ok": False,
         "not_run": True, "samples": 0, "worst": None, "reason": "engine 'openvino' not installed"},
    ]  # fmt: skip
    tensor = TensorRecord("x", "float32", (-1, 64))
    signature = SignatureRecord("serving_default", (tensor,), (tensor,))
    manifest = Manifest((signature,), ARTIFACTS[:1], (), "golden.safetensors", None, {})
    verify._print(Path("digits.cell"), manifest, rows, False)
    screen("verify")


def test_bench(screen, monkeypatch):
    monkeypatch.setattr(bench, "machine", lambda: {"cpu": "AMD EPYC", "cpus": 2, "load": 0.5})
    figures = {"p90_us": 1_234_567.8, "min_us": 0.93, "throughput_per_s": 16_938_457.0}
    rows = [
        bench.Row(engine, batch, threads, precision, p50_us=p50, p99_us=9876543.2, max_error=3.6e-6,
                  chosen=chosen, **figures)
        for engine, precision, p50, chosen in (
            ("compiled", "float32", 0.14, True), ("openvino", "bfloat16", 123_456.7, False))
        for batch in (1, 32) for threads in (1, 2)
    ]  # fmt: skip
    rows += [
        bench.Row("litert", batch, threads, "float32", reason=LONG)
        for batch in (1, 32)
        for threads in (1, 2)
    ]
    rows.append(bench.Row("tensorflow", 1, 1, "float32", reason="wrong", wrong=True))
    bench._print(Path("digits.cell"), rows)
    screen("bench")


def test_bench_shows_what_varies_in_a_short_table(screen, monkeypatch):
    monkeypatch.setattr(bench, "machine", lambda: {"cpu": "AMD EPYC", "cpus": 2, "load": 0.5})
    bench._print(
        Path("digits.cell"),
        [bench.Row("compiled", 1, 1, "float32", 0.14, 0.15, 0.21, 0.14, 6.8e6, 100, 2.6e-6, True)],
    )
    screen("bench-short")


def test_registry_list(screen):
    registry._print_versions(
        [
            ModelVersion(
                name="churn-prediction",
                version=version,
                aliases=("champion", "canary") if version == 12 else (),
                bundle=f"/home/somebody/.aios/bundles/churn-prediction/{version}/model.cell",
                sha256="178edbee797169516003e481543001cca4a43ec1f1c0b83eb0df86d78825071a",
                run_id="20261128-065340-3f2a",
                data_sha256="1b868095731749848b7ca26a4adc068a7a180482c5cca86606bcde19bf5d0ba4",
            )
            for version in (9, 12)
        ],
        False,
    )
    screen("registry")


def test_doctor(screen):
    path = "/home/somebody/project/.venv/lib/python3.11/site-packages"
    rows = [
        {"name": "compiled", "supported": True, "version": "0.1.0", "remedy": None, "note": None,
         "path": f"{path}/aios/_core.cpython-311-x86_64-linux-gnu.so"},
        {"name": "openvino", "supported": False, "version": None, "path": None, "note": None,
         "remedy": "pip install aios-cells[openvino], or set AIOS_OPENVINO_LIBRARY to its library"},
    ]  # fmt: skip
    doctor._print(
        {
            "engines": rows,
            "core": {"native": True, "path": rows[0]["path"]},
            "cpu": {"model": "AMD EPYC", "usable": 2, "cpus": 2, "thread_budget": 2,
                    "target": "x86-64-v4", "features": ["sse4_2", "avx", "fma", "avx2"] * 5},
            "compiler": {"found": True, "path": "c++", "version": "c++ (Debian) 12.2.0"},
            "home": {"remedy": None, "path": "/home/somebody/.aios", "exists": False},
            "packages": {"tensorflow-cpu": "2.21.0", "keras": "3.15.1", "safetensors": "0.8.0"},
            "aios": "0.1.0",
            "python": "3.11.7",
        }
    )  # fmt: skip
    screen("doctor")


def test_demo(screen):
    latency = {"keras_predict": 31705.64, "keras_call": 1446.69, "saved_model": 161.62,
               "compiled": 0.26}  # fmt: skip
    demo._print(
        demo.DemoReport(
            accuracy={"keras": 0.975, "cpp": 0.975},
            worst_error=7.5e-7,
            engine="compiled",
            latency_us={name: demo.Latency(value, 1.5 * value) for name, value in latency.items()},
            bundle=Path("digits-demo.cell"),
            held_out=360,
        )
    )
    screen("demo")
