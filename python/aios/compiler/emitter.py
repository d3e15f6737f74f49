"""Writes the C++ file of a model: one function per batch size, the descriptor, and `run`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aios.bundle.dtypes import CTYPES, HALVES
from aios.compiler.batching import SHARED_CALL_MULTIPLY_ADDS, RunWriter
from aios.compiler.graph import Graph, Tensor
from aios.compiler.program import (
    Branch,
    Call,
    Literal,
    Loop,
    Operand,
    Packed,
    PackedStep,
    Scratch,
    Statement,
    Step,
    While,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aios.compiler.specialisation import Specialisation
    from aios.compiler.weights import WeightStore


@dataclass(frozen=True, slots=True)
class Description:
    """What the descriptor says beside the tensors.

    Attributes:
        name: The model's name.
        graph_sha256: Of the source graphs.
        target: The target's name.
        any_batch: Whether batches may be composed.
        lanes: float32 elements of a vector, for which the weights are packed.
        batch_gain: How many times faster a sample is in the largest batch than alone.
    """

    name: str
    graph_sha256: str
    target: str
    any_batch: bool
    lanes: int
    batch_gain: float = 1.0


class Emitter:
    """Emits one model; collects its constants in `weights` on the way."""

    def __init__(
        self,
        description: Description,
        specialisations: Iterable[Specialisation],
        weights: WeightStore,
    ) -> None:
        self._description = description
        self._specialisations = sorted(specialisations, key=lambda s: s.batch)
        self._weights = weights
        self._writer = RunWriter(
            self._specialisations, description.any_batch, description.batch_gain
        )

    def emit(self) -> str:
        """Returns the C++ source."""
        bodies = [self._specialisation(s) for s in self._specialisations]
        parts = [
            self._head(),
            self._functions(),
            self._scratch_checks(),
            *bodies,
            self._shared(),
            self._writer.text(),
            "}  // namespace\n",
            self._descriptor(),
        ]
        return "\n".join(parts)

    def _head(self) -> str:
        name = _comment(self._description.name)
        headers = {c.header for s in self._specialisations for c in s.program.calls()}
        if any(s.program.functions for s in self._specialisations):
            headers.add("functions.hpp")
        graph = self._specialisations[0].program.graph
        if any(graph.tensors[i].dtype.name in HALVES for i in (*graph.inputs, *graph.outputs)):
            headers.add("half.hpp")
        includes = "".join(f'#include "aios/kernels/{h}"\n' for h in sorted(headers))
        return (
            f"// {name}: compiled by AIOS Cells. Generated: edit the model, not this file.\n"
            f'#include "aios/compiled_model.h"\n{includes}#include "aios/kernels/artifact.hpp"\n\n'
            "#ifndef AIOS_COMPILED_SYMBOL\n"
            "#define AIOS_COMPILED_SYMBOL aios_compiled_model_v1\n"
            "#endif\n\n"
            "namespace {\n\nusing namespace aios::kernels;\n\n"
            f"static_assert(kLanes == {self._description.lanes}, "
            f'"the weights are packed for {self._description.target}");\n'
        )

    def _functions(self) -> str:
        functions: dict[str, str] = {}
        for specialisation in self._specialisations:
            functions.update(specialisation.program.functions)
        return "".join(f"{text}\n\n" for text in functions.values())

    def _shared(self) -> str:
        """Returns one sample's function on several threads, for models where that pays."""
        if not self._writer.shares_samples:
            return ""
        s = self._specialisations[0]
        body = _SharedBody(s, self._weights)
        return (
            "// One sample, its large operators shared by the host's threads.\n"
            f"void runShared({_parameters(s.program.graph)}, Weights weights, "
            f"const Lanes& lanes) noexcept {{\n  const Arena arena = lanes.arena(0);\n"
            f"{body.text()}}}\n"
        )

    def _scratch_checks(self) -> str:
        checks: dict[str, None] = {}
        for specialisation in self._specialisations:
            for call in specialisation.program.calls():
                for operand in call.operands:
                    if isinstance(operand, Scratch) and operand.floats:
                        size = f"sizeof(float) * {operand.floats}"
                        checks[f'static_assert({size} <= {operand.nbytes}, "scratch");\n'] = None
        return "".join(checks)

    def _specialisation(self, s: Specialisation) -> str:
        body = _Body(s, self._weights)
        macs = s.program.multiply_adds
        return (
            f"// Batch {s.batch}: {macs:,} multiply-adds, {s.plan.nbytes:,} bytes of workspace.\n"
            f"void runBatch{s.batch}({_parameters(s.program.graph)}, Weights weights, "
            f"Arena arena) noexcept {{\n{body.text()}}}\n"
        )

    def _descriptor(self) -> str:
        graph = self._specialisations[0].program.graph
        lines: list[str] = []
        inputs = self._specs("input", graph, graph.inputs, graph.input_names, lines)
        outputs = self._specs("output", graph, graph.outputs, graph.output_names, lines)
        batches = ", ".join(str(s.batch) for s in self._specialisations)
        d = self._description
        per_sample = self._specialisations[0]
        fields = [
            "sizeof(aios_compiled_model)",
            "AIOS_COMPILED_MODEL_ABI_VERSION",
            _quoted(d.name),
            _quoted(d.graph_sha256),
            _quoted(d.target),
            "kCpuFeatures",
            "kWorkspaceBytes",
            str(self._weights.nbytes),
            _quoted(self._weights.sha256()),
            str(per_sample.program.multiply_adds // per_sample.batch),
            str(len(graph.inputs)),
            inputs,
            str(len(graph.outputs)),
            outputs,
            str(len(self._specialisations)),
            "kBatchSizes",
            "1" if d.any_batch else "0",
            "run",
        ]
        return (
            "namespace {\n"
            + "".join(lines)
            + f"constexpr std::int64_t kBatchSizes[] = {{{batches}}};\n"
            "}  // namespace\n\n"
            "AIOS_COMPILED_EXPORT const aios_compiled_model AIOS_COMPILED_SYMBOL = {\n    "
            + ",\n    ".join(fields)
            + "};\n"
        )

    def _specs(
        self,
        stem: str,
        graph: Graph,
        indices: tuple[int, ...],
        names: tuple[str, ...],
        lines: list[str],
    ) -> str:
        for place, (index, name) in enumerate(zip(indices, names, strict=True)):
            tensor = graph.tensors[index]
            lines.append(self._spec(f"{stem}{place}", tensor, name))
        if not indices:
            return "nullptr"
        pointers = ", ".join(f"&k_{stem}{i}" for i in range(len(indices)))
        lines.append(f"constexpr const aios_compiled_tensor_spec* k_{stem}s[] = {{{pointers}}};\n")
        return f"k_{stem}s"

    def _spec(self, symbol: str, tensor: Tensor, name: str) -> str:
        dims = list(tensor.shape)
        nbytes = tensor.nbytes
        if self._description.any_batch:
            nbytes //= self._specialisations[0].batch
            dims[0] = -1
        values = ", ".join(str(d) for d in dims) or "0"
        return (
            f"constexpr std::int64_t k_{symbol}_dims[] = {{{values}}};\n"
            f"constexpr aios_compiled_tensor_spec k_{symbol} = {{\n"
            f"    sizeof(aios_compiled_tensor_spec), AIOS_COMPILED_{tensor.dtype.name.upper()}, "
            f"{_quoted(name)}, {len(dims)}, k_{symbol}_dims, {nbytes}}};\n"
        )

    @property
    def workspace_bytes(self) -> int:
        """The bytes of workspace that a call needs."""
        return self._writer.workspace_bytes


class _Body:
    """The statements of one function."""

    def __init__(self, specialisation: Specialisation, weights: WeightStore) -> None:
        self._s = specialisation
        self._graph = specialisation.program.graph
        self._weights = weights
        graph = self._graph
        self._names: dict[int, str] = {}
        for place, index in enumerate(graph.outputs):
            self._names.setdefault(index, f"output{place}")
        for place, index in enumerate(graph.inputs):
            self._names[index] = f"input{place}"
        self._lines: list[str] = []
        self._position = 0

    def text(self) -> str:
        self._statements(self._s.program.statements, "  ", 0)
        return "".join(self._lines)

    def _statements(self, statements: tuple[Statement, ...], indent: str, depth: int) -> None:
        for statement in statements:
            if isinstance(statement, Call):
                self._call(statement, indent, depth)
                self._position += 1
            else:
                self._lines.append(f"{indent}// {_comment(statement.comment)}\n")
                self._control(statement, indent, depth)
                self._lines.append(f"{indent}}}\n")

    def _control(self, statement: Loop | While | Branch, indent: str, depth: int) -> None:
        """Writes a loop or a branch up to its last brace."""
        inner = indent + "  "
        if isinstance(statement, Loop):
            counter = f"i{depth}"
            self._lines.append(
                f"{indent}for (std::ptrdiff_t {counter} = 0; {counter} < {statement.trips}; "
                f"++{counter}) {{\n"
            )
            self._statements(statement.body, inner, depth + 1)
            return
        flag = f"*{self._operand(statement.flag, 0, depth)}"
        if isinstance(statement, While):
            self._lines.append(f"{indent}for (;;) {{\n")
            self._statements(statement.condition, inner, depth + 1)
            self._lines.append(f"{inner}if (!{flag}) break;\n")
            self._statements(statement.body, inner, depth + 1)
            return
        self._lines.append(f"{indent}if ({flag}) {{\n")
        self._statements(statement.then, inner, depth + 1)
        self._lines.append(f"{indent}}} else {{\n")
        self._statements(statement.otherwise, inner, depth + 1)

    def _call(self, call: Call, indent: str, depth: int) -> None:
        operands = ", ".join(
            self._operand(o, place, depth) for place, o in enumerate(call.operands)
        )
        self._lines.append(f"{indent}// {_comment(call.comment)}\n")
        self._lines.append(f"{indent}{call.function}({operands});\n")

    def _operand(self, operand: Operand, place: int, depth: int) -> str:
        if isinstance(operand, Literal):
            return operand.text
        if isinstance(operand, Packed | PackedStep):
            return self._packed(operand, depth)
        if isinstance(operand, Scratch):
            if operand.nbytes == 0:
                return "nullptr"
            return f"arena.at<float>({self._s.plan.scratch[(self._position, place)]})"
        step = ""
        if isinstance(operand, Step):
            step = f" + i{depth - 1} * {operand.stride_bytes}"
        return self._pointer(operand.index, operand.byte_offset, step)

    def _packed(self, operand: Packed | PackedStep, depth: int) -> str:
        if isinstance(operand, Packed):
            ctype = CTYPES[operand.data.dtype.name]
            return f"weights.at<{ctype}>({self._weights.add(operand.data)})"
        start = self._weights.add(np.concatenate([p.reshape(-1) for p in operand.parts]))
        ctype = CTYPES[operand.parts[0].dtype.name]
        return f"weights.at<{ctype}>({start} + i{depth - 1} * {operand.parts[0].nbytes})"

    def _pointer(self, index: int, byte_offset: int, step: str) -> str:
        ctype = CTYPES[self._graph.tensors[index].dtype.name]
        owner, offset = self._s.program.owner(index)
        offset += byte_offset
        constant = self._graph.constant(owner)
        if constant is not None:
            return f"weights.at<{ctype}>({self._weights.add(constant) + offset}{step})"
        if owner in self._names:
            name = self._names[owner]
            tensor = self._graph.tensors[owner]
            if not step and offset == 0 and CTYPES[tensor.dtype.name] == ctype:
                return name
            if not step and CTYPES[tensor.dtype.name] == ctype:
                return f"{name} + {offset // tensor.dtype.itemsize}"
            return f"at<{ctype}>({name}, {offset}{step})"
        return f"arena.at<{ctype}>({self._s.plan.offsets[owner] + offset}{step})"


class _SharedBody(_Body):
    """The statements of one function, with large calls cut into pieces."""

    def _call(self, call: Call, indent: str, depth: int) -> None:
        shared = call.shared
        if shared is None or depth > 0 or shared.multiply_adds < SHARED_CALL_MULTIPLY_ADDS:
            super()._call(call, indent, depth)
            return
        own = [self._operand(o, place, depth) for place, o in enumerate(call.operands)]
        if shared.own_scratch:
            for place, operand in enumerate(call.operands):
                if isinstance(operand, Scratch):
                    own[place] = own[place].replace("arena.", "own.")
        self._lines.append(f"{indent}// {_comment(call.comment)}\n")
        if shared.before:
            self._lines.append(f"{indent}{shared.before.format(*own)};\n")
        self._lines.append(
            f"{indent}lanes.share({shared.tasks}, [=](int begin, int end, Arena own) noexcept {{\n"
            f"{indent}  (void)own;\n"
            f"{indent}  {shared.piece.format(*own)};\n{indent}}});\n"
        )


def _parameters(graph: Graph) -> str:
    inputs = [
        f"const {CTYPES[graph.tensors[index].dtype.name]}* input{place}"
        for place, index in enumerate(graph.inputs)
    ]
    outputs = [
        f"{CTYPES[graph.tensors[index].dtype.name]}* output{place}"
        for place, index in enumerate(graph.outputs)
    ]
    return ", ".join(inputs + outputs)


def _quoted(text: str) -> str:
    """Returns a C string literal; bytes outside printable ASCII are octal escapes."""
    safe = "".join(
        chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode()
    )
    return f'"{safe}"'


def _comment(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]|\\", "?", text)
