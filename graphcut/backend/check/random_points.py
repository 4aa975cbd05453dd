"""Compute gradients at random points, if the copy of a graph can run."""

from __future__ import annotations

from typing import Any, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2
from tensorflow.python.ops.resource_variable_ops import get_resource_handle_data

from graphcut.backend.check.graph_copies import Original, as_built, copied_plain, copy_handle
from graphcut.backend.check.tf_gradients import FAILURES, LossNames, take_gradients
from graphcut.graph.op_types import VARIABLES

POINTS = 3
_UNKNOWN = 2
v1 = tf.compat.v1


def nonzero(original: Original, asking: LossNames, name: str, tensors: Sequence[str]) -> Optional[bool]:
    """Return whether the gradient of one target is nonzero at any of the points; ``None`` if it cannot run."""
    try:
        with as_built(original):
            copy = copied_plain(original, _variable)
            with copy.enter():
                result = [each for each in take_gradients(copy, asking, tensors).values() if each is not None]
        values = [each.values if isinstance(each, tf.IndexedSlices) else each for each in result]
        return any(_points(copy.graph, values))
    except FAILURES:
        return None


def _variable(tensor: Any) -> Any:
    """Return a real variable for a handle that is fed; a placeholder if it is unknown what the handle points to."""
    handle = v1.placeholder(tensor.dtype, tensor.shape, name="graphcut_input")
    copy_handle(tensor, handle)
    value = get_resource_handle_data(handle)
    if tensor.dtype != tf.resource or value is None or not value.is_set or len(value.shape_and_type) != 1:
        return handle
    each = value.shape_and_type[0]
    name = "graphcut_variable_%d" % len(handle.graph.get_operations())
    return tf.raw_ops.VarHandleOp(dtype=tf.as_dtype(each.dtype), shape=tf.TensorShape(each.shape), shared_name=name)


def _points(graph: Any, values: Sequence[Any]) -> Iterator[bool]:
    """Yield for each point whether any of the values has an element that is neither zero nor NaN."""
    fed = [op.outputs[0] for op in graph.get_operations() if op.type in ("Placeholder", "PlaceholderV2")]
    fed = [tensor for tensor in fed if tensor.dtype not in (tf.resource, tf.variant)]
    starts = dict(_starts(graph))
    with v1.Session(graph=graph, config=_config()) as session:
        for point in range(POINTS):
            random = np.random.RandomState(point)
            session.run(list(starts), {value: _random(random, value, point) for value in starts.values()})
            result = session.run(list(values), {tensor: _random(random, tensor, point) for tensor in fed})
            yield any(bool(np.any((each != 0) & ~np.isnan(each))) for each in result)


def _starts(graph: Any) -> Iterator[Tuple[Any, Any]]:
    """Yield, for each variable of a graph, the op that sets it and the placeholder for the value."""
    ops = [op for op in graph.get_operations() if op.type in VARIABLES]
    with graph.as_default():
        for op in ops:
            dtype = op.get_attr("dtype")
            value = v1.placeholder(dtype, tf.TensorShape(op.get_attr("shape")))
            if op.type == "VarHandleOp":
                yield tf.raw_ops.AssignVariableOp(resource=op.outputs[0], value=value), value
            else:
                yield tf.raw_ops.Assign(ref=op.outputs[0], value=value).op, value


def _random(random: Any, tensor: Any, point: int) -> Any:
    """Return a value for a tensor; unknown sizes become two."""
    known = [] if tensor.shape.ndims is None else tensor.shape.as_list()
    sizes: List[int] = [_UNKNOWN if size is None else size for size in known]
    if tensor.dtype == tf.bool:
        return np.full(sizes, point % 2 == 0)
    if tensor.dtype == tf.string:
        return np.full(sizes, "", dtype=object)
    if tensor.dtype.is_integer:
        return random.randint(0, 2, sizes).astype(tensor.dtype.as_numpy_dtype)
    return np.asarray(random.normal(size=sizes)).astype(tensor.dtype.as_numpy_dtype)


def _config() -> Any:
    """Return a session config without graph optimizers, which could fold the tensors to check."""
    options = config_pb2.GraphOptions(rewrite_options=rewriter_config_pb2.RewriterConfig(disable_meta_optimizer=True))
    return config_pb2.ConfigProto(graph_options=options)
