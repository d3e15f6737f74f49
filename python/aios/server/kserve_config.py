"""A version as Triton's ModelConfig tells it, as far as that is true here.

Format: triton-inference-server/common, protobuf/model_config.proto, printed as JSON.
"""

from __future__ import annotations

import math
from typing import Any

from aios.bundle.dtypes import STRING, numpy_dtype
from aios.server.binary_tensors import DATATYPES
from aios.server.library import ModelEntry

#: Bytes that all outputs of one answer may have.
_MOST_OUTPUT_BYTES = 1 << 30
#: Of a string's length, in a binary tensor.
_LENGTH_BYTES = 4
_LARGEST = 2**31 - 1


def model_config(entry: ModelEntry, most_body_bytes: int) -> dict[str, Any]:
    """The document of a version that answers.

    `max_batch_size` is 0 for a model without batches. Else it is what a request may hold, and the
    tensors' first dimension, which is the batch, isn't among `dims`.

    Args:
        entry: The version.
        most_body_bytes: That a request may have.
    """
    assert entry.bridge is not None
    signature = entry.bridge.signature
    largest = _largest_batch(signature, most_body_bytes)
    platform = platform_of(entry)
    return {
        "name": entry.key.name,
        "platform": platform,
        "backend": "aios",
        "version_policy": {"all": {}},
        "max_batch_size": largest,
        "input": [_tensor(spec, largest > 0) for spec in signature.inputs],
        "output": [_tensor(spec, largest > 0) for spec in signature.outputs],
        "parameters": {
            "engine": {"string_value": entry.bridge.engine},
            "proven": {"string_value": "true" if entry.found.is_proven else "false"},
        },
    }


def platform_of(entry: ModelEntry) -> str:
    """What runs a version, as "aios_compiled"."""
    assert entry.bridge is not None
    return f"aios_{entry.bridge.engine}"


def _tensor(spec: Any, has_batches: bool) -> dict[str, Any]:
    datatype = DATATYPES[spec.dtype]
    kind = "STRING" if spec.dtype == STRING else datatype
    return {
        "name": spec.name,
        "data_type": f"TYPE_{kind}",
        "dims": list(spec.shape[1:] if has_batches else spec.shape),
    }


def _largest_batch(signature: Any, most_body_bytes: int) -> int:
    specs = [*signature.inputs, *signature.outputs]
    if not all(spec.shape and spec.shape[0] < 0 for spec in specs):
        return 0
    by_inputs = most_body_bytes // max(1, sum(map(_sample_bytes, signature.inputs)))
    by_outputs = _MOST_OUTPUT_BYTES // max(1, sum(map(_sample_bytes, signature.outputs)))
    return max(1, min(by_inputs, by_outputs, _LARGEST))


def _sample_bytes(spec: Any) -> int:
    """The least that one sample has: sizes that may be any count as one."""
    each = _LENGTH_BYTES if spec.dtype == STRING else numpy_dtype(spec.dtype).itemsize
    return int(each * math.prod(abs(size) for size in spec.shape[1:]))
