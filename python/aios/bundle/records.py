"""What a bundle's manifest says, as records; DESIGN's format_version 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aios.bundle.ranges import SignatureRanges

#: Engine, target and precision: what tells one artifact of a bundle from another.
ArtifactKey = tuple[str, str, str]

FORMAT_VERSION = 1
#: Of either part of a tolerance: with more, zeros would pass for any answer.
MAX_TOLERANCE = 1.0
MANIFEST = "manifest.json"
MANIFEST_HASH = "manifest.sha256"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a bundle: its path in the bundle, its size and its SHA-256."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """One tensor of a signature; -1 in `shape` is any size."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SignatureRecord:
    """Named, ordered inputs and outputs."""

    name: str
    inputs: tuple[TensorRecord, ...]
    outputs: tuple[TensorRecord, ...]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """|a - b| <= absolute * max(1, max|b|) + relative * |b|, per tensor and sample.

    `b` is the training model's answer. The absolute part grows with the tensor's largest
    magnitude, because the order of a sum alone moves results by that much.
    """

    absolute: float = 1e-5
    relative: float = 1e-4

    def at_least(self, other: Tolerance) -> Tolerance:
        """The wider of the two, in each part."""
        return Tolerance(max(self.absolute, other.absolute), max(self.relative, other.relative))


@dataclass(frozen=True, slots=True)
class GraphRecord:
    """One graph of an artifact: which file, for which batch size and signature.

    `batch` is -1 for a graph that takes any batch; `signature` is None where the file holds all of
    the bundle's signatures. `inputs` and `outputs` give the graph's own tensor names by the
    signature's names; they are empty where the two are the same. `sizes` are, by input, the unknown
    inner sizes that the graph is made for; it is empty for a graph that takes any.
    """

    path: str
    batch: int = -1
    signature: str | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """One engine's files, and how they did: verdict is pending, passed, failed or declined.

    `composable` says that a probe at export found a batch of n to give the n single answers, so
    that graphs of fixed batch sizes may be put together for any batch. `batches` are the batch
    sizes that a compiled artifact has code of their own for.

    `max_error` and `worst` are the largest error on the golden samples, absolute and in tolerances.
    `relative_error` is the median, over samples and outputs, of the largest error over the output's
    largest magnitude. `top1_agreement` says how often, from 0 to 1, the class of the largest score
    is the training model's; None for a model that doesn't classify. All are of the first
    `golden_samples` of each signature; None for all of them. `proved_in_child` says that it was run
    in a child process only, which an engine may end without harm.

    `proven_range` are the input values that it is proved for, where more than the manifest's
    `input_ranges` was asked; golden samples outside are none of its own. Of `probes` that the
    training model answers with NaN or infinities, it hides none of those of `propagated`; None
    where there are no probes.
    """

    engine: str
    target: str
    precision: str
    verdict: str
    files: tuple[FileRecord, ...] = ()
    graphs: tuple[GraphRecord, ...] = ()
    composable: bool = False
    batches: tuple[int, ...] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)
    max_error: float | None = None
    worst: float | None = None
    relative_error: float | None = None
    top1_agreement: float | None = None
    golden_samples: int | None = None
    reason: str | None = None
    proved_in_child: bool = False
    proven_range: SignatureRanges | None = None
    probes: int | None = None
    propagated: int | None = None

    @property
    def key(self) -> ArtifactKey:
        """What tells it from the bundle's other artifacts."""
        return (self.engine, self.target, self.precision)

    @property
    def bytes(self) -> int:
        """Size of the artifact's files, in bytes."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class StateRecord:
    """What a stream keeps: a step's `output` is the next step's `input`, zeros before the first."""

    input: str
    output: str
    layer: str


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """The model as a stream, and how it did: verdict is passed, failed or declined.

    `path` is a folder in the bundle that is a bundle itself, of one step: a frame of each input and
    the states in, a frame of each output and the next states out. It is empty where the stream was
    declined. `max_error` and `worst` are the largest error of any step on `samples` golden samples
    of `frames` frames each, absolute and in tolerances, against the answers to whole sequences. An
    answer speaks of the frame that came `latency_frames` before.
    """

    verdict: str
    path: str = ""
    states: tuple[StateRecord, ...] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)
    max_error: float | None = None
    worst: float | None = None
    samples: int = 0
    frames: int = 0
    latency_frames: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that manifest.json says.

    `input_ranges` are of the input values that artifacts had to be proved for: a golden sample
    outside may be missed, and then narrows the artifact's `proven_range`. `own_samples` says how
    many of each signature's golden samples, the first, aren't edge cases. `stream` is None where no
    stream was asked for.
    """

    signatures: tuple[SignatureRecord, ...]
    artifacts: tuple[ArtifactRecord, ...]
    files: tuple[FileRecord, ...]
    golden: str
    labels: tuple[str, ...] | None
    provenance: dict[str, Any]
    input_ranges: SignatureRanges = field(default_factory=dict)
    own_samples: dict[str, int] = field(default_factory=dict)
    stream: StreamRecord | None = None
    format_version: int = FORMAT_VERSION

    def ranges_of(self, artifact: ArtifactRecord) -> SignatureRanges:
        """Of the input values that an artifact is judged on."""
        return self.input_ranges if artifact.proven_range is None else artifact.proven_range
