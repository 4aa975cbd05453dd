"""The routes of a gradient agree with the verdict, also if an op's gradient is independent of the upstream gradient."""

from __future__ import annotations

import random
import sys

import networkx as nx
import pytest

from graphcut.analysis.branch_conditions import branches
from graphcut.analysis.live_routes import find_dependent_tensors, find_live_routes
from graphcut.analysis.waypoints import reach
from graphcut.api.suggest.stops import paths_to
from graphcut.graph.metadata import Variable
from graphcut.graph.targets import Target
from tests.unit.graph.text import Judged

GETS = ("flows", "conditional")


def is_reached(judged, name, **places):
    """Whether a gradient reaches a variable, by the reach."""
    target = Target(Variable(name, (name + ":0",), True, "float32", None), (judged.tensor(name),))
    inside = None if "through" not in places else {judged.tensor(places["through"])}
    return reach(judged.flow, [target], inside, frozenset(map(judged.tensor, places.get("avoiding", ()))))


def path(judged, name):
    """The ops of a path."""
    flat = judged.flat
    return [flat.names[flat.producer[tensor]] for tensor in judged.flow.path(judged.tensor(name))]


OWN = """
    w = VariableV2()
    own = Ones(w)
    zero = Zeros(own)
    loss = Neg(zero)
"""


def test_a_gradient_that_is_made_behind_zeros_has_a_path_to_the_loss():
    assert path(Judged(OWN), "w") == ["loss", "zero", "own", "w"]


def test_a_gradient_that_is_made_behind_zeros_reaches():
    assert is_reached(Judged(OWN), "w").paths == {"w": ("loss", "zero", "own", "w")}


def test_a_gradient_that_is_made_goes_through_what_hands_it_zeros():
    assert is_reached(Judged(OWN), "w", through="zero") and not is_reached(Judged(OWN), "w", avoiding=["zero"])


def test_the_picture_has_the_way_to_what_makes_a_gradient():
    judged = Judged(OWN)
    live = find_live_routes(judged.flow, [judged.tensor("w")])
    assert {judged.flat.names[op]: [judged.flat.names[each] for each in after] for op, after in live.items()} == {
        "w": [], "own": ["w"], "zero": ["own"], "loss": ["zero"]
    }  # fmt: skip


FILLED = """
    def both(a, b) -> n, o:
        n = Neg(a)
        o = Ones(b)
    w = VariableV2()
    v = VariableV2()
    call = PartitionedCall[f=both, Tin=1,1, Tout=1,1](w, v)
    loss = Neg(call)
"""


def test_a_gradient_that_is_made_of_zeros_filled_in_reaches():
    judged = Judged(FILLED)
    assert (judged.verdict("v"), bool(is_reached(judged, "v")), path(judged, "v")[0]) == ("flows", True, "loss")


def test_the_loss_of_zeros_reaches_by_what_makes_its_own_gradient_alone():
    assert not is_reached(Judged("w = VariableV2()\nzero = Zeros(w)\nloss = Neg(zero)"), "w")


BRANCH = """
    def yes(a) -> n:
        n = %s(a)
    def no(a) -> s:
        s = StopGradient(a)
    p = Placeholder[dtype=10]()
    w = VariableV2()
    own = %s(w)
    cond = If[then_branch=yes, else_branch=no, Tcond=10](p, own)
    zero = %s(cond)
    loss = Neg(zero)
"""


def test_a_gradient_that_is_made_before_a_branch_comes_in_every_run():
    assert Judged(BRANCH % ("Neg", "Ones", "Neg")).verdict("w") == "flows"


@pytest.mark.parametrize("after", ["Neg", "Zeros"])
def test_a_gradient_that_is_made_in_a_branch_comes_with_it(after):
    assert Judged(BRANCH % ("Ones", "Neg", after)).verdict("w") == "conditional"


LOOP = """
    def more(i, j) -> c:z:0/10:
        c = Less(i, i)
    def step(i, j) -> n, a:
        n = %s(i)
        z = Zeros(i)
        a = Add(j, z)
    w = VariableV2()
    v = VariableV2()
    loop = While[cond=more, body=step, T=1,1](w, v)
    zero = Zeros(loop:1)
    loss = Neg(zero)
"""


def test_a_gradient_that_is_made_in_a_loop_has_a_path():
    judged = Judged(LOOP % "Ones")
    found = path(judged, "w")
    assert judged.verdict("w") == "flows" and (found[0], found[-1]) == ("loss", "w")


def test_what_the_loss_does_not_read_of_a_loop_can_be_stopped():
    judged = Judged("""
        def more(i, j) -> c:z:0/10:
            c = Less(i, i)
        def step(i, j) -> n, m:
            n = Neg(i)
            m = Neg(j)
        w = VariableV2()
        v = VariableV2()
        loop = While[cond=more, body=step, T=1,1](w, v)
        loss = Neg(loop:1)
    """)
    with bounded(20_000):
        find_dependent_tensors(judged.flow, frozenset([judged.tensor("w")]))


class Endless(Exception):
    """A search took more steps than any that ends."""


class bounded:
    """Limit the number of function calls within a context."""

    def __init__(self, limit):
        self.left = limit

    def __enter__(self):
        sys.setprofile(self._count)

    def __exit__(self, *raised):
        sys.setprofile(None)

    def _count(self, frame, event, argument):
        self.left -= event in ("call", "c_call")
        if self.left < 0:
            sys.setprofile(None)
            raise Endless(frame.f_code.co_name)


def body(pick, name, results):
    """A function of two arguments, with ops that hand on, make their own, make zeros, or stop."""
    known, lines = ["a", "b"], []
    for index in range(pick.randint(2, 4)):
        kind = pick.choice(["Neg", "Add", "Add", "Ones", "Zeros", "StopGradient"])
        given = pick.sample(known, 2) if kind == "Add" else [pick.choice(known)]
        lines.append("    x%d = %s(%s)" % (index, kind, ", ".join(given)))
        known.append("x%d" % index)
    return ["def %s(a, b) -> %s:" % (name, ", ".join(pick.choice(known[-3:]) for _ in range(results))), *lines]


def random_text(seed):
    """A graph of branches, loops, calls and ops that make a gradient of their own."""
    pick = random.Random(seed)
    functions = ["def more(a, b) -> c:z:0/10:", "    c = Less(a, a)"]
    lines = ["p = Placeholder[dtype=10]()"] + ["w%d = VariableV2()" % index for index in range(4)]
    known = ["w%d" % index for index in range(4)]
    for index in range(pick.randint(4, 9)):
        name, given = "t%d" % index, pick.sample(known[-6:], 2)
        kind = pick.choice(["Add", "Neg", "Ones", "Zeros", "StopGradient", "If", "If", "While", "PartitionedCall"])
        if kind in ("If", "While", "PartitionedCall"):
            functions += body(pick, "f%d" % index, 2) + body(pick, "g%d" % index, 2)
            attrs = {
                "If": "then_branch=f%d, else_branch=g%d, Tcond=10, Tin=1,1, Tout=1,1" % (index, index),
                "While": "cond=more, body=f%d, T=1,1" % index,
                "PartitionedCall": "f=f%d, Tin=1,1, Tout=1,1" % index,
            }
            given = ["p"] * (kind == "If") + given
            lines.append("%s = %s[%s](%s)" % (name, kind, attrs[kind], ", ".join(given)))
            known += [name, name + ":1"]
        else:
            lines.append("%s = %s(%s)" % (name, kind, ", ".join(given[: 1 + (kind == "Add")])))
            known.append(name)
    return "\n".join(functions + lines + ["loss = Add(%s)" % ", ".join(known[-2:])])


def flow_graph(flow):
    """All edges of a gradient, by rows alone: a node is a tensor and whether the gradient there can be nonzero."""
    flat, graph = flow.rules.flat, nx.MultiDiGraph()
    for op in range(len(flat.names)):
        row, given = flow.rules.row(op), flat.inputs[op]
        for output, tensor in enumerate(flat.outputs(op)):
            for index in row.carries[output]:
                graph.add_edge((tensor, True), (given[index], True), op=op, index=index)
            for index in row.connected[output]:
                graph.add_edge((tensor, False), (given[index], False), op=op, index=None)
            for index in row.independent_of_output:
                graph.add_edge((tensor, False), (given[index], True), op=op, index=index, made=True)
            for each in flow.fills[op].tensors if op in flow.fills else ():
                graph.add_edge((tensor, False), (each, False), op=op, index=None)
    graph.add_nodes_from((seed, carried) for seed in flow.seeds for carried in (True, False))
    return graph


def ways(flow, graph, without=None):
    """What is reached with a nonzero gradient; ``without`` a branch."""
    known = branches(flow.rules.flat)
    names, kept = flow.rules.flat.names, nx.DiGraph()
    kept.add_nodes_from(graph)
    for here, there, edge in graph.edges(data=True):
        entered = known.entered.get((edge["op"], edge["index"]))
        inside = without is not None and names[edge["op"]].startswith("%s!%s!" % (without.op, without.branch))
        closed = without is not None and (
            (entered is not None and known.conditions[entered] == without) or (inside and edge.get("made", False))
        )
        if not closed:
            kept.add_edge(here, there)
    found = set()
    for seed in flow.seeds:
        for start in ((seed, True), (seed, False)):
            found |= {start} | nx.descendants(kept, start)
    return {tensor for tensor, carried in found if carried}


@pytest.mark.parametrize("seed", range(150))
def test_every_answer_agrees_with_a_search_over_all_edges(seed):
    judged = Judged(random_text(seed))
    flow, size = judged.flow, len(judged.flat.dtypes)
    with bounded(3_000 * size):
        tensors = {"w%d" % index: judged.tensor("w%d" % index) for index in range(4)}
        live = find_live_routes(flow, tensors.values())
        verdicts = {name: judged.verdict(name) for name in tensors}
        reached = {name: is_reached(judged, name) for name in tensors}
        routes = {name: flow.path(tensor) for name, tensor in tensors.items()}
        for tensor in tensors.values():
            paths_to(flow, frozenset([tensor]), frozenset(tensors.values()) - {tensor})
    graph = flow_graph(flow)
    nonzero = ways(flow, graph)
    bound = {condition: ways(flow, graph, condition) for condition in branches(judged.flat).conditions}
    for name, tensor in tensors.items():
        assert (verdicts[name] in GETS) is (tensor in nonzero) is bool(reached[name]) is bool(routes[name])
        assert (judged.flat.producer[tensor] in live) is (tensor in nonzero)
        wanted = {condition for condition, found in bound.items() if tensor in nonzero and tensor not in found}
        assert set(flow.conditions.get(tensor, ())) == wanted
        if routes[name]:
            assert routes[name][0] in flow.seeds and routes[name][-1] == tensor
            steps = {(a[0], b[0]) for a, b in graph.edges()}
            assert all(step in steps for step in zip(routes[name], routes[name][1:]))
