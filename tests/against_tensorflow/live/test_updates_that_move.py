"""``is_updated`` agrees with the variables that change: each optimizer of TensorFlow 1 and Keras, each way to assign."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.live.building import EAGER, v1

V1_OPTIMIZERS = {
    "sgd": lambda: v1.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: v1.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda: v1.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: v1.train.AdamOptimizer(0.1),
    "adagrad": lambda: v1.train.AdagradOptimizer(0.1),
    "adagrad dual averaging": lambda: v1.train.AdagradDAOptimizer(0.1, v1.train.get_or_create_global_step()),
    "adadelta": lambda: v1.train.AdadeltaOptimizer(10.0),
    "rmsprop": lambda: v1.train.RMSPropOptimizer(0.1),
    "centered rmsprop": lambda: v1.train.RMSPropOptimizer(0.1, centered=True),
    "ftrl": lambda: v1.train.FtrlOptimizer(0.1),
    "proximal sgd": lambda: v1.train.ProximalGradientDescentOptimizer(0.1),
    "proximal adagrad": lambda: v1.train.ProximalAdagradOptimizer(0.1),
}
# Adafactor of Keras 3 refuses a tf.Variable: it takes its name for that of a scope.
KERAS_OPTIMIZERS = ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam", "Ftrl", "AdamW", "Lion")


class Variables:
    """A dense variable and an embedding that are trained, and one of each that the loss reads and nobody trains."""

    def __init__(self, make):
        self.all = {name: make(name) for name in ("dense", "table", "still", "unread")}

    def loss(self):
        rows = tf.gather(self.all["table"], [0, 2])
        return tf.reduce_sum(tf.square(rows * self.all["dense"][:2] + self.all["still"][:2]))

    @property
    def trained(self):
        return [self.all["dense"], self.all["table"]]


def moved(train):
    """The variables that really move when the training op of the current graph runs."""
    variables = v1.trainable_variables()
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        before = session.run(variables)
        for _ in range(3):
            session.run(train)
        after = session.run(variables)
    return {each.op.name for each, old, new in zip(variables, before, after) if not np.array_equal(old, new)}


def graph_variables(resource):
    return Variables(lambda name: v1.get_variable(name, initializer=np.full([4, 3], 2.0, np.float32), use_resource=resource))


def assert_updates_are_moves(graph, really):
    for source in (graph, graph.as_graph_def()):
        audit = graphcut.audit(source)
        assert {each.name: each.is_updated for each in audit} == {each.name: each.name in really for each in audit}
        assert {each.name for each in audit} == {"dense", "table", "still", "unread"}


MOVES_BY_ZEROS = ("ftrl", "adagrad dual averaging")
MAY_MOVE_BY_ZEROS = (*MOVES_BY_ZEROS, "proximal sgd", "proximal adagrad")


@pytest.mark.parametrize("resource", [True, False], ids=["resource", "ref"])
@pytest.mark.parametrize("name", V1_OPTIMIZERS)
def test_an_optimizer_that_receives_zeros_for_a_variable_updates_it_only_if_it_moves_it_nevertheless(name, resource):
    with tf.Graph().as_default() as graph:
        variables, optimizer = graph_variables(resource), V1_OPTIMIZERS[name]()
        pairs = dict(zip(("dense", "table", "still"), v1.gradients(variables.loss(), list(variables.all.values())[:3])))
        pairs.update(dense=pairs["dense"] * 0.0, table=tf.zeros([4, 3]), unread=tf.zeros_like(variables.all["unread"]))
        step = v1.train.get_or_create_global_step()
        really = moved(optimizer.apply_gradients([(pairs[key], value) for key, value in variables.all.items()], step))
        audit = graphcut.audit(graph.as_graph_def(), variables=list(variables.all))
    assert really == ({*variables.all} if name in MOVES_BY_ZEROS else {"still"})
    assert {each.name for each in audit if each.is_updated} == ({*variables.all} if name in MAY_MOVE_BY_ZEROS else {"still"})


@pytest.mark.parametrize("resource", [True, False], ids=["resource", "ref"])
@pytest.mark.parametrize("name", V1_OPTIMIZERS)
def test_what_an_optimizer_moves(name, resource):
    with tf.Graph().as_default() as graph:
        variables = graph_variables(resource)
        step = v1.train.get_or_create_global_step()
        train = V1_OPTIMIZERS[name]().minimize(variables.loss(), global_step=step, var_list=variables.trained)
        really = moved(train)
    assert really == {"dense", "table"}
    assert_updates_are_moves(graph, really)


WAYS = {
    "assign": lambda variable, gradient: v1.assign(variable, variable - 0.1 * tf.convert_to_tensor(gradient)),
    "assign_sub": lambda variable, gradient: v1.assign_sub(variable, 0.1 * tf.convert_to_tensor(gradient)),
    "assign_add": lambda variable, gradient: v1.assign_add(variable, -0.1 * tf.convert_to_tensor(gradient)),
    "scatter_sub": lambda variable, gradient: v1.scatter_sub(
        variable, [0, 2], tf.gather(tf.convert_to_tensor(gradient), [0, 2])
    ),
    "scatter_add": lambda variable, gradient: v1.scatter_add(variable, [0], tf.convert_to_tensor(gradient)[:1]),
    "scatter_update": lambda variable, gradient: v1.scatter_update(variable, [0], tf.convert_to_tensor(gradient)[:1]),
    "scatter_nd_sub": lambda variable, gradient: v1.scatter_nd_sub(variable, [[0]], tf.convert_to_tensor(gradient)[:1]),
    "scatter_nd_update": lambda variable, gradient: v1.scatter_nd_update(variable, [[0]], tf.convert_to_tensor(gradient)[:1]),
    "slice": lambda variable, gradient: variable[0:2].assign(0.1 * tf.convert_to_tensor(gradient)[0:2]),
}


@pytest.mark.parametrize("resource", [True, False], ids=["resource", "ref"])
@pytest.mark.parametrize("way", WAYS)
def test_what_an_assignment_of_the_gradient_moves(way, resource):
    with tf.Graph().as_default() as graph:
        variables = graph_variables(resource)
        gradients = v1.gradients(variables.loss(), variables.trained)
        really = moved(tf.group(*map(WAYS[way], variables.trained, gradients)))
    assert really == {"dense", "table"}
    assert_updates_are_moves(graph, really)


def test_an_assignment_beside_an_optimizer_is_an_update():
    with tf.Graph().as_default() as graph:
        variables = graph_variables(True)
        dense, table = v1.gradients(variables.loss(), variables.trained)
        optimized = v1.train.AdamOptimizer(0.1).apply_gradients([(dense, variables.trained[0])])
        really = moved(tf.group(optimized, v1.assign_sub(variables.trained[1], 0.1 * tf.convert_to_tensor(table))))
    assert_updates_are_moves(graph, really)


def test_a_copy_that_runs_with_the_training_is_an_update_and_one_apart_is_none():
    with tf.Graph().as_default() as graph:
        variables = graph_variables(True)
        train = v1.train.AdamOptimizer(0.1).minimize(variables.loss(), var_list=variables.trained)
        dense, _, still, unread = variables.all.values()
        with tf.control_dependencies([train]):
            copied = v1.assign(unread, dense)
        v1.assign(still, dense, name="apart")
        really = moved(copied)
    assert really == {"dense", "table", "unread"}
    assert_updates_are_moves(graph, really)


@pytest.mark.skipif(not EAGER, reason="Keras optimizers of TensorFlow 1.15 want a session")
@pytest.mark.parametrize("name", KERAS_OPTIMIZERS)
def test_what_an_optimizer_of_keras_moves(name):
    if not hasattr(tf.keras.optimizers, name):
        pytest.skip("this Keras has no %s" % name)
    variables = Variables(lambda each: tf.Variable(np.full([4, 3], 2.0, np.float32), name=each))
    optimizer = getattr(tf.keras.optimizers, name)(learning_rate=0.5)

    def step():
        with tf.GradientTape() as tape:
            loss = variables.loss()
        dense, table, still = tape.gradient(loss, [*variables.trained, variables.all["still"]])
        optimizer.apply_gradients([(dense, variables.trained[0]), (table, variables.trained[1])])
        return still

    (audit,) = graphcut.audit_step(step)
    before = {each: variables.all[each].numpy() for each in ("dense", "table", "still")}
    for _ in range(3):
        step()
    really = {each for each, value in before.items() if not np.array_equal(value, variables.all[each].numpy())}
    assert {each for each in before if audit[variables.all[each]].is_updated} == really == {"dense", "table"}
