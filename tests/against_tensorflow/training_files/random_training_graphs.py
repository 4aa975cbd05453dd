"""Small training graphs made at random: custom gradients in any place, trained in any way.

The truth is what ``tf.gradients`` answers for each variable alone, in a copy of the graph that was not trained.
"""

from __future__ import annotations

import random
from typing import Any, Callable, Dict, List, Tuple

import tensorflow as tf

from tests.against_tensorflow.training_files.graphs import ANSWERS, OPTIMIZERS, Build, v1

ANSWERED = {
    "tensor": lambda gradient, own, scale: gradient * scale,
    "passed": lambda gradient, own, scale: gradient,
    "zeros": lambda gradient, own, scale: tf.zeros_like(own),
    "none": lambda gradient, own, scale: None,
    "zero product": lambda gradient, own, scale: gradient * 0.0,
}
SIZE = 3


def custom(answers: Tuple[str, ...], results: int) -> Callable[..., List[Any]]:
    """A custom gradient with an answer for each argument; with two results, each argument is answered from one of them."""

    @tf.custom_gradient
    def joined(*arguments: Any) -> Any:
        whole = tf.add_n([tf.sin(each) for each in arguments])
        values = [whole, tf.cos(whole)][:results]

        def gradient(*given: Any) -> List[Any]:
            return [
                ANSWERED[answer](given[index % len(given)], own, tf.cos(own))
                for index, (answer, own) in enumerate(zip(answers, arguments))
            ]

        return values, gradient

    return lambda *arguments: list(tf.nest.flatten(joined(*arguments)))


def network(seed: int) -> Tuple[Build, List[Any]]:
    """Build a few layers on a batch, and losses, each the mean square of some layers' outputs."""
    chance = random.Random(seed)
    made = Build(resource=chance.random() < 0.6)
    known = [v1.placeholder(tf.float32, [None, SIZE], "x")]
    for number in range(chance.randint(3, 7)):
        known += _layer(chance, made, known, number)
    count = chance.choice([1, 1, 2])
    losses = [_loss(chance, known, "loss_%d" % number) for number in range(count)]
    return made, losses


def _loss(chance: random.Random, known: List[Any], name: str) -> Any:
    used = chance.sample(known[1:], min(len(known) - 1, chance.randint(1, 2)))
    return tf.reduce_mean(tf.add_n([tf.square(each) for each in used]), name=name)


def _layer(chance: random.Random, made: Build, known: List[Any], number: int) -> List[Any]:
    source = chance.choice(known[-3:])
    kind = chance.choice(["dense", "dense", "custom", "custom", "custom", "stop", "swish", "sum", "gradients scope"])
    if kind == "dense":
        return [tf.matmul(source, made.variable("w%d" % number, SIZE, SIZE))]
    if kind == "custom":
        arguments = [chance.choice(known) for _ in range(chance.randint(1, 3))]
        if chance.random() < 0.3:
            arguments[-1] = tf.matmul(known[0], made.variable("inner%d" % number, SIZE, SIZE))
        answers = tuple(chance.choice([*ANSWERS, "zero product"]) for _ in arguments)
        results = custom(answers, chance.choice([1, 1, 2]))(*arguments)
        return results if chance.random() < 0.8 else [results[0], results[0] + source]
    if kind == "gradients scope":
        with tf.name_scope("gradients"):
            return [tf.tanh(source)]
    return {
        "stop": lambda: [tf.stop_gradient(source) + source * 0.5],
        "swish": lambda: [tf.nn.swish(source)],
        "sum": lambda: [source + chance.choice(known)],
    }[kind]()


def truth(seed: int) -> Dict[str, Dict[str, bool]]:
    """For each loss and variable whether TensorFlow gives a tensor for the variable alone."""
    with tf.Graph().as_default():
        _, losses = network(seed)
        variables = v1.trainable_variables()
        return {loss.name: {each.op.name: v1.gradients(loss, [each])[0] is not None for each in variables} for loss in losses}


def train(seed: int) -> Tuple[Any, List[str]]:
    """The graph, trained in some way; the names of its losses."""
    chance = random.Random(seed + 1)
    with tf.Graph().as_default() as graph:
        _, losses = network(seed)
        variables = v1.trainable_variables()
        for loss in losses:
            for _ in range(chance.choice([1, 1, 1, 2])):
                _train(chance, loss, variables)
    return graph, [loss.name for loss in losses]


def _train(chance: random.Random, loss: Any, variables: List[Any]) -> None:
    asked = [each for each in variables if chance.random() < 0.7] if chance.random() < 0.5 else variables
    if not asked:
        return
    optimizer = OPTIMIZERS[chance.choice(sorted(OPTIMIZERS))]()
    with tf.name_scope(chance.choice(["train", "model", "gradients"])) if chance.random() < 0.3 else v1.variable_scope(""):
        if chance.random() < 0.7:
            pairs = optimizer.compute_gradients(loss, var_list=asked, aggregation_method=chance.choice([None, 2]))
        else:
            pairs = list(zip(v1.gradients(loss, asked, gate_gradients=chance.random() < 0.3), asked))
        pairs = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        way = chance.choice(["apply", "apply", "clip", "fetch", "hand"])
        if way == "clip" and pairs:
            gradients, kept = zip(*pairs)
            pairs = list(zip(tf.clip_by_global_norm(gradients, 1.0)[0], kept))
        if way in ("apply", "clip") and pairs:
            optimizer.apply_gradients(pairs)
        if way == "hand":
            for gradient, variable in pairs:
                v1.assign_sub(variable, 0.1 * tf.convert_to_tensor(gradient))
