"""A SavedModel directory as a source: every signature that it has."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np

from aios.bundle.comparison import Arrays
from aios.bundle.manifest import SignatureRecord
from aios.errors import InvalidArgumentError
from aios.exporting.reasons import reason_of
from aios.exporting.sources.base import (
    DEFAULT_SIGNATURE,
    Source,
    hash_tree,
    natural,
    signature_record,
    tensors,
    with_inputs,
)


class SavedModelSource(Source):
    """The default signature comes first, the others by name."""

    kind: ClassVar[str] = "saved_model"

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def save(self, path: Path, samples: object = None) -> None:
        """Copies the directory.

        Raises:
            InvalidArgumentError: It can't be loaded, or has no signature.
        """
        del samples
        shutil.copytree(self._directory, path)
        try:
            functions = self._open(path)
        except Exception as error:
            raise InvalidArgumentError(
                f"model: the SavedModel '{self._directory}' can't be loaded: {reason_of(error)}"
            ) from error
        names = [n for n in functions if not n.startswith("__saved_model")]
        if not names:
            raise InvalidArgumentError(
                f"model: the SavedModel '{self._directory}' has no signature; save it with "
                "tf.saved_model.save(module, path, signatures=…) or Keras' model.export(path)"
            )
        names.sort(key=lambda name: (name != DEFAULT_SIGNATURE, natural(name)))
        self.signatures = with_inputs([signature_record(name, functions[name]) for name in names])

    def answers(self, signature: SignatureRecord, inputs: Arrays) -> Arrays:
        """What the loaded SavedModel itself answers."""
        results = self._functions[signature.name](**tensors(inputs, signature))
        return {spec.name: np.asarray(results[spec.name]) for spec in signature.outputs}

    def fingerprint(self) -> str:
        """SHA-256 of the directory's files."""
        return hash_tree(self._directory)
