"""Scratch copies of a graph for taking gradients: ``tf.gradients`` adds ops to its graph, and rewrites loops.

A copy is imported from the ``GraphDef`` and then completed with facts that only a live graph has: the contexts of v1 control
flow, the types that handles point to, and the Python gradients of functions. The functions of a copy get new names. TensorFlow
derives the name of a rewritten body from the name of the original (``while_v2._WhileGrad``: ``body_graph.name +=
"_rewritten"``) and keeps all names in one registry for the process, so a copy with the original's names would take those that
the user's own ``tf.gradients`` needs.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Mapping

import tensorflow as tf
from tensorflow.python.framework import func_graph, meta_graph
from tensorflow.python.ops import control_flow_util, custom_gradient

from graphcut.backend.check import load_functions
from graphcut.backend.gradient_oracle.single_op_graph import op_def
from graphcut.backend.live.eager_context import soft_placement
from graphcut.backend.live.function_graphs import functions as library
from graphcut.backend.live.gradient_registry import restore_registry
from graphcut.errors import GraphcutError
from graphcut.graph.formats import reader
from graphcut.graph.op_types import GRADIENT_TYPE

try:
    from tensorflow.python.ops import handle_data_util as handles
except ImportError:
    handles = custom_gradient  # until TF 2.3

_CONTEXTS = ("cond_context", "while_context")
_V1_CONTROL_FLOW = ("Enter", "RefEnter", "Switch", "RefSwitch", "TensorArrayV3", "TensorArrayV2", "TensorArray")
_NUMBERS = itertools.count()
_FAILURES = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, NotImplementedError, tf.errors.OpError)
Feed = Callable[[Any], Any]


@dataclass(frozen=True)
class Original:
    """The original of the copies: the ``MetaGraphDef``, and the live graph if there is one."""

    meta: Any
    live: Any

    @property
    def is_body(self) -> bool:
        """Return whether the live graph is the body of a function."""
        return self.live is not None and hasattr(self.live, "captures")

    @property
    def has_closures(self) -> bool:
        """Return whether a gradient function may refer to tensors of the live graph.

        In the body of a function these are captured; in a plain graph, ops would be added to the live one.
        """
        return self.live is not None and any(GRADIENT_TYPE in node.attr for node in self.meta.graph_def.node)

    @property
    def calls(self) -> bool:
        """Return whether any op calls a function as a whole."""
        library = {each.signature.name for each in self.meta.graph_def.library.function}
        return self.has("PartitionedCall", "StatefulPartitionedCall", *library)

    @property
    def has_v1_control_flow(self) -> bool:
        """Return whether the graph itself holds v1 loops, branches or arrays, whose gradients are only right as v1 ops."""
        return any(node.op in _V1_CONTROL_FLOW for node in self.meta.graph_def.node)

    @property
    def has_contexts(self) -> bool:
        """Return whether there are contexts of v1 loops, as in a live graph and a ``.meta``; a bare ``GraphDef`` has none."""
        return "while_context" in self.meta.collection_def

    @property
    def loads(self) -> bool:
        """Return whether the called functions can be made callable again."""
        graph_def = tf.compat.v1.GraphDef.FromString(self.meta.graph_def.SerializeToString())
        with soft_placement(), tf.Graph().as_default():
            return bool(load_functions.load(graph_def))

    def has(self, *types: str) -> bool:
        """Return whether the graph, or a function in its library, has an op of one of these types."""
        graph = self.meta.graph_def
        bodies = [graph.node, *[each.node_def for each in graph.library.function]]
        return any(node.op in types for nodes in bodies for node in nodes)


@contextmanager
def as_built(source: Original) -> Iterator[None]:
    """Use the graph's kind of control flow while a copy is made and differentiated; leave no gradient registered."""
    second = control_flow_util.ENABLE_CONTROL_FLOW_V2
    try:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = second and not source.has_v1_control_flow
        with restore_registry():
            yield
    finally:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = second


@dataclass(frozen=True)
class Copy:
    """One copy, the graph around it, and the functions that it calls.

    ``replaced`` maps the names of inputs to the tensors that stand in for them.
    """

    graph: Any
    outer: Any
    replaced: Mapping[str, Any]
    functions: Mapping[str, Any]

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Make the copy the default graph, inside the graph around it."""
        with soft_placement(), self.outer.as_default(), self.graph.as_default():
            yield

    def tensor(self, name: str) -> Any:
        """Return the tensor of that name."""
        return self.replaced[name] if name in self.replaced else self.graph.get_tensor_by_name(name)


def original(live: Any, source: Any) -> Original:
    """Return the original of the copies: a live graph, else the file or message ``source``."""
    if live is None:
        return Original(_of_file(source), None)
    meta = tf.compat.v1.MetaGraphDef()
    try:
        meta.graph_def.CopyFrom(live.as_graph_def(add_shapes=True))
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise GraphcutError("TensorFlow cannot write this graph out to copy it: %s" % first_line(error)) from error
    for key in _CONTEXTS:
        own = [each for each in live.get_collection(key) if each.pivot.graph is live]
        meta.collection_def[key].bytes_list.value.extend(each.to_proto().SerializeToString() for each in own)
    return Original(meta, live)


def _of_file(source: Any) -> Any:
    content = reader.of_message(source, "") if hasattr(source, "SerializeToString") else reader.read(source)
    meta = tf.compat.v1.MetaGraphDef()
    meta.graph_def.MergeFromString(content.graph.SerializeToString())
    for nodes in [meta.graph_def.node, *[each.node_def for each in meta.graph_def.library.function]]:
        for node in nodes:
            _drop_unknown_attributes(node)
    for key in _CONTEXTS:
        if content.meta is not None and key in content.meta.collection_def:
            listed = content.meta.collection_def[key].bytes_list.value
            meta.collection_def[key].bytes_list.value.extend(listed)
    return meta


def _drop_unknown_attributes(node: Any) -> None:
    """Drop the attributes that a newer TensorFlow wrote and the installed one refuses."""
    definition = op_def(node.op)
    allowed = {attr.name for attr in definition.attr} if definition is not None else set(node.attr)
    for key in [key for key in node.attr if key not in allowed and not key.startswith("_")]:
        del node.attr[key]


def first_line(error: BaseException) -> str:
    """Return the message of an error in one line."""
    return (str(error) or type(error).__name__).strip().splitlines()[0][:200]


def copy_graph(source: Original, feed: Feed) -> Copy:
    """Return a copy as a graph of the same class; ``feed`` makes the substitute for a resource or variant that is fed."""
    outer = tf.Graph()
    with outer.as_default():
        graph = func_graph.FuncGraph("graphcut") if source.is_body or source.has_closures else outer
    if source.has_v1_control_flow and graph is not outer:
        graph._captured = {}  # the mark by which EnableControlFlowV2 recognizes a function with v1 control flow
    return _import_copy(source, graph, outer, feed)


def copied_plain(source: Original, feed: Feed) -> Copy:
    """Return a copy as a plain graph, which a session can run."""
    graph = tf.Graph()
    return _import_copy(source, graph, graph, feed)


def copy_handle(source: Any, target: Any) -> None:
    """Give a handle the handle data of another one."""
    handles.copy_handle_data(source, target)


def placeholder(tensor: Any) -> Any:
    """Return a placeholder for a resource or variant. It gets the handle data of the original tensor."""
    made = tf.compat.v1.placeholder(tensor.dtype, tensor.shape, name="graphcut_input")
    copy_handle(tensor, made)
    return made


def _import_copy(source: Original, graph: Any, outer: Any, feed: Feed) -> Copy:
    replaced: Dict[str, Any] = {}
    meta = tf.compat.v1.MetaGraphDef.FromString(source.meta.SerializeToString())
    renamed = _rename_functions(meta.graph_def)
    with soft_placement(), outer.as_default(), graph.as_default():
        for tensor in _fed_placeholders(source.live):
            replaced[tensor.name] = feed(tensor)
        try:
            functions = load_functions.load(meta.graph_def)
            for each in functions.values():
                each.add_to_graph(graph)
            meta_graph.import_scoped_meta_graph(meta, graph=graph, input_map=dict(replaced))
        except _FAILURES as error:
            raise GraphcutError("TensorFlow cannot import this graph again: %s" % first_line(error)) from error
    load_functions.connect(graph, functions)
    if source.live is not None:
        _restore(source.live, graph, renamed)
    return Copy(graph, outer, replaced, functions)


def _fed_placeholders(live: Any) -> Any:
    ops = () if live is None else live.get_operations()
    return [op.outputs[0] for op in ops if op.type == "Placeholder" and op.outputs[0].dtype in (tf.resource, tf.variant)]


def _rename_functions(graph_def: Any) -> Dict[str, str]:
    """Give every function of a ``GraphDef`` a name that no other copy has; return the new names by the old ones."""
    number = next(_NUMBERS)
    names = {name: "%s_graphcut_%d" % (name, number) for name in (f.signature.name for f in graph_def.library.function)}
    for function in graph_def.library.function:
        function.signature.name = names[function.signature.name]
    for gradient in graph_def.library.gradient:
        gradient.function_name = names.get(gradient.function_name, gradient.function_name)
        gradient.gradient_func = names.get(gradient.gradient_func, gradient.gradient_func)
    for nodes in [graph_def.node, *[each.node_def for each in graph_def.library.function]]:
        for node in nodes:
            node.op = names.get(node.op, node.op)
            for attr in node.attr.values():
                _rename_values(attr, names)
    return names


def _rename_values(attr: Any, names: Mapping[str, str]) -> None:
    """Rename the functions that an attribute names."""
    kind = attr.WhichOneof("value")
    for each in [attr.func] if kind == "func" else attr.list.func if kind == "list" else ():
        each.name = names.get(each.name, each.name)
        for inner in each.attr.values():
            _rename_values(inner, names)


def _restore(live: Any, graph: Any, renamed: Mapping[str, str]) -> None:
    """Give a copy what the live graph has besides its ``GraphDef``."""
    functions, own = library(live), library(graph)
    for name, function in functions.items():
        if getattr(function, "python_grad_func", None) is not None and renamed.get(name) in own:
            graph._functions[renamed[name]] = function
    for op in live.get_operations():
        twin = graph.get_operation_by_name(op.name)
        if hasattr(op, "__defun"):
            setattr(twin, "__defun", getattr(op, "__defun"))  # noqa: B009, B010
        for output, made in zip(op.outputs, twin.outputs):
            if output.dtype in (tf.resource, tf.variant):
                copy_handle(output, made)
