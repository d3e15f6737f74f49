"""C++ sources of a model that link into any program, without AIOS Cells and without Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aios.bundle.dtypes import CTYPES, HALVES
from aios.compiler.artifact import MODEL_SOURCE, MODEL_WEIGHTS, Translation, translate
from aios.compiler.toolchain import find_toolchain, include_folder
from aios.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project({name} LANGUAGES CXX ASM)

# {name}: a static library. Use it from another project with add_subdirectory and
# target_link_libraries(program PRIVATE {name}).
add_library({name} STATIC model.cc weights.S)
target_compile_features({name} PUBLIC cxx_std_17)
target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}}
                                         ${{CMAKE_CURRENT_SOURCE_DIR}}/include)
target_compile_definitions({name} PRIVATE AIOS_COMPILED_SYMBOL={name}_model)
# The weights are packed for {lanes} lanes of float32, so the target isn't free to change.
target_compile_options({name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:{flags}>)
set_source_files_properties(weights.S PROPERTIES
  COMPILE_OPTIONS "-Wa,-I,${{CMAKE_CURRENT_SOURCE_DIR}}"
  OBJECT_DEPENDS ${{CMAKE_CURRENT_SOURCE_DIR}}/weights.bin)
"""

_ASSEMBLY = """\
/* The weights of {name}, in the program's read-only memory. */
    .section .rodata
    .balign 64
    .global {name}_weights
    .type {name}_weights, %object
{name}_weights:
    .incbin "weights.bin"
    .byte 0
    .size {name}_weights, . - {name}_weights
    .section .note.GNU-stack, "", %progbits
"""

_HEADER = """\
/* {name}: a model compiled by AIOS Cells for {target}.
 *
 * Link with the library that the CMakeLists.txt beside this file makes; nothing else is needed. */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#include "aios/compiled_model.h"

#ifdef __cplusplus
extern "C" {{
#endif

/* What the model takes, gives and needs, and its general entry point. */
extern const aios_compiled_model {name}_model;

/* The weights, 64-byte aligned. */
extern const unsigned char {name}_weights[];

/* Bytes of workspace that a call needs; the workspace starts at a multiple of 64. */
#define {macro}_WORKSPACE_BYTES {workspace}

/* Computes `batch` samples; returns AIOS_COMPILED_OK or AIOS_COMPILED_INVALID_ARGUMENT.
 *
 * Allocates nothing, takes no lock, makes no system call. Any number of threads may call it, each
 * with a workspace of its own. No pointer is checked: none may be null (the workspace may, where
 * {macro}_WORKSPACE_BYTES is 0), and outputs may overlap neither inputs nor each other.
 *
{tensors} */
static inline int32_t {name}_run({parameters}, int64_t batch, void* workspace) {{
  const void* inputs[] = {{{inputs}}};
  void* outputs[] = {{{outputs}}};
  return {name}_model.run(inputs, outputs, batch, {name}_weights, workspace, 0);
}}

#ifdef __cplusplus
}}
#endif
#endif
"""


def emit_sources(
    graphs: Mapping[int, Path],
    out_dir: Path,
    *,
    name: str,
    target: str = "native",
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    exact: bool = False,
) -> list[Path]:
    """Writes `model.cc`, `model.h`, the weights, the kernel headers and a `CMakeLists.txt`.

    Args:
        graphs: As for `compile_graphs`.
        out_dir: The folder to write to; made when it isn't there.
        name: The model's name; it must be a C identifier, since symbols begin with it.
        target: As for `compile_graphs`.
        input_names: As for `compile_graphs`.
        output_names: As for `compile_graphs`.
        exact: As for `compile_graphs`.

    Returns:
        The files written.

    Raises:
        InvalidArgumentError: The name isn't a C identifier.
        UnsupportedError: As for `compile_graphs`.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise InvalidArgumentError(f"name: expected a C identifier such as 'digits', got {name!r}")
    toolchain = find_toolchain(target)
    translation = translate(
        graphs,
        name=name,
        toolchain=toolchain,
        input_names=input_names,
        output_names=output_names,
        exact=exact,
    )
    flags = ";".join((*toolchain.machine_flags, *toolchain.code_flags()))
    files = {
        MODEL_SOURCE: translation.source.encode(),
        "model.h": _header(name, target, translation).encode(),
        "weights.S": _ASSEMBLY.format(name=name).encode(),
        "CMakeLists.txt": _CMAKE.format(name=name, lanes=toolchain.lanes, flags=flags).encode(),
    }
    for header in _included(translation.source):
        files[f"include/{header}"] = (include_folder() / header).read_bytes()
    out_dir.mkdir(parents=True, exist_ok=True)
    translation.weights.write(out_dir / MODEL_WEIGHTS)
    written = [out_dir / MODEL_WEIGHTS]
    for relative, content in files.items():
        path = out_dir / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written


def _included(source: str) -> list[str]:
    """Returns the project's headers that a source needs, directly and through others."""
    found: dict[str, None] = {}
    pending = re.findall(r'#include "(aios/[^"]+)"', source)
    while pending:
        header = pending.pop(0)
        if header not in found:
            found[header] = None
            text = (include_folder() / header).read_text()
            pending += re.findall(r'#include "(aios/[^"]+)"', text)
    return sorted(found)


def _header(name: str, target: str, translation: Translation) -> str:
    graph = translation.specialisations[0].program.graph
    inputs = [(f"input{i}", graph.tensors[t]) for i, t in enumerate(graph.inputs)]
    outputs = [(f"output{i}", graph.tensors[t]) for i, t in enumerate(graph.outputs)]
    parameters = [f"const {_c_type(t.dtype.name)}* {p}" for p, t in inputs]
    parameters += [f"{_c_type(t.dtype.name)}* {p}" for p, t in outputs]
    names = (*graph.input_names, *graph.output_names)
    lines = []
    for (parameter, tensor), label in zip((*inputs, *outputs), names, strict=True):
        dims = ["batch", *map(str, tensor.shape[1:])]
        safe = re.sub(r"[^\x20-\x7e]|\*/|\\", "?", label)
        lines.append(f" * {parameter:8} {safe}: {tensor.dtype.name}[{', '.join(dims)}]\n")
    return _HEADER.format(
        name=name,
        target=target,
        guard=f"{name.upper()}_MODEL_H_",
        macro=name.upper(),
        workspace=translation.workspace_bytes,
        tensors="".join(lines),
        parameters=", ".join(parameters),
        inputs=", ".join(p for p, _ in inputs),
        outputs=", ".join(p for p, _ in outputs),
    )


def _c_type(dtype: str) -> str:
    others = {"bool": "unsigned char", **dict.fromkeys(HALVES, "uint16_t")}
    return others.get(dtype) or CTYPES[dtype].removeprefix("std::")
