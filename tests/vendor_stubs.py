"""Vendors' libraries that do harm: they have every symbol that an engine asks for."""

import re
import subprocess
from pathlib import Path

_APIS = Path(__file__).resolve().parent.parent / "src" / "engines"
_NAMES = {
    "litert": "libLiteRt.so",
    "openvino": "libopenvino_c.so.1",
    "tensorflow": "libtensorflow_cc.so.2",
}
HARM = {
    "segfault": "*(volatile int*)0 = 1;",
    "abort": "abort();",
    "hang": "for (;;) pause();",
    "exit": "_exit(3);",
}
#: A model has one input, whatever it is, and no two tensors of one name.
_ANSWERS = {
    "ov_model_inputs_size": "*(size_t*)answer = 1;",
    "ov_port_get_any_name": "static int n; static char names[99][4];"
    ' sprintf(names[++n], "%d", n); *(char**)answer = names[n];',
}


def build_stub(folder: Path, engine: str, harm: str, at: str) -> str:
    """Compiles a library that does harm when `at` is called, and nothing else; returns its path.

    Args:
        folder: Where to.
        engine: Whose library it stands for.
        harm: One of HARM.
        at: A symbol, as "ov_core_create"; or "constructor".
    """
    source = (_APIS / engine / f"{engine}_api.cpp").read_text()
    symbols = re.findall(r'library\.bind\(\w+, "(\w+)"\)', source)
    assert at == "constructor" or at in symbols
    code = ["#include <stdio.h>", "#include <stdlib.h>", "#include <unistd.h>"]
    if at == "constructor":
        code.append(f"__attribute__((constructor)) static void start(void) {{ {HARM[harm]} }}")
    for symbol in symbols:
        body = HARM[harm] if symbol == at else _ANSWERS.get(symbol, "")
        code.append(f"int {symbol}(void* object, void* answer) {{ {body} return 0; }}")
    path = folder / f"{engine}-{harm}-{at}" / _NAMES[engine]
    path.parent.mkdir(parents=True)
    command = ["cc", "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", str(path)]
    subprocess.run(command, input="\n".join(code), text=True, check=True, timeout=60)
    return str(path)
