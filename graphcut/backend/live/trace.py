"""Read live sources: a ``tf.function``, a ``ConcreteFunction``, a callable with example arguments, a ``tf.Graph``.

The result is a message (see ``serialize``). The live graph is never changed.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import tensorflow as tf
from tensorflow.python.eager.def_function import Function
from tensorflow.python.framework.composite_tensor import CompositeTensor
from tensorflow.python.framework.func_graph import FuncGraph
from tensorflow.python.util import tf_decorator

from graphcut.backend.gradient_oracle.single_op_graph import unlisted_signature
from graphcut.backend.live import function_graphs, serialize
from graphcut.backend.live.eager_context import soft_placement
from graphcut.backend.live.gradient_registry import TracedGradients
from graphcut.backend.live.models import input_specs, trainable_flags
from graphcut.backend.live.plain_code import as_run_eagerly, is_plain, trace_either_way
from graphcut.backend.live.trace_errors import double_arguments, explain_errors, label_of
from graphcut.backend.live.variable_objects import captures, function_variables, stand_ins, variable_of
from graphcut.backend.record.escaped_values import escaped_value_ops
from graphcut.errors import GraphcutError
from graphcut.graph.metadata import GraphMetadata, PartitionedVariable, Variable

LoadedGraph = Tuple[Any, GraphMetadata]
_OF_TENSORFLOW = (
    tf.Tensor, tf.Variable, CompositeTensor, tf.compat.v1.ragged.RaggedTensorValue, tf.TypeSpec, tf.TensorSpec,
)  # fmt: skip


def read(source: Any, args: Sequence[Any], kwargs: Dict[str, Any]) -> LoadedGraph:
    """Return the ``Graph`` message of a live source, and its origin."""
    if isinstance(source, tf.Graph):
        if args or kwargs:
            raise GraphcutError("a tf.Graph takes no arguments, but %d were given" % (len(args) + len(kwargs)))
        return _read_graph(source)
    from graphcut.backend.record.gradient_calls import note_gradients
    from graphcut.backend.record.recognize_step import step_place

    label, args = label_of(source), args or (() if kwargs else input_specs(source))
    registered, is_traced = TracedGradients(), _is_traced(source)
    with as_before(source):
        with explain_errors(label, double_arguments(source, args, kwargs)), note_gradients() as notes:
            concrete = _concrete(_untraced(source), args, kwargs)
        bound = _bind_arguments(source, args, kwargs)
        passed = tuple(_passed_variables(concrete.graph, bound)) if bound else ()
        variables = tuple(_function_variables(concrete.graph, source, passed))
        message, origin = of_graph(concrete.graph, label, _outputs(concrete), variables)
        arguments = tuple(_tensor_arguments(concrete.graph, bound)) if bound else ()
        if not is_traced:  # otherwise the user's function keeps the trace
            registered.find(concrete.graph)
        return message, replace(origin, owner=(concrete, registered), step=step_place(concrete, notes), arguments=arguments)


@contextmanager
def as_before(source: Any) -> Iterator[None]:
    """Restore what tracing a function changes in its Keras objects and in the process.

    A ``tf.function`` that was traced before keeps the objects of its traces, such as an optimizer's variables.
    """
    from graphcut.backend.record.restore_objects import same_random_states, undone

    with same_random_states(), undone(None if _is_traced(source) else source):
        yield


def _is_traced(source: Any) -> bool:
    """Return whether a source is a function that has traces: a concrete function, a loaded one, a called ``tf.function``."""
    if not hasattr(source, "get_concrete_function"):
        return hasattr(source, "captured_inputs")
    listed = getattr(source, "_list_all_concrete_functions_for_serialization", None)
    return not isinstance(source, Function) or listed is None or bool(listed())


def _untraced(source: Any) -> Any:
    """Return a copy of a ``tf.function`` without traces, so the user's own gets no new trace; anything else unchanged."""
    from graphcut.backend.record.trace_step import clone

    return clone(source, None) if isinstance(source, Function) and not _is_traced(source) else source


def _read_graph(graph: Any) -> LoadedGraph:
    """Return the message and the origin of a ``tf.Graph``; the ``FuncGraph`` of a function knows outputs and captures."""
    listed = graph_variables(graph)
    if not isinstance(graph, FuncGraph):
        return of_graph(graph, "tf.Graph", {}, listed)
    listed_ids = {id(each.objects[-1]) for each in listed}
    captured = [each for each in _function_variables(graph, None) if id(each.objects[-1]) not in listed_ids]
    return of_graph(graph, "tf.Graph", _outputs(graph), (*listed, *captured))


def _concrete(source: Any, args: Sequence[Any], kwargs: Dict[str, Any]) -> Any:
    if hasattr(source, "captured_inputs") and hasattr(source, "graph"):
        return source
    call = inspect.getattr_static(type(source), "__call__", None)
    if not (args or kwargs) and isinstance(call, Function) and call.input_signature is not None:
        source = _untraced(source.__call__)
    if not hasattr(source, "get_concrete_function"):
        asked = list(args), dict(kwargs)
        args, kwargs = held = hold(asked)
        plain = as_run_eagerly(source) if is_plain(source) else source
        return trace_either_way(lambda: _of_function(tf.function(plain if held is asked else releasing(plain)), args, kwargs))
    return _of_function(source, args, kwargs)


def _of_function(source: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    args = [example(arg) for arg in args]
    with soft_placement():
        return source.get_concrete_function(*args, **{key: example(value) for key, value in kwargs.items()})


class _HeldVariable:
    """A Keras variable among the arguments of a Python function; ``tf.function`` would pass a tensor in its place."""

    def __init__(self, variable: Any) -> None:
        self.variable = variable


def hold(structure: Any) -> Any:
    """Return arguments with each Keras variable wrapped, so ``tf.function`` passes it unchanged."""
    if not any(variable_of(each) is not each for each in tf.nest.flatten(structure)):
        return structure
    return tf.nest.map_structure(lambda each: each if variable_of(each) is each else _HeldVariable(each), structure)


def release(structure: Any) -> Any:
    """Return arguments with each wrapped Keras variable unwrapped."""
    if not any(isinstance(each, _HeldVariable) for each in tf.nest.flatten(structure)):
        return structure
    return tf.nest.map_structure(lambda each: each.variable if isinstance(each, _HeldVariable) else each, structure)


def releasing(function: Any) -> Any:
    """Return a function that unwraps the Keras variables among its arguments and calls the given function."""

    def released(*args: Any, **kwargs: Any) -> Any:
        return released.__wrapped__(*release(args), **release(kwargs))  # type: ignore[attr-defined]

    return tf_decorator.make_decorator(function, released)


def example(value: Any) -> Any:
    """Return arrays as specs of their shape and dtype, and tensors, variables, composite tensors and specs unchanged."""
    if isinstance(value, _OF_TENSORFLOW) or not (hasattr(value, "dtype") and hasattr(value, "shape")):
        return value
    return tf.TensorSpec(value.shape, tf.as_dtype(value.dtype))


def of_graph(graph: Any, label: str, outputs: Dict[str, str], variables: Tuple[Variable, ...]) -> LoadedGraph:
    """Return the message and the origin of a live graph."""
    return of_bytes(graph, serialize.data(graph), label, outputs, variables)


def of_bytes(graph: Any, data: bytes, label: str, outputs: Dict[str, str], variables: Tuple[Variable, ...]) -> LoadedGraph:
    """Return the message and the origin of a live graph at the time when these bytes were written."""
    message, bodies = serialize.parse_graph(data), function_graphs.graphs(graph)
    dead, second = function_graphs.exits(bodies) if b"Exit" in data else ((), ())
    origin = GraphMetadata(
        label, outputs, variables,
        collected=tuple(tensor.name for tensor in graph.get_collection("losses") if isinstance(tensor, tf.Tensor)),
        foreign=False,
        dead_exits=frozenset(dead),
        second_exits=frozenset(second),
        opaque=frozenset([*function_graphs.own_gradients(graph), *(each.function_name for each in message.library.gradient)]),
        where=function_graphs.Where(bodies),
        shapes=function_graphs.Shapes(bodies),
        operation=function_graphs.Operations(bodies),
        live=graph,
        op_defs=unlisted_signature,
        knows_variables=True,
        value_holders=escaped_value_ops(bodies) if any(each in data for each in (b"PyFunc", b"Iterator", b"Dataset")) else {},
    )  # fmt: skip
    return message, origin


def _outputs(concrete: Any) -> Dict[str, str]:
    """Map output keys to tensor names: keys of a dict, positions in a tuple, or ``output`` for a single one.

    A composite tensor is one output, named by the first of its tensors that can carry a gradient.
    """
    structured = concrete.structured_outputs
    if isinstance(structured, dict) and all(
        isinstance(value, tf.Tensor) or hasattr(value, "dtype") for value in structured.values()
    ):
        keys, values = [str(key) for key in sorted(structured)], [structured[key] for key in sorted(structured)]
    else:
        values = [each for each in tf.nest.flatten(structured) if each is not None]
        keys = ["output"] if len(values) == 1 else [str(index) for index in range(len(values))]
    counts = [len(tf.nest.flatten(each, expand_composites=True)) for each in values]
    # After its gradient was taken, a function has more outputs, which the gradient needs.
    if not values or sum(counts) > len(concrete.outputs):
        return {str(index): each.name for index, each in enumerate(concrete.outputs)}
    rest = iter(concrete.outputs)
    grouped = [[next(rest) for _ in range(count)] for count in counts]
    return {key: (list(filter(_is_float, group)) or group)[0].name for key, group in zip(keys, grouped) if group}


def _is_float(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex)


def _passed_variables(graph: Any, bound: inspect.BoundArguments) -> Iterator[Tuple[Any, str]]:
    """Yield each variable among the arguments, with the name of the graph's input for its handle or value."""
    for name, value in bound.arguments.items():
        if variable_of(value) is not value:  # a tf.function passes the value of a Keras variable
            yield from ((value, each.name) for each in graph.inputs if each.name == name + ":0")
    leaves = tf.nest.flatten([*bound.args, *bound.kwargs.values()])
    passed = [each for each in leaves if isinstance(each, tf.Variable) or getattr(each, "dtype", None) == tf.resource]
    inside = {id(inner) for _, inner in captures(graph)}
    inputs = [each for each in graph.inputs if each.dtype == tf.resource and id(each) not in inside]
    if len(passed) != len(inputs):  # one that is passed twice is one input
        passed = list({id(each): each for each in passed}.values())
    if len(passed) == len(inputs):
        yield from ((each, tensor.name) for each, tensor in zip(passed, inputs) if isinstance(each, tf.Variable))


def _tensor_arguments(graph: Any, bound: inspect.BoundArguments) -> Iterator[Tuple[Any, str]]:
    """Yield each tensor among the arguments, with the name of the graph's input for it."""
    inputs = {each.name for each in graph.inputs}
    for name, value in bound.arguments.items():
        if isinstance(value, tf.Tensor) and name + ":0" in inputs:
            yield value, name + ":0"


def _bind_arguments(source: Any, args: Sequence[Any], kwargs: Dict[str, Any]) -> Optional[inspect.BoundArguments]:
    """Return the arguments by the names of the parameters; ``None`` if there are none of TensorFlow, or they do not fit."""
    if not any(tf.is_tensor(each) or isinstance(variable_of(each), tf.Variable) for each in tf.nest.flatten((args, kwargs))):
        return None
    try:
        return inspect.signature(getattr(source, "python_function", source)).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return None


def _function_variables(graph: Any, source: Any, passed: Sequence[Tuple[Any, str]] = ()) -> Iterator[Variable]:
    """Yield the variables that the function captured or was passed, then the others of the models that it refers to."""
    from graphcut.backend.record.restore_objects import roots

    inside = {id(outer): inner.name for outer, inner in captures(graph)}
    listed = in_order([*function_variables(graph), *_captured_values(graph)], graph)
    listed += [each for each, _ in passed if not any(variable_of(each) is variable_of(known) for known in listed)]
    deeper = trainable_flags(source, roots(source))
    known: Dict[int, Tuple[Any, Optional[bool]]] = {}
    for each in listed:
        known[id(variable_of(each))] = deeper.get(id(variable_of(each)), (each, None))
    known.update(trainable_flags(source))
    for each, trained in known.values():
        names = [inside[id(tensor)] for tensor in stand_ins(variable_of(each)) if id(tensor) in inside][:1]
        names += [name for other, name in passed if variable_of(other) is variable_of(each)]
        yield describe_variable(each, tuple(names), trained)


def in_order(variables: List[Any], graph: Any) -> List[Any]:
    """Return variables in the order in which the graph captured them; TensorFlow keeps them in a set without stable order."""
    places = {id(outer): place for place, (outer, _) in enumerate(captures(graph))}
    places_of_variables = [
        [places[id(tensor)] for tensor in stand_ins(variable_of(each)) if id(tensor) in places] for each in variables
    ]
    keys = [(min(positions, default=len(places)), str(each.name)) for positions, each in zip(places_of_variables, variables)]
    return [variables[index] for index in sorted(range(len(keys)), key=keys.__getitem__)]


def _captured_values(graph: Any) -> List[Any]:
    """Return the v1 variables of the graph around whose value was captured; TensorFlow does not list them."""
    outside = [outer for outer, _ in captures(graph) if isinstance(outer, tf.Tensor) and hasattr(outer, "graph")]
    around = {id(tensor.graph): tensor.graph for tensor in outside}.values()
    listed = [each for graph in around for each in graph.get_collection("variables") if isinstance(each, tf.Variable)]
    outside_ids = {id(tensor) for tensor in outside}
    return [each for each in listed if not outside_ids.isdisjoint(map(id, stand_ins(each)))]


def describe_variable(variable: Any, tensors: Tuple[str, ...], trainable: Optional[bool] = None) -> Variable:
    """Return the facts about a live variable; ``tensors`` are its handles, ``trainable`` replaces its own flag."""
    inner = variable_of(variable)
    rank = inner.shape.rank if hasattr(inner.shape, "rank") else inner.shape.ndims
    shape = None if rank is None else tuple(inner.shape.as_list())
    name = str(getattr(variable, "path", None) or variable.name)
    objects = (variable, inner) if inner is not variable else (variable,)
    part = getattr(inner, "_save_slice_info", None)
    whole = None if part is None else PartitionedVariable(part.full_name, tuple(part.full_shape))
    dtype = inner.dtype.base_dtype.name
    trained = bool(variable.trainable) if trainable is None else trainable
    return Variable(name.rpartition(":")[0] or name, tensors, trained, dtype, shape, objects, whole)


def graph_variables(graph: Any) -> Tuple[Variable, ...]:
    """Return the variables that the collections of a graph list."""
    listed: List[Any] = []
    for collection in ("variables", "local_variables", "trainable_variables"):
        listed += [each for each in graph.get_collection(collection) if isinstance(each, tf.Variable)]
    trainable = {id(each) for each in graph.get_collection("trainable_variables")}
    unique = {id(each): each for each in listed}
    return tuple(_of_graph(each, id(each) in trainable, graph) for each in unique.values())


def _of_graph(variable: Any, trainable: bool, graph: Any) -> Variable:
    tensor = variable.handle if hasattr(variable, "handle") else variable._variable
    return describe_variable(variable, (tensor.name,) if getattr(tensor, "graph", None) is graph else (), trainable)
