"""From `.tflite` graphs to a shared object, or to C++ sources."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aios.bundle.dtypes import CTYPES
from aios.compiler.batching import batch_gain, pays
from aios.compiler.emitter import Description, Emitter
from aios.compiler.lowering import Lowerer, Machine
from aios.compiler.passes import optimise
from aios.compiler.planner import plan
from aios.compiler.program import Packed, Program
from aios.compiler.reader import read_graph
from aios.compiler.rebatch import rebatched
from aios.compiler.specialisation import Specialisation
from aios.compiler.toolchain import Toolchain, find_toolchain, include_folder
from aios.compiler.weights import WeightStore
from aios.errors import InvalidArgumentError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aios.compiler.graph import Graph

# Samples that dense layers take at once when there are so many: enough for Strassen's algorithm.
_WIDE_BATCH = 32

MODEL_SOURCE, MODEL_LIBRARY, MODEL_WEIGHTS = "model.cc", "model.so", "weights.bin"


@dataclass(frozen=True, slots=True)
class CompiledArtifact:
    """What one compilation made.

    Attributes:
        target: The target's name.
        files: The files written, `model.so`, `weights.bin` and `model.cc`.
        workspace_bytes: Memory that a call needs, per thread.
        multiply_adds: Of one sample, counted from the shapes.
        operators: How often each operator kind occurs in the source graph of the smallest batch.
        batch_sizes: The batches that have code of their own: those given that pay, and 32 where
            dense layers gain by it.
        any_batch: Whether other batches are composed from those.
        cpu_features: What the processor must have: the names in `compiled_model.h`, lower case.
        compiler: The C++ compiler's name and version.
        seconds: How long it took, the C++ compiler included.
    """

    target: str
    files: tuple[Path, ...]
    workspace_bytes: int
    multiply_adds: int
    operators: Mapping[str, int]
    batch_sizes: tuple[int, ...]
    any_batch: bool
    cpu_features: tuple[str, ...]
    compiler: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Translation:
    """A model as C++ text and weights, before any compiler has seen it."""

    source: str
    weights: WeightStore
    specialisations: tuple[Specialisation, ...]
    operators: Mapping[str, int]
    any_batch: bool
    workspace_bytes: int

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one sample."""
        first = self.specialisations[0]
        return first.program.multiply_adds // first.batch


def compile_graphs(
    graphs: Mapping[int, Path],
    out_dir: Path,
    *,
    name: str,
    target: str = "native",
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    exact: bool = False,
    timeout_s: float = 600.0,
) -> CompiledArtifact:
    """Compiles static-batch `.tflite` graphs of one model to `model.so` and `weights.bin`.

    Args:
        graphs: Batch size → file; 1 and 8 of the same model are what it is made for.
        out_dir: An existing folder, or one to make.
        name: The model's name, for the descriptor and the first line of `model.cc`.
        target: `native`, `x86-64-v3`, `x86-64-v4` or `aarch64`.
        input_names: Names to give the inputs, in the order of the file's; the file's when None.
        output_names: Likewise for the outputs.
        exact: Leave out Winograd's and Strassen's algorithms, which are faster and lose a few bits.
        timeout_s: The longest time for the C++ compiler.

    Returns:
        What was made. The same input gives the same bytes.

    Raises:
        UnsupportedError: An operator can't be compiled; the message has all of them with counts.
        NotFoundError: No C++ compiler, or no such file.
        CorruptBundleError: A file isn't a readable `.tflite` file.
    """
    started = time.monotonic()
    toolchain = find_toolchain(target)
    translation = translate(
        graphs,
        name=name,
        toolchain=toolchain,
        input_names=input_names,
        output_names=output_names,
        exact=exact,
    )
    source, library, weights = (
        out_dir / file for file in (MODEL_SOURCE, MODEL_LIBRARY, MODEL_WEIGHTS)
    )
    out_dir.mkdir(parents=True, exist_ok=True)
    _write_anew(source, lambda fresh: fresh.write_text(translation.source))
    _write_anew(weights, translation.weights.write)
    toolchain.compile_shared(source, library, [include_folder()], timeout_s=timeout_s)
    return CompiledArtifact(
        target=target,
        files=(library, weights, source),
        workspace_bytes=translation.workspace_bytes,
        multiply_adds=translation.multiply_adds,
        operators=translation.operators,
        batch_sizes=tuple(s.batch for s in translation.specialisations),
        any_batch=translation.any_batch,
        cpu_features=toolchain.cpu_features,
        compiler=toolchain.version,
        seconds=time.monotonic() - started,
    )


def _write_anew(path: Path, write: Callable[[Path], object]) -> None:
    """Puts a new file there: what a process has mapped, or a bundle links, must not change."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    write(fresh)
    fresh.replace(path)


def translate(
    graphs: Mapping[int, Path],
    *,
    name: str,
    toolchain: Toolchain,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    exact: bool = False,
) -> Translation:
    """Translates graphs to C++ and weights; see `compile_graphs` for arguments and errors."""
    if not graphs or any(batch < 1 for batch in graphs):
        raise InvalidArgumentError(
            f"graphs: expected batch sizes of at least 1, got {list(graphs)}"
        )
    machine = Machine(toolchain.lanes, exact)
    sources = {batch: read_graph(graphs[batch]) for batch in sorted(graphs)}
    sources = {
        batch: replace(
            graph,
            input_names=_names("input_names", input_names, graph.input_names),
            output_names=_names("output_names", output_names, graph.output_names),
        )
        for batch, graph in sources.items()
    }
    any_batch = _batches_compose(sources) and 1 in sources
    if not any_batch and len(sources) > 1:
        raise InvalidArgumentError(
            "graphs: batches are composed from single samples; "
            f"expected a batch of 1 among them, got {[*graphs]}"
        )
    functions: dict[str, str] = {}
    smallest = min(sources)
    programs = {smallest: lower_graph(sources[smallest], machine, functions)}
    gain = 1.0
    if any_batch:
        work, weight_bytes = programs[1].work, _weight_bytes(programs[1])
        gain = batch_gain(work, weight_bytes)
        if pays(work, weight_bytes):
            for batch in sorted(sources)[1:]:
                programs[batch] = lower_graph(sources[batch], machine, functions)
            if (wide := _widened(sources, machine, functions)) is not None:
                programs[_WIDE_BATCH] = wide
    specialisations = tuple(_specialise(batch, program) for batch, program in programs.items())
    description = Description(
        name, _digest(graphs), toolchain.target, any_batch, toolchain.lanes, gain
    )
    weights = WeightStore()
    emitter = Emitter(description, specialisations, weights)
    source = emitter.emit()
    first = next(iter(sources.values()))
    return Translation(
        source,
        weights,
        specialisations,
        count_operators(first),
        any_batch,
        emitter.workspace_bytes,
    )


def _digest(graphs: Mapping[int, Path]) -> str:
    digest = hashlib.sha256()
    for batch in sorted(graphs):
        digest.update(f"{batch}:".encode())
        with open(graphs[batch], "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _widened(
    sources: Mapping[int, Graph], machine: Machine, functions: dict[str, str]
) -> Program | None:
    """Returns a program for `_WIDE_BATCH` samples where its dense layers gain by it."""
    largest = max(sources)
    graph = rebatched(sources[largest], largest, _WIDE_BATCH) if largest < _WIDE_BATCH else None
    if graph is None:
        return None
    program = lower_graph(graph, machine, functions)
    gains = any(call.header == "strassen.hpp" for call in program.calls())
    return program if gains else None


def lower_graph(graph: Graph, machine: Machine, functions: dict[str, str] | None = None) -> Program:
    """Optimises and lowers one graph; `functions` are C++ definitions to share with others.

    Raises:
        UnsupportedError: Operators can't be compiled; the message has each kind with its count.
    """
    lowerer, declined = _lower(graph, machine, functions)
    if declined:
        listed = ", ".join(f"{what} x{count}" for what, count in sorted(declined.items()))
        raise UnsupportedError(
            f"operators that the compiled engine can't do: {listed}; use another engine"
        )
    return lowerer.finish()


def declined_operators(graph: Path | Graph) -> dict[str, int]:
    """Returns the operators of a graph that can't be compiled, with counts; empty when all can.

    A key is the operator's name, and the reason when the operator is known but not this use of it.
    """
    graph = read_graph(graph) if isinstance(graph, Path) else graph
    _, declined = _lower(graph, Machine(8), None)
    return dict(sorted(declined.items()))


def _lower(
    graph: Graph, machine: Machine, functions: dict[str, str] | None
) -> tuple[Lowerer, Counter[str]]:
    graph = optimise(graph)
    lowerer = Lowerer(graph, machine, functions)
    declined: Counter[str] = Counter()
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in (graph.tensors[i] for i in indices):
            if tensor.dtype.name not in CTYPES:
                declined[f"{what} of an unsupported dtype"] += 1
            if -1 in tensor.shape:
                declined[f"{what} of a shape that is not static"] += 1
    declined.update(lowerer.lower_all(graph.operators))
    return lowerer, declined


def count_operators(graph: Graph) -> dict[str, int]:
    """Returns how often each operator kind occurs, bodies of loops included."""
    counts: Counter[str] = Counter()
    for subgraph in graph.subgraphs or (graph,):
        counts.update(op.kind for op in subgraph.operators)
    return dict(sorted(counts.items()))


def _names(what: str, given: Sequence[str] | None, own: tuple[str, ...]) -> tuple[str, ...]:
    if given is None:
        return own
    if len(given) != len(own):
        raise InvalidArgumentError(f"{what}: expected {len(own)} names ({own}), got {list(given)}")
    return tuple(given)


def _specialise(batch: int, program: Program) -> Specialisation:
    external = frozenset(
        program.owner(i)[0] for i in (*program.graph.inputs, *program.graph.outputs)
    )
    return Specialisation(batch, program, plan(program, external))


def _weight_bytes(program: Program) -> int:
    """Returns the size of the constants that calls read, shared ones counted as often as read."""
    operands = [o for call in program.calls() for o in call.operands]
    return sum(o.data.nbytes for o in operands if isinstance(o, Packed))


def _batches_compose(graphs: Mapping[int, Graph]) -> bool:
    """Tells whether every input and output has the batch as dimension 0, in every graph."""
    shapes: set[tuple[tuple[int, ...], ...]] = set()
    for batch, graph in graphs.items():
        tensors = [graph.tensors[i] for i in (*graph.inputs, *graph.outputs)]
        if any(not t.shape or t.shape[0] != batch for t in tensors):
            if len(graphs) > 1:
                raise UnsupportedError(
                    "a tensor of the signature has no batch dimension: compile a single batch size"
                )
            return False
        shapes.add(tuple(t.shape[1:] for t in tensors))
    if len(shapes) != 1:
        raise InvalidArgumentError(
            "graphs: expected the same model at each batch, got other shapes"
        )
    return True
