"""The scratch graph that a question is built in, and which dtypes TensorFlow takes to carry gradients."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

import tensorflow as tf
from tensorflow.python.framework import func_graph
from tensorflow.python.ops import control_flow_util, gradients_util

from graphcut.questions import Question


@contextmanager
def scratch(question: Question) -> Iterator[Any]:
    """A graph to build in. The gradients of v1 ``TensorArray`` ops make v1 arrays only where control flow is v1."""
    old = control_flow_util.ENABLE_CONTROL_FLOW_V2
    graph = outer = tf.Graph()
    if not question.type.startswith("TensorArray"):
        with outer.as_default():
            graph = func_graph.FuncGraph("graphcut")
    try:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = old and graph is not outer
        with graph.as_default():
            yield graph
    finally:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = old


def is_trainable(dtype: Any) -> bool:
    """Whether TensorFlow takes a dtype to carry gradients (``IsTrainable``), ``bfloat16`` included in every version."""
    module = getattr(gradients_util, "backprop_util", gradients_util)
    return bool(dtype == tf.bfloat16 or module.IsTrainable(dtype))
