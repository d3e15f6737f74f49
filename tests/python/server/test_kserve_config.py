from types import SimpleNamespace

from aios.server.folder import VersionKey
from aios.server.kserve_config import model_config


def spec(name, dtype, *shape):
    return SimpleNamespace(name=name, dtype=dtype, shape=shape)


def entry(inputs, outputs, *, proven=True):
    signature = SimpleNamespace(inputs=inputs, outputs=outputs)
    return SimpleNamespace(
        key=VersionKey("digits", 3),
        bridge=SimpleNamespace(signature=signature, engine="compiled"),
        found=SimpleNamespace(is_proven=proven),
    )


def test_dimensions_of_a_model_with_batches_are_those_of_a_sample():
    x, y = spec("x", "float32", -1, 8, 8), spec("y", "string", -1)
    config = model_config(entry([x], [y]), 1 << 20)
    assert config == {
        "name": "digits",
        "platform": "aios_compiled",
        "backend": "aios",
        "version_policy": {"all": {}},
        "max_batch_size": (1 << 20) // 256,
        "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [8, 8]}],
        "output": [{"name": "y", "data_type": "TYPE_STRING", "dims": []}],
        "parameters": {"engine": {"string_value": "compiled"}, "proven": {"string_value": "true"}},
    }


def test_the_largest_batch_is_what_the_outputs_allow_where_they_are_larger():
    x, y = spec("x", "uint8", -1, 1), spec("y", "float64", -1, 1 << 20)
    assert model_config(entry([x], [y]), 1 << 20)["max_batch_size"] == (1 << 30) // (8 << 20)


def test_a_model_without_batches_has_all_its_dimensions():
    x, y = spec("x", "bfloat16", 3, -1), spec("y", "bool", -1)
    config = model_config(entry([x], [y], proven=False), 1 << 20)
    assert config["max_batch_size"] == 0
    assert config["input"][0] == {"name": "x", "data_type": "TYPE_BF16", "dims": [3, -1]}
    assert config["output"][0] == {"name": "y", "data_type": "TYPE_BOOL", "dims": [-1]}
    assert config["parameters"]["proven"] == {"string_value": "false"}
