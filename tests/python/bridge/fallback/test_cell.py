"""The pure-Python cell has all that the extension's has, in the same words."""

import inspect
import re

import pytest
from conftest import REPOSITORY

from aios import _core
from aios.bridge import fallback

pytestmark = pytest.mark.native

#: The server's, and what benchmarks call.
EXTENSIONS_ALONE = {
    "ConnectionLimits", "DataPlane", "ExecutionTotals", "Routing", "ServedModel",
    "ServerRequest", "Shadow",
    "SharedMemory",
    "ed25519_public_key", "ed25519_sign", "ed25519_verify", "has_grpc", "latency_bounds_us",
    "nothing",
}  # fmt: skip


def test_it_has_every_name_and_member_of_the_extension():
    for name in set(dir(_core)) - EXTENSIONS_ALONE:
        if name.startswith("_"):
            continue
        theirs, ours = getattr(_core, name), getattr(fallback, name)
        if inspect.isclass(theirs):
            assert set(dir(theirs)) - set(dir(object)) <= _members(ours), name
    for name in ("_load", "perform_inference", "bind", "benchmark_performance"):
        assert list(inspect.signature(getattr(fallback.Cell, name)).parameters) == _stubbed(name)


def test_its_methods_have_the_texts_of_the_extension():
    for name in ("bind", "benchmark_performance", "metrics", "explain", "close", "engine",
                 "signature", "signatures", "perform_inference", "_load"):  # fmt: skip
        theirs = inspect.getdoc(getattr(_core.Cell, name))
        assert theirs.endswith(inspect.getdoc(getattr(fallback.Cell, name))), name


def _members(kind):
    return set(dir(kind)) | set(getattr(kind, "__dataclass_fields__", ()))


def _stubbed(method):
    stub = (REPOSITORY / "python/aios/_core.pyi").read_text()
    (parameters,) = re.findall(rf"def {method}\((self.*?)\) ->", stub)
    return ["self", *re.findall(r"(\w+): ", parameters)]
