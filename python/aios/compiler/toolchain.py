"""Finds a C++ compiler and runs it; knows the targets and their flags."""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from aios.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGETS = ("native", "x86-64-v3", "x86-64-v4", "aarch64")

_CODE_FLAGS = (
    "-O3",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-ident",
)
_GCC_FLAGS = ("-ffp-contract=fast", "-Wno-psabi")
_CLANG_FLAGS = ("-ffp-contract=fast", "-Wno-psabi", "-Wno-pass-failed")
_FEATURES = {
    "sse3": "__SSE3__",
    "ssse3": "__SSSE3__",
    "sse4_1": "__SSE4_1__",
    "sse4_2": "__SSE4_2__",
    "popcnt": "__POPCNT__",
    "movbe": "__MOVBE__",
    "avx": "__AVX__",
    "f16c": "__F16C__",
    "fma": "__FMA__",
    "avx2": "__AVX2__",
    "bmi1": "__BMI__",
    "bmi2": "__BMI2__",
    "lzcnt": "__LZCNT__",
    "avx512f": "__AVX512F__",
    "avx512dq": "__AVX512DQ__",
    "avx512bw": "__AVX512BW__",
    "avx512vl": "__AVX512VL__",
    "avx512cd": "__AVX512CD__",
    "avx512ifma": "__AVX512IFMA__",
    "avx512vbmi": "__AVX512VBMI__",
    "avx512vbmi2": "__AVX512VBMI2__",
    "avx512vnni": "__AVX512VNNI__",
    "avx512bitalg": "__AVX512BITALG__",
    "avx512vpopcntdq": "__AVX512VPOPCNTDQ__",
    "avx512bf16": "__AVX512BF16__",
    "avx512fp16": "__AVX512FP16__",
    "avx512vp2intersect": "__AVX512VP2INTERSECT__",
    "avxvnni": "__AVXVNNI__",
    "gfni": "__GFNI__",
    "vaes": "__VAES__",
    "vpclmulqdq": "__VPCLMULQDQ__",
    "adx": "__ADX__",
    "neon": "__ARM_NEON",
}
_LINK_FLAGS = ("-Wl,--build-id=none", "-Wl,-z,relro,-z,now", "-Wl,--no-undefined", "-Wl,-s")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A compiler command for one target.

    Attributes:
        command: The compiler's program and first arguments.
        version: The first line of `--version`.
        target: One of `TARGETS`.
        machine_flags: What selects the target.
        clang: Whether it takes Clang's flags.
        lanes: float32 elements of a vector register of the target.
        cpu_features: The names of `compiled_model.h`, lower case, that code for it may use.
    """

    command: tuple[str, ...]
    version: str
    target: str
    machine_flags: tuple[str, ...]
    clang: bool
    lanes: int
    cpu_features: tuple[str, ...]

    def code_flags(self) -> tuple[str, ...]:
        """Returns the flags for optimising, beside those of the machine."""
        return (*_CODE_FLAGS, *(_CLANG_FLAGS if self.clang else _GCC_FLAGS))

    def compile_shared(
        self, source: Path, output: Path, includes: Sequence[Path], *, timeout_s: float
    ) -> None:
        """Compiles one C++ file to a shared object that needs only libc and libm.

        Raises:
            DeadlineExceededError: It took longer than `timeout_s`.
            InternalError: The compiler refused the file; the message has its words.
        """
        flags = ("-std=c++17", "-shared", *self.code_flags(), "-frandom-seed=aios", *_LINK_FLAGS)
        fresh = output.with_name(f".{output.name}.{os.getpid()}")
        here = f"-ffile-prefix-map={source.parent}=."
        maps = [f"-I{path}" for path in includes]
        maps += [f"-ffile-prefix-map={path}=include" for path in includes]
        command = [
            *self.command,
            *self.machine_flags,
            *flags,
            here,
            *maps,
            *(("-x", "c++") if source.suffix != ".cc" else ()),
            source.name,
            "-o",
            str(fresh.resolve()),
            "-nodefaultlibs",
            "-lm",
            "-lc",
            *(() if "ziglang" in self.command else ("-lgcc",)),
        ]
        try:
            self._run(command, source.parent, timeout_s)
            # A library that a process has loaded must not change under it: put a new file there.
            fresh.replace(output)
        finally:
            fresh.unlink(missing_ok=True)

    def _run(self, command: list[str], folder: Path, timeout_s: float) -> None:
        environment = {**os.environ, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "0"}
        with tempfile.TemporaryDirectory(prefix="aios-cc-") as temporary:
            environment["TMPDIR"] = temporary
            with subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            ) as process:
                try:
                    _, words = process.communicate(timeout=timeout_s)
                except BaseException as error:
                    # The compiler is a driver: end the programs that it started, too.
                    os.killpg(process.pid, signal.SIGKILL)
                    process.communicate()
                    if not isinstance(error, subprocess.TimeoutExpired):
                        raise
                    raise DeadlineExceededError(
                        f"the C++ compiler took longer than {timeout_s:g} s; "
                        "give a longer timeout_s, or use another engine for this model"
                    ) from error
        if process.returncode != 0:
            raise InternalError(
                f"the C++ compiler ({self.version}) failed with exit status {process.returncode}; "
                f"command: {shlex.join(command)}\n{words[-4000:]}"
            )


def find_toolchain(target: str = "native") -> Toolchain:
    """Finds a compiler for a target: `$CXX`, `c++`, `g++`, `clang++`, or the package `ziglang`.

    Raises:
        InvalidArgumentError: The target's name is unknown.
        NotFoundError: There is no compiler for it; the message says how to get one.
        UnsupportedError: `native` on a machine that isn't x86-64 or aarch64.
    """
    if target not in TARGETS:
        raise InvalidArgumentError(
            f"target: expected one of {', '.join(TARGETS)}, got {target!r}; 'native' is this CPU"
        )
    return _find(target, os.environ.get("CXX", ""), os.environ.get("PATH", ""))


@lru_cache(maxsize=16)
def _find(target: str, cxx: str, path: str) -> Toolchain:
    host = platform.machine().lower()
    host = {"amd64": "x86_64", "arm64": "aarch64"}.get(host, host)
    if host not in ("x86_64", "aarch64"):
        raise UnsupportedError(f"compiled models run on x86-64 and aarch64, not on {host}")
    wanted = host if target == "native" else ("aarch64" if target == "aarch64" else "x86_64")
    tried: list[str] = []
    for command in _candidates(cxx, wanted if wanted != host else None):
        toolchain = _probe(command, target, wanted)
        if toolchain is not None:
            return toolchain
        tried.append(shlex.join(command))
    cross = f" for {wanted}" if wanted != host else ""
    raise NotFoundError(
        f"no C++17 compiler{cross} found (tried $CXX, {', '.join(tried) or 'none'}); install g++, "
        "clang++, or pip install ziglang"
    )


def _candidates(cxx: str, cross: str | None) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    if cxx:
        found.append(tuple(shlex.split(cxx)))
    prefix = f"{cross}-linux-gnu-" if cross else ""
    names = [f"{prefix}g++"] if cross else ["c++", "g++", "clang++"]
    found += [(name,) for name in names if shutil.which(name)]
    if cross and shutil.which("clang++"):
        found.append(("clang++", f"--target={cross}-linux-gnu"))
    if importlib.util.find_spec("ziglang") is not None:
        zig = (sys.executable, "-m", "ziglang", "c++")
        found.append((*zig, "-target", f"{cross}-linux-gnu") if cross else zig)
    return found


def _probe(command: tuple[str, ...], target: str, wanted: str) -> Toolchain | None:
    """Asks a compiler for its version and the target's macros."""
    zig = "ziglang" in command
    flags = _machine_flags(target, wanted, zig)
    version = _output([*command, "--version"])
    macros = _output([*command, *flags, "-x", "c++", "-dM", "-E", os.devnull])
    if version is None or macros is None:
        return None
    architecture = "__aarch64__" if wanted == "aarch64" else "__x86_64__"
    if architecture not in macros:
        return None
    lanes = 16 if "__AVX512F__" in macros else 8 if "__AVX__ " in macros else 4
    first = version.splitlines()[0] if version else "unknown"
    clang = "__clang__" in macros
    features = tuple(name for name, macro in _FEATURES.items() if f"#define {macro} " in macros)
    label = f"zig {first}" if zig else first
    return Toolchain(command, label, target, flags, clang, lanes, features)


def _machine_flags(target: str, wanted: str, zig: bool) -> tuple[str, ...]:
    if target == "native":
        return ("-mcpu=native",) if wanted == "aarch64" or zig else ("-march=native",)
    if target == "aarch64":
        return ("-mcpu=generic",) if zig else ("-march=armv8-a",)
    name = target.replace("-", "_") if zig else target
    return (f"-mcpu={name}",) if zig else (f"-march={name}",)


def _output(command: list[str]) -> str | None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def include_folder() -> Path:
    """Returns the folder that holds `aios/compiled_model.h` and `aios/kernels`.

    Raises:
        NotFoundError: The headers aren't where the package or the source tree has them.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "include", package.parents[1] / "include"):
        if (folder / "aios" / "kernels" / "artifact.hpp").is_file():
            return folder
    raise NotFoundError(
        f"the kernel headers are missing (looked in {package / 'include'} and the source tree); "
        "install aios-cells again"
    )
