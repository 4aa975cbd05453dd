"""Asking the installed TensorFlow what the gradient function of one kind of op gives.

The op is built alone in a scratch ``FuncGraph``, placeholders for its inputs and for the gradients of its outputs; the
registered gradient function is called and what it gives is handed back as a graph. Nothing runs. Placeholders of
gradients are named ``gradients/…`` because those of ``TensorArray`` look for such a scope (``_GetGradSource``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Optional, Tuple

import tensorflow as tf
from tensorflow.python.framework import ops

from graphcut.dag import REF, RESOURCE, VARIANT
from graphcut.questions import Ask, Asked, Gradient, Question
from graphcut.reading.messages import CLASSES
from graphcut.tracing import bodies
from graphcut.tracing.alone import OWN_TYPE, alone, op_def
from graphcut.tracing.closures import signature
from graphcut.tracing.scratch import is_trainable, scratch
from graphcut.tracing.soft import softened
from graphcut.tracing.wide import alike, narrowed

_ANSWERS: Dict[Any, Asked] = {}
_FAILURES = (
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
    AttributeError,
    AssertionError,
    RuntimeError,
    SystemError,
    tf.errors.OpError,
)


class _Unbuilt(Exception):
    """The op cannot be built alone, which says nothing of its gradient."""


def asker(live: Any) -> Ask:
    """``ask`` for the ops of a live graph (or of none), whose functions may have gradients of their own."""
    own = {} if live is None else bodies.own_gradients(live)
    if not own:
        return ask
    library = live.as_graph_def().library
    return lambda question: _ask_own(question, own[question.type], library) if question.type in own else ask(question)


def _ask_own(question: Question, gradient: Any, library: Any) -> Asked:
    return _answered(question, gradient, True, library)


def ask(question: Question) -> Asked:
    """What TensorFlow's gradient function gives for one kind of op; remembered for the process."""
    if question.soft is not None:
        return _ask_softened(question)
    gradient_type = own_type(question) or question.type
    nothing = (None,) * len(question.inputs)
    discrete = not question.starts and not any(map(_may_carry, question.outputs))
    try:
        function = registry().lookup(gradient_type)
    except LookupError:
        known = op_def(question.type) is not None
        return Asked(missing=not discrete, gradients=nothing, registered=False) if known else _unknown(question)
    if discrete or function is None:
        return Asked(gradients=nothing)
    narrow = None if question.starts else narrowed(question, op_def(question.type))
    if narrow is not None:
        answer = ask(narrow.question)
        if alike(answer, narrow):
            return replace(answer, inputs=narrow.inputs, outputs=narrow.outputs)
    key = (question._replace(attrs=_without_own_type(question)), signature(function))
    if key not in _ANSWERS:
        _ANSWERS[key] = _ask(question, function, gradient_type)
    return _ANSWERS[key]


def _ask_softened(question: Question) -> Asked:
    """The answer for the op with floats in the place of one input; it takes none there: no input gets a gradient."""
    known = op_def(question.type)
    soft = None if known is None else softened(question, known)
    return ask(soft) if soft is not None else Asked(gradients=(None,) * len(question.inputs), registered=False)


def _may_carry(dtype: int) -> bool:
    """Whether a dtype of a graph can carry a gradient: one that nobody knows may, one that only newer versions know cannot."""
    try:
        return not dtype or is_trainable(tf.as_dtype(dtype % REF))
    except TypeError:
        return False


def registry() -> Any:
    """TensorFlow's registry of gradient functions."""
    return getattr(ops, "gradient_registry", None) or ops._gradient_registry


def own_type(question: Question) -> str:
    """The gradient that an op names for itself, or an empty string."""
    for each in map(CLASSES["AttrEntry"].FromString, question.attrs):
        if each.key == OWN_TYPE:
            return str(each.value.s.decode("utf-8", "replace"))
    return ""


def _without_own_type(question: Question) -> Tuple[bytes, ...]:
    return tuple(attr for attr in question.attrs if CLASSES["AttrEntry"].FromString(attr).key != OWN_TYPE)


def _unknown(question: Question) -> Asked:
    told = "TensorFlow %s knows no op of this type" % tf.__version__
    return Asked(failed=told, gradients=(None,) * len(question.inputs))


def _ask(question: Question, function: Any, gradient_type: str) -> Asked:
    return _answered(question, function, is_custom(function, gradient_type), None)


def _answered(question: Question, function: Any, custom: bool, library: Any) -> Asked:
    try:
        return _called(question, function, custom, library, zeros_for_integers=False)
    except _Unbuilt as error:
        return Asked(failed="the op could not be built alone: %s" % error, custom=custom)
    except _FAILURES as first:
        if isinstance(first, LookupError) and question.type == "PreventGradient":
            return Asked(missing=True)
    try:
        return _called(question, function, custom, library, zeros_for_integers=True)
    except _FAILURES as error:
        exact, told = _is_exact(question), "its gradient function could not be asked: %s" % _first_line(error)
        return Asked(missing=exact, failed=None if exact else told, custom=custom)


def _is_exact(question: Question) -> bool:
    """Whether the op stands there with all that TensorFlow knows of it; what a variant holds is not known here."""
    shapes = question.shapes
    return shapes is not None and None not in shapes and VARIANT not in question.inputs + question.outputs


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0][:160]


def is_custom(function: Any, gradient_type: str) -> bool:
    """Whether a gradient function is the user's, not TensorFlow's."""
    module = str(getattr(function, "__module__", "") or "").split(".")[0]
    return gradient_type.startswith("CustomGradient-") or not module.startswith("tensorflow")


def _called(question: Question, function: Any, custom: bool, library: Any, zeros_for_integers: bool) -> Asked:
    with scratch(question) as graph:
        op = _built(question, library, graph)
        if not question.inside:
            return _differentiated(question, function, custom, op, graph, zeros_for_integers)
    with scratch(question) as other:
        found = _differentiated(question, function, custom, op, other, zeros_for_integers)
        return Asked(missing=True, custom=custom) if list(other.control_captures) else found


def _built(question: Question, library: Any, graph: Any) -> Any:
    """The op alone, in the scratch graph."""
    try:
        tf.compat.v1.import_graph_def(alone(question, library), name="")
    except _FAILURES as error:
        raise _Unbuilt(_first_line(error)) from error
    return graph.get_operation_by_name("asked")


def _differentiated(question: Question, function: Any, custom: bool, op: Any, graph: Any, zeros_for_integers: bool) -> Asked:
    given = [_given(output, index, question, zeros_for_integers) for index, output in enumerate(op.outputs)]
    with tf.compat.v1.name_scope("gradients/"):
        gradients = function(op, *given)
    listed = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]
    if len(listed) != len(question.inputs):
        return Asked(missing=True, custom=custom)
    returned = tuple(_returned(each, graph) for each in listed)
    names = tuple(None if each is None or each.op.type != "Placeholder" else each.name for each in given)
    return Asked(graph.as_graph_def().SerializeToString(), names, returned, custom=custom)


def _given(output: Any, index: int, question: Question, zeros_for_integers: bool) -> Any:
    dtype = output.dtype.base_dtype
    if output.dtype.base_dtype.as_datatype_enum == RESOURCE:
        dtype = tf.float32
    if not is_trainable(dtype) and index not in question.starts:
        return tf.zeros_like(output) if zeros_for_integers and (dtype.is_integer or dtype.is_bool) else None
    shape = output.shape if question.output_shapes is None else question.output_shapes[index]
    shape = None if question.shapes is None or dtype != output.dtype.base_dtype else shape
    return tf.compat.v1.placeholder(dtype, shape, name="gradients/given_%d" % index)


def _returned(value: Any, graph: Any) -> Optional[Gradient]:
    if value is None:
        return None
    if isinstance(value, tf.IndexedSlices):
        return Gradient(_inside(value.values, graph), True)
    return Gradient(_inside(value, graph), False)


def _inside(value: Any, graph: Any) -> str:
    tensor = tf.convert_to_tensor(value)
    if getattr(tensor, "graph", None) is not graph:
        tensor = tf.identity(tensor)
    return str(tensor.name)
