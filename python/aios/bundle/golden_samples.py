"""One signature's golden samples of a bundle, as batches to prove with and to time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.bundle.coverage import rows_inside
from aios.bundle.directory import BundleDirectory
from aios.bundle.golden import read_tensors, samples_of
from aios.bundle.manifest import ArtifactRecord, Manifest, SignatureRecord, TensorRecord
from aios.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

# Zeros, denormals and values far outside the samples' range come last; so many of them in bundles
# that don't say how many samples aren't edge cases.
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
        #: By name; axis 0 counts samples.
        self.inputs = {s.name: _samples(tensors, signature, "inputs", s) for s in signature.inputs}
        self._outputs = {
            s.name: _samples(tensors, signature, "outputs", s) for s in signature.outputs
        }
        self.count = len(next(iter({**self.inputs, **self._outputs}.values())))
        usual = self.count - _EDGES if self.count > _EDGES else self.count
        usual = manifest.own_samples.get(signature.name, usual)
        self._usual = min(usual, self.count) or self.count
        self._ranges_of = manifest.ranges_of
        specs = (*signature.inputs, *signature.outputs)
        #: Whether one call can answer several samples.
        self.batched = all(spec.shape and spec.shape[0] == -1 for spec in specs)

    def plain(self, batch: int) -> dict[str, Array]:
        """A batch of the user's own samples, over and over, for timing."""
        return self._batch(self.inputs, np.arange(batch) % self._usual)

    def proving(
        self, artifact: ArtifactRecord, batch: int
    ) -> list[tuple[dict[str, Array], dict[str, Array]]]:
        """Inputs and references of the samples that judge an artifact, in batches of `batch`."""
        ranges = self._ranges_of(artifact).get(self._signature.name, {})
        inside = rows_inside(self.inputs, ranges)[: artifact.golden_samples]
        rows = np.flatnonzero(inside)
        calls = -(-len(rows) // batch)
        chosen = np.resize(rows, (calls, batch))
        return [(self._batch(self.inputs, i), self._batch(self._outputs, i)) for i in chosen]

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
