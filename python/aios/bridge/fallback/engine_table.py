"""What is known of the engines, where `aios._core` can't tell: src/engines/engine_table.cpp.

All of them are here, so that one that can't run is refused by its name, with the remedy.
"""

from __future__ import annotations

from aios.bridge.fallback.records import EngineFacts

#: Those that have an interpreter in Python, in the order of preference: nothing is measured.
INTERPRETED = ("litert", "tensorflow")

_TABLE = (
    EngineFacts("compiled", machine_code=True),
    EngineFacts(
        "litert",
        vendor="LiteRT",
        variable="AIOS_LITERT_LIBRARY",
        package="ai_edge_litert",
        file="libLiteRt.so",
        wheels=("ai-edge-litert",),
        tested="2.3",
        precisions=("float32", "float16", "int8"),
    ),
    EngineFacts(
        "openvino",
        vendor="OpenVINO",
        variable="AIOS_OPENVINO_LIBRARY",
        package="openvino",
        file="libs/libopenvino_c.so*",
        wheels=("openvino",),
        tested="2026.4",
        starts_threads=True,
        survives_fork=False,
        precisions=("float32", "bfloat16"),
    ),
    EngineFacts(
        "tensorflow",
        vendor="TensorFlow",
        variable="AIOS_TENSORFLOW_LIBRARY",
        package="tensorflow",
        file="libtensorflow_cc.so.2",
        wheels=("tensorflow-cpu", "tensorflow"),
        tested="2.21",
        heavy=True,
        starts_threads=True,
        survives_fork=False,
        threads_variable="TF_NUM_INTRAOP_THREADS",
    ),
)


def engines() -> list[EngineFacts]:
    """All engines, in the order in which they are preferred where nothing was measured."""
    return list(_TABLE)
