"""
The C++ core of AIOS Cells; use the classes of the package `aios` instead.
"""

from collections.abc import Callable, Mapping, Sequence
import types
from typing import Any, Self

import numpy.typing


class TensorSpec:
    """One named tensor: its dtype and its shape."""

    @property
    def name(self) -> str:
        """The name in the model's signature."""

    @property
    def dtype(self) -> str:
        """NumPy's name, as "float32"."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes; -1 where any size is taken."""

    def __repr__(self) -> str: ...

class Signature:
    """What a model takes and gives, in order."""

    @property
    def name(self) -> str:
        """The signature's name, as "serving_default"."""

    @property
    def inputs(self) -> list[TensorSpec]:
        """Tensor specs of the inputs, in order."""

    @property
    def outputs(self) -> list[TensorSpec]:
        """Tensor specs of the outputs, in order."""

    def __repr__(self) -> str: ...

class BenchmarkResult:
    """Latency of single calls of the C++ cell, one after another."""

    @property
    def engine(self) -> str:
        """The engine that answered."""

    @property
    def iterations(self) -> int:
        """Timed calls."""

    @property
    def p50_us(self) -> float:
        """Median, in microseconds."""

    @property
    def p90_us(self) -> float:
        """90th percentile, in microseconds."""

    @property
    def p99_us(self) -> float:
        """99th percentile, in microseconds."""

    @property
    def min_us(self) -> float:
        """Fastest call, in microseconds."""

    @property
    def max_us(self) -> float:
        """Slowest call, in microseconds."""

    @property
    def mean_us(self) -> float:
        """Mean, in microseconds."""

    @property
    def throughput_per_s(self) -> float:
        """Samples answered per second of measured time."""

    def __repr__(self) -> str: ...

class LatencyBucket:
    """Calls of at most `upper_us` microseconds."""

    @property
    def upper_us(self) -> float: ...

    @property
    def calls(self) -> int: ...

class SignatureMetrics:
    """What one signature has answered since it was loaded."""

    @property
    def signature(self) -> str: ...

    @property
    def calls(self) -> int:
        """Calls that were answered."""

    @property
    def samples(self) -> int:
        """Samples that were answered."""

    @property
    def errors(self) -> int:
        """Calls on which the engine failed."""

    @property
    def staged_bytes(self) -> int:
        """Bytes copied between the caller's memory and the engine's own."""

    @property
    def sessions(self) -> int:
        """Sessions made so far."""

    @property
    def timed_calls(self) -> int:
        """Calls that were timed: all over 5 µs, every 16th of the others."""

    @property
    def p50_us(self) -> float:
        """Median of the timed calls, to 19 %."""

    @property
    def p90_us(self) -> float:
        """90th percentile, to 19 %."""

    @property
    def p99_us(self) -> float:
        """99th percentile, to 19 %."""

    @property
    def histogram(self) -> list[LatencyBucket]:
        """Non-empty buckets, fastest first."""

class Metrics:
    """What a cell has done since its model was loaded."""

    @property
    def engine(self) -> str: ...

    @property
    def signatures(self) -> list[SignatureMetrics]:
        """One SignatureMetrics per signature."""

class ArtifactVerification:
    """How one artifact answered the golden samples on this machine."""

    @property
    def engine(self) -> str: ...

    @property
    def target(self) -> str: ...

    @property
    def precision(self) -> str: ...

    @property
    def ok(self) -> bool: ...

    @property
    def worst(self) -> float:
        """Largest error, in tolerances; over 1 is a failure."""

    @property
    def max_error(self) -> float:
        """Largest absolute error."""

    @property
    def relative_error(self) -> float | None:
        """
        Median over samples and outputs of the largest error over the output's largest magnitude; None without floats.
        """

    @property
    def top1_agreement(self) -> float | None:
        """
        How often the class of the largest score is the reference's; None for a model that doesn't classify.
        """

    @property
    def missed(self) -> list[tuple[str, int]]:
        """
        Of a pending artifact: samples outside the ranges to be proved that it didn't answer well, as pairs of a signature's name and the sample's number.
        """

    @property
    def probes(self) -> int:
        """Calls that the training model answers with NaN or infinities."""

    @property
    def propagated(self) -> int:
        """Those of them whose NaN and infinities the answer hides none of."""

    @property
    def samples(self) -> int: ...

    @property
    def sample(self) -> int: ...

    @property
    def tensor(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def not_run(self) -> bool:
        """
        It isn't wrong: its engine isn't installed, or it isn't made for this machine.
        """

def verify_bundle(path: str, *, libraries: Mapping[str, str] = {}, threads: int = 1, include_pending: bool = False, only: tuple[str, str, str] | None = None, check_files: bool = True) -> list[ArtifactVerification]:
    """
    Checks every file, then runs all golden samples on every engine found here; or on one artifact, by its engine, target and precision.
    """

def check_libraries_with(command: Sequence[str]) -> None:
    """
    Sets the command that opens a vendor's library before this process does; empty for none.
    """

def report_phases(descriptor: int) -> None:
    """
    Writes what engines are doing, as 'compiling' and a zero byte, to the start of a file that another process can read when this one has died; -1 for nobody.
    """

class Stream:
    """
    A model that answers frame by frame and keeps its state from one to the next.

    Made by `bridge.stream(batch=1)`; a context manager. It keeps its model, also after the bridge has
    closed or loaded another. For one thread at a time.
    """

    def step(self, x: object, *, out: object | None = None) -> Any:
        """
        Answers the next frame, or the next frames.

        Args:
            x: One frame [batch, features…] or a block of frames [batch, frames, features…] for each input:
                an array for the only input, else a dict by name.
            out: Writable C-contiguous array (or dict of them) that takes the answer; it is returned.

        Returns:
            An answer for each frame, with a time axis where `x` has one: an array for one output, a dict by
            name for more, or when `x` is a dict.

        Raises:
            InvalidArgumentError: A tensor doesn't fit; the message names it, and the stream is as it was.
            FailedPreconditionError: The stream is closed, in use in another thread, or was opened before a
                fork.
        """

    def reset(self) -> None:
        """Forgets every frame: as if just opened."""

    def save(self) -> dict[str, numpy.typing.NDArray[Any]]:
        """
        The state as it is now, as a dict of new arrays [batch, …].

        They may be stored, as by numpy.savez, and restored in a stream of the same bundle and batch.
        """

    def restore(self, state: Mapping[str, object]) -> None:
        """
        Goes on from a state that `save` gave.

        Raises:
            InvalidArgumentError: An array is missing, unknown, or of another dtype or shape; the stream is
                as it was.
        """

    @property
    def signature(self) -> Signature:
        """What a step takes and gives: [batch, any number of frames, …]."""

    def close(self) -> None:
        """Gives its memory back; later calls are refused."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

class EngineChoice:
    """Why one artifact runs here, or doesn't."""

    @property
    def engine(self) -> str: ...

    @property
    def target(self) -> str: ...

    @property
    def precision(self) -> str: ...

    @property
    def batch(self) -> int:
        """
        The largest batch that this row speaks of; 0 where it never takes part.
        """

    @property
    def p50_us(self) -> float:
        """0 where it wasn't measured."""

    @property
    def p99_us(self) -> float:
        """0 where it wasn't measured."""

    @property
    def max_error(self) -> float:
        """Largest absolute error at export."""

    @property
    def chosen(self) -> bool: ...

    @property
    def reason(self) -> str: ...

    @property
    def threads(self) -> int:
        """That a call uses, at most."""

    @property
    def sizes(self) -> str:
        """
        The inner sizes that this row speaks of, where a model's vary, as '16' or '<=64'.
        """

    def __repr__(self) -> str: ...

class Cell:
    """A C++ performance cell; base of TensorFlowCellularBridge."""

    def __init__(self) -> None: ...

    def _load(self, path: str, options: object, libraries: Mapping[str, str]) -> None:
        """
        Loads a bundle in place of the one loaded before, which stays on an error.
        """

    def perform_inference(self, x: object, *, out: object | None = None, copy: bool = False, signature: str | None = None) -> Any:
        """
        Answers one batch.

        Args:
            x: An array of the input's dtype and shape, or a dict of arrays by input name.
            out: Writable C-contiguous array (or dict of them) that takes the answer; it is
                returned.
            copy: Convert inputs of another dtype or layout instead of refusing them.
            signature: The signature to call; None for the model's default.

        Returns:
            An array for one output, a dict by name for more, or when `x` is a dict.

        Raises:
            InvalidArgumentError: A tensor doesn't fit the signature; the message names it.
            NotFoundError: The model has no such signature.
            FailedPreconditionError: No model is loaded, or it was loaded before a fork.
        """

    def bind(self, x: object, *, out: object | None = None, signature: str | None = None) -> Callable[[], Any]:
        """
        Binds arrays once, for calls that convert and check nothing.

        Change `x` in place between calls; each call overwrites `out` (or the array that was made
        for it) and returns it. For one thread at a time. Answers once, to check and to warm up.
        The call keeps the model and the arrays alive, also after close().

        Raises:
            As perform_inference.
        """

    def stream(self, batch: int = 1) -> Stream:
        """
        Opens `batch` streams of the model, which go on together, as an aios.Stream.

        Raises:
            UnsupportedError: The bundle has no stream; says why, or how to make one.
            InvalidArgumentError: `batch` is less than 1.
            FailedPreconditionError: No model is loaded, or it was loaded before a fork.
        """

    def benchmark_performance(self, x: object | None, iterations: int = 100) -> BenchmarkResult:
        """Times `iterations` single calls on `x`, after 10 % more to warm up."""

    @property
    def signature(self) -> Signature:
        """The default signature."""

    @property
    def signatures(self) -> list[Signature]:
        """All signatures, the default first."""

    @property
    def engine(self) -> str:
        """The engine that runs, as "litert"; in pure Python, as "python-litert"."""

    def metrics(self) -> Metrics:
        """Counters and latency of every signature since loading."""

    def explain(self) -> list[EngineChoice]:
        """Why this engine: one row per artifact of the bundle."""

    def close(self) -> None:
        """Gives the model's memory back; later calls are refused."""

fast_inference: types.MethodDescriptorType = ...

def nothing() -> None:
    """Does nothing: what a call costs at least, for benchmarks."""

class EngineFacts:
    """What is known of an engine before it is loaded."""

    @property
    def name(self) -> str: ...

    @property
    def vendor(self) -> str:
        """Whose library it needs, as 'LiteRT'; empty for none."""

    @property
    def variable(self) -> str:
        """Environment variable of the library's path."""

    @property
    def package(self) -> str:
        """Python package that has the library in its folder."""

    @property
    def file(self) -> str:
        """The library below that folder; '*' stands for a version."""

    @property
    def tested(self) -> str:
        """Tested versions, as '2.3'."""

    @property
    def wheels(self) -> tuple[str, ...]:
        """pip's names of the package, the one to recommend first."""

    @property
    def heavy(self) -> bool:
        """It answers only what no lighter engine does."""

    @property
    def machine_code(self) -> bool:
        """Its artifacts are code for some processors."""

    @property
    def starts_threads(self) -> bool:
        """Loading starts threads that serve the whole process."""

    @property
    def survives_fork(self) -> bool:
        """A forked child may load models again."""

    @property
    def threads_variable(self) -> str:
        """
        Environment variable that fixes the threads of all its models; empty for none.
        """

    @property
    def devices(self) -> tuple[str, ...]: ...

    @property
    def precisions(self) -> tuple[str, ...]: ...

    def __repr__(self) -> str: ...

def engines() -> list[EngineFacts]:
    """
    The engines of this build, in the order in which they are preferred where nothing was measured.
    """

def _add_engine(row: int, layout: int) -> None:
    """For tests: a further engine, by the address of its row."""

def _remove_engine() -> None:
    """The one that was added last."""

class Submissions:
    """Calls that wait for threads, which answer several at a time."""

    def __init__(self, threads: int) -> None: ...

    def add(self, cell: Cell, x: object, copy: bool, signature: str | None, future: object) -> bool:
        """
        Takes a call; whether one more thread has to answer(). Raises what is wrong with it.
        """

    def withdraw(self) -> None:
        """Takes the last call back, for which no thread could be started."""

    def answer(self) -> None:
        """Answers what waits until nothing does."""

def cgroup_cpus() -> float:
    """
    The lowest CPU limit of this process's control groups; infinity if there is none.
    """

def usable_cpus() -> int:
    """
    CPUs that this process may use, by its affinity and its control groups.
    """

def thread_budget() -> int:
    """
    Threads that the calls of this process may use together: $AIOS_THREADS, else the usable CPUs when it was first asked for.
    """

class ConnectionLimits:
    """What clients of a server may do."""

    def __init__(self, *, head_bytes: int, headers: int, body_bytes: int, connections: int, read_timeout_s: float, write_timeout_s: float, idle_timeout_s: float, client_requests_per_s: float, client_burst: float, client_connections: int, answer_headers: str) -> None: ...

def ed25519_public_key(secret: bytes) -> bytes:
    """Of 32 bytes. Needs OpenSSL, as the other two."""

def ed25519_sign(secret: bytes, message: bytes) -> bytes:
    """64 bytes."""

def ed25519_verify(public_key: bytes, message: bytes, signature: bytes) -> bool: ...

class SharedMemory:
    """Regions of POSIX shared memory that clients have registered."""

    def add(self, name: str, key: str, offset: int, byte_size: int) -> None: ...

    def remove(self, name: str) -> None:
        """Of no effect where there is none of that name."""

    def clear(self) -> None: ...

    def list(self) -> list[tuple[str, str, int, int]]:
        """(name, key, offset, byte_size) of each, by name."""

class ServerRequest:
    """A request that Python answers."""

    @property
    def is_grpc(self) -> bool:
        """Whether `target` is a method of gRPC and `body` its message."""

    @property
    def method(self) -> str: ...

    @property
    def target(self) -> str:
        """Path and query, as they came."""

    @property
    def accept_encoding(self) -> str: ...

    @property
    def content_encoding(self) -> str: ...

    @property
    def authorization(self) -> str: ...

    @property
    def content_type(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def origin(self) -> str: ...

    @property
    def granted(self) -> str:
        """What its client may do: open, infer or admin."""

    @property
    def body(self) -> bytes: ...

class ExecutionTotals:
    """How a version of a model was run."""

    @property
    def inference_count(self) -> int:
        """Samples that it answered."""

    @property
    def execution_count(self) -> int:
        """Runs of the model."""

    @property
    def queued(self) -> int:
        """Requests that waited for a worker."""

    @property
    def queue_ns(self) -> int:
        """How long, all together."""

    @property
    def refused(self) -> int:
        """Requests that found too many waiting."""

    @property
    def expired(self) -> int:
        """Requests that waited longer than they may."""

    @property
    def cancelled(self) -> int:
        """Requests whose clients left."""

    @property
    def batches(self) -> list[tuple[int, int, int, int, int]]:
        """
        (samples, executions, nanoseconds of reading, of the model, of writing) of each size of batch; of batches over 64 samples, together, 0 samples.
        """

class ServedModel:
    """One version of a model, and what it answered."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    def totals(self) -> list[tuple[str, list[int], list[int], float, int]]:
        """
        (protocol, requests that went well, by the client's and by the server's fault, requests by bucket of latency, the sum of their latency in µs, samples) of each protocol.
        """

    def executions(self) -> ExecutionTotals:
        """How it was run."""

    def answered(self) -> list[tuple[str, str, str, list[int], float, int]]:
        """
        (protocol, task, signature, requests by bucket of latency, the sum of their latency in µs, samples) of requests that went well; what nobody asked for is left out.
        """

    def failed_us(self) -> float:
        """The sum of the latency of requests that failed, in µs."""

    def last_ms(self) -> int:
        """When it answered last, in milliseconds since 1970; 0 if it never did."""

class Shadow:
    """Copies of a model's calls, and what another one answers to them."""

    def __init__(self, champion: ServedModel, challenger: ServedModel, *, share: float, tolerance: float) -> None:
        """Copies this share of the champion's calls until it is closed."""

    def close(self) -> None: ...

    def totals(self) -> dict[str, Any]:
        """What was compared so far; empty once closed."""

def has_grpc() -> bool:
    """Whether the extension was built with what gRPC needs."""

def latency_bounds_us() -> list[float]:
    """
    Upper bounds of the buckets of latency, in microseconds; slower calls are in one more.
    """

class DataPlane:
    """Answers calls of models over the network, in C++."""

    def __init__(self, *, io_threads: int, workers: int, max_waiting: int, max_batch: int, limits: ConnectionLimits, access_log: bool = False, traces: bool = False) -> None: ...

    def listen(self, address: str, port: int, *, secure: bool = False) -> int:
        """Accepts connections, by TLS if it is secure; returns the port."""

    def listen_at(self, path: str, mode: int) -> None:
        """Accepts connections at a Unix socket."""

    def use_certificate(self, certificate: str, key: str, client_ca: str) -> None:
        """
        For secure connections from now on; paths of files in PEM, client_ca may be empty.
        """

    @property
    def shared_memory(self) -> SharedMemory: ...

    def protect(self, tokens: Mapping[str, str] | None) -> None:
        """
        Who may ask for what from now on: tokens' SHA-256 by hexadecimal digits, each with its scope, infer or admin; None: clients of this machine may do all, others may infer.
        """

    def serve(self, name: str, version: int, cell: Cell, class_labels: Sequence[str] = []) -> ServedModel:
        """A model to use(), of what a cell has loaded."""

    def use(self, models: Sequence[ServedModel], routes: Mapping[str, tuple[Mapping[str, int], int | None, tuple[int, float] | None]]) -> None:
        """
        Answers with these models, and no other, from now on. Routes are, by name: label to version, the version where none is asked for, or None for the highest, and the version and the share of a canary, or None.
        """

    def take(self) -> ServerRequest | None:
        """A request that Python answers, waited for; None once closed."""

    def respond(self, request: ServerRequest, status: int, body: bytes, *, content_type: str = 'application/json', headers: str = '') -> None: ...

    def respond_grpc(self, request: ServerRequest, code: int, message: str, body: bytes) -> None:
        """
        Answers a request that is_grpc: with gRPC's code, 0 for success, and a message of protobuf.
        """

    def take_log(self) -> bytes:
        """Lines of the access log, waited for; none once closed."""

    def take_traces(self) -> list[tuple[object, ...]]:
        """Requests whose clients ask for a span, waited for; none once closed."""

    def drain(self, longest_s: float) -> bool:
        """
        Listens no more, and waits for the requests under way; False if some are left.
        """

    def close(self) -> None:
        """Lets take() return None."""

    def totals(self) -> dict[str, int]:
        """Connections and bytes."""
