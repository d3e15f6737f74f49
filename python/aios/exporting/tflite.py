"""Frozen graphs → .tflite: with a dynamic batch, or with one that is fixed."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aios.bundle.names import plain_names
from aios.bundle.precision import FLOAT32
from aios.bundle.publish import is_disk_full
from aios.errors import UnsupportedError
from aios.exporting.graphs import (
    FrozenGraph,
    bound,
    input_specs,
    with_batch,
    without_large_constants,
)
from aios.exporting.own_outputs import with_own_outputs
from aios.exporting.reasons import reason_of
from aios.exporting.tflite_names import with_input_names
from aios.exporting.widening import widened

#: Operators that would read variables that LiteRT's runtime never sets.
_VARIABLE_OPERATORS = ("READ_VARIABLE", "VAR_HANDLE", "ASSIGN_VARIABLE")
_NO_WEIGHTS = {
    "float16": "it has no weights to store in float16",
    "int8": "none of its weights has the 1,024 elements from which on TensorFlow's converter "
    "stores them in int8",
}
_MISSING = re.compile(r"(?:Flex|Custom|TF Select) ops?: ([\w, ]+)|'tf\.(\w+)' op")


def convert(
    signatures: Mapping[str, FrozenGraph],
    scratch: Path,
    batch: int | None = None,
    precision: str = FLOAT32,
    *,
    foreign: bool = False,
) -> bytes:
    """Converts frozen signatures into one .tflite file that names its tensors as they do.

    Args:
        signatures: The frozen graph of every signature, by name.
        scratch: A directory for a temporary one, which is removed again.
        batch: Size of dimension 0 where that is unknown; None leaves it dynamic.
        precision: What weights are stored in: "float32"; "float16"; or "int8", of dynamic range:
            activations are rounded as they come, and results are float32.
        foreign: Where LiteRT lacks a form of an operator, leave TensorFlow's own in the file: for
            the compiler, which reads many of them.

    Raises:
        UnsupportedError: The converter can't, or it needs operators that LiteRT lacks (named), or
            it stores no weight in that precision.
    """
    for frozen in signatures.values():
        _require_no_tables(frozen)
    own = {name: with_own_outputs(widened(frozen)) for name, frozen in signatures.items()}
    try:
        model = _folded(own, scratch, batch, precision)
    except UnsupportedError:
        if not foreign:
            raise
        model = _folded(own, scratch, batch, precision, foreign=True)
    refused = refused_operators(model)
    if refused and not foreign:
        raise UnsupportedError(f"LiteRT can't run the operators {', '.join(refused)}")
    if precision != FLOAT32 and precision not in weight_dtypes(model):
        raise UnsupportedError(_NO_WEIGHTS[precision])
    given = {
        name: {plain: own for own, plain in plain_names(frozen.inputs).items()}
        for name, frozen in signatures.items()
    }
    return with_input_names(model, given)


def _folded(
    signatures: Mapping[str, FrozenGraph],
    scratch: Path,
    batch: int | None,
    precision: str,
    *,
    foreign: bool = False,
) -> bytes:
    """What the converter makes of the graphs, with no variable left."""
    given = signatures, scratch, batch, precision
    model = _converted(*given, foreign=foreign)
    if set(_VARIABLE_OPERATORS).intersection(operators(model)):
        model = _converted(*given, as_variables=False, foreign=foreign)
    return model


def _converted(
    signatures: Mapping[str, FrozenGraph],
    scratch: Path,
    batch: int | None,
    precision: str,
    *,
    as_variables: bool = True,
    foreign: bool = False,
) -> bytes:
    """What the converter makes of a SavedModel of the graphs, which is removed again."""
    import tensorflow as tf

    try:
        with tempfile.TemporaryDirectory(prefix="tflite-", dir=scratch) as directory:
            _save(signatures, batch, directory, as_variables=as_variables)
            converter = tf.lite.TFLiteConverter.from_saved_model(
                directory, signature_keys=list(signatures)
            )
            # Nothing reads it, and adding it takes as long as a small conversion.
            converter.exclude_conversion_metadata = True
            if foreign:
                converter.allow_custom_ops = True
                converter.target_spec.supported_ops = [
                    tf.lite.OpsSet.TFLITE_BUILTINS,
                    tf.lite.OpsSet.SELECT_TF_OPS,
                ]
            if precision != FLOAT32:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if precision == "float16":
                converter.target_spec.supported_types = [tf.float16]
            return bytes(converter.convert())
    except Exception as error:
        if is_disk_full(error) or isinstance(error, MemoryError):
            raise
        raise UnsupportedError(_refusal(error)) from error


def refused_operators(model: bytes) -> list[str]:
    """Names of a file's operators that LiteRT's own runtime can't run: custom, Flex, variables."""
    return sorted(
        name
        for name in operators(model)
        if name.startswith(("CUSTOM", "Flex")) or name in _VARIABLE_OPERATORS
    )


def operators(model: bytes) -> list[str]:
    """Names of the operators used; a custom one as "CUSTOM:name", or "Flex…" as it is called."""
    from tensorflow.lite.python import schema_py_generated as schema

    names = {
        code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
    }
    root = schema.Model.GetRootAs(model, 0)
    return [
        _operator_name(root.OperatorCodes(index), names)
        for index in range(root.OperatorCodesLength())
    ]


def weight_dtypes(model: bytes) -> set[str]:
    """The dtypes of a file's constants, as "int8"."""
    from tensorflow.lite.python import schema_py_generated as schema

    names = {code: name.lower() for name, code in vars(schema.TensorType).items()}
    root = schema.Model.GetRootAs(model, 0)
    graphs = [root.Subgraphs(index) for index in range(root.SubgraphsLength())]
    tensors = [graph.Tensors(index) for graph in graphs for index in range(graph.TensorsLength())]
    return {
        names[tensor.Type()]
        for tensor in tensors
        if root.Buffers(tensor.Buffer()).DataLength() or root.Buffers(tensor.Buffer()).Offset() > 1
    }


def require_own_outputs(model: bytes) -> None:
    """Refuses outputs that share a tensor: LiteRT's compiled models then answer wrongly.

    Raises:
        UnsupportedError: Names the output that is an input passed on, or another output too.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    root = schema.Model.GetRootAs(model, 0)
    for index in range(root.SignatureDefsLength()):
        definition = root.SignatureDefs(index)
        taken = {definition.Inputs(i).TensorIndex() for i in range(definition.InputsLength())}
        for i in range(definition.OutputsLength()):
            output = definition.Outputs(i)
            if output.TensorIndex() in taken:
                raise UnsupportedError(
                    f"output '{output.Name().decode()}' is an input passed on, or the same as "
                    "another output, which LiteRT answers wrongly"
                )
            taken.add(output.TensorIndex())


def tensor_names(model: bytes, signature: str) -> tuple[dict[str, str], dict[str, str]]:
    """The file's own names of a signature's inputs and outputs, by the signature's names."""
    from tensorflow.lite.python import schema_py_generated as schema

    root = schema.Model.GetRootAs(model, 0)
    for index in range(root.SignatureDefsLength()):
        found = root.SignatureDefs(index)
        if (found.SignatureKey() or b"").decode() == signature:
            graph = root.Subgraphs(found.SubgraphIndex())
            return (
                _names(graph, [found.Inputs(i) for i in range(found.InputsLength())]),
                _names(graph, [found.Outputs(i) for i in range(found.OutputsLength())]),
            )
    raise UnsupportedError(f"the .tflite file has no signature '{signature}'")


def _require_no_tables(frozen: FrozenGraph) -> None:
    if frozen.initializers:
        raise UnsupportedError("it has look-up tables, which only the tensorflow engine takes")


def _save(
    signatures: Mapping[str, FrozenGraph], batch: int | None, directory: str, *, as_variables: bool
) -> None:
    """Writes a SavedModel for the converter.

    Large constants are `as_variables` in it. The converter folds them in all the same, but in a
    graph that holds them Python and C++ copy all of it some 20 times on the way.
    """
    import tensorflow as tf

    module = tf.Module()
    module.endpoints, module.constants = {}, []
    for name, frozen in signatures.items():
        graph, constants = without_large_constants(frozen) if as_variables else (frozen, {})
        variables = {tensor: _variable(value) for tensor, value in constants.items()}
        graph = graph if batch is None else with_batch(graph, batch)
        module.endpoints[name] = _endpoint(graph, variables)
        module.constants.append(list(variables.values()))
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, directory, signatures=module.endpoints, options=options)


def _variable(tensor: Any) -> Any:
    import tensorflow as tf
    from tensorflow.python.framework import tensor_util

    return tf.Variable(tensor_util.MakeNdarray(tensor), trainable=False)


def _endpoint(frozen: FrozenGraph, variables: Mapping[str, Any]) -> Any:
    """A traced function of the graph; `variables` are its missing constants, by tensor name."""
    import tensorflow as tf

    names = plain_names(frozen.inputs)

    def endpoint(**tensors: Any) -> dict[str, Any]:
        given = {frozen.inputs[own]: tensors[plain] for own, plain in names.items()}
        given.update({name: variable.read_value() for name, variable in variables.items()})
        return bound(frozen, given)

    specs = input_specs(frozen, names)
    return tf.function(endpoint, autograph=False).get_concrete_function(**specs)


def _names(graph: Any, tensors: Sequence[Any]) -> dict[str, str]:
    return {
        tensor.Name().decode(): graph.Tensors(tensor.TensorIndex()).Name().decode()
        for tensor in tensors
    }


def _operator_name(code: Any, names: dict[int, str]) -> str:
    name = names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "CUSTOM")
    if name != "CUSTOM":
        return name
    custom = (code.CustomCode() or b"").decode(errors="replace")
    return custom if custom.startswith("Flex") else f"CUSTOM:{custom}"


def _refusal(error: Exception) -> str:
    """What the converter said, by the operators that it names, if it does."""
    found: set[str] = set()
    for listed, single in _MISSING.findall(str(error)):
        found.update(name.strip() for name in (listed or single).split(","))
    if found:
        return f"TensorFlow's converter has no LiteRT form of {', '.join(sorted(found))}"
    return f"TensorFlow's converter refused: {reason_of(error)}"
