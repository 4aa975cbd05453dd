"""Audits for pages: one in which every name tries to inject markup, and others built from text; each is laid out once."""

from __future__ import annotations

from functools import lru_cache

from graphcut.render.page.html import html
from graphcut.results import Role, Stop, Verdict
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable

NASTY = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"]',
    "-->",
    "<!--",
    "]]>",
    "\u2028\u2029",
    "{{7*7}}",
    "n" * 10_000,
)


def _hostile():
    """Each nasty name is that of a variable, of the stop that cuts it off, and of the file that the stop stands in."""
    graph, variables, stops = dag(""), [], []
    for at, name in enumerate(NASTY):
        ops, types = (f"{name}/w{at}", f"{name}/stop{at}"), ("VariableV2", name)
        for op, kind, inputs in zip(ops, types, ((), (ops[0] + ":0",))):
            graph.add_node(op, type=kind, inputs=inputs, dtypes=("float32",), shapes=(None,), function=None)
        graph.add_edge(*ops, tensors=((0, 0),), control=False)
        variables.append(variable(ops[0], Verdict.NONE, cut=(cut(ops[1], where=name + ":1"),)))
        stops.append(Stop(ops[1], Role.CUTS, True, (ops[0],), where=name + ":1"))
    loss = NASTY[0]
    inputs = tuple(stop.op + ":0" for stop in stops)
    graph.add_node(loss, type="AddN", inputs=inputs, dtypes=("float32",), shapes=(None,), function=None)
    graph.add_edges_from((stop.op, loss, {"tensors": ((0, at),), "control": False}) for at, stop in enumerate(stops))
    return FakeAudit(
        graph=graph,
        variables=tuple(variables),
        stops=tuple(stops),
        loss=(loss + ":0",),
        loss_source=NASTY[1],
        source=NASTY[3],
    )


HOSTILE = _hostile()


@lru_cache(maxsize=None)
def whole_page():
    """Three losses on one page."""
    return html({"stopped": STOPPED, "every verdict": EVERY_VERDICT, NASTY[0]: HOSTILE})
