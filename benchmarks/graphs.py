"""The graphs for the benchmarks."""

from __future__ import annotations

import random
import sys

import tensorflow as tf

tf1 = tf.compat.v1


def residual(layers):
    """Return a placeholder graph of residual dense layers (about 22 ops each), every tenth with a stop, and its loss."""
    graph = tf.Graph()
    with graph.as_default():
        hidden = tf1.placeholder(tf.float32, [None, 8], name="x")
        for layer in range(layers):
            with tf1.name_scope("layer_%d" % layer):
                kernel = tf1.Variable(tf.zeros([8, 8]), name="kernel")
                bias = tf1.Variable(tf.zeros([8]), name="bias")
                scaled = tf.nn.relu(tf.nn.bias_add(tf.matmul(hidden, kernel), bias)) * 0.5 + tf.tanh(hidden) * 0.1
                hidden = hidden + (tf.stop_gradient(scaled) if layer % 10 == 0 else scaled)
        return graph, tf.reduce_mean(hidden, name="loss")


def layers(ops):
    """The same as a ``GraphDef`` of about so many ops, whatever TensorFlow needs to build them: copies of two of its layers,
    the one that is stopped and one that is not. Returns it and the name of the loss."""
    graph, loss = residual(12)
    nodes, graph_def = graph.as_graph_def().node, tf1.GraphDef()
    stopped, plain = ([node for node in nodes if node.name.startswith("layer_%d/" % layer)] for layer in (10, 11))
    graph_def.node.extend(node for node in nodes if node.op == "Placeholder")
    count = ops // 22
    for layer in range(count):
        template, names = (plain, ["layer_10/", "layer_11/"]) if layer % 10 else (stopped, ["layer_9/", "layer_10/"])
        _copy(graph_def, template, dict(zip(names, ("layer_%d/" % (layer - 1), "layer_%d/" % layer))))
    _copy(graph_def, [node for node in nodes if node.name in ("Const", "loss")], {"layer_11/": "layer_%d/" % (count - 1)})
    return graph_def, loss.name


def _copy(graph_def, nodes, scopes):
    """Append copies of nodes under other name scopes; what is read from before the first layer is the placeholder."""
    renamed = lambda name: next((name.replace(old, new) for old, new in scopes.items() if name.startswith(old)), name)  # noqa: E731
    for node in nodes:
        copied = graph_def.node.add()
        copied.CopyFrom(node)
        copied.name = renamed(node.name)
        copied.input[:] = ["x" if name.startswith("layer_-1/") else name for name in map(renamed, node.input)]
        if "shared_name" in node.attr:
            copied.attr["shared_name"].s = copied.name.encode()
            copied.attr["_class"].list.s[:] = [b"loc:@" + copied.name.encode()]


def chain(ops):
    """A ``GraphDef`` of about so many ops: a long chain of additions that reads a variable every fiftieth op."""
    return _chain(ops, 50)[:2]


def chain_of(variables, ops):
    """The same with so many variables; returns their names, too."""
    return _chain(ops, ops // 2 // (variables - 1))


def _chain(ops, distance):
    graph_def, names = tf1.GraphDef(), []
    before = _node(graph_def, "x", "Placeholder", dtype=1)
    for index in range(ops // 2):
        value = before
        if index % distance == 0:
            handle = graph_def.node.add(name="v%d" % index, op="VariableV2")
            handle.attr["dtype"].type = 1
            value = handle.name
            names.append(value)
        before = _node(graph_def, "a%d" % index, "AddV2", [before, value], T=1)
        before = _node(graph_def, "s%d" % index, "StopGradient" if index % 5000 == 4999 else "Tanh", [before], T=1)
    return graph_def, before, names


def step(layers):
    """A training step of residual dense layers with a tape, which updates its variables."""
    kernels = [tf.Variable(tf.zeros([8, 8])) for _ in range(layers)]
    biases = [tf.Variable(tf.zeros([8])) for _ in range(layers)]

    def train_step(hidden):
        with tf.GradientTape() as tape:
            for kernel, bias in zip(kernels, biases):
                hidden = hidden + tf.nn.relu(tf.matmul(hidden, kernel) + bias) * 0.5 + tf.tanh(hidden) * 0.1
            loss = tf.reduce_mean(hidden)
        for variable, gradient in zip(kernels + biases, tape.gradient(loss, kernels + biases)):
            variable.assign_sub(0.1 * gradient)
        return loss

    return train_step


def keras(layers):
    """A compiled Keras model of so many dense layers, every tenth behind a stop, and a batch for it.

    Keras 3 follows the layers by recursion when it builds the model, and then no more; graphcut never does.
    """
    inputs = hidden = tf.keras.Input([8])
    for layer in range(layers):
        made = tf.keras.layers.Dense(8, activation="tanh", name="layer_%d" % layer)(hidden)
        hidden = tf.keras.layers.Add()([hidden, Stop()(made) if layer % 10 == 9 else made])
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 20 * layers)
    model = tf.keras.Model(inputs, hidden)
    sys.setrecursionlimit(limit)
    model.compile("sgd", "mse")
    return model, (tf.zeros([4, 8]), tf.zeros([4, 8]))


class Stop(tf.keras.layers.Layer):
    """``tf.stop_gradient`` as a layer."""

    def call(self, inputs):
        return tf.stop_gradient(inputs)


def _node(graph_def, name, op, inputs=(), **types):
    node = graph_def.node.add(name=name, op=op, input=inputs)
    for key, value in types.items():
        node.attr[key].type = value
    return name


def lattice(width, depth):
    """A ``GraphDef`` of ``width`` times ``depth`` products, each of two of the layer before it: ``b0`` … are the variables of
    the first layer, ``k0`` … variables added here and there. Nothing in it is a bottleneck."""
    draw, graph_def = random.Random(0), tf1.GraphDef()
    layer = [_node(graph_def, "b%d" % place, "VariableV2", dtype=1) for place in range(width)]
    for step in range(depth):
        pairs = [(each, layer[(place + draw.randrange(7) - 3) % width]) for place, each in enumerate(layer)]
        layer = [_node(graph_def, "m%d_%d" % (step, place), "Mul", pair, T=1) for place, pair in enumerate(pairs)]
        if step % 10 == 5:
            kept = _node(graph_def, "k%d" % step, "VariableV2", dtype=1)
            layer[step % width] = _node(graph_def, "a%d" % step, "AddV2", [layer[step % width], kept], T=1)
    loss = _node(graph_def, "loss", "AddN", layer, T=1)
    graph_def.node[-1].attr["N"].i = width
    return graph_def, loss


def stopped(variables, stops):
    """So many variables, each behind one of so many stops, and behind all of those before it."""
    graph = tf.Graph()
    with graph.as_default():
        hidden, loss = tf1.placeholder(tf.float32, [8], name="x"), 0.0
        for index in range(variables):
            hidden = tf.tanh(hidden * tf1.Variable(tf.zeros([8]), name="v%d" % index))
            if index % (variables // stops) == 0:
                loss = loss + tf.reduce_sum(tf.stop_gradient(hidden))
        return graph, tf.identity(loss, name="loss")
