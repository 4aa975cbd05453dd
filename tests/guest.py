"""All questions to graphcut, and the state of the process that none of them may change."""

from __future__ import annotations

import gc
import random
import warnings

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import ops
from tensorflow.python.ops import control_flow_util

import graphcut

REGISTRY = getattr(ops, "gradient_registry", None) or ops._gradient_registry


def ask_everything(audit):
    """Ask every question there is about an audit, and throw the answers away."""
    str(audit), repr(audit), audit.stops, audit.assumptions, audit.graph, audit.recorded, audit.disagreements
    audit.to_dot(), audit.to_json(), graphcut.table([audit, audit]), audit.compare(audit)
    for name in [each.name for each in audit.variables]:
        _asked(audit.explain, name)
        _asked(audit.reaches, name)
    for name in {each.verdict: each.name for each in audit.variables}.values():  # what is traced again is traced alike
        _asked(audit.suggest_unblock, name)
        _asked(audit.suggest_stops, name)
    for stop in audit.stops:
        _asked(lambda op: str(audit.what_if(remove=op)), stop.op)
    _asked(audit.verify)
    _asked(audit.verify, True)


def _asked(question, *args):
    """An answer, or the error that says why there is none."""
    try:
        return question(*args)
    except graphcut.GraphcutError as error:
        return error


def process_state():
    """What belongs to the whole process, field by field."""
    return {
        "python random": random.getstate(),
        "numpy random": repr(np.random.get_state()),
        "tensorflow seed": context.global_seed(),
        "tensorflow generator": _generator_state(),
        "eager random": _eager_random_state(),
        "warnings filters": list(warnings.filters),
        "gradients registered": frozenset(REGISTRY._registry),
        "control flow": control_flow_util.ENABLE_CONTROL_FLOW_V2,
        "default graph": _default_graph_size(),
        "collections": _default_collections(),
        "logging": tf.compat.v1.logging.get_verbosity(),
        "collector": (gc.isenabled(), gc.get_threshold()),
        "frozen": gc.get_freeze_count() if hasattr(gc, "get_freeze_count") else 0,
    }


def _generator_state():
    if not tf.executing_eagerly() or not hasattr(tf.random, "get_global_generator"):
        return None
    return tf.random.get_global_generator().state.numpy().tolist()


def _eager_random_state():
    """The state of the generator that gives ops without a seed theirs."""
    made = getattr(context.context(), "_rng", None)
    return None if made is None else made.getstate()


def _default_collections():
    graph = tf.compat.v1.get_default_graph()
    return {
        key: list(map(id, graph.get_collection(key))) for key in graph.get_all_collection_keys() if graph.get_collection(key)
    }


def _default_graph_size():
    return None if tf.executing_eagerly() else len(tf.compat.v1.get_default_graph().get_operations())


def graph_state(graph):
    """Bytes, function library and op count of a graph, and what its collections hold."""
    definition = graph.as_graph_def()
    return {
        "bytes": definition.SerializeToString(deterministic=True),
        "library": sorted(each.signature.name for each in definition.library.function),
        "live functions": sorted(map(str, graph._functions)),
        "ops": len(graph.get_operations()),
        "version": graph.version,
        "collections": {key: list(map(id, graph.get_collection(key))) for key in graph.get_all_collection_keys()},
        "captures": len(getattr(graph, "captures", ())),
    }


def changed(before, after):
    """The fields that differ. Objects that the tests froze may be gone; none is frozen or released by others."""
    frozen = [each.get("frozen", 0) for each in (before, after)]
    kept = frozen[1] <= frozen[0] and bool(frozen[0]) == bool(frozen[1])
    return [key for key in before if before[key] != after[key] and not (key == "frozen" and kept)]
