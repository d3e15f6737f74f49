"""A bundle's golden samples as NumPy arrays, without the package safetensors.

The format is https://github.com/huggingface/safetensors: the header's length in 8 bytes, little
endian; a JSON header with each tensor's dtype, shape and place; the bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.bundle.manifest import Manifest, SignatureRecord, TensorRecord
from aios.errors import CorruptBundleError, UnsupportedError

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_DTYPES = {
    "BOOL": "?", "I8": "<i1", "U8": "<u1", "I16": "<i2", "U16": "<u2", "I32": "<i4",
    "U32": "<u4", "I64": "<i8", "U64": "<u8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
# Zeros, denormals and values far outside the samples' range come last; see aios.exporting.golden.
_EDGES = 6


class GoldenSamples:
    """Inputs and reference outputs of one signature, as batches of any size.

    Raises:
        CorruptBundleError: The file can't be read.
        UnsupportedError: It holds strings.
    """

    def __init__(self, bundle: Path, manifest: Manifest, signature: SignatureRecord) -> None:
        tensors = _read(bundle / manifest.golden)
        self._signature = signature
        self._inputs = {s.name: _tensor(tensors, signature, "inputs", s) for s in signature.inputs}
        self._outputs = {
            s.name: _tensor(tensors, signature, "outputs", s) for s in signature.outputs
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


def _read(path: Path) -> dict[str, Array]:
    try:
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        payload = memoryview(content)[8 + length :]
        return {
            name: np.frombuffer(
                payload[slice(*entry["data_offsets"])], _DTYPES[entry["dtype"]]
            ).reshape(entry["shape"])
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptBundleError(
            f"bundle's golden samples '{path}' can't be read ({error!r}); export the bundle again"
        ) from error


def _tensor(
    tensors: dict[str, Array], signature: SignatureRecord, role: str, spec: TensorRecord
) -> Array:
    key = f"{signature.name}/{role}/{spec.name}"
    if key + "#offsets" in tensors:
        raise UnsupportedError(f"'{spec.name}' is a tensor of strings")
    if key not in tensors:
        raise CorruptBundleError(f"bundle's golden samples lack '{key}'; export the bundle again")
    return tensors[key]
