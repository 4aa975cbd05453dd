"""Advice on each barrier, by its kind or its op. Tests follow each piece of advice in TensorFlow."""

from __future__ import annotations

from typing import Mapping, Sequence

from graphcut.analysis.regions.transfer import JOINING, MAKES_COMPLEX
from graphcut.render.text.python_lines import advice_for_line
from graphcut.results import Barrier, BarrierKind, LeftOut, LeftOutReason
from graphcut.results.barrier_kinds import BARRIER_RECORDS
from graphcut.results.words import is_condition
from graphcut.util.source_lines import line_of

STAND_INS = {
    "float": (
        "if only its value is wanted, use a straight-through estimator: y = x + tf.stop_gradient(f(x) - x) has the value "
        "of f(x) and passes the gradient on; or use a smooth function instead"
    ),
    "bool": "use a soft step instead of the comparison: tf.sigmoid(k * (a - b)) instead of tf.cast(a > b, tf.float32)",
    "int": (
        "use a soft choice instead of the index: tf.nn.softmax(k * x) as weights, or tf.reduce_max if only the largest "
        "value is wanted; for the code of a codebook that is nearest to z, z + tf.stop_gradient(code - z); to sample, use the "
        "score function or a Gumbel softmax"
    ),
}
LIBRARY = (
    "the stop was made inside a library that this line calls. If the line asks for it (a Lambda layer of "
    "tf.stop_gradient, a stop_gradient in a functional model, an argument), remove that; otherwise compute the value "
    "with ops of your own"
)
BY_VALUE = {
    "Const": (
        "it is a value that left TensorFlow, as a constant: leave out .numpy() (get_value, get_weights) and compute with the "
        "variable or tensor itself"
    ),
    "EagerPyFunc": (
        "the Python function reads the variable itself: pass the variable to tf.py_function as an argument, which gets a "
        "gradient"
    ),
}
_VALUES = ("Const", "Placeholder")  # how a value stands in a graph that Python code computed
MATCH = (
    "train on how far apart the two are: use a cross-entropy or a squared error instead of the accuracy. A soft match of "
    "numbers is tf.exp(-k * tf.square(a - b)), an expected accuracy tf.reduce_sum(tf.nn.softmax(k * x) * "
    "tf.one_hot(labels, n), -1)"
)
ONE_HOT = (
    "use tf.nn.softmax(k * x), which is weights already, instead of tf.one_hot and the choice that feeds it; k is a "
    "number, and the larger it is, the harder the choice"
)
LOGIC = (
    "multiply soft steps: for a and b between 0 and 1, use a * b instead of tf.logical_and(a, b), a + b - a * b instead "
    "of tf.logical_or(a, b), and 1 - a instead of tf.logical_not(a)"
)
SAMPLE = (
    "to learn from a reward, use the score function: loss = -tf.reduce_mean(tf.stop_gradient(reward) * log_prob), where "
    "log_prob is -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=sample, logits=logits); to compute with the sample "
    "itself, use a Gumbel softmax: tf.nn.softmax(logits - tf.math.log(-tf.math.log(u))) with u = tf.random.uniform("
    "tf.shape(logits), 1e-20, 1.0)"
)
COUNTS = (
    "a count has no reparametrization. To compute with it, use a normal sample of the same mean and variance: mean + "
    "tf.sqrt(variance) * tf.random.normal(tf.shape(mean)); a Poisson has the variance mean, a binomial n * p * (1 - p). To "
    "learn from a reward, use the score function: loss = -tf.reduce_mean(tf.stop_gradient(reward) * log_prob); for a Poisson, "
    "log_prob is count * tf.math.log(mean) - mean. If nothing should learn through it, put tf.stop_gradient around its "
    "parameters"
)
SAMPLES = {
    "Multinomial": SAMPLE,
    "StatelessMultinomial": SAMPLE,
    "RandomPoisson": COUNTS,
    "RandomPoissonV2": COUNTS,
    "StatelessRandomPoisson": COUNTS,
    "StatefulRandomBinomial": COUNTS,
    "StatelessRandomBinomial": COUNTS,
}
OWN = {
    "Equal": MATCH,
    "NotEqual": MATCH,
    "InTopK": MATCH,
    "InTopKV2": MATCH,
    "OneHot": ONE_HOT,
    "LogicalAnd": LOGIC,
    "LogicalOr": LOGIC,
    "LogicalNot": LOGIC,
}
_WITHOUT = (BarrierKind.NOT_DIFFERENTIABLE, BarrierKind.NO_GRADIENT)
INTEGER = "an optimizer trains floats only: leave it out of the variables that you ask about, or make it trainable=False"
CAST = (
    "keep the value a float all the way. To round it anyway, use a straight-through estimator: y = x + "
    "tf.stop_gradient(f(x) - x) has the value of f(x), here of both casts, and passes the gradient on"
)
PRODUCT = (
    "one factor is always 0: give it another value, or remove the term. If the variable should stay as it is, do not "
    "pass it to the optimizer: momentum and weight decay change even a variable whose gradient is zero"
)
PIECES = (
    "the loss reads only other pieces of what is joined here: let it read this one too. If the variable should stay as "
    "it is, do not pass it to the optimizer: momentum and weight decay change even a variable whose gradient is zero"
)
_WHOLES = JOINING | MAKES_COMPLEX
NO_BRANCH = (
    "no branch passes a gradient on, and this TensorFlow fills in zeros: remove what stops it inside one of them. If the "
    "variable should stay as it is, do not pass it to the optimizer: momentum and weight decay change even a variable "
    "whose gradient is zero"
)
LOOP = (
    "what the loss reads of the loop passes no gradient on to it, and TensorFlow fills in zeros: remove what stops it "
    "inside the loop, or let the loss read another result. If the variable should stay as it is, do not pass it to the "
    "optimizer: momentum and weight decay change even a variable whose gradient is zero"
)
RUNS = (
    "it decides how often a loop runs, and nothing with a gradient stands in for that number: leave it out of the "
    "variables that you ask about. To learn how many steps count, run a fixed number of them and weight the result of each"
)
COUNTS_RUNS = "it counts the runs of a loop"
STATISTICS = (
    "a batch normalization that is not training uses its moving averages as they are: they are set by assignment in "
    "training, not learned. If that is intended, leave it out of the variables that you ask about"
)
UNUSED = (
    "let the loss read something that is computed from it. If it should not learn from this loss, leave it out of the "
    "variables that you ask about"
)
FORGOTTEN = (
    "if it should learn from this loss, add it to the variables whose gradient is taken, and pass its gradient to the "
    "optimizer; if another step trains it, nothing; if it should never learn, make it trainable=False"
)
UNTRACKED = (
    "create it with self.add_weight in the layer: Keras 3 does not track a plain tf.Variable, so the model's "
    "trainable_variables lack it"
)
BEHIND_STOP = (
    "assign to it in the step if it should follow other weights; if it should learn from this loss, remove the stop and ask "
    "for its gradient"
)
STOPPED_TOO = (
    "a stop_gradient is on every route from it to the loss: remove the stop as well, or the gradient of this loss is None"
)
LOSS_OUTSIDE = (
    "compute the loss from the variable inside what is differentiated: the function that you audit, or the tape's block"
)
FROM_ZEROS = (
    "start from something other than zeros: pass other grad_ys= to tf.gradients, other output_gradients= to tape.gradient, or "
    "leave them out to start from ones"
)
LOSS_DTYPE = (
    "train on a float that is small when the model is right, such as a cross-entropy or a squared error, and keep this "
    "number as a metric"
)
BRANCH = "if it should learn in every run, use it in the other branch too, and stop it in neither"
REGULARIZER = (
    "if it should stay as it is, leave it out of the regularizer or do not pass it to the optimizer: the stop alone does "
    "not freeze it"
)
REROUTE = (
    "if it should learn from the other terms too, remove what stops the gradient there; an audit with such a term as "
    "its loss names it"
)


_BRIEF_STAND_INS = {
    "bool": "instead: sigmoid(k * (a - b))",
    "int": "instead: softmax(k * x) as weights",
}
_BRIEF_OF_TYPES = {
    MATCH: "instead: a cross-entropy or distance",
    ONE_HOT: "instead: softmax(k * x)",
    LOGIC: "instead: products of soft steps",
    SAMPLE: "instead: a score function or Gumbel softmax",
    COUNTS: "instead: a score function or normal sample",
}


def brief(cut: Barrier, made: str) -> str:
    """Return the advice for a barrier in a few words, for a picture; ``made`` as for ``advice``."""
    if cut.kind is BarrierKind.STOP_GRADIENT and cut.library:
        return "made by a library"
    if cut.kind is BarrierKind.ZERO and ("Mul" in cut.type or cut.type in _WHOLES):
        return "instead: let the loss read this piece" if cut.type in _WHOLES else "instead: a factor that is not 0"
    if cut.type == "LoopCond":
        return COUNTS_RUNS
    general = BARRIER_RECORDS[cut.kind].brief
    if cut.kind in _WITHOUT and cut.type in SAMPLES:
        return _BRIEF_OF_TYPES[SAMPLES[cut.type]]
    if cut.kind is not BarrierKind.NOT_DIFFERENTIABLE:
        return general
    if cut.type == "Cast":
        return BARRIER_RECORDS[BarrierKind.DTYPE].brief
    return _BRIEF_OF_TYPES[OWN[cut.type]] if cut.type in OWN else _BRIEF_STAND_INS.get(stand_in(made), general)


def counts_runs(cut: Sequence[Barrier], dtypes: Mapping[str, str]) -> bool:
    """Return whether a cut is the condition of a loop, of TensorFlow 1 or 2, with what feeds and reads it.

    These are the comparisons and casts before it, and the predicates of a v1 loop's ``Switch`` ops after it.
    """
    loops = [each for each in cut if each.type.endswith("While")]
    conditions = [each for each in cut if each.type == "LoopCond" or (loops and is_condition(each))]
    others = [each for each in cut if each not in loops and each not in conditions]
    return bool(conditions) and all(
        each.type == "Cast" or _is_predicate(each) or dtypes.get(each.op) == "bool" for each in others
    )


def _is_predicate(cut: Barrier) -> bool:
    return cut.kind is BarrierKind.DTYPE and cut.type in ("Switch", "RefSwitch")


def stand_in(dtype: str) -> str:
    """Return the key of ``STAND_INS`` for an op whose output has ``dtype``, which tells what the op does."""
    return "bool" if dtype == "bool" else "float" if "float" in dtype else "int"


def of_maker(op_type: str, dtype: str) -> str:
    """Return the advice for an op that computes a ``dtype`` tensor from floats, such as the indices of ``TopKV2``."""
    return OWN.get(op_type) or SAMPLES.get(op_type) or STAND_INS[stand_in(dtype)]


def how_to_ask(variable: LeftOut) -> str:
    """Return what to do so that a gradient is asked for a variable that the loss reads."""
    if variable.trainable is False:
        return "if it should learn, set trainable = True on its layer"
    if variable.is_untracked:
        return UNTRACKED
    if variable.reason is LeftOutReason.FROZEN:
        return "if it should learn from this loss, add it to the variables whose gradient is taken, too"
    return FORGOTTEN


def replaced(variable: str) -> str:
    """Return the advice for a tensor that may have taken the place of a variable, as in ``w = w - step``."""
    return (
        f"it is computed from variable {variable}. If it is the variable's new value, write w.assign_sub(step) in place of "
        "w = w - step, so that it stays a tf.Variable; otherwise call tape.watch on the tensor before it is used"
    )


def advice(cut: Barrier, made: str) -> str:
    """Return the advice for a barrier whose op has an output of dtype ``made`` (empty if unknown)."""
    if cut.library and cut.kind is BarrierKind.STOP_GRADIENT:
        return LIBRARY
    if cut.kind is BarrierKind.PYTHON:
        of_line = advice_for_line(line_of(cut.where)) if cut.type in _VALUES else ""
        return of_line or BY_VALUE.get(cut.type, BARRIER_RECORDS[cut.kind].advice)
    if cut.kind is BarrierKind.ZERO_FILLED and cut.type.endswith(("If", "Case")):
        return NO_BRANCH
    if cut.kind is BarrierKind.ZERO_FILLED and cut.type.endswith("While"):
        return LOOP
    if cut.kind is BarrierKind.INPUT and cut.type.startswith("FusedBatchNorm") and cut.input in (3, 4):
        return STATISTICS
    if cut.kind is BarrierKind.NOT_DIFFERENTIABLE and cut.type == "Cast":
        return CAST
    of_type = (SAMPLES if cut.type in SAMPLES or cut.kind is BarrierKind.NO_GRADIENT else OWN).get(cut.type)
    if cut.kind in _WITHOUT and of_type:
        return of_type
    if cut.kind is BarrierKind.ZERO and ("Mul" in cut.type or cut.type in _WHOLES):
        return PIECES if cut.type in _WHOLES else PRODUCT
    if cut.kind is BarrierKind.NOT_DIFFERENTIABLE and made:
        return STAND_INS[stand_in(made)]
    return BARRIER_RECORDS[cut.kind].advice
