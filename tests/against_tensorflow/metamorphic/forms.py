"""The forms in which a graph can be passed. Each returns the verdict of every target, by the target's name."""

from __future__ import annotations

import glob
import os
import random
import zlib
from typing import Any, Callable, Dict, Iterator, List, Tuple

import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2

import graphcut

from .subjects import Question

v1 = tf.compat.v1
OPTIMIZERS: Dict[str, Callable[[], Any]] = {
    "sgd": lambda: v1.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: v1.train.MomentumOptimizer(0.1, 0.9),
    "adam": lambda: v1.train.AdamOptimizer(0.1),
    "adagrad": lambda: v1.train.AdagradOptimizer(0.1),
    "adadelta": lambda: v1.train.AdadeltaOptimizer(0.1),
    "rmsprop": lambda: v1.train.RMSPropOptimizer(0.1),
    "ftrl": lambda: v1.train.FtrlOptimizer(0.1),
}
ASSUMED = " by assumption"
# The forms that are read without TensorFlow's objects.
FILES = ("graph_def", "meta_graph_def", "text_file", "saved_model", "shuffled", "renamed", "with_dead_ops")
Verdicts = Dict[str, str]
Form = Callable[[Question, str], Verdicts]


class DoesNotApply(Exception):
    """This graph cannot be passed in this form."""


def live(question: Question, folder: str = "") -> Verdicts:
    """The graph itself, asked by objects: what all others are compared with."""
    return of(graphcut.audit(question.graph, **by_objects(question)), question)


def message(question: Question) -> Any:
    """The ``GraphDef`` with the shapes that the graph knows: regions where a gradient is zero follow from them."""
    return question.graph.as_graph_def(add_shapes=True)


def by_objects(question: Question) -> Dict[str, Any]:
    """The arguments of ``audit`` as objects."""
    return {
        "loss": list(question.losses),
        "variables": list(question.targets.values()),
        "stop_gradients": list(question.stops),
    }


def by_names(question: Question, prefix: str = "") -> Dict[str, Any]:
    """The arguments of ``audit`` as names."""
    return {
        "loss": [prefix + loss.name for loss in question.losses],
        "variables": [prefix + name for name in question.targets],
        "stop_gradients": [prefix + stop.name for stop in question.stops],
    }


def of(audit: Any, question: Question, prefix: str = "") -> Verdicts:
    """What an audit says of each target, marked where something was assumed."""
    mark = ASSUMED if audit.assumptions else ""
    return {name: audit[prefix + name].verdict.value + mark for name in question.targets}


# --- files and messages --------------------------------------------------------------------------------------------


def graph_def(question: Question, folder: str) -> Verdicts:
    return of(graphcut.audit(message(question), **by_names(question)), question)


def meta_graph_def(question: Question, folder: str) -> Verdicts:
    return of(graphcut.audit(exported(question), **by_names(question)), question)


def exported(question: Question) -> Any:
    """The graph with its collections."""
    with question.graph.as_default():
        return v1.train.export_meta_graph(graph=question.graph)


def text_file(question: Question, folder: str) -> Verdicts:
    path = os.path.join(folder, "graph.pbtxt")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text_format.MessageToString(message(question)))
    return of(graphcut.audit(path, **by_names(question)), question)


def saved_model(question: Question, folder: str) -> Verdicts:
    message = saved_model_pb2.SavedModel()
    message.saved_model_schema_version = 1
    message.meta_graphs.add().CopyFrom(exported(question))
    message.meta_graphs[0].meta_info_def.tags.append("serve")
    with open(os.path.join(folder, "saved_model.pb"), "wb") as stream:
        stream.write(message.SerializeToString())
    return of(graphcut.audit(folder, **by_names(question)), question)


def shuffled(question: Question, folder: str) -> Verdicts:
    """Nodes, functions and the nodes of functions in another order."""
    graph = shuffle(message(question), seed=len(question.targets))
    return of(graphcut.audit(graph, **by_names(question)), question)


def shuffle(graph: Any, seed: int) -> Any:
    """The same ``GraphDef`` with everything that has no order in another order."""
    generator, result = random.Random(seed), type(graph)()
    result.CopyFrom(graph)
    for repeated in [result.node, result.library.function] + [each.node_def for each in result.library.function]:
        items = list(repeated)
        generator.shuffle(items)
        items = [type(item).FromString(item.SerializeToString()) for item in items]
        del repeated[:]
        repeated.extend(items)
    return result


def under_a_prefix(question: Question, folder: str) -> Verdicts:
    """Imported into a graph that holds something else already."""
    with tf.Graph().as_default() as graph:
        tf.constant(1.0, name="model")
        v1.import_graph_def(message(question), name="tower")
    return of(graphcut.audit(graph, **by_names(question, "tower/")), question, "tower/")


def renamed(question: Question, folder: str) -> Verdicts:
    """Every node of the file under a prefix, as tools rename them that know nothing of TensorFlow."""
    graph = rename(message(question), "tower/")
    return of(graphcut.audit(graph, **by_names(question, "tower/")), question, "tower/")


def rename(graph: Any, prefix: str) -> Any:
    """The ``GraphDef`` with a prefix in front of every node's name."""
    for node in graph.node:
        node.name = prefix + node.name
        node.input[:] = ["^" + prefix + each[1:] if each.startswith("^") else prefix + each for each in node.input]
        if "frame_name" in node.attr:
            node.attr["frame_name"].s = prefix.encode() + node.attr["frame_name"].s
    return graph


def with_dead_ops(question: Question, folder: str) -> Verdicts:
    """Ops that read the graph and feed nothing."""
    graph = message(question)
    generator = random.Random(len(graph.node))
    tensors = [each for op in question.graph.get_operations() for each in op.outputs if each.dtype == tf.float32]
    for number, tensor in enumerate(generator.sample(tensors, min(12, len(tensors)))):
        node = graph.node.add(name="dead_%d" % number, op=generator.choice(["Square", "ZerosLike", "StopGradient", "Floor"]))
        node.input.append(tensor.name)
        node.attr["T"].type = tf.float32.as_datatype_enum
    return of(graphcut.audit(graph, **by_names(question)), question)


def in_a_function(question: Question, folder: str) -> Verdicts:
    """The body of a ``tf.function``."""
    graph, losses = message(question), [loss.name for loss in question.losses]

    def body() -> Any:
        v1.import_graph_def(graph, name="")
        return [v1.get_default_graph().get_tensor_by_name(name) for name in losses]

    with tf.Graph().as_default():
        try:
            concrete = tf.function(body, autograph=False).get_concrete_function()
        except Exception as error:  # v1 control flow and references in a function
            raise DoesNotApply("TensorFlow raises %s" % type(error).__name__) from error
        return of(graphcut.audit(concrete, **by_names(question)), question)


# --- ways of asking ------------------------------------------------------------------------------------------------


def one_by_one(question: Question, folder: str) -> Verdicts:
    return _asked_each(question, {name: [target] for name, target in question.targets.items()})


def _asked_each(question: Question, keys: Dict[str, List[Any]]) -> Verdicts:
    """An audit for each target."""
    verdicts: Verdicts = {}
    for name, key in keys.items():
        audit = graphcut.audit(question.graph, **{**by_objects(question), "variables": key})
        verdicts[name] = next(iter(audit)).verdict.value + (ASSUMED if audit.assumptions else "")
    return verdicts


def by_op_names(question: Question, folder: str) -> Verdicts:
    """Variables by their names without ``:0``."""
    return _asked_together(question, {name: name[:-2] for name in variables(question)})


def by_tensors(question: Question, folder: str) -> Verdicts:
    return _asked_together(question, {name: question.graph.get_tensor_by_name(name) for name in question.targets})


def by_patterns(question: Question, folder: str) -> Verdicts:
    """Each variable by a pattern that fits it alone."""
    alone = [name for name in variables(question) if not _has_namesake(question, name)]
    return _asked_each(question, {name: ["[%s]%s*" % (name[0], glob.escape(name[1:-2]))] for name in alone})


def _asked_together(question: Question, keys: Dict[str, Any]) -> Verdicts:
    if not keys:
        raise DoesNotApply("no target is a variable")
    audit = graphcut.audit(question.graph, **{**by_objects(question), "variables": list(keys.values())})
    mark = ASSUMED if audit.assumptions else ""
    return {name: audit[key].verdict.value + mark for name, key in keys.items()}


def _has_namesake(question: Question, name: str) -> bool:
    """Whether another op's name begins with this one: a pattern would fit both."""
    return any(op.name != name[:-2] and op.name.startswith(name[:-2]) for op in question.graph.get_operations())


def variables(question: Question) -> List[str]:
    """The names of the targets that are variables."""
    return [name for name, target in question.targets.items() if hasattr(target, "initializer")]


# --- after a gradient was taken ------------------------------------------------------------------------------------


def after_gradients(question: Question, folder: str) -> Verdicts:
    _differentiate(question, list(question.targets.values()))
    return of(graphcut.audit(question.graph, **by_objects(question)), question)


def after_gradients_as_file(question: Question, folder: str) -> Verdicts:
    _differentiate(question, list(question.targets.values()))
    return of(graphcut.audit(message(question), **by_names(question)), question)


def _differentiate(question: Question, targets: List[Any]) -> None:
    with question.graph.as_default():
        try:
            v1.gradients(list(question.losses), targets, stop_gradients=list(question.stops) or None)
        except Exception as error:  # TensorFlow's own failure leaves nothing to compare
            raise DoesNotApply("TensorFlow raises %s" % type(error).__name__) from error


def after_minimize(optimizer: str) -> Form:
    return lambda question, folder: _minimized(question, [optimizer], as_file=False)


def after_minimize_as_file(optimizer: str) -> Form:
    return lambda question, folder: _minimized(question, [optimizer], as_file=True)


def after_second_minimize(optimizer: str) -> Form:
    return lambda question, folder: _minimized(question, ["sgd", optimizer], as_file=True)


def _minimized(question: Question, optimizers: List[str], as_file: bool) -> Verdicts:
    for optimizer in optimizers:
        _minimize(question, optimizer)
    source = exported(question) if as_file else question.graph
    return of(graphcut.audit(source, **(by_names if as_file else by_objects)(question)), question)


def _minimize(question: Question, optimizer: str) -> None:
    targets = [question.targets[name] for name in variables(question)]
    if question.stops or len(question.losses) > 1 or not targets:
        raise DoesNotApply("an optimizer takes one loss, variables, and no stop_gradients")
    with question.graph.as_default():
        try:
            OPTIMIZERS[optimizer]().minimize(question.losses[0], var_list=targets)
        except Exception as error:  # nothing to train, or TensorFlow's own failure
            raise DoesNotApply("TensorFlow raises %s" % type(error).__name__) from error


UNCHANGED: Dict[str, Form] = {
    each.__name__: each
    for each in (
        graph_def,
        meta_graph_def,
        text_file,
        saved_model,
        shuffled,
        under_a_prefix,
        renamed,
        with_dead_ops,
        in_a_function,
        one_by_one,
        by_op_names,
        by_tensors,
        by_patterns,
    )
}
CHANGED: Dict[str, Form] = {"after_gradients": after_gradients, "after_gradients_as_file": after_gradients_as_file}
CHANGED.update(
    ("%s(%s)" % (make.__name__, optimizer), make(optimizer))
    for optimizer in OPTIMIZERS
    for make in (after_minimize, after_minimize_as_file, after_second_minimize)
)


def sample(name: str, forms: Dict[str, Form], number: int) -> Iterator[Tuple[str, Form]]:
    """A few of the forms, others for each name."""
    chosen = random.Random(zlib.crc32(name.encode())).sample(sorted(forms), min(number, len(forms)))
    return iter([(each, forms[each]) for each in chosen])
