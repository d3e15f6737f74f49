"""The zoo's files, made once and kept below build/bench: a bundle, and each peer's own format."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.contender import Array
from benchmarks.counting import multiply_adds
from benchmarks.native import BUILD
from benchmarks.onnx_graphs import frozen, write_onnx
from benchmarks.zoo import SEED, ZooModel

if TYPE_CHECKING:
    import keras

BATCHES = (1, 32)
#: Not litert: its raw `Invoke` takes part from files of its own.
_ENGINES = ("compiled", "tensorflow")


def package_version(name: str) -> str:
    """The version of an installed package; "" if it isn't."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where one model's files are.

    Attributes:
        model: Whose.
        peers: Folder of the peers' formats and of the reference answers.
        bundle: What `aios.export` wrote.
    """

    model: ZooModel
    peers: Path
    bundle: Path

    def inputs(self) -> Array:
        """32 samples; a batch is the first of them."""
        shape = (max(BATCHES), *self.model.shape)
        return np.random.default_rng(SEED + 1).standard_normal(shape).astype(np.float32)

    def reference(self) -> Array:
        """Keras's answers to `inputs`."""
        return np.load(self.peers / "reference.npy")

    def facts(self) -> dict[str, Any]:
        """`multiply_adds`, `weight_bytes`, `parameters`."""
        return dict(json.loads((self.peers / "facts.json").read_text()))

    def tflite(self, batch: int) -> Path:
        """The model for LiteRT, of a fixed batch."""
        return self.peers / f"b{batch}.tflite"

    def onnx(self, batch: int) -> Path:
        """The model for ONNX Runtime and OpenVINO, of a fixed batch."""
        return self.peers / f"b{batch}.onnx"


def prepare(model: ZooModel, say: Callable[[str], None]) -> ModelFiles:
    """Makes what isn't there yet; a change of sources or versions makes it anew."""
    peers = BUILD / f"{model.name}-{_peers_key()}"
    bundle = BUILD / f"{model.name}-{_bundle_key()}.cell"
    files = ModelFiles(model, peers, bundle)
    if peers.exists() and bundle.exists():
        return files
    import keras

    keras.utils.set_random_seed(SEED)
    network = model.build()
    if not peers.exists():
        begin = time.perf_counter()
        _write_peers(files, network)
        say(f"{model.title}: peers' files made in {time.perf_counter() - begin:.0f} s")
    if not bundle.exists():
        import aios

        samples = files.inputs()[:4]
        report = aios.export(network, bundle, samples=samples, engines=_ENGINES)
        say(f"{model.title}: exported in {report.seconds:.0f} s")
    return files


def _peers_key() -> str:
    packages = ("keras", "tensorflow-cpu", "tensorflow", "tf2onnx", "onnx")
    versions = "".join(package_version(name) for name in packages)
    here = Path(__file__).parent
    sources = [here / name for name in ("zoo.py", "counting.py", "files.py", "onnx_graphs.py")]
    return _key(sources, versions)


def _bundle_key() -> str:
    import aios
    from aios.compiler.toolchain import find_toolchain, include_folder

    package = Path(aios.__file__).parent
    sources = [Path(__file__).with_name("zoo.py"), include_folder() / "aios/compiled_model.h"]
    for folder in (package / "compiler", package / "exporting", include_folder() / "aios/kernels"):
        sources += [path for path in sorted(folder.rglob("*")) if path.suffix in (".py", ".hpp")]
    return _key(sources, find_toolchain("native").version + package_version("tensorflow-cpu"))


def _key(sources: list[Path], more: str) -> str:
    digest = hashlib.sha256(more.encode())
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _write_peers(files: ModelFiles, network: keras.Model) -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    pending = Path(tempfile.mkdtemp(dir=BUILD, prefix="pending-"))
    try:
        np.save(pending / "reference.npy", np.asarray(network(files.inputs(), training=False)))
        weights = sum(int(np.prod(w.shape)) for w in network.weights)
        facts = {
            "multiply_adds": multiply_adds(network),
            "parameters": weights,
            "weight_bytes": 4 * weights,
        }
        (pending / "facts.json").write_text(json.dumps(facts))
        for batch in BATCHES:
            (pending / f"b{batch}.tflite").write_bytes(_tflite(network, files.model.shape, batch))
            write_onnx(network, files.model.shape, batch, pending / f"b{batch}.onnx")
        pending.rename(files.peers)
    finally:
        shutil.rmtree(pending, ignore_errors=True)


def _tflite(network: keras.Model, shape: tuple[int, ...], batch: int) -> bytes:
    import tensorflow as tf

    # Frozen: with variables the converter leaves READ_VARIABLE, which LiteRT answers wrongly.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen(network, shape, batch)])
    return bytes(converter.convert())
