"""Whether a gradient differs from zero, at three points: variables and inputs take three sets of values."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Tuple

import numpy as np
import tensorflow as tf

from .bench import POINTS, Bench, is_partitioned, random_value, v1

# Optimizing takes longer than running, and fails on some of these graphs; a few others run only when optimized.
AS_WRITTEN = v1.ConfigProto()
AS_WRITTEN.graph_options.rewrite_options.disable_meta_optimizer = True


def nonzero(bench: Bench, outer: Any, tensor: Any) -> bool:
    """Whether any element is other than zero at any point; what is no number counts too."""
    try:
        return differs(at_points(bench, outer, tensor, AS_WRITTEN))
    except tf.errors.OpError:
        return differs(at_points(bench, outer, tensor, v1.ConfigProto()))


def differs(values: Iterable[Any]) -> bool:
    """Whether any element of any of the values is other than zero."""
    return any(np.any(np.asarray(value) != 0) for value in values)


def at_points(bench: Bench, outer: Any, tensor: Any, config: Any) -> Iterator[Any]:
    """The value of the tensor at each of the points. Variables that TensorFlow made are initialized once."""
    with v1.Session(graph=outer, config=config) as session:
        with outer.as_default():
            session.run(v1.global_variables_initializer())
        for point in range(POINTS):
            starts = [start for name, each in bench.variables.items() for start in initial_values(name, each, point)]
            session.run([assign for assign, _ in starts], {assign.inputs[1]: value for assign, value in starts})
            yield session.run(tensor, {key: value(point) for key, value in bench.feeds.items()})


def initial_values(name: str, variable: Any, point: int) -> Iterator[Tuple[Any, Any]]:
    """The op that sets the variable, or each of its parts, and its value at the point."""
    parts = list(variable) if is_partitioned(variable) else [variable]
    for number, part in enumerate(parts):
        shape, dtype = tuple(part.shape.as_list()), part.dtype.base_dtype
        yield part.initializer, random_value("%s/%d" % (name, number), shape, dtype, point)
