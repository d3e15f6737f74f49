"""The attributes of the operators that the passes make, one class a kind of operator.

An operator of a file has the file's `options`, by name; what passes move into it is `Fused`. One
that a pass makes has the class of its kind, which a lowering reads as
`op.typed(Elementwise).expression`. `compiler/verify.py` checks that each kind has its class.
"""

from __future__ import annotations

from dataclasses import dataclass

from aios.compiler.expression import Expression
from aios.compiler.graph import Array, Attributes, Graph, Operator

#: The activation that changes nothing.
IDENTITY: Expression = ("x", 0)


@dataclass(frozen=True, slots=True)
class Fused(Attributes):
    """What passes have moved into an operator of the file.

    Attributes:
        activation: Applied to each element of the result.
        residual: A tensor of the result's size that is added to it, or None.
        residual_after: Whether that is added after the activation.
        pads: Rows and columns of zeros around the image, in place of the file's padding: top,
            left, bottom, right; or None.
        pool: How squares of 2 x 2 of the result become one element, `kMax` or `kAverage`, or None.
        unpooled_shape: The shape of the result before that.
        exact: Whether the products must add in the order of their depth.
    """

    activation: Expression = IDENTITY
    residual: int | None = None
    residual_after: bool = False
    pads: tuple[int, int, int, int] | None = None
    pool: str | None = None
    unpooled_shape: tuple[int, ...] = ()
    exact: bool = False


NOTHING_FUSED = Fused()


def fused(op: Operator) -> Fused:
    """Returns what passes have moved into an operator: nothing at first."""
    return op.attributes if isinstance(op.attributes, Fused) else NOTHING_FUSED


@dataclass(frozen=True, slots=True)
class Elementwise(Attributes):
    """An ELEMENTWISE: one function of several tensors of shapes that broadcast.

    Attributes:
        expression: Of the operator's inputs, by place.
    """

    expression: Expression


@dataclass(frozen=True, slots=True)
class Rounding(Attributes):
    """A ROUND_TO: float32 values with the bits that a narrower type keeps.

    Attributes:
        dtype: That type, by NumPy's name.
    """

    dtype: str


@dataclass(frozen=True, slots=True)
class LayerNorm(Attributes):
    """A LAYER_NORM over the last axis.

    Attributes:
        epsilon: Added to the variance.
    """

    epsilon: float


@dataclass(frozen=True, slots=True)
class Attention(Attributes):
    """An ATTENTION: softmax(scale q kᵀ + mask) v.

    Attributes:
        scale: Of the products.
    """

    scale: float


@dataclass(frozen=True, slots=True)
class WriteRow(Attributes):
    """A WRITE_ROW: the first input with one row of axis 0 replaced by the second.

    Attributes:
        in_place: Whether the row is written where the old value lies, which nobody else reads.
    """

    in_place: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class LoopBodies(Attributes):
    """A WHILE: `body` runs as long as `condition`, of the same inputs, gives true."""

    condition: Graph
    body: Graph


@dataclass(frozen=True, slots=True, eq=False)
class BranchBodies(Attributes):
    """An IF: `then` runs where the first input is true, else `otherwise`, on the other inputs."""

    then: Graph
    otherwise: Graph


@dataclass(frozen=True, slots=True, eq=False)
class Scan(Attributes):
    """A SCAN: a body that runs a known number of times.

    The body's inputs are the slices of `sequences`, then the states, then the invariants; its
    outputs are the new states, then the slices of the collected results. The operator's inputs are
    the sequences, the initial states and the invariants; its outputs the final states and the
    collected results. A final state that nobody reads is an output all the same.

    Attributes:
        trips: The number of steps.
        body: What one step does.
        sequences: How many sequences there are.
        states: How many states.
        collected: How many collected results.
    """

    trips: int
    body: Graph
    sequences: int
    states: int
    collected: int


@dataclass(frozen=True, slots=True, eq=False)
class Cell(Attributes):
    """An LSTM, GRU or SIMPLE_RNN over a whole sequence.

    Its inputs are x, the initial hidden state and the initial memory (missing: zeros).
    Its outputs are y, and the final hidden state and memory that `ends` names.

    Attributes:
        kernel: Input weights [gates * units, inputs], gates in the kernel's order.
        recurrent: Recurrent weights [gates * units, units].
        bias: Of the inputs, [gates * units].
        recurrent_bias: Of the recurrent product, [gates * units]; GRU only.
        activation: The C++ type of the cell's activation.
        steps: Steps in the sequence.
        time_major: Whether x is [steps, batch, inputs].
        backwards: Whether x is read from its last step to its first.
        sequence: What y is: `kLast`, `kAll` or `kReversed`.
        ends: Which final states are outputs, after y: some of "h", "c".
        y_time_major: Whether y is [steps, batch, units].
    """

    kernel: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array | None
    activation: str
    steps: int
    time_major: bool = True
    backwards: bool = False
    sequence: str = "kLast"
    ends: tuple[str, ...] = ()
    y_time_major: bool = True

    @property
    def units(self) -> int:
        """The number of units."""
        return int(self.recurrent.shape[1])


#: The class of each kind's attributes; a kind that isn't here is the file's, with Fused or none.
CLASSES: dict[str, type[Attributes]] = {
    "ATTENTION": Attention,
    "ELEMENTWISE": Elementwise,
    "GRU": Cell,
    "IF": BranchBodies,
    "LAYER_NORM": LayerNorm,
    "LSTM": Cell,
    "ROUND_TO": Rounding,
    "SCAN": Scan,
    "SIMPLE_RNN": Cell,
    "WHILE": LoopBodies,
    "WRITE_ROW": WriteRow,
}
