"""The DAG: the same attributes from every source, and no cycle."""

from __future__ import annotations

import functools

import networkx as nx
import pytest
import tensorflow as tf

import graphcut
from fixtures.documents import document_003
from fixtures.scenarios import control_flow
from tests.against_tensorflow.live.building import Pair, anywhere, placeholder_graph, spec
from tests.against_tensorflow.scenarios.test_files import FIXTURES

NODE = {"type", "inputs", "dtypes", "shapes", "function", "variable"}


def graph_source():
    return graphcut.trace(placeholder_graph()[0])


def function_source():
    with anywhere():
        pair = Pair()
        inner = tf.function(pair.loss)
        return graphcut.trace(lambda x: inner(x) * 2.0, spec(3))


def loop_source(fixture):
    with anywhere():
        asked = fixture()
        return graphcut.trace(asked.loss, *asked.inputs) if asked.is_function else graphcut.trace(asked.loss.graph)


def file_source(name):
    return graphcut.trace(str(FIXTURES / name))


SOURCES = {
    "graph": graph_source,
    "function": function_source,
    "v1 loop": lambda: loop_source(control_flow.loop_variable),
    "v2 loop": lambda: loop_source(control_flow.loop_variable_of_tf2),
    "v1 branches": lambda: loop_source(control_flow.branches),
    "v2 branches": lambda: loop_source(control_flow.branches_of_tf2),
    "training": lambda: graphcut.trace(document_003.stopped().loss.graph),
    "meta": lambda: file_source("documents/003.meta"),
    "pbtxt": lambda: file_source("documents/003.pbtxt"),
    "v1 loop file": lambda: file_source("graphs/loop_v1.meta"),
    "v2 conditional file": lambda: file_source("graphs/conditional_v2.pb"),
    "saved model": lambda: file_source("graphs/saved_model"),
}


@functools.lru_cache(maxsize=None)
def dag_of(source):
    return SOURCES[source]()


@pytest.fixture(params=sorted(SOURCES))
def dag(request):
    return dag_of(request.param)


def test_it_is_acyclic(dag):
    assert nx.is_directed_acyclic_graph(dag)


def test_it_is_a_plain_digraph(dag):
    assert type(dag) is nx.DiGraph


def test_every_node_has_the_same_attributes(dag):
    assert {frozenset(NODE - set(attributes)) for _, attributes in dag.nodes(data=True)} == {frozenset()}


def test_every_node_has_a_shape_for_each_dtype(dag):
    assert [name for name, each in dag.nodes(data=True) if len(each["dtypes"]) != len(each["shapes"])] == []


def test_inputs_are_tensors_of_nodes(dag):
    tensors = {"%s:%d" % (name, index) for name, each in dag.nodes(data=True) for index in range(len(each["dtypes"]))}
    assert {tensor for _, each in dag.nodes(data=True) for tensor in each["inputs"]} <= tensors


def test_edges_tell_which_output_feeds_which_input(dag):
    loops = set(dag.graph["loop_edges"])
    for name, each in dag.nodes(data=True):
        for index, tensor in enumerate(each["inputs"]):
            producer, _, output = tensor.rpartition(":")
            assert (producer, name) in loops or (int(output), index) in dag.edges[producer, name]["tensors"]


def test_every_edge_says_whether_it_is_control(dag):
    assert {type(control) for _, _, control in dag.edges(data="control")} <= {bool}


def test_the_graph_tells_where_it_came_from(dag):
    assert {"source", "outputs", "variables", "loop_edges"} <= set(dag.graph)


def test_variables_stand_on_nodes_of_their_name(dag):
    named = {each["variable"] for _, each in dag.nodes(data=True) if each["variable"]}
    assert named and named <= set(dag.graph["variables"])


def test_loop_edges_join_nodes(dag):
    assert {name for edge in dag.graph["loop_edges"] for name in edge} <= set(dag)


@pytest.mark.parametrize("source", ["v1 loop", "v2 loop", "v1 loop file"])
def test_a_loop_has_edges_that_would_close_it(source):
    dag = dag_of(source)
    closed = nx.DiGraph(dag)
    closed.add_edges_from(dag.graph["loop_edges"])
    assert dag.graph["loop_edges"] and not nx.is_directed_acyclic_graph(closed)


@pytest.mark.parametrize("source", ["graph", "function", "training"])
def test_without_a_loop_there_are_none(source):
    assert len(dag_of(source).graph["loop_edges"]) == 0


def test_a_body_s_ops_name_their_function():
    dag = dag_of("function")
    assert {each["function"] is None for _, each in dag.nodes(data=True) if each["type"] == "StopGradient"} == {False}


def test_shapes_come_from_the_live_graph():
    assert dag_of("graph").nodes["x"]["shapes"] == ((3,),)


def test_outputs_map_keys_to_tensors():
    outputs = dag_of("function").graph["outputs"]
    assert list(outputs) == ["output"] and outputs["output"].rpartition(":")[0] in dag_of("function")


def test_networkx_finds_what_feeds_the_loss():
    dag = dag_of("graph")
    assert {"x", "w", "u"} <= nx.ancestors(dag, "loss")
