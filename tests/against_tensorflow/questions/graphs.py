"""Small graphs as text, and an oracle of five lines, for tests of questions without TensorFlow.

A line is ``name = Type input input``. ``StopGradient``, ``Round`` and ``Choice`` give no gradient, ``Half`` gives its second
input none, all others give every input one. Tensors are float32, those of ``Choice`` and ``PartitionedVariable`` int32.
"""

from __future__ import annotations

import random

from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.analysis.rules.oracle import GradientReply, InputGradient, TensorFlowBehavior
from graphcut.analysis.verdicts import compute_flow
from graphcut.graph.attrs import entry
from graphcut.graph.flatten.inline_calls import flatten
from graphcut.graph.messages import CLASSES
from tests.entries import GIVEN

NOTHING = ("StopGradient", "Round", "Choice", "PartitionedVariable", "Number")
WHOLE = ("Choice", "PartitionedVariable")


def flat(text):
    """The flat graph of some lines."""
    graph = CLASSES["Graph"]()
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _, right = line.partition(" = ")
        kind, *inputs = right.split()
        dtype = 3 if kind in WHOLE else 1
        graph.node.add(name=name, op=kind, input=inputs, attr=[entry("T", type=dtype), entry("dtype", type=dtype)])
    return flatten(CLASSES["RawGraph"].FromString(graph.SerializeToString()))


def ask(question):
    """Every input gets the gradient of the output, but as the types have it."""
    if question.type in NOTHING[:-1] or (question.type == "Number" and question.soft is None):
        return GradientReply(gradients=(None,) * len(question.inputs))
    gradients = [InputGradient("given:0", False)] * len(question.inputs)
    if question.type == "Half":
        gradients[1] = None
    return GradientReply(GIVEN, ("given:0",), tuple(gradients))


def judged(text, loss="loss", stopped=()):
    """The judgement of a loss, named by its op."""
    graph = flat(text)
    number = {name: op for op, name in enumerate(graph.names)}
    rules = PatternLookup(graph, ask, TensorFlowBehavior(), lambda op: ())
    return compute_flow(rules, [graph.first_output[number[loss]]], frozenset(number[each] for each in stopped))


def random_graph(seed, size, variables=4, barriers=3, ends=3):
    """Lines of a random graph: variables ``v0`` …, ops ``t0`` … of which the last ones feed ``loss``.

    Of seven or so ops ``barriers`` give no gradient.
    """
    pick = random.Random(seed)
    names = ["v%d" % index for index in range(variables)]
    lines = [name + " = VariableV2" for name in names]
    for index in range(size):
        kind = pick.choice(["Mul", "Mul", "Add", "Add", "Half"] + ["Round", "StopGradient", "Choice"][:barriers])
        given = [pick.choice(names[-6:] if pick.random() < 0.7 else names) for _ in range(2)]
        given = given[:1] if kind in NOTHING else given
        lines.append("t%d = %s %s" % (index, kind, " ".join(given)))
        names.append("t%d" % index)
        if kind == "Choice":
            lines.append("n%d = Number t%d" % (index, index))
            names[-1] = "n%d" % index
    return "\n".join(lines + ["loss = Add " + " ".join(names[-ends:])])
