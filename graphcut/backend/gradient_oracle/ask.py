"""Ask the installed TensorFlow what the gradient function of one kind of op answers.

The op is built alone in a scratch ``FuncGraph``, with placeholders for its inputs and for the upstream gradients. Then the
registered gradient function is called, and its result is returned as a graph. Nothing runs. The placeholders for gradients are
named ``gradients/…`` because the gradients of ``TensorArray`` look for such a scope (``_GetGradSource``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

import tensorflow as tf
from tensorflow.python.eager import backprop
from tensorflow.python.framework import func_graph

from graphcut.analysis.rules.float_twins import soften
from graphcut.analysis.rules.oracle import (
    ROOM,
    AskGradient,
    GradientQuery,
    GradientReply,
    InputGradient,
    TensorFlowBehavior,
    weight,
)
from graphcut.backend.gradient_oracle import user_state, version_probes
from graphcut.backend.gradient_oracle.narrow_lists import answers_neighbours_alike, narrow_query
from graphcut.backend.gradient_oracle.replica_context import replica_context_of
from graphcut.backend.gradient_oracle.single_op_graph import (
    add_sparse_matrix,
    is_trainable,
    isolate_op,
    op_def,
    scratch,
    takes_sparse_matrices,
    unlisted_signature,
)
from graphcut.backend.live import function_graphs
from graphcut.backend.live.eager_context import soft_placement
from graphcut.backend.live.function_identity import identity, is_tensorflow_code, is_tensorflow_path
from graphcut.backend.live.gradient_registry import REGISTRY
from graphcut.backend.live.variable_objects import captures
from graphcut.graph.attrs import entry
from graphcut.graph.dtypes import RESOURCE, VARIANT, base_dtype
from graphcut.graph.messages import CLASSES
from graphcut.graph.metadata import GraphMetadata
from graphcut.graph.op_outputs import Output, arguments, specs
from graphcut.graph.op_types import GRADIENT_TYPE
from graphcut.util.caching import BoundedCache

_ANSWERS: BoundedCache[GradientReply] = BoundedCache(ROOM)
_FLOAT = 1
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
# Names that a function reads if it inspects the graph, which is here not the graph that TensorFlow would use.
_GRAPHS = frozenset(("graph", "outer_graph", "building_function", "inside_function"))
# Names that it reads if it inspects the surroundings of an op, which do not exist for an op that is built alone. ``op`` and
# ``control_inputs`` lead to inputs other than those in the user's model, and to their producers.
_SURROUNDINGS = frozenset(
    (
        "name", "device", "consumers", "op", "control_inputs", "node_def", "traceback", "colocation_groups",
        "get_collection", "get_collection_ref", "collections", "get_all_collection_keys", "get_operations",
        "get_operation_by_name", "get_tensor_by_name", "as_graph_def", "get_name_scope", "get_default_graph",
        "executing_eagerly", "numpy",
    )
)  # fmt: skip
# The inputs that need no gradient, which only a tape passes to the gradient function.
_OF_TAPES = frozenset(("skip_input_indices",))
_STARTS = ("Placeholder", "DenseToCSRSparseMatrix")  # the values of upstream gradients
_NEEDS_SHAPES = "its gradient function is the user's, and is asked with all that is known of the op"


class _Unbuilt(Exception):
    """The op cannot be built alone; its gradient stays unknown."""


class InstalledOracle:
    """The ``GradientOracle`` that asks the installed TensorFlow."""

    label = "TensorFlow %s (installed)" % tf.__version__

    def asker(self, origin: GraphMetadata) -> AskGradient:
        """Return the function that answers questions about the ops of one graph."""
        return asker(origin)

    def behavior(self, origin: GraphMetadata) -> TensorFlowBehavior:
        """Return how the installed TensorFlow treats the surroundings of an op, in a graph of that origin."""
        return version_probes.tensorflow_behavior(origin)


def asker(origin: GraphMetadata) -> AskGradient:
    """Call ``ask`` for the ops of one graph. The answers of users' gradient functions are cached for this graph only."""
    functions = {} if origin.live is None else function_graphs.own_gradients(origin.live)
    library = origin.live.as_graph_def().library if functions else None
    replies: Dict[Any, GradientReply] = {}

    def answer(question: GradientQuery) -> GradientReply:
        observed = origin.answered.get(question.place[1]) if question.place and question.place[0] is None else None
        if observed is not None:
            return _reply_of_custom_gradient(question, observed)
        function = functions.get(question.type) or _function(question)
        if question.soft is not None or function is None or identity(function) is not None:
            return ask(question)
        op = _live(origin, question)
        if op is None and question.shapes is None:
            return GradientReply(failed=_NEEDS_SHAPES, own=True)
        key = question if op is None else (question.place, question.type, question.zeros, question.slices, question.starts)
        if key not in replies:
            custom = question.type in functions or is_custom(function, own_type(question))
            with user_state.same_state(function):
                replies[key] = _answered_by_user(question, function, custom, library, op)
        return replies[key]

    return answer


def _reply_of_custom_gradient(question: GradientQuery, answered: Sequence[Optional[bool]]) -> GradientReply:
    """Return the answer of a custom gradient that ran: each input that it answered depends on all upstream gradients.

    What else it depends on is unknown: it may be nonzero even if all upstream gradients are zeros.
    """
    graph = CLASSES["Graph"]()
    upstream = ["gradients/%d" % index for index in range(len(question.outputs))]
    summands = [*upstream, "unseen"]
    for name in summands:
        graph.node.add(name=name, op="Placeholder", attr=[entry("dtype", type=1)])
    graph.node.add(name="sum", op="AddN", input=summands, attr=[entry("N", i=len(summands)), entry("T", type=1)])
    pairs = zip(question.inputs, answered)
    gradients = [
        InputGradient("sum:0", False) if answer is not False and _may_carry(dtype) else None for dtype, answer in pairs
    ]
    names = tuple("%s:0" % name for name in upstream)
    return GradientReply(graph.SerializeToString(), names, tuple(gradients), custom=True, op_defs=unlisted_signature)


def _live(origin: GraphMetadata, question: GradientQuery) -> Any:
    """Return the live op, if it still exists and is unchanged since the graph was read."""
    op = None if question.place is None else origin.operation(*question.place)
    return op if op is not None and op.type == question.type and len(op.inputs) == len(question.inputs) else None


def _function(question: GradientQuery) -> Any:
    """Return the gradient function of an op that can have a gradient; ``None`` if there is none."""
    try:
        function = REGISTRY.lookup(own_type(question) or question.type)
    except LookupError:
        return None
    return function if question.starts or any(map(_may_carry, question.outputs)) else None


def ask(question: GradientQuery) -> GradientReply:
    """Ask TensorFlow's gradient function about one kind of op; cache the answer for the process.

    Only answers of TensorFlow's own functions are cached, and only if everything that they refer to is known.
    """
    question = question._replace(taped=False)
    if question.soft is not None:
        return _ask_softened(question)
    gradient_type = own_type(question) or question.type
    nothing = (None,) * len(question.inputs)
    discrete = not question.starts and not any(map(_may_carry, question.outputs))
    try:
        function = REGISTRY.lookup(gradient_type)
    except LookupError:
        is_registered = op_def(question.type) is not None
        return (
            GradientReply(missing=not discrete, gradients=nothing, registered=False) if is_registered else _unknown(question)
        )
    if discrete or function is None:
        return GradientReply(gradients=nothing)
    own, custom = identity(function), is_custom(function, gradient_type)
    if own is None:
        with user_state.same_state(function):
            return replace(_call_gradient_function(question, function, custom, None), own=True)
    narrow = None if question.starts else narrow_query(question, op_def(question.type))
    if narrow is not None:
        answer = ask(narrow.question)
        if answers_neighbours_alike(answer, narrow):
            return replace(answer, inputs=narrow.inputs, outputs=narrow.outputs)
    key = (question._replace(attrs=_without_own_type(question), place=None, slices=()), own)
    return _ANSWERS.get(key, weight(question), lambda: _call_gradient_function(question, function, custom, None))


def _ask_softened(question: GradientQuery) -> GradientReply:
    """Return the answer for the op with floats at one input; if it takes no floats there, no input gets a gradient."""
    definition = op_def(question.type)
    soft = None if definition is None else soften(question, *signature(definition))
    return ask(soft) if soft is not None else GradientReply(gradients=(None,) * len(question.inputs), registered=False)


def signature(definition: Any) -> Tuple[Tuple[Output, ...], Tuple[Output, ...], FrozenSet[str]]:
    """Return the input and the output arguments of an ``OpDef``, and its attributes of dtypes that allow floats."""
    floats = [
        attr.name for attr in definition.attr if not attr.HasField("allowed_values") or _FLOAT in attr.allowed_values.list.type
    ]
    typed = frozenset(floats).intersection(attr.name for attr in definition.attr if attr.type in ("type", "list(type)"))
    return arguments(specs(definition.input_arg)), arguments(specs(definition.output_arg)), typed


def _may_carry(dtype: int) -> bool:
    """Return whether a dtype can carry a gradient: an unknown one may, one that only newer versions know cannot."""
    try:
        return not dtype or is_trainable(tf.as_dtype(base_dtype(dtype)))
    except TypeError:
        return False


def own_type(question: GradientQuery) -> str:
    """Return the gradient that an op names for itself, or an empty string."""
    for each in map(CLASSES["AttrEntry"].FromString, question.attrs):
        if each.key == GRADIENT_TYPE:
            return str(each.value.s.decode("utf-8", "replace"))
    return ""


def _without_own_type(question: GradientQuery) -> Tuple[bytes, ...]:
    return tuple(attr for attr in question.attrs if CLASSES["AttrEntry"].FromString(attr).key != GRADIENT_TYPE)


def _unknown(question: GradientQuery) -> GradientReply:
    reason = "TensorFlow %s knows no op of this type" % tf.__version__
    return GradientReply(failed=reason, gradients=(None,) * len(question.inputs))


def _call_gradient_function(question: GradientQuery, function: Any, custom: bool, library: Any) -> GradientReply:
    """Ask a gradient function about an op that is alone in a scratch graph."""
    try:
        return _called(question, function, custom, library, zeros_for_integers=False)
    except _Unbuilt as error:
        return GradientReply(failed="the op could not be built alone: %s" % error, custom=custom)
    except _FAILURES as first:
        if isinstance(first, LookupError) and question.type == "PreventGradient":
            return GradientReply(missing=True)
        if not _has_zeros_to_give(question):
            return _reply_for_error(question, function, custom, first)
    try:
        return _called(question, function, custom, library, zeros_for_integers=True)
    except _FAILURES as error:
        return _reply_for_error(question, function, custom, error)


def _has_zeros_to_give(question: GradientQuery) -> bool:
    """Return whether it makes a difference to pass zeros as upstream gradients of integer and boolean outputs."""
    untold = [dtype for index, dtype in enumerate(question.outputs) if index not in question.starts]
    return any(dtype != RESOURCE and not _may_carry(dtype) for dtype in map(base_dtype, untold))


def _reply_for_error(question: GradientQuery, function: Any, custom: bool, error: BaseException) -> GradientReply:
    """Return the reply for an error that a gradient function raised."""
    unwritten = isinstance(error, NotImplementedError)
    exact = not custom and (_is_exact(question, unwritten) or (unwritten and _reads_nothing(function)))
    return GradientReply(missing=exact, failed=None if exact else _unasked(error), custom=custom)


def _unasked(error: BaseException) -> str:
    return "its gradient function could not be asked: %s" % _first_line(error)


def _answered_by_user(question: GradientQuery, function: Any, custom: bool, library: Any, op: Any) -> GradientReply:
    """Ask a user's function, with the op itself if it is alive. The function may raise any exception."""
    unknown = _unknown_names(user_state.names_read(function), question, op)
    if unknown:
        return GradientReply(failed=unknown, custom=custom, own=True)
    try:
        if op is None:
            return replace(_called(question, function, custom, library, zeros_for_integers=False), own=True)
        return _called_beside(question, function, custom, op)
    except _Unbuilt as error:
        return GradientReply(failed="the op could not be built alone: %s" % error, custom=custom, own=True)
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        refused = op is not None and _raised_by_user(error)
        return GradientReply(missing=refused, failed=None if refused else _unasked(error), custom=custom, own=True)


def _unknown_names(names: Set[str], question: GradientQuery, op: Any) -> str:
    """Return why the answer of a function that reads these names cannot be trusted; an empty string if it can."""
    if not _GRAPHS.isdisjoint(names):
        return "its gradient function looks at the graph that it is called in"
    if question.taped and not _OF_TAPES.isdisjoint(names):
        return "its gradient function looks at what the tape asks for"
    around = sorted(_SURROUNDINGS.intersection(names))
    return "" if op is not None or not around else "its gradient function reads %s, unknown here" % ", ".join(around)


def _raised_by_user(error: BaseException) -> bool:
    """Return whether the user's own line raised it, not TensorFlow code that misses the surroundings of the op."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and not is_tensorflow_path(trace.tb_frame.f_code.co_filename)


def _called_beside(question: GradientQuery, function: Any, custom: bool, op: Any) -> GradientReply:
    """Ask a function about a live op in a scratch graph inside the op's graph, which stays as it is."""
    graph = _graph_within(op.graph)
    concrete = question._replace(shapes=tuple(each.shape for each in op.inputs), output_shapes=None)
    with soft_placement(), graph.as_default(), replica_context_of(function):
        reply = _differentiated(concrete, function, custom, op, graph, zeros_for_integers=False)
    zeros = {op.inputs[index].name for index in question.zeros}
    inside = [(outer, inner) for outer, inner in captures(graph) if getattr(outer, "graph", None) is op.graph]
    return replace(reply, own=True, zeros=tuple(inner.name for outer, inner in inside if outer.name in zeros))


def _graph_within(live: Any) -> Any:
    """Return a scratch graph inside a live one, with its own collections: a ``FuncGraph`` shares them and adds empty ones."""
    collections = frozenset(live._collections)
    with live.as_default():
        graph = func_graph.FuncGraph("graphcut")
    graph._collections = {key: list(values) for key, values in graph._collections.items()}
    for key in [each for each in live._collections if each not in collections]:
        del live._collections[key]
    return graph


def _is_exact(question: GradientQuery, is_not_implemented: bool) -> bool:
    """Return whether everything that decides what the op's gradient function raises is known here.

    The content of a variant is not known, but it cannot supply a gradient that TensorFlow lacks.
    """
    shapes = question.shapes
    is_known = is_not_implemented or VARIANT not in question.inputs + question.outputs
    return shapes is not None and None not in shapes and is_known


def _reads_nothing(function: Any) -> bool:
    """Return whether a gradient function reads nothing, like one that only raises "not implemented"."""
    return set(getattr(getattr(function, "__code__", None), "co_names", "?")) <= {"NotImplementedError"}


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0][:160]


def is_custom(function: Any, gradient_type: str) -> bool:
    """Return whether a gradient function is a user's, not TensorFlow's."""
    return gradient_type.startswith("CustomGradient-") or not is_tensorflow_code(function)


def _called(question: GradientQuery, function: Any, custom: bool, library: Any, zeros_for_integers: bool) -> GradientReply:
    with scratch(question) as graph:
        op = _build_op(question, library, graph)
        if not question.inside:
            return _differentiated(question, function, custom, op, graph, zeros_for_integers)
    with scratch(question) as other:
        reply = _differentiated(question, function, custom, op, other, zeros_for_integers)
        return GradientReply(missing=True, custom=custom) if list(other.control_captures) else reply


def _build_op(question: GradientQuery, library: Any, graph: Any) -> Any:
    """Build the op alone in the scratch graph, and return it."""
    try:
        tf.compat.v1.import_graph_def(isolate_op(question, library), name="")
    except _FAILURES as error:
        raise _Unbuilt(_first_line(error)) from error
    return graph.get_operation_by_name("asked")


def _differentiated(
    question: GradientQuery, function: Any, custom: bool, op: Any, graph: Any, zeros_for_integers: bool
) -> GradientReply:
    upstream = [_upstream_gradient(output, index, question, zeros_for_integers) for index, output in enumerate(op.outputs)]
    with tf.compat.v1.name_scope("gradients/"):
        gradients = function(_op_for_gradient_function(op, question), *upstream)
    listed = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]
    if len(listed) != len(question.inputs):
        return GradientReply(missing=True, custom=custom)
    returned = tuple(_returned(each, graph) for each in listed)
    starts = [getattr(each, "values", each) for each in upstream]
    names = tuple(None if each is None or each.op.type not in _STARTS else each.name for each in starts)
    message = graph.as_graph_def().SerializeToString()
    return GradientReply(message, names, returned, custom=custom, op_defs=unlisted_signature)


def _op_for_gradient_function(op: Any, question: GradientQuery) -> Any:
    """Return the op as TensorFlow gives it to a gradient function.

    A tape keeps only its type, attributes, inputs and outputs.
    """
    if not question.taped or own_type(question):
        return op
    attrs: List[Any] = []
    for attr in op.op_def.attr:
        attrs += [attr.name, op.get_attr(attr.name)]
    return backprop._MockOp(tuple(attrs), op.inputs, list(op.outputs), op.type, ())


def _upstream_gradient(output: Any, index: int, question: GradientQuery, zeros_for_integers: bool) -> Any:
    dtype = output.dtype.base_dtype
    if output.dtype.base_dtype.as_datatype_enum == RESOURCE:
        dtype = tf.float32
    if not is_trainable(dtype) and index not in question.starts:
        return tf.zeros_like(output) if zeros_for_integers and (dtype.is_integer or dtype.is_bool) else None
    if takes_sparse_matrices(question.type):
        return _start_beside_matrices(output, dtype, index, question)
    shape = output.shape if question.output_shapes is None else question.output_shapes[index]
    shape = None if question.shapes is None or dtype != output.dtype.base_dtype else shape
    return _slices(dtype, shape, index) if index in question.slices else _start(dtype, shape, index)


def _start(dtype: Any, shape: Any, index: int) -> Any:
    return tf.compat.v1.placeholder(dtype, shape, name="gradients/given_%d" % index)


def _start_beside_matrices(output: Any, dtype: Any, index: int, question: GradientQuery) -> Any:
    """Return the upstream gradient for an op on sparse matrices, whose gradient function reads a shape or a matrix."""
    if dtype.as_datatype_enum == VARIANT:
        message = CLASSES["Graph"]()
        add_sparse_matrix(message, "gradients/given_%d" % index, question)
        graph = tf.compat.v1.GraphDef.FromString(message.SerializeToString())
        tf.compat.v1.import_graph_def(graph, name="")
        return tf.compat.v1.get_default_graph().get_tensor_by_name("gradients/given_%d:0" % index)
    shape = None if question.output_shapes is None else question.output_shapes[index]
    return _start(dtype, output.shape if shape is None else shape, index)


def _slices(dtype: Any, shape: Any, index: int) -> Any:
    """Return ``IndexedSlices`` of placeholders, like the gradient of a gather."""
    sizes = tf.TensorShape(shape)
    rows = None if sizes.ndims is None else [None, *sizes.as_list()[1:]]
    indices = tf.compat.v1.placeholder(tf.int32, [None], name="gradients/indices_%d" % index)
    dense = tf.compat.v1.placeholder(tf.int32, [sizes.ndims], name="gradients/dense_shape_%d" % index)
    return tf.IndexedSlices(_start(dtype, rows, index), indices, dense)


def _returned(value: Any, graph: Any) -> Optional[InputGradient]:
    if value is None:
        return None
    if isinstance(value, tf.IndexedSlices):
        return InputGradient(_inside(value.values, graph), True)
    return InputGradient(_inside(value, graph), False)


def _inside(value: Any, graph: Any) -> str:
    tensor = tf.convert_to_tensor(value)
    if getattr(tensor, "graph", None) is not graph:
        tensor = tf.identity(tensor)
    return str(tensor.name)
