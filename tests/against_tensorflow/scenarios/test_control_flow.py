"""F: loops and conditionals, live and in files."""

from __future__ import annotations

import networkx as nx
import pytest
import tensorflow as tf

import graphcut
from fixtures.documents import document_003
from fixtures.graphs import flow
from fixtures.scenarios import control_flow, files
from graphcut import BarrierKind, Verdict
from tests.against_tensorflow.scenarios.judge import said

LOOPS = [control_flow.loop_variable, control_flow.loop_variable_of_tf2, flow.loop]
BRANCHES = [control_flow.branches, control_flow.branches_of_tf2]


@pytest.fixture
def saved(tmp_path):
    """The folder of a SavedModel with a conditional and a custom gradient."""
    with tf.Graph().as_default() if not tf.executing_eagerly() else tf.init_scope():
        module = files.Reloaded()
        signatures = {"branch": module.branch.get_concrete_function(), "clipped": module.clipped.get_concrete_function()}
        tf.saved_model.save(module, str(tmp_path / "model"), signatures)
    return tmp_path / "model"


needs_eager = pytest.mark.skipif(not tf.executing_eagerly(), reason="a SavedModel of a module is saved eagerly")


@pytest.mark.parametrize("fixture", LOOPS)
def test_f1_what_a_loop_multiplies_with_learns(fixture):
    assert said(fixture).verdict("w") is Verdict.FLOWS


@pytest.mark.parametrize("fixture", LOOPS[:2])
def test_f1_where_a_loop_starts_learns(fixture):
    assert said(fixture).verdict("start") is Verdict.FLOWS


@pytest.mark.parametrize("fixture", LOOPS)
def test_f1_the_dag_has_no_cycle(fixture):
    assert nx.is_directed_acyclic_graph(said(fixture).audit.graph)


def test_f1_the_edges_that_close_a_v1_loop_stand_beside_the_dag():
    dag = said(control_flow.loop_variable).audit.graph
    assert {(dag.nodes[u]["type"], dag.nodes[v]["type"]) for u, v in dag.graph["loop_edges"]} == {("NextIteration", "Merge")}


@pytest.mark.parametrize("fixture", [control_flow.loop_variable, flow.loop])
def test_f2_what_the_condition_alone_reads_gets_none(fixture):
    assert said(fixture).verdict("bound") is Verdict.NONE


def test_f2_in_a_v2_loop_it_gets_zeros():
    assert said(control_flow.loop_variable_of_tf2).verdict("bound") is Verdict.ZERO


@pytest.mark.parametrize("fixture", LOOPS)
def test_f2_the_condition_is_in_the_cut(fixture):
    """A condition is an ``input`` (design, definition 5); in a v1 loop its boolean passes a ``Switch`` of that dtype, too."""
    kinds = {each.kind for each in said(fixture)["bound"].cut}
    assert BarrierKind.INPUT in kinds and (BarrierKind.DTYPE in kinds or fixture is control_flow.loop_variable_of_tf2)


@needs_eager
@pytest.mark.parametrize("name, verdict", [("then", Verdict.CONDITIONAL), ("stopped", Verdict.NONE)])
def test_f3_a_saved_conditional_is_judged_as_the_live_one(saved, name, verdict):
    live = files.Reloaded()
    assert graphcut.audit(live.branch)[getattr(live, name)].verdict is verdict
    assert graphcut.audit(str(saved), signature="branch", variables=name)[name].verdict is verdict


@needs_eager
def test_f3_a_conditional_that_was_loaded_again_is_judged_the_same(saved):
    loaded = tf.saved_model.load(str(saved))
    found = graphcut.audit(loaded.signatures["branch"], variables=[loaded.then, loaded.stopped])
    assert [each.verdict for each in found] == [Verdict.CONDITIONAL, Verdict.NONE]


@pytest.mark.parametrize("fixture", BRANCHES)
@pytest.mark.parametrize("name, branch", [("custom", "then"), ("looped", "else")])
def test_f5_each_variable_learns_in_its_branch(fixture, name, branch):
    row = said(fixture)[name]
    assert (row.verdict, [each.branch for each in row.conditions]) == (Verdict.CONDITIONAL, [branch])


def test_f5_a_custom_gradient_that_gives_none_is_a_barrier():
    assert said(control_flow.branches).verdict("swallowed") is Verdict.NONE


@pytest.mark.parametrize("fixture", BRANCHES)
def test_f5_it_is_called_a_custom_gradient(fixture):
    assert BarrierKind.CUSTOM_GRADIENT in {each.kind for each in said(fixture)["swallowed"].cut}


@needs_eager
def test_f6_a_custom_gradient_of_a_file_is_assumed_to_carry(saved):
    assert graphcut.audit(str(saved), signature="clipped")["custom"].verdict is Verdict.FLOWS


@needs_eager
def test_f6_the_assumption_names_the_op(saved):
    (assumption,) = graphcut.audit(str(saved), signature="clipped").assumptions
    assert assumption.type == "IdentityN" and "IdentityN" in assumption.op


@needs_eager
def test_f6_a_stop_beside_it_still_cuts(saved):
    assert graphcut.audit(str(saved), signature="clipped")["stopped"].verdict is Verdict.NONE


def test_f8_grappler_s_pruner_takes_stops_away():
    optimized = pruned(document_003.stopped().loss)
    found = graphcut.audit(optimized, loss="loss", variables=["w1", "w2"])
    assert found.stops == () and {each.verdict for each in found} == {Verdict.FLOWS}


def pruned(loss):
    """The graph of a loss after Grappler's model pruner."""
    from tensorflow.core.protobuf import config_pb2
    from tensorflow.python.grappler import tf_optimizer

    config = config_pb2.ConfigProto()
    config.graph_options.rewrite_options.optimizers.append("pruning")
    config.graph_options.rewrite_options.min_graph_nodes = -1
    with loss.graph.as_default():
        loss.graph.add_to_collection("train_op", loss)
        return tf_optimizer.OptimizeGraph(config, tf.compat.v1.train.export_meta_graph(graph=loss.graph))
