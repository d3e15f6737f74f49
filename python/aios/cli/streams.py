"""The stream of a bundle, as commands show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from aios.bundle.manifest import Manifest
from aios.cli.output import data
from aios.errors import AiosError, UnsupportedError

if TYPE_CHECKING:
    from aios.proving import Prover


def stream_row(bundle: Path, manifest: Manifest, prover: Prover) -> dict[str, Any] | None:
    """Steps through the golden samples again; the row of `aios verify`, None without a stream."""
    from aios.proving.streams import StreamProof, golden_sequences

    stream = manifest.stream
    if stream is None or stream.verdict != "passed":
        return None
    row = {
        "engine": "stream",
        "target": "any",
        "precision": "float32",
        "ok": False,
        "not_run": False,
        "worst": None,
        "max_error": None,
        "samples": 0,
        "frames": stream.frames,
        "reason": None,
    }
    try:
        inputs, references = golden_sequences(bundle, manifest)
        proof = StreamProof.of(prover.stream_answers, bundle, inputs, references, stream.tolerance)
    except UnsupportedError as error:  # Code for other processors isn't wrong for that.
        return {**row, "not_run": True, "reason": str(error)}
    except AiosError as error:
        return {**row, "reason": str(error)}
    return {
        **row,
        "ok": proof.ok,
        "worst": proof.worst,
        "max_error": proof.max_error,
        "samples": proof.samples,
        "reason": proof.reason,
    }


def print_stream(manifest: Manifest) -> None:
    """What `aios inspect` tells of a stream, if one was asked for."""
    stream = manifest.stream
    if stream is None:
        return
    data.print()
    if stream.verdict != "passed":
        data.print(Text(f"stream {stream.verdict}: {stream.reason}"))
        return
    layers = ", ".join(dict.fromkeys(state.layer for state in stream.states))
    data.print(
        Text(
            f"stream passed: {stream.samples} golden samples of {stream.frames} frames, the "
            f"furthest step {stream.worst:.2g} tolerances off; look-ahead of "
            f"{stream.latency_frames} frames; state of {layers}"
        )
    )
