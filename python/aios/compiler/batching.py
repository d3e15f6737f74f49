"""How a batch of any size is composed from the specialised ones, and which of those pay.

The estimate of a call's time is coarse on purpose: it only has to tell layers that read all their
weights for each sample (dense layers on one row, recurrent layers) from layers that use a weight
many times within a sample (convolutions), because only the former gain from larger batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aios.bundle.dtypes import CTYPES
from aios.compiler.planner import align

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aios.compiler.program import Work
    from aios.compiler.specialisation import Specialisation

# A piece of a batch with fewer multiply-adds than this isn't worth another thread.
_PARALLEL_MULTIPLY_ADDS = 1_000_000
# A call with fewer multiply-adds, and a sample with fewer, aren't shared by threads.
SHARED_CALL_MULTIPLY_ADDS = 1_000_000
_SHARED_SAMPLE_MULTIPLY_ADDS = 8_000_000
# How many times faster a dense layer's multiply-adds go in a batch of 8 than on one row, measured
# on an AVX-512 machine, by the cache that holds the weights: (bytes, gain).
_GAINS = ((64 << 10, 2.0), (1 << 20, 2.6), (1 << 62, 4.5))
_RECURRENT_GAIN = 1.15
# The least gain for which a batch size gets code of its own.
_LEAST_GAIN = 1.08


def batch_gain(work: Work, weight_bytes: int) -> float:
    """Estimates the time of single samples divided by that of the same samples in a batch of 8.

    Args:
        work: What one sample needs.
        weight_bytes: The size of all weights.
    """
    gain = next(g for limit, g in _GAINS if weight_bytes <= limit)
    alone = work.single_rows * gain + work.recurrent * _RECURRENT_GAIN + work.other
    together = work.single_rows + work.recurrent + work.other
    return alone / together if together else _GAINS[0][1]


def pays(work: Work, weight_bytes: int) -> bool:
    """Tells whether a batch size larger than 1 is worth code of its own."""
    return batch_gain(work, weight_bytes) >= _LEAST_GAIN


class RunWriter:
    """Writes the functions that cut a batch into specialised pieces."""

    def __init__(
        self, specialisations: Sequence[Specialisation], any_batch: bool, gain: float
    ) -> None:
        self._specialisations = specialisations
        self._any_batch = any_batch
        self._graph = specialisations[0].program.graph
        # Left-over samples may fill the smallest batch above 1.
        self._group = specialisations[min(1, len(specialisations) - 1)]
        self._inputs = [f"input{i}" for i in range(len(self._graph.inputs))]
        self._outputs = [f"output{i}" for i in range(len(self._graph.outputs))]
        batch = self._group.batch
        # From this many left-over samples on, one more run of a whole batch is cheaper.
        least = max(2, -(-batch // max(1.0, gain)))
        self._fill_from = int(least) if batch > 1 and any_batch and least < batch else 0
        self._fill_offsets = self._place_fill()

    @property
    def shares_samples(self) -> bool:
        """Whether one sample is large enough to be shared by several threads."""
        first = self._specialisations[0]
        large = first.program.multiply_adds >= _SHARED_SAMPLE_MULTIPLY_ADDS
        shared = (c.shared for c in first.program.calls() if c.shared is not None)
        cut = any(s.multiply_adds >= SHARED_CALL_MULTIPLY_ADDS for s in shared)
        return self._any_batch and first.batch == 1 and large and cut

    @property
    def workspace_bytes(self) -> int:
        """The size of the largest arena, room for filled batches included."""
        return max(*(s.plan.nbytes for s in self._specialisations), self._fill_offsets[-1])

    def _elements(self) -> list[int]:
        """Returns the elements of one sample of each input and output; 0 when batches are fixed."""
        indices = (*self._graph.inputs, *self._graph.outputs)
        if not self._any_batch:
            return [0] * len(indices)
        return [self._graph.tensors[i].size // self._specialisations[0].batch for i in indices]

    def _place_fill(self) -> list[int]:
        """Returns the offset of each input and output of a filled batch, and the end."""
        offsets = [self._group.plan.nbytes]
        if not self._fill_from:
            return [0]
        indices = (*self._graph.inputs, *self._graph.outputs)
        for index, count in zip(indices, self._elements(), strict=True):
            itemsize = self._graph.tensors[index].dtype.itemsize
            offsets.append(offsets[-1] + align(count * self._group.batch * itemsize))
        return offsets

    def text(self) -> str:
        """Returns `runSamples` and `run`."""
        if self._any_batch:
            call = self._shared_call() + (
                f"  return runBatch<runSamples, kWorkspaceBytes, {self._group.batch}, "
                f"{self._min_piece()}>(\n"
                "      inputs, outputs, batch, weights, workspace, parallel);\n"
            )
        else:
            call = (
                f"  if (batch != {self._group.batch}) return AIOS_COMPILED_INVALID_ARGUMENT;\n"
                "  (void)parallel;\n"
                "  runSamples(inputs, outputs, 0, batch, Weights{weights}, Arena{workspace});\n"
                "  return AIOS_COMPILED_OK;\n"
            )
        return (
            f"{self._run_samples()}\n"
            f"constexpr std::int64_t kWorkspaceBytes = {self.workspace_bytes};\n\n"
            "std::int32_t run(const void* const* inputs, void* const* outputs,\n"
            "                 std::int64_t batch, const void* weights, void* workspace,\n"
            f"                 const aios_compiled_parallel* parallel) noexcept {{\n{call}}}\n"
        )

    def _shared_call(self) -> str:
        if not self.shares_samples:
            return ""
        arguments = []
        for kind, indices in (("input", self._graph.inputs), ("output", self._graph.outputs)):
            const = "const " if kind == "input" else ""
            for place, index in enumerate(indices):
                ctype = CTYPES[self._graph.tensors[index].dtype.name]
                arguments.append(f"static_cast<{const}{ctype}*>({kind}s[{place}])")
        return (
            "  if (batch == 1 && parallel != nullptr && parallel->lanes > 1) {\n"
            f"    runShared({', '.join(arguments)}, Weights{{weights}},\n"
            "              Lanes{parallel, workspace, kWorkspaceBytes});\n"
            "    return AIOS_COMPILED_OK;\n  }\n"
        )

    def _run_samples(self) -> str:
        lines = self._pointers()
        names = [*self._inputs, *self._outputs]
        for s in reversed(self._specialisations):
            if s.batch == 1:
                lines += self._filled()
            steps = "".join(
                f"    {name} += {s.batch * count};\n"
                for name, count in zip(names, self._elements(), strict=True)
            )
            lines.append(
                f"  for (; count >= {s.batch}; count -= {s.batch}) {{\n"
                f"    runBatch{s.batch}({', '.join(names)}, weights, arena);\n{steps}  }}\n"
            )
        return (
            "void runSamples(const void* const* inputs, void* const* outputs, std::int64_t first,\n"
            "                std::int64_t count, Weights weights, Arena arena) noexcept {\n"
            + "".join(lines)
            + "}\n"
        )

    def _pointers(self) -> list[str]:
        elements = self._elements()
        lines = []
        for place, index in enumerate(self._graph.inputs):
            ctype = CTYPES[self._graph.tensors[index].dtype.name]
            lines.append(
                f"  auto* input{place} = static_cast<const {ctype}*>(inputs[{place}]) "
                f"+ first * {elements[place]};\n"
            )
        for place, index in enumerate(self._graph.outputs):
            ctype = CTYPES[self._graph.tensors[index].dtype.name]
            lines.append(
                f"  auto* output{place} = static_cast<{ctype}*>(outputs[{place}]) "
                f"+ first * {elements[len(self._graph.inputs) + place]};\n"
            )
        return lines

    def _filled(self) -> list[str]:
        """Runs left-over samples as one more batch, repeated until they fill it."""
        if not self._fill_from:
            return []
        batch = self._group.batch
        indices = (*self._graph.inputs, *self._graph.outputs)
        before, after, arguments = [], [], []
        names = [*self._inputs, *self._outputs]
        for place, (name, index) in enumerate(zip(names, indices, strict=True)):
            ctype = CTYPES[self._graph.tensors[index].dtype.name]
            count = self._elements()[place]
            pointer = f"arena.at<{ctype}>({self._fill_offsets[place]})"
            arguments.append(pointer)
            if place < len(self._inputs):
                before.append(f"    fillBatch<{batch}, {count}>({name}, count, {pointer});\n")
            else:
                after.append(f"    takeSamples<{count}>({pointer}, count, {name});\n")
        return [
            f"  if (count >= {self._fill_from}) {{  // cheaper than so many single ones\n",
            *before,
            f"    runBatch{batch}({', '.join(arguments)}, weights, arena);\n",
            *after,
            "    return;\n  }\n",
        ]

    def _min_piece(self) -> int:
        """Returns how many samples are worth waking a thread for."""
        first = self._specialisations[0]
        per_sample = max(1, first.program.multiply_adds // first.batch)
        return max(1, _PARALLEL_MULTIPLY_ADDS // per_sample)
