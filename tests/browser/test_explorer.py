from __future__ import annotations

import json

import pytest

from graphcut.errors import GraphcutError
from graphcut.render.page import draw, model_explorer
from tests.browser.audits import HOSTILE
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED


def nodes(audit):
    return {each["id"]: each for each in model_explorer.graph(audit)["graphs"][0]["nodes"]}


def words(audit):
    return {op: each["value"] for op, each in model_explorer.node_data(audit)[model_explorer.GRAPH]["results"].items()}


def test_every_op_is_a_node_in_its_scope():
    assert list(nodes(EVERY_VERDICT)) == list(EVERY_VERDICT.graph)
    assert nodes(EVERY_VERDICT)["vq/Round"]["namespace"] == "vq" and nodes(EVERY_VERDICT)["vq/Round"]["label"] == "Round"
    assert nodes(EVERY_VERDICT)["cond!then!mul"]["namespace"] == "cond/then"


def test_edges_are_the_data_edges():
    (loss,) = [each for each in nodes(STOPPED).values() if each["id"] == "loss"]
    assert [each["sourceNodeId"] for each in loss["incomingEdges"]] == ["MatMul_1", "shape"]


def test_node_data_says_what_a_gradient_does_at_each_op():
    told = words(STOPPED)
    assert told["w1"] == "none: no gradient" and told["w2"] == "flows: gets a gradient" and told["loss"] == "loss"
    assert told["hidden"] == "stop-gradient" and told["MatMul_1"] == "a gradient passes"
    assert told["MatMul"] == "data behind the cut" and "shape" not in told


def test_node_data_is_about_ops_of_the_graph():
    for audit in (STOPPED, EVERY_VERDICT, HOSTILE):
        assert set(words(audit)) <= set(nodes(audit))


def test_cuts_are_laid_over_the_graph():
    (over,) = model_explorer.graph(EVERY_VERDICT)["graphs"][0]["tasksData"]["edgeOverlaysDataListLeftPane"]
    cuts = {(each["sourceNodeId"], each["targetNodeId"]): each["label"] for each in over["overlays"][0]["edges"]}
    assert cuts[("ArgMax", "Gather")] == "input" and cuts[("odd/Read", "Foo")] == "no-gradient"


def test_draw_writes_the_graph_and_beside_it_the_node_data(tmp_path):
    draw(STOPPED, tmp_path / "cut.json")
    assert json.loads((tmp_path / "cut.json").read_text(encoding="utf-8")) == model_explorer.graph(STOPPED)
    assert json.loads((tmp_path / "cut.node_data.json").read_text(encoding="utf-8")) == model_explorer.node_data(STOPPED)
    with pytest.raises(GraphcutError, match="cannot write"):
        draw(STOPPED, tmp_path / "missing" / "cut.json")


@pytest.mark.parametrize("audit", [STOPPED, EVERY_VERDICT, HOSTILE])
def test_model_explorer_s_own_classes_take_both(audit):
    dacite = pytest.importorskip("dacite", reason="ai-edge-model-explorer is not installed")
    graph_builder = pytest.importorskip("model_explorer.graph_builder", reason="ai-edge-model-explorer is not installed")
    builder = pytest.importorskip("model_explorer.node_data_builder")
    strict = dacite.Config(strict=True)
    made = dacite.from_dict(graph_builder.GraphCollection, model_explorer.graph(audit), strict)
    assert [node.id for node in made.graphs[0].nodes] == list(audit.graph)
    (told,) = model_explorer.node_data(audit).values()
    results = {op: builder.NodeDataResult(**each) for op, each in told.pop("results").items()}
    data = builder.ModelNodeData({model_explorer.GRAPH: builder.GraphNodeData(results, **told)})
    assert (
        json.loads(data.to_json_string())[model_explorer.GRAPH]["results"]
        == model_explorer.node_data(audit)[model_explorer.GRAPH]["results"]
    )
