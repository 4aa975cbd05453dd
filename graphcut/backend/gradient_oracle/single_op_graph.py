"""A ``GraphDef`` with a single op and the placeholders that feed it.

This module also provides the scratch graph for a query, and the dtypes that can carry gradients in TensorFlow.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, List, Optional, Sequence, Tuple

import tensorflow as tf
from tensorflow.python.framework import func_graph, op_def_registry
from tensorflow.python.ops import control_flow_util, gradients_util

from graphcut.analysis.rules.oracle import GradientQuery
from graphcut.backend.live.eager_context import soft_placement
from graphcut.graph import op_outputs
from graphcut.graph.attrs import entry, parse_attrs
from graphcut.graph.dtypes import RESOURCE, VARIANT, base_dtype
from graphcut.graph.flat import Shape
from graphcut.graph.messages import CLASSES
from graphcut.graph.op_types import GRADIENT_TYPE


def op_def(op_type: str) -> Any:
    """Return the installed TensorFlow's ``OpDef`` of a type, or ``None``."""
    if hasattr(op_def_registry, "get_registered_ops"):
        return op_def_registry.get_registered_ops().get(op_type)
    return op_def_registry.get(op_type)


_SIDE = 4
_SCALARS_ARE_KNOWN = 24  # before this GraphDef version, the shape of a scalar placeholder stands for an unknown one


def unlisted_signature(op_type: str) -> Optional[op_outputs.Signature]:
    """Return the signature of an op type of a package, which this TensorFlow has and the table of outputs lacks."""
    definition = op_def(op_type) if op_outputs.find_signature(op_type) is None else None
    return None if definition is None else op_outputs.from_op_def(definition)


def isolate_op(question: GradientQuery, library: Any) -> Any:
    """Return a ``GraphDef`` with the op, the placeholders that feed it, and the functions that it may name."""
    definition = op_def(question.type)
    graph = CLASSES["Graph"]()
    if definition is not None and question.shapes is not None:
        question = question._replace(shapes=_shapes_but_of_handles(definition, question.shapes))
    refs = _reference_inputs(definition, question) if definition else []
    names = [_feed(graph, index, question, index in refs) for index in range(len(question.inputs))]
    allowed = {GRADIENT_TYPE}.union(attr.name for attr in definition.attr) if definition else set()
    graph.node.add(
        name="asked", op=question.type, input=names, attr=[attr for attr in question.attrs if _key(attr) in allowed]
    )
    message = tf.compat.v1.GraphDef.FromString(graph.SerializeToString())
    if question.shapes is not None and () in question.shapes:
        message.versions.producer = _SCALARS_ARE_KNOWN
    if library is not None:
        message.library.CopyFrom(library)
    return message


def _key(attr: bytes) -> str:
    return str(CLASSES["AttrEntry"].FromString(attr).key)


def _shapes_but_of_handles(definition: Any, shapes: Sequence[Shape]) -> Tuple[Shape, ...]:
    """Return the shapes of the inputs; none for a variable's handle, which is a scalar whatever the variable holds."""
    handles = [arg.type == RESOURCE for arg in definition.input_arg]
    if len(handles) != len(shapes):  # lists of tensors, none of which takes handles
        return tuple(shapes)
    return tuple(None if handle else shape for handle, shape in zip(handles, shapes))


def _reference_inputs(definition: Any, question: GradientQuery) -> List[int]:
    if any(arg.number_attr or arg.type_list_attr for arg in definition.input_arg):
        return [index for index in range(len(question.inputs)) if any(arg.is_ref for arg in definition.input_arg)]
    return [index for index, arg in enumerate(definition.input_arg) if arg.is_ref]


def _feed(graph: Any, index: int, question: GradientQuery, reference: bool) -> str:
    """Add what feeds one input: a placeholder, a variable, a constant, zeros of unknown shape, or a sparse matrix."""
    name, dtype = "x%d" % index, base_dtype(question.inputs[index])
    constant = question.constants[index] if question.constants else None
    shape = question.shapes[index] if question.shapes is not None else None
    if constant is not None:
        graph.node.add(name=name, op="Const", attr=[attr for attr in constant if _key(attr) in ("dtype", "value")])
        return name
    if dtype == VARIANT and takes_sparse_matrices(question.type):
        add_sparse_matrix(graph, name, question)
        return name
    dtypes = [entry("dtype", type=dtype), entry("shape", shape=_shape(shape, reference))]
    graph.node.add(name=name, op="VariableV2" if reference else "Placeholder", attr=dtypes)
    if index not in question.zeros:
        return name
    graph.node.add(name=name + "_zeros", op="ZerosLike", input=[name], attr=[entry("T", type=dtype)])
    return name + "_zeros"


def takes_sparse_matrices(op_type: str) -> bool:
    """Return whether an op has inputs or outputs that are matrices of compressed sparse rows, which are variants."""
    return "SparseMatrix" in op_type


def add_sparse_matrix(graph: Any, name: str, question: GradientQuery) -> None:
    """Add a sparse matrix, because ops read the content of the variant. It has a known size if the query has shapes."""
    values = parse_attrs(question.attrs)
    dtype = next((values[key].type for key in ("T", "type") if key in values), 1)
    side = _SIDE if question.shapes is not None and not any(question.output_shapes or ()) else None
    for part, each, shape in (("_dense", dtype, (side, side)), ("_indices", 9, (None, 2))):
        attrs = [entry("dtype", type=each), entry("shape", shape=_shape(shape, False))]
        graph.node.add(name=name + part, op="Placeholder", attr=attrs)
    graph.node.add(
        name=name, op="DenseToCSRSparseMatrix", input=[name + "_dense", name + "_indices"], attr=[entry("T", type=dtype)]
    )


def _shape(shape: Shape, reference: bool) -> Any:
    message = CLASSES["Shape"](unknown_rank=shape is None and not reference)
    for size in shape or ():
        message.dim.add(size=-1 if size is None and not reference else size or 0)
    return message


@contextmanager
def scratch(question: GradientQuery) -> Iterator[Any]:
    """Provide a graph to build in.

    The gradients of v1 ``TensorArray`` ops make v1 arrays only where control flow is v1.
    """
    old = control_flow_util.ENABLE_CONTROL_FLOW_V2
    graph = outer = tf.Graph()
    if not question.type.startswith("TensorArray"):
        with outer.as_default():
            graph = func_graph.FuncGraph("graphcut")
    try:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = old and graph is not outer
        with soft_placement(), graph.as_default():
            yield graph
    finally:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = old


def is_trainable(dtype: Any) -> bool:
    """Return whether a dtype can carry gradients in TensorFlow (``IsTrainable``); ``bfloat16`` can in every version."""
    module = getattr(gradients_util, "backprop_util", gradients_util)
    return bool(dtype == tf.bfloat16 or module.IsTrainable(dtype))
