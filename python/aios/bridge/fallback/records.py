"""What a cell tells of a model and of itself: the classes of `aios._core`, as dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field

from aios.bundle.dtypes import describe
from aios.bundle.manifest import SignatureRecord, TensorRecord


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What is known of an engine before it is loaded.

    Attributes:
        name: In bundles, options and messages.
        vendor: Whose library it needs, as "LiteRT"; empty for none.
        variable: Environment variable of the library's path.
        package: Python package that has the library in its folder.
        file: The library below that folder; "*" stands for a version.
        tested: Tested versions, as "2.3".
        wheels: pip's names of the package, the one to recommend first.
        heavy: It answers only what no lighter engine does.
        machine_code: Its artifacts are code for some processors.
        starts_threads: Loading starts threads that serve the whole process.
        survives_fork: A forked child may load models again.
        threads_variable: Environment variable that fixes the threads of all its models.
        devices: What it runs on.
        precisions: Of the artifacts that it has.
    """

    name: str
    vendor: str = ""
    variable: str = ""
    package: str = ""
    file: str = ""
    tested: str = ""
    wheels: tuple[str, ...] = ()
    heavy: bool = False
    machine_code: bool = False
    starts_threads: bool = False
    survives_fork: bool = True
    threads_variable: str = ""
    devices: tuple[str, ...] = ("cpu",)
    precisions: tuple[str, ...] = ("float32",)


@dataclass(frozen=True, slots=True, repr=False)
class TensorSpec:
    """One named tensor: its dtype, by NumPy's name, and its shape; -1 is any size."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @classmethod
    def of(cls, record: TensorRecord) -> TensorSpec:
        """The spec that a manifest gives."""
        return cls(record.name, record.dtype, record.shape)

    def __str__(self) -> str:
        return describe(self.dtype, self.shape)

    def __repr__(self) -> str:
        return f"TensorSpec({self.name}: {self})"

    @property
    def is_batched(self) -> bool:
        """Whether the first dimension is of any size: the batch."""
        return self.shape[:1] == (-1,)


@dataclass(frozen=True, slots=True, repr=False)
class Signature:
    """What a model takes and gives, in order."""

    name: str
    inputs: list[TensorSpec]
    outputs: list[TensorSpec]

    @classmethod
    def of(cls, record: SignatureRecord) -> Signature:
        """The signature that a manifest gives."""
        inputs, outputs = (
            [TensorSpec.of(spec) for spec in specs] for specs in (record.inputs, record.outputs)
        )
        return cls(record.name, inputs, outputs)

    def __repr__(self) -> str:
        inputs, outputs = (
            ", ".join(f"{spec.name}: {spec}" for spec in specs)
            for specs in (self.inputs, self.outputs)
        )
        return f"Signature({self.name}: ({inputs}) -> ({outputs}))"


@dataclass(frozen=True, slots=True, repr=False)
class BenchmarkResult:
    """Latency of single calls, one after another, and samples answered per second of them."""

    engine: str
    iterations: int
    p50_us: float
    p90_us: float
    p99_us: float
    min_us: float
    max_us: float
    mean_us: float
    throughput_per_s: float

    def __repr__(self) -> str:
        return (
            f"BenchmarkResult(engine='{self.engine}', p50_us={self.p50_us:.6f}, "
            f"p99_us={self.p99_us:.6f})"
        )


@dataclass(frozen=True, slots=True)
class LatencyBucket:
    """Calls of at most `upper_us` microseconds, and more than the bucket before."""

    upper_us: float
    calls: int


@dataclass(frozen=True, slots=True)
class SignatureMetrics:
    """What one signature has answered since it was loaded; percentiles are to 19 %."""

    signature: str
    calls: int
    samples: int
    errors: int
    staged_bytes: int
    sessions: int
    timed_calls: int
    p50_us: float
    p90_us: float
    p99_us: float
    histogram: list[LatencyBucket]


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a cell has done since its model was loaded."""

    engine: str
    signatures: list[SignatureMetrics]


@dataclass(frozen=True, slots=True, repr=False)
class EngineChoice:
    """Why one artifact runs here, or doesn't.

    `batch` is the largest batch that the row speaks of, 0 where the artifact never takes part;
    latencies are 0, because nothing is measured; `max_error` is the one at export; a call uses at
    most `threads`. `sizes` is empty, because no inner sizes are told apart.
    """

    engine: str
    target: str
    precision: str
    reason: str
    batch: int = 0
    p50_us: float = 0.0
    p99_us: float = 0.0
    max_error: float = 0.0
    chosen: bool = False
    threads: int = 1
    sizes: str = ""

    def __repr__(self) -> str:
        chosen = "chosen" if self.chosen else "not chosen"
        return f"EngineChoice({self.engine}, {chosen}: {self.reason})"


@dataclass(slots=True)
class ArtifactVerification:
    """How one artifact answered the golden samples on this machine.

    `worst` is the largest error in tolerances: over 1 is a failure, of `tensor` in `sample`;
    `max_error` is the largest absolute error, `samples` how many were asked. `relative_error` is
    the median over samples and outputs of the largest error over the output's largest magnitude,
    and `top1_agreement` how often the class of the largest score is the reference's. One that is
    `not_run` isn't wrong: its engine isn't installed, or it isn't made for this machine.

    `missed` are samples outside the ranges to be proved that it didn't answer well, as signature
    and number. Of `probes` that the training model answers with NaN or infinities, it hides none of
    those of `propagated`.
    """

    engine: str
    target: str
    precision: str
    ok: bool = False
    worst: float = 0.0
    max_error: float = 0.0
    relative_error: float | None = None
    top1_agreement: float | None = None
    samples: int = 0
    sample: int = 0
    tensor: str = ""
    reason: str = ""
    missed: list[tuple[str, int]] = field(default_factory=list)
    probes: int = 0
    propagated: int = 0
    not_run: bool = False
