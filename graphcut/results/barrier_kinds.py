"""The kinds of barrier, with one record of texts for each kind.

Counts, explanations, advice, pictures and the table in docs/words.md read these records. To add a kind, add a member to
``BarrierKind`` and a record to ``BARRIER_RECORDS``, in the same order. All kinds are drawn in one colour, that of a barrier.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Mapping


class BarrierKind(enum.Enum):
    """Why a gradient does not cross an edge, deliberate ones first.

    ``stop-gradient``: ``tf.stop_gradient``; ``prevent-gradient``: ``PreventGradient``; ``stop-argument``: named in
    ``stop_gradients=``; ``not-differentiable``: the op has no gradient at all; ``no-gradient``: nothing is registered, so
    TensorFlow raises; ``input``: this input gets ``None``; ``dtype``: an integer, bool or string tensor; ``zero``: the
    op's gradient is identically zero; ``zero-filled``: TensorFlow filled in zeros; ``custom-gradient``: a user's gradient
    function gives ``None`` or zeros; ``python``: a call into Python; ``state``: by way of a variable or a dataset;
    ``outside-tape``: no tape recorded it; ``not-watched``: the tape does not watch it.
    """

    STOP_GRADIENT = "stop-gradient"
    PREVENT_GRADIENT = "prevent-gradient"
    STOP_ARGUMENT = "stop-argument"
    NOT_DIFFERENTIABLE = "not-differentiable"
    NO_GRADIENT = "no-gradient"
    INPUT = "input"
    DTYPE = "dtype"
    ZERO = "zero"
    ZERO_FILLED = "zero-filled"
    CUSTOM_GRADIENT = "custom-gradient"
    PYTHON = "python"
    STATE = "state"
    OUTSIDE_TAPE = "outside-tape"
    NOT_WATCHED = "not-watched"

    @property
    def deliberate(self) -> bool:
        """Return whether the barrier is there on purpose: a stop, a ``PreventGradient``, or ``stop_gradients=``.

        >>> BarrierKind.STOP_GRADIENT.deliberate, BarrierKind.DTYPE.deliberate
        (True, False)
        """
        return BARRIER_RECORDS[self].deliberate


@dataclass(frozen=True)
class BarrierRecord:
    """The text about one kind of barrier, and how the analysis treats the kind.

    ``meaning`` is its row in docs/words.md, ``singular`` and ``plural`` are nouns to count with, ``because`` says why
    no gradient passes, ``advice`` what to do, and ``brief`` the same in a few words, for a picture. ``deliberate``: its
    purpose is to cut. ``blocks_whole_op``: no input of its op gets a gradient. ``hides_the_rest``: it is unknown what further
    barriers there are behind it.
    """

    kind: BarrierKind
    meaning: str
    singular: str
    plural: str
    because: str
    advice: str
    brief: str
    deliberate: bool = False
    blocks_whole_op: bool = False
    hides_the_rest: bool = False


_RECORDS = (
    BarrierRecord(
        kind=BarrierKind.STOP_GRADIENT,
        meaning="a `tf.stop_gradient`",
        singular="stop_gradient",
        plural="stop_gradients",
        brief="deliberate: keep or remove it",
        because="tf.stop_gradient was put there to stop it",
        advice=(
            "if the stop is intended, nothing. Otherwise remove this tf.stop_gradient; if it is there to protect other "
            "variables, remove it and pass only the variables that should learn to the optimizer (var_list=, or the "
            "sources of tape.gradient)"
        ),
        deliberate=True,
        blocks_whole_op=True,
    ),
    BarrierRecord(
        kind=BarrierKind.PREVENT_GRADIENT,
        meaning="a `PreventGradient` op",
        singular="prevent-gradient",
        plural="prevent-gradients",
        brief="deliberate: compute it otherwise",
        because="the op forbids a gradient, and raises when asked for one",
        advice=(
            "the op forbids a gradient on purpose. Compute the value with an op that has one, or put tf.stop_gradient "
            "around its input if nothing should learn through it"
        ),
        deliberate=True,
        blocks_whole_op=True,
    ),
    BarrierRecord(
        kind=BarrierKind.STOP_ARGUMENT,
        meaning="the `stop_gradients=` argument",
        singular="stop argument",
        plural="stop arguments",
        brief="deliberate: in stop_gradients=",
        because="the tensor was named in stop_gradients=",
        advice="if the constant is intended, nothing. Otherwise remove this tensor from stop_gradients=",
        deliberate=True,
        blocks_whole_op=True,
    ),
    BarrierRecord(
        kind=BarrierKind.NOT_DIFFERENTIABLE,
        meaning=("registered without a gradient, or a gradient function that gives every input `None` (`Floor`, `ArgMax`)"),
        singular="not-differentiable op",
        plural="not-differentiable ops",
        brief="instead: x + stop_gradient(f(x) - x)",
        because="TensorFlow gives this op no gradient at all",
        advice="use an op that has a gradient instead, or write the gradient that you want with @tf.custom_gradient",
        blocks_whole_op=True,
    ),
    BarrierRecord(
        kind=BarrierKind.NO_GRADIENT,
        meaning="nothing registered: TensorFlow raises",
        singular="op without a gradient",
        plural="ops without a gradient",
        brief="instead: ops with a gradient",
        because="nothing is registered for this op, so TensorFlow raises",
        advice=(
            "use ops that have a gradient instead, or wrap it in a function with @tf.custom_gradient that defines the "
            "gradient; if nothing should learn through it, put tf.stop_gradient around its input"
        ),
        blocks_whole_op=True,
    ),
    BarrierRecord(
        kind=BarrierKind.INPUT,
        meaning="this input gets `None`: an index, a shape, a condition",
        singular="input without a gradient",
        plural="inputs without a gradient",
        brief="instead: softmax(k * x) as weights",
        because="the op has a gradient, but not for this input",
        advice=(
            "this input only picks, shapes or decides. To learn from it, make it a factor: weights from tf.nn.softmax "
            "times all rows instead of an index (tf.nn.softmax(logits) @ embedding.embeddings, or a Dense layer with "
            "use_bias=False, instead of an Embedding), both sides weighted by a tf.sigmoid instead of a condition"
        ),
    ),
    BarrierRecord(
        kind=BarrierKind.DTYPE,
        meaning="an integer, boolean or string tensor",
        singular="integer, bool or string tensor",
        plural="integer, bool or string tensors",
        brief="instead: keep it a float",
        because="a tensor of this dtype has no gradient",
        advice=(
            "only floats have a gradient: make it a float, and everything that is computed from it on the way to the loss"
        ),
        hides_the_rest=True,
    ),
    BarrierRecord(
        kind=BarrierKind.ZERO,
        meaning="the op's gradient is identically zero",
        singular="zero gradient",
        plural="zero gradients",
        brief="instead: a smooth function",
        because="the gradient through this op is zero for every input",
        advice=(
            "its slope is 0 everywhere: use a smooth function instead, such as tf.tanh for tf.sign. If the variable "
            "should stay as it is, do not pass it to the optimizer: momentum and weight decay change even a variable "
            "whose gradient is zero"
        ),
    ),
    BarrierRecord(
        kind=BarrierKind.ZERO_FILLED,
        meaning="TensorFlow filled in zeros: for another output of a called function, or for a loop variable",
        singular="zero-filled gradient",
        plural="zero-filled gradients",
        brief="instead: let the loss read it",
        because="no gradient arrives there, and TensorFlow fills in zeros",
        advice=(
            "let the loss read what the function computes from this variable: it reads another result. If the variable "
            "should stay as it is, do not pass it to the optimizer: momentum and weight decay change even a variable "
            "whose gradient is zero"
        ),
        hides_the_rest=True,
    ),
    BarrierRecord(
        kind=BarrierKind.CUSTOM_GRADIENT,
        meaning="a user's gradient function gives `None` or zeros",
        singular="custom gradient",
        plural="custom gradients",
        brief="instead: return dy * derivative",
        because="the user's own gradient function answers None or zeros",
        advice=(
            "the function under @tf.custom_gradient returns None or zeros for this argument: let it return the "
            "gradient, such as dy times the derivative"
        ),
    ),
    BarrierRecord(
        kind=BarrierKind.PYTHON,
        meaning="a call into Python without a gradient",
        singular="Python call",
        plural="Python calls",
        brief="instead: TensorFlow ops",
        because="Python code that has no gradient computes the value",
        advice=(
            "compute it with TensorFlow's own ops, without float() and NumPy; or use tf.py_function, which passes gradients "
            "on, with TensorFlow's ops inside, instead of tf.numpy_function"
        ),
        blocks_whole_op=True,
    ),
    BarrierRecord(
        kind=BarrierKind.STATE,
        meaning=(
            "the value only gets there through state: another variable, a table, a queue, a dataset made before the step"
        ),
        singular="assignment",
        plural="assignments",
        brief="instead: use the new value itself",
        because="the value gets there only through state: a variable, a table, a queue or a dataset",
        advice=(
            "no gradient passes an assignment, and a tf.Variable made from a tensor is a copy of it. Keep the new value in "
            "a Python name and let the loss read that, not the variable: value = ...; w.assign(value); loss = f(value)"
        ),
    ),
    BarrierRecord(
        kind=BarrierKind.OUTSIDE_TAPE,
        meaning="it was computed before the tape opened, after it closed, or while it paused",
        singular="value made outside the tape",
        plural="values made outside the tape",
        brief="instead: inside the tape's block",
        because="no tape recorded how it was computed",
        advice=(
            "move this line into the block `with tf.GradientTape() as tape:`, together with every line before it that "
            "leads there from the variable; if a function takes the gradient of its argument, move them into that "
            "function"
        ),
        blocks_whole_op=True,
        hides_the_rest=True,
    ),
    BarrierRecord(
        kind=BarrierKind.NOT_WATCHED,
        meaning="the tape does not watch it",
        singular="unwatched tensor",
        plural="unwatched tensors",
        brief="instead: tape.watch it first",
        because="the tape does not watch it",
        advice="call tape.watch on the tensor before it is used, or make it a trainable tf.Variable",
        blocks_whole_op=True,
    ),
)

BARRIER_RECORDS: Mapping[BarrierKind, BarrierRecord] = {record.kind: record for record in _RECORDS}
