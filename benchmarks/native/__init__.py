"""Loops in C++ for what Python would time too coarsely, built for this machine at first use."""

from __future__ import annotations

import ctypes
import hashlib
from functools import lru_cache
from pathlib import Path

from aios.compiler.toolchain import find_toolchain, include_folder

BUILD = Path("build/bench")


@lru_cache(maxsize=1)
def loops() -> ctypes.CDLL:
    """The functions of loops.cc."""
    source = Path(__file__).with_name("loops.cc")
    headers = include_folder()
    content = source.read_bytes() + (headers / "aios/kernels/vec.hpp").read_bytes()
    toolchain = find_toolchain("native")
    key = hashlib.sha256(content + toolchain.version.encode()).hexdigest()[:16]
    library = (BUILD / f"loops-{key}.so").resolve()
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        toolchain.compile_shared(source.resolve(), library, [headers], timeout_s=120)
    found = ctypes.CDLL(str(library))
    found.aios_bench_time.restype = ctypes.c_uint64
    found.aios_bench_multiply_adds.restype = ctypes.c_double
    found.aios_bench_multiply_adds.argtypes = [ctypes.c_int64]
    found.aios_bench_read.restype = ctypes.c_double
    found.aios_bench_read.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64]
    return found
