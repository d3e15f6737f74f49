"""One version as the dashboard shows it: engines and why, proof, and samples to try it with."""

from __future__ import annotations

import math
from base64 import b64encode
from typing import Any

from aios.bundle.directory import BundleDirectory
from aios.bundle.golden import read_tensors, samples_of
from aios.bundle.manifest import ArtifactRecord, Manifest
from aios.bundle.records import SignatureRecord
from aios.errors import NotFoundError
from aios.server.binary_tensors import DATATYPES, Array, datatype_of, to_binary
from aios.server.library import ModelEntry


def chosen_artifact(entry: ModelEntry, manifest: Manifest | None) -> ArtifactRecord | None:
    """The record of what answers single samples."""
    if entry.bridge is None or manifest is None:
        return None
    chosen = [choice for choice in entry.bridge.explain() if choice.chosen]
    if not chosen:
        return None
    first = min(chosen, key=lambda choice: choice.batch)
    key = (first.engine, first.target, first.precision)
    return next((artifact for artifact in manifest.artifacts if artifact.key == key), None)


def model_document(entry: ModelEntry, manifest: Manifest | None) -> dict[str, Any]:
    """Everything that changes seldom.

    Numbers that JSON can't hold are null.
    """
    bridge = entry.bridge
    return {
        "name": entry.key.name,
        "version": entry.key.version,
        "state": entry.state.value,
        "reason": entry.reason or None,
        "proven": entry.found.is_proven,
        "signature": None if bridge is None else _signature(bridge.signature),
        "labels": None if manifest is None or manifest.labels is None else list(manifest.labels),
        "choices": [] if bridge is None else [_choice(choice) for choice in bridge.explain()],
        "proof": None if manifest is None else _proof(manifest),
    }


def sample_document(entry: ModelEntry, manifest: Manifest | None, index: int) -> dict[str, Any]:
    """One of the samples that the model was proved with, and the training model's answer.

    Args:
        entry: A version that answers.
        manifest: Of its bundle.
        index: From 0; the samples of the user's own come first.

    Raises:
        NotFoundError: The version has no such sample.
        CorruptBundleError: The samples can't be read.
    """
    if manifest is None or entry.bridge is None:
        raise NotFoundError("this version carries no samples")
    name = entry.bridge.signature.name
    signature = next(record for record in manifest.signatures if record.name == name)
    tensors = read_tensors(BundleDirectory(entry.found.path), manifest.golden)
    inputs = _samples(tensors, signature, "inputs")
    outputs = _samples(tensors, signature, "outputs")
    count = min(len(array) for array in (*inputs.values(), *outputs.values()))
    count = min(count, manifest.own_samples.get(name, count)) or count
    if index >= count:
        raise NotFoundError(f"sample {index}: expected one below {count}")
    return {
        "sample": index,
        "count": count,
        "inputs": {name: _tensor(array[index]) for name, array in inputs.items()},
        "outputs": {name: _tensor(array[index]) for name, array in outputs.items()},
    }


def _samples(tensors: dict[str, Array], signature: SignatureRecord, role: str) -> dict[str, Array]:
    specs = signature.inputs if role == "inputs" else signature.outputs
    return {spec.name: samples_of(tensors, signature, role, spec) for spec in specs}


def _tensor(array: Array) -> dict[str, Any]:
    """As KServe's binary tensors, so that no digit is lost."""
    return {
        "datatype": datatype_of(array),
        "shape": list(array.shape),
        "data": b64encode(to_binary(array)).decode(),
    }


def _signature(signature: Any) -> dict[str, Any]:
    def shown(specs: Any) -> list[dict[str, Any]]:
        return [
            {"name": s.name, "datatype": DATATYPES[s.dtype], "shape": list(s.shape)} for s in specs
        ]

    return {
        "name": signature.name,
        "inputs": shown(signature.inputs),
        "outputs": shown(signature.outputs),
    }


def _choice(choice: Any) -> dict[str, Any]:
    return {
        "engine": choice.engine,
        "target": choice.target,
        "precision": choice.precision,
        "batch": choice.batch,
        "threads": choice.threads,
        "p50_us": finite(choice.p50_us) or None,
        "p99_us": finite(choice.p99_us) or None,
        "chosen": choice.chosen,
        "reason": choice.reason,
    }


def _proof(manifest: Manifest) -> dict[str, Any]:
    return {
        "samples": manifest.provenance.get("golden_samples"),
        "created": manifest.provenance.get("created"),
        "artifacts": [
            {
                "engine": artifact.engine,
                "target": artifact.target,
                "precision": artifact.precision,
                "verdict": artifact.verdict,
                "worst": finite(artifact.worst),
                "max_error": finite(artifact.max_error),
                "top1_agreement": finite(artifact.top1_agreement),
                "samples": artifact.golden_samples,
                "absolute": artifact.tolerance.absolute,
                "relative": artifact.tolerance.relative,
                "bytes": artifact.bytes,
                "reason": artifact.reason,
            }
            for artifact in manifest.artifacts
        ],
    }


def finite(value: float | None) -> float | None:
    """A number that JSON can hold."""
    return value if value is not None and math.isfinite(value) else None
