"""The pure-Python cell: base of TensorFlowCellularBridge where the C++ extension isn't."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aios.bridge.fallback import arrays, statistics
from aios.bridge.fallback.arrays import Array
from aios.bridge.fallback.loaded_model import LoadedModel, load_model, require_valid
from aios.bridge.fallback.notice import warn_once
from aios.bridge.fallback.records import BenchmarkResult, EngineChoice, Metrics, Signature
from aios.bridge.fallback.runner import Runner
from aios.bridge.fallback.stream import Stream
from aios.bridge.options import LoadOptions
from aios.errors import FailedPreconditionError, InvalidArgumentError


class Cell:
    """A performance cell on a Python interpreter. Safe from any thread."""

    def __init__(self) -> None:
        self._model: LoadedModel | None = None

    def _load(self, path: str, options: LoadOptions, libraries: Mapping[str, str]) -> None:
        """Loads a bundle in place of the one loaded before, which stays on an error."""
        del libraries
        require_valid(options)
        warn_once()
        self._model = load_model(path, options)

    def perform_inference(
        self,
        x: object,
        *,
        out: object | None = None,
        copy: bool = False,
        signature: str | None = None,
    ) -> Any:
        """Answers one batch.

        Args:
            x: An array of the input's dtype and shape, or a dict of arrays by input name.
            out: Writable C-contiguous array (or dict of them) that takes the answer; it is
                returned.
            copy: Convert inputs of another dtype or layout instead of refusing them.
            signature: The signature to call; None for the model's default.

        Returns:
            An array for one output, a dict by name for more, or when `x` is a dict.

        Raises:
            InvalidArgumentError: A tensor doesn't fit the signature; the message names it.
            NotFoundError: The model has no such signature.
            FailedPreconditionError: No model is loaded, or it was loaded before a fork.
        """
        runner = self._require_model().runner(signature)
        inputs = arrays.borrow_inputs(runner.signature, x, copy=copy)
        batch = arrays.check_inputs(runner.signature, inputs)
        if out is None and not arrays.outputs_are_known(runner.signature):
            outputs = _answer(runner, inputs, batch)
        else:
            outputs = _outputs(runner, inputs, batch, out)
            if batch != 0:
                runner.run(inputs, outputs, batch)
        return _result(outputs, runner.signature, as_dict=isinstance(x, dict))

    def bind(
        self, x: object, *, out: object | None = None, signature: str | None = None
    ) -> Callable[[], Any]:
        """Binds arrays once, for calls that convert and check nothing.

        Change `x` in place between calls; each call overwrites `out` (or the array that was made
        for it) and returns it. For one thread at a time. Answers once, to check and to warm up.
        The call keeps the model and the arrays alive, also after close().

        Raises:
            As perform_inference.
        """
        model = self._require_model()
        runner = model.runner(signature)
        inputs = arrays.borrow_inputs(runner.signature, x, copy=False)
        batch = arrays.check_inputs(runner.signature, inputs)
        outputs = _outputs(runner, inputs, batch, out)
        result = _result(outputs, runner.signature, as_dict=isinstance(x, dict))

        def call() -> Any:
            if batch != 0:
                model.require_same_process()
                runner.run(inputs, outputs, batch)
            return result

        call()
        return call

    def stream(self, batch: int = 1) -> Stream:
        """Opens `batch` streams of the model, which go on together, as an aios.Stream.

        Raises:
            UnsupportedError: The bundle has no stream; says why, or how to make one.
            InvalidArgumentError: `batch` is less than 1.
            FailedPreconditionError: No model is loaded, or it was loaded before a fork.
        """
        del batch
        self._require_model()
        return Stream()

    def benchmark_performance(self, x: object | None, iterations: int = 100) -> BenchmarkResult:
        """Times `iterations` single calls on `x`, after 10 % more to warm up."""
        if iterations < 1:
            raise InvalidArgumentError(f"iterations: expected 1 or more, got {iterations}")
        model = self._require_model()
        runner = model.runner()
        inputs = arrays.borrow_inputs(runner.signature, x, copy=False)
        batch = arrays.check_inputs(runner.signature, inputs)
        if arrays.outputs_are_known(runner.signature):
            call = self.bind(x)
        else:
            call = lambda: _answer(runner, inputs, batch)  # noqa: E731
        return statistics.benchmark(call, iterations, batch, model.engine)

    @property
    def signature(self) -> Signature:
        """The default signature."""
        return self._require_model().runner().signature

    @property
    def signatures(self) -> list[Signature]:
        """All signatures, the default first."""
        return [runner.signature for runner in self._require_model().runners]

    @property
    def engine(self) -> str:
        """The engine that runs, as "litert"; in pure Python, as "python-litert"."""
        return self._require_model().engine

    def metrics(self) -> Metrics:
        """Counters and latency of every signature since loading."""
        return self._require_model().metrics()

    def explain(self) -> list[EngineChoice]:
        """Why this engine: one row per artifact of the bundle."""
        return self._require_model().explain()

    def close(self) -> None:
        """Gives the model's memory back; later calls are refused."""
        self._model = None

    def _require_model(self) -> LoadedModel:
        model = self._model
        if model is None:
            raise FailedPreconditionError(
                "no model is loaded; call load_model_from_training_cell or aios.load first"
            )
        return model


def _answer(runner: Runner, inputs: Sequence[Array], batch: int) -> list[Array]:
    """Answers whose shapes only the call tells."""
    if batch == 0:
        return arrays.empty_outputs(runner.signature)
    return runner.answer(inputs, batch)


def _outputs(
    runner: Runner, inputs: Sequence[Array], batch: int, out: object | None
) -> list[Array]:
    """The caller's arrays, checked, or new ones."""
    if out is None:
        return arrays.new_outputs(runner.signature, batch)
    outputs = arrays.borrow_outputs(runner.signature, out)
    arrays.check_outputs(runner.signature, batch, inputs, outputs)
    return outputs


def _result(outputs: Sequence[Array], signature: Signature, *, as_dict: bool) -> Any:
    if not as_dict and len(outputs) == 1:
        return outputs[0]
    return {spec.name: output for spec, output in zip(signature.outputs, outputs, strict=True)}
