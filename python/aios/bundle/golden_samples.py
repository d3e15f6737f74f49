"""A bundle's golden samples, as batches to run and to time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.bundle.directory import BundleDirectory
from aios.bundle.golden import read_tensors, samples_of
from aios.bundle.manifest import Manifest, SignatureRecord, TensorRecord
from aios.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

# Zeros, denormals and values far outside the samples' range come last; see aios.exporting.golden.
_EDGES = 6


class GoldenSamples:
    """Inputs and reference outputs of one signature, as batches of any size.

    Raises:
        CorruptBundleError: The file can't be read.
        UnsupportedError: It holds strings.
    """

    def __init__(self, bundle: Path, manifest: Manifest, signature: SignatureRecord) -> None:
        tensors = read_tensors(BundleDirectory(bundle), manifest.golden)
        self._signature = signature
        self._inputs = {s.name: _samples(tensors, signature, "inputs", s) for s in signature.inputs}
        self._outputs = {
            s.name: _samples(tensors, signature, "outputs", s) for s in signature.outputs
        }
        self.count = len(next(iter({**self._inputs, **self._outputs}.values())))
        specs = (*signature.inputs, *signature.outputs)
        #: Whether one call can answer several samples.
        self.batched = all(spec.shape and spec.shape[0] == -1 for spec in specs)

    def plain(self, batch: int) -> dict[str, Array]:
        """A batch of the user's own samples, over and over, for timing."""
        usual = self.count - _EDGES if self.count > _EDGES else self.count
        return self._batch(self._inputs, np.arange(batch) % usual)

    def all(
        self, batch: int, first: int | None = None
    ) -> list[tuple[dict[str, Array], dict[str, Array]]]:
        """Inputs and reference outputs of the `first` samples, or all, in batches of `batch`."""
        count = self.count if first is None else min(first, self.count)
        calls = -(-count // batch)
        chosen = (np.arange(calls * batch) % count).reshape(calls, batch)
        return [(self._batch(self._inputs, i), self._batch(self._outputs, i)) for i in chosen]

    def _batch(self, arrays: dict[str, Array], samples: Array) -> dict[str, Array]:
        """[N, 1, …] becomes [batch, …]; a signature without a batch axis takes one sample."""
        if not self.batched:
            return {name: array[samples[0]] for name, array in arrays.items()}
        return {
            name: np.ascontiguousarray(array[samples]).reshape(-1, *array.shape[2:])
            for name, array in arrays.items()
        }


def _samples(
    tensors: dict[str, Array], signature: SignatureRecord, role: str, spec: TensorRecord
) -> Array:
    if spec.dtype == "string":
        raise UnsupportedError(f"'{spec.name}' is a tensor of strings")
    return samples_of(tensors, signature, role, spec)
