"""What many tests share: one small trained model, and the bundle that it was exported to."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_sessionstart():
    """An installation that fell back to pure Python would prove nothing of the C++ cell."""
    from aios.bridge.core import IS_NATIVE
    from aios.bridge.extension import is_pure_python_forced

    if not IS_NATIVE and not is_pure_python_forced():
        pytest.exit("the C++ extension isn't installed; pip install -v . shows why", returncode=1)


@dataclass(frozen=True)
class TrainedDigits:
    model: Any
    bundle: Path
    x_test: np.ndarray
    y_test: np.ndarray


@pytest.fixture(scope="session")
def digits_data():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32)
    return train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)


@pytest.fixture(scope="session")
def digits(tmp_path_factory, digits_data) -> TrainedDigits:
    import aios

    x_train, x_test, y_train, y_test = digits_data
    cell = aios.TensorFlowTrainingCell(aios.TrainingConfig(epochs=30, seed=7))
    cell.create_model(input_shape=(64,), num_classes=10)
    cell.train(x_train, y_train, x_test, y_test)
    bundle = tmp_path_factory.mktemp("digits") / "digits.cell"
    cell.export_for_cpp_inference(bundle, labels=[str(digit) for digit in range(10)])
    return TrainedDigits(cell.model, bundle, x_test, y_test)


@dataclass(frozen=True)
class LoweredModel:
    model: Any
    bundle: Path
    x: np.ndarray
    report: Any


@pytest.fixture(scope="session")
def lowered(tmp_path_factory) -> LoweredModel:
    """A classifier on litert and openvino, in every precision that they have."""
    import keras

    import aios

    keras.utils.set_random_seed(0)
    layers = [keras.Input((64,), name="x"), keras.layers.Dense(128, "elu")]
    model = keras.Sequential([*layers, keras.layers.Dense(64, "elu"), keras.layers.Dense(10)])
    x = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    bundle = tmp_path_factory.mktemp("lowered") / "m.cell"
    report = aios.export(
        model, bundle, samples=x, engines=("litert", "openvino"),
        precisions=("float16", "int8", "bf16"),
    )  # fmt: skip
    return LoweredModel(model, bundle, x, report)


@dataclass(frozen=True)
class StreamedModel:
    model: Any
    bundle: Path
    x: np.ndarray
    report: Any


@pytest.fixture(scope="session")
def streamed(tmp_path_factory) -> StreamedModel:
    """A recurrent model with its stream: 3 features and 2 answers a frame, 64 frames."""
    import keras

    import aios
    from aios.exporting.engines import compiled

    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((64, 3), name="x"),
        keras.layers.Conv1D(4, 3, padding="causal", dilation_rate=2, name="conv"),
        keras.layers.LSTM(5, return_sequences=True, name="lstm"),
        keras.layers.GRU(4, return_sequences=True, name="gru"),
        keras.layers.LayerNormalization(),
        keras.layers.Dense(2),
    ])  # fmt: skip
    x = np.random.default_rng(0).standard_normal((17, 64, 3)).astype(np.float32)
    bundle = tmp_path_factory.mktemp("streamed") / "m.cell"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "targets", lambda: ("native",))
        report = aios.export(model, bundle, samples=x, engines=("litert",), stream=True)
    return StreamedModel(model, bundle, x, report)


@pytest.fixture
def bundle_copy(digits, tmp_path) -> Path:
    """A bundle that a test may damage."""
    return Path(shutil.copytree(digits.bundle, tmp_path / "copy.cell"))


@pytest.fixture
def wrong_golden(bundle_copy) -> Path:
    """A well-formed bundle with one wrong reference, which 2 samples of all don't show."""
    from dataclasses import replace

    from safetensors.numpy import load_file, save_file

    from aios.bundle.manifest import hash_file, read_manifest, write_manifest

    path = bundle_copy / "golden.safetensors"
    tensors = load_file(path)
    tensors["serving_default/outputs/output_0"][5] += 0.25
    save_file(tensors, path)
    manifest = read_manifest(bundle_copy)
    files = tuple(
        hash_file(bundle_copy, file.path) if file.path == path.name else file
        for file in manifest.files
    )
    write_manifest(bundle_copy, replace(manifest, files=files))
    return bundle_copy


@pytest.fixture
def run_python():
    """Runs code in a fresh interpreter and returns its stdout."""

    def run(code: str, **environment: str) -> str:
        finished = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={**os.environ, **environment},
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    return run


@pytest.fixture
def short_folder():
    """A folder with a short path, as a socket's address holds few bytes."""
    with tempfile.TemporaryDirectory(
        prefix="aios", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)
