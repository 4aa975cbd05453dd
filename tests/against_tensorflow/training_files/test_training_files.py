"""Audits of saved training graphs agree with TensorFlow's answers when the graphs were built."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.training_files import graphs
from tests.against_tensorflow.training_files.judge import FORMATS, saved, wrong_updates, wrong_verdicts

# Without gated gradients, or if no other op answers two, a None looks like a variable that nobody asked for.
UNCERTAIN = [
    "embeddings joined-minimize",
    "joined none none",
    *("joined tensor none-" + way for way in ("of gradients", "flattened", "fetched", "by hand", "head only")),
]
# The tests of one recipe follow each other in one process, which builds its graph once (``conftest.py``).
GROUPED = [pytest.param(each, id=each.name, marks=pytest.mark.xdist_group(each.name)) for each in graphs.recipes()]
RECIPES = pytest.mark.parametrize("recipe", GROUPED)


@functools.lru_cache(maxsize=1)
def build(recipe):
    """The graph of a recipe; skipped where this TensorFlow cannot differentiate it."""
    if tf.__version__.startswith("1.") and recipe.control_v2 and "swish" in recipe.model:
        pytest.skip("TensorFlow 1.15 cannot differentiate a custom gradient in a v2 body of a placeholder graph")
    return graphs.build(recipe)


@functools.lru_cache(maxsize=1)
def audits(recipe):
    """The audits of both formats whose losses are named."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [saved(build(recipe), Path(folder), form) for form in FORMATS]
        return [graphcut.audit(path, loss=list(build(recipe).losses)) for path in paths]


def is_uncertain(recipe):
    return recipe.name.startswith(tuple(UNCERTAIN))


@RECIPES
def test_none_is_exact(recipe):
    record = build(recipe)
    for audit in audits(recipe):
        wrong = wrong_verdicts(audit, record)
        assert wrong == {} or is_uncertain(recipe)
        assert not any(given for _, given in wrong.values())
        assert audit.assumptions or not wrong


@RECIPES
def test_the_default_loss_is_the_one_that_was_differentiated(recipe, tmp_path):
    for form in FORMATS:
        assert graphcut.audit(saved(build(recipe), tmp_path, form)).loss == build(recipe).losses


@RECIPES
def test_updated_is_what_the_training_ops_write(recipe):
    record = build(recipe)
    for audit in audits(recipe):
        assert wrong_updates(audit, record) == {}


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_the_slots_of_dense_and_of_sparse_variables_are_updated(resource):
    with tf.Graph().as_default():
        made = graphs.Build(resource=resource)
        dense, table = made.variable("dense", 4, 3), made.variable("table", 9, 3)
        made.variable("unread", 4, 3)
        rows = tf.gather(table, tf.compat.v1.placeholder(tf.int32, [None]))
        tf.compat.v1.train.AdamOptimizer().minimize(tf.reduce_mean(tf.square(tf.matmul(made.batch(), dense) + rows)))
        meta = tf.compat.v1.train.export_meta_graph()
    audit = graphcut.audit(meta, variables="*")
    assert sorted(each.name for each in audit if not each.is_updated) == ["unread"]
    assert str(audit).endswith("6 states (slots, averages) that the step writes without a gradient")


@pytest.mark.parametrize("resource", [False, True], ids=["reference", "resource"])
def test_the_counter_of_steps_is_updated(resource):
    """It waits for the optimizer by the constant that it adds."""
    with tf.Graph().as_default():
        made = graphs.Build(resource=resource)
        counter = tf.compat.v1.get_variable("counter", [], tf.int64, trainable=False, use_resource=resource)
        tf.compat.v1.assign(made.variable("restored", 4, 3), tf.zeros([4, 3]))
        loss = tf.reduce_mean(tf.square(tf.matmul(made.batch(), made.variable("dense", 4, 3))))
        tf.compat.v1.train.AdamOptimizer().minimize(loss, global_step=counter)
        meta = tf.compat.v1.train.export_meta_graph()
    audit = graphcut.audit(meta, variables="*")
    assert [each.name for each in audit if not each.is_updated] == ["restored"]


IMPORTED = [
    graphs.Recipe(model, way, "adam", resource)
    for model in ("plain", "swish", "joined tensor none", "branched swish")
    for way in ("minimize", "of gradients", "by hand")
    for resource in (False, True)
]


@pytest.mark.parametrize("prefix", ["imported", "outer/gradients"])
@pytest.mark.parametrize("recipe", IMPORTED, ids=lambda recipe: recipe.name)
def test_a_graph_under_the_scope_that_it_was_imported_in_is_audited_as_it_was(recipe, prefix):
    """``import_graph_def(graph, name="imported")`` puts the scope in front of every name, those of the gradients included."""
    record = build(recipe)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(record.graph.as_graph_def(), name=prefix)
    audit, original = graphcut.audit(graph.as_graph_def()), graphcut.audit(record.graph.as_graph_def())
    assert audit.loss == ("%s/%s" % (prefix, record.losses[0]),)
    assert [(each.verdict, each.is_updated) for each in audit] == [(each.verdict, each.is_updated) for each in original]


def test_of_two_graphs_in_one_each_has_its_own_gradients():
    """The names of the second, without its scope, are those of the first."""
    program = build(graphs.Recipe("swish", "minimize", "adam", resource=False)).graph.as_graph_def()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(program, name="")
        tf.import_graph_def(program, name="second")
    for loss, inside in (("total_loss:0", False), ("second/total_loss:0", True)):
        audit = graphcut.audit(graph.as_graph_def(), loss=loss, variables="*/w")
        assert {each.name.startswith("second/"): each.verdict.value for each in audit} == {inside: "flows", not inside: "none"}
