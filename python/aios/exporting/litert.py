"""SavedModel → .tflite for the litert engine."""

from __future__ import annotations

from pathlib import Path

from aios.errors import UnsupportedError

#: Operators that LiteRT's own runtime doesn't have, or that would read variables it never set.
_REFUSED_OPERATORS = ("CUSTOM", "READ_VARIABLE", "VAR_HANDLE", "ASSIGN_VARIABLE")


def convert(saved_model: Path, signature: str) -> bytes:
    """Converts one signature; dynamic dimensions stay dynamic.

    Raises:
        UnsupportedError: The converter can't, or it needs operators that LiteRT lacks (named).
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(saved_model), signature_keys=[signature]
    )
    try:
        model = bytes(converter.convert())
    except Exception as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise UnsupportedError(f"TensorFlow's converter refused: {first_line[:300]}") from error
    refused = sorted(set(_operators(model)).intersection(_REFUSED_OPERATORS))
    if refused:
        raise UnsupportedError(f"LiteRT can't run the operators {', '.join(refused)}")
    return model


def _operators(model: bytes) -> list[str]:
    """Names of the operators used, by the schema that LiteRT's package ships."""
    from ai_edge_litert import schema_py_generated as schema

    names = {
        code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
    }
    root = schema.Model.GetRootAs(model, 0)
    codes = (root.OperatorCodes(i) for i in range(root.OperatorCodesLength()))
    return [
        names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "CUSTOM") for code in codes
    ]
