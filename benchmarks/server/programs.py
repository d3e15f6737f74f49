"""The programs in C++ that ask a server, built when they are needed."""

from __future__ import annotations

import subprocess
from pathlib import Path


def compiled(name: str, folder: Path) -> Path:
    """A program of one source beside this file, with OpenSSL, as "load"."""
    program = folder / name
    source = Path(__file__).with_name(f"{name}.cpp")
    libraries = ("-lssl", "-lcrypto") if "<openssl/" in source.read_text() else ()
    command = ["g++", "-O2", "-std=c++17", source, "-o", program, *libraries]
    subprocess.run(command, check=True, timeout=300)
    return program
