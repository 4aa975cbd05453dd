"""Properties that every picture must have, and audits of random graphs to check them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from typing import AbstractSet, Any, Mapping, Tuple

import networkx as nx

from graphcut.analysis.findings import Findings
from graphcut.analysis.live_routes import find_live_routes
from graphcut.analysis.stop_roles import stops
from graphcut.graph.loaded import LoadedGraph, VariableIndex
from graphcut.graph.metadata import GraphMetadata, Variable
from graphcut.graph.names import Names
from graphcut.graph.targets import Target
from graphcut.render.palette import DARK
from graphcut.render.picture import ops as numbered
from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Line, Role
from graphcut.render.picture.style import box_style, link_words
from graphcut.render.picture.view import AT_MOST, PictureOptions
from graphcut.render.picture.writers.dot import write
from graphcut.render.picture.writers.font_metrics import text_width
from graphcut.render.picture.writers.legend_samples import samples
from graphcut.render.picture.writers.mermaid import mermaid
from graphcut.results import Stop, VariableAudit, Verdict
from tests.against_tensorflow.questions.graphs import judged

SVG = "{http://www.w3.org/2000/svg}"
GETS = (Verdict.FLOWS, Verdict.CONDITIONAL)
VIEWS = [
    PictureOptions(),
    PictureOptions(boxes=25),
    PictureOptions(boxes=8),
    PictureOptions(detail="ops"),
    PictureOptions(detail="scopes"),
    PictureOptions(detail="variables"),
]


@dataclass(frozen=True)
class Audited:
    """What is drawn, found by the core without TensorFlow."""

    variables: Tuple[VariableAudit, ...]
    stops: Tuple[Stop, ...]
    flat: Any
    passing: Mapping[int, Tuple[int, ...]]
    reached: AbstractSet[int]
    loss: Tuple[str, ...] = ("loss:0",)
    left_out_ops: Mapping[int, Any] = field(default_factory=dict)
    idioms: Mapping[str, str] = field(default_factory=dict)
    loss_keys: Tuple[str, ...] = ("",)

    def shapes(self, op):
        return [None for _ in self.flat.outputs(op)]

    def place(self, op):
        return None, False


def audited(text):
    """The audit of a text of ``tests.against_tensorflow.questions.graphs`` for every variable in it."""
    flow = judged(text)
    flat = flow.rules.flat
    findings = Findings(LoadedGraph(flat, GraphMetadata("text"), (), Names(flat), VariableIndex((), None)), flow)
    held = {flat.names[op]: flat.first_output[op] for op in range(len(flat.names)) if flat.type(op) == "VariableV2"}
    targets = [Target(Variable(name, (name + ":0",), True, "float32", None), (tensor,)) for name, tensor in held.items()]
    variables = tuple(findings.of(each) for each in targets)
    told = [(each.name, target.tensors, each.verdict) for each, target in zip(variables, targets)]
    reached = frozenset(flat.producer[tensor] for tensor in flow.carried.order)
    return Audited(variables, stops(findings, told), flat, find_live_routes(flow, held.values()), reached)


def assert_honest(facts, view=VIEWS[0]):
    """The picture has few boxes, hides no cut, mixes nothing, and its text is safe."""
    drawn = picture(facts, view)
    assert len(drawn) <= AT_MOST
    assert_every_variable_is_in_the_box_of_its_verdict(facts, drawn)
    assert_no_cut_is_hidden(facts, drawn)
    assert_nothing_live_shares_a_box_with_what_is_not(facts, drawn)
    assert_live_ways_lead_to_what_gets_a_gradient_and_to_nothing_else(drawn)
    assert_no_gradient_goes_where_none_arrives(facts, drawn)
    assert_what_stands_alone_is_unused(facts, drawn)
    assert_no_way_leaves_a_box_and_comes_back(facts, drawn)
    text = write(drawn, "")
    assert "=<" not in text and (text + mermaid(drawn, "")).replace("\n", "").replace("\t", "").isprintable()


def assert_every_variable_is_in_the_box_of_its_verdict(facts, drawn):
    told = {name: box.verdict for _, box in drawn.nodes(data="box") for name in box.variables}
    verdicts = {}
    for each in facts.variables:
        verdicts.setdefault(each.name, set()).add(each.verdict)
    assert set(told) == set(verdicts) and all(told[name] in verdicts[name] for name in told)


def assert_no_cut_is_hidden(facts, drawn):
    ends = {box_op for node, _, line in drawn.edges(keys=True) if line is Line.CUT for box_op in drawn.nodes[node]["box"].ops}
    calls = {each.rpartition("!")[0] for each in ends} | {each.rpartition("/")[0] for each in ends}
    held = {cut.op for each in facts.variables for cut in each.cut if cut.kind.value != "zero-filled"}
    assert held <= ends | calls


def assert_nothing_live_shares_a_box_with_what_is_not(facts, drawn):
    numbers = numbered.ops(facts).numbers
    for _, box in drawn.nodes(data="box"):
        live = {numbers.get(op) in facts.passing for op in box.ops}
        assert len(live) == 1 or box.role in (Role.LOSS, Role.VARIABLE)  # a live op and a dead one may read it


def assert_live_ways_lead_to_what_gets_a_gradient_and_to_nothing_else(drawn):
    live = nx.DiGraph((one, other) for one, other, line in drawn.edges(keys=True) if line is Line.LIVE)
    open_ways = nx.DiGraph((one, other) for one, other, line in drawn.edges(keys=True) if line in (Line.LIVE, Line.LOST))
    losses = [node for node, box in drawn.nodes(data="box") if box.role is Role.LOSS]
    reached = set(losses).union(*[nx.descendants(live, each) for each in losses if each in live])
    open_to = set().union(*[nx.descendants(open_ways, each) for each in losses if each in open_ways]).difference(losses)
    boxes = {node: box for node, box in drawn.nodes(data="box") if box.role is Role.VARIABLE}
    assert {node for node, box in boxes.items() if box.verdict in GETS} <= reached
    barred = {node for node, _, line in drawn.edges(keys=True) if line is Line.CUT}
    assert all(boxes[node].verdict in GETS for node in open_to - barred if node in boxes)


def assert_no_gradient_goes_where_none_arrives(facts, drawn):
    """Each line of a gradient, useful or not, leads to an op that a gradient reaches."""
    numbers = numbered.ops(facts).numbers
    ends = [node for _, node, link in drawn.edges(data="link") if link.line in (Line.LIVE, Line.LOST) and not link.state]
    boxes = [drawn.nodes[node]["box"].ops for node in ends]
    assert [ops for ops in boxes if facts.reached.isdisjoint(numbers.get(op) for op in ops)] == []


def assert_what_stands_alone_is_unused(facts, drawn):
    """Every box that is not unused is connected to the loss."""
    losses = [node for node, box in drawn.nodes(data="box") if box.role is Role.LOSS]
    reached = set(losses).union(*[nx.descendants(drawn, each) for each in losses])
    unused = {each.name for each in facts.variables if each.unused}
    alone = [box.variables for node, box in drawn.nodes(data="box") if box.variables and node not in reached]
    assert [names for names in alone if not unused.issuperset(names)] == []


def assert_no_way_leaves_a_box_and_comes_back(facts, drawn):
    """A cycle is drawn only around a loop, or through a variable that is assigned to."""
    links = drawn.edges(data="link")
    ahead = nx.DiGraph((one, other) for one, other, link in links if one != other and not (link.loop or link.state))
    assert nx.is_directed_acyclic_graph(ahead)


def assert_loss_is_on_top(svg):
    """No box and no frame begins above the loss, which has the darkest fill."""
    tops = {}
    groups = [each for each in ElementTree.fromstring(svg).iter(SVG + "g") if each.get("class") in ("node", "cluster")]
    for node in groups:
        shape = next((each for each in node.iter() if each.tag in (SVG + "polygon", SVG + "path", SVG + "ellipse")), None)
        if shape is not None:
            points = re.findall(r"-?[\d.]+,(-?[\d.]+)", shape.get("points") or shape.get("d") or "")
            middle = [float(shape.get("cy", 0)) - float(shape.get("ry", 0))]
            tops.setdefault(shape.get("fill").upper() == DARK, []).append(min(map(float, points)) if points else middle[0])
    assert min(tops[True]) <= min(tops.get(False, tops[True]))


def assert_legend_is_small_and_complete(svg, drawn):
    """Below the picture, at most a fifth of the whole, with an entry for each look that occurs and for no other."""
    root = ElementTree.fromstring(svg)
    left, top, width, height = map(float, root.get("viewBox").split())
    strip = next(each for each in root.iter(SVG + "g") if each.get("class") == "legend")
    begin = float(re.match(r"M[-\d.]+,([-\d.]+)", strip.find(SVG + "path").get("d")).group(1))
    assert (top + height - begin) / height <= 0.2
    texts = list(strip.iter(SVG + "text"))
    rights = [float(each.get("x")) + float(each.get("textLength")) / 2 for each in texts]
    assert rights and max(rights) <= left + width
    boxes = {looks for _, box in drawn.nodes(data="box") for looks in [tuple(box_style(box).items())] if _is_told(box)}
    lines = {link_words(link) for *_, link in drawn.edges(data="link")}
    found = samples(drawn)
    assert {tuple(each.looks.items()) for each in found if not each.is_line} == boxes
    assert {each.words for each in found if each.is_line} == lines
    assert [each.text for each in texts] == [each.words for each in found]


def _is_told(box):
    return box.role not in (Role.LOSS, Role.OP) or box.verdict


def assert_no_line_crosses_a_title(svg):
    """Measured along the lines' curves, round the words of each frame's title."""
    root = ElementTree.fromstring(svg)
    points = [point for line in root.iter(SVG + "g") if line.get("class") == "edge" for point in _points_of(line)]
    for frame in (each for each in root.iter(SVG + "g") if each.get("class") == "cluster"):
        for text in frame.iter(SVG + "text"):
            middle, below, size = (float(text.get(name)) for name in ("x", "y", "font-size"))
            half = text_width(text.text, size) / 2
            inside = [(x, y) for x, y in points if abs(x - middle) < half and below - 0.7 * size < y < below]
            assert not inside, f"{text.text}: {inside[:3]}"


def _points_of(line):
    """Points along the curves of a line, so close that none passes between the letters of a title."""
    for path in line.iter(SVG + "path"):
        corners = [tuple(map(float, pair.split(","))) for pair in re.findall(r"-?[\d.]+,-?[\d.]+", path.get("d"))]
        for start in range(0, len(corners) - 3, 3):
            for at in (step / 40 for step in range(41)):
                weights = (1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3
                yield tuple(sum(w * corner[axis] for w, corner in zip(weights, corners[start : start + 4])) for axis in (0, 1))
