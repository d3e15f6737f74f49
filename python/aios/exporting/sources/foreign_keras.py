"""A Keras model that runs on JAX, PyTorch or NumPy: a child process exports it on TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from aios.bundle.comparison import Arrays
from aios.bundle.manifest import SignatureRecord
from aios.errors import UnsupportedError
from aios.exporting.reasons import reason_of, shortened
from aios.exporting.sources.call_plan import CallPlan, plan
from aios.exporting.sources.keras_model import KerasSource

_TIMEOUT_S = 600
_CHILD = "from aios.exporting.sources.foreign_keras import child; child()"


class ForeignKerasSource(KerasSource):
    """Its SavedModel is TensorFlow's; its golden answers are the model's own, on its backend."""

    kind: ClassVar[str] = "keras"

    def save(self, path: Path, samples: object = None) -> None:
        """Saves the model as .keras and has a child process turn it into a SavedModel.

        Raises:
            UnsupportedError: The model can't be saved, or Keras on TensorFlow can't load it.
        """
        self._plan = plan(self.model, samples)
        with tempfile.TemporaryDirectory(prefix="keras-", dir=path.parent) as directory:
            file = Path(directory, "model.keras")
            try:
                self.model.save(file)
            except OSError:
                raise
            except Exception as error:
                raise UnsupportedError(
                    f"Keras can't save model '{self.model.name}': {reason_of(error)}"
                ) from error
            self._output_names = tuple(_export_in_child(file, path, self._plan))
        self._read(path)

    def _values(self, inputs: Arrays, signature: SignatureRecord) -> dict[str, Any]:
        return {spec.name: inputs[spec.name] for spec in signature.inputs}

    def _array(self, value: Any) -> Any:
        import keras

        return keras.ops.convert_to_numpy(value)


def child() -> None:
    """The child process: JSON on stdin says what to load and where to; names go to stdout."""
    import keras

    request = json.load(sys.stdin)
    described = request["plan"]
    planned = CallPlan(
        described["style"],
        tuple(described["names"]),
        tuple(tuple(shape) for shape in described["shapes"]),
        tuple(described["dtypes"]),
        tuple(described["left_out"]),
    )
    # The parent wrote the file: its Lambdas are its user's own.
    model = keras.models.load_model(request["file"], compile=False, safe_mode=False)
    names = KerasSource(model).save_planned(Path(request["path"]), planned)
    sys.stdout.write("\n" + json.dumps(names) + "\n")


def _export_in_child(file: Path, path: Path, planned: CallPlan) -> list[str]:
    request = {"file": str(file), "path": str(path), "plan": asdict(planned)}
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    try:
        finished = subprocess.run(
            [sys.executable, "-c", _CHILD],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise UnsupportedError(
            f"the export on TensorFlow took longer than {_TIMEOUT_S} s; export the model with "
            "KERAS_BACKEND=tensorflow"
        ) from error
    if finished.returncode != 0:
        raise UnsupportedError(
            "Keras on TensorFlow can't take over this model: "
            f"{_last_line(finished.stderr)}; layers of your own must be importable and registered "
            "(keras.saving.register_keras_serializable), or export with KERAS_BACKEND=tensorflow"
        )
    names: list[str] = json.loads(finished.stdout.splitlines()[-1])
    return names


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "\t"))]
    errors = [line for line in lines if "Error" in line]
    return shortened((errors or lines or ["it gave no reason"])[-1], 1000)
