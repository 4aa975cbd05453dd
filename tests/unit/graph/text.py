"""Graphs as text, and a fake TensorFlow, which is all that tests of the core need.

A line is ``name = Type(inputs)`` or ``name = Type[attr=value](inputs)``; ``^op`` is a control input; ``def f(a, b) -> r:``
begins the body of a function, its lines indented. Tensors are floats unless an attribute says otherwise.
"""

from __future__ import annotations

import re
import textwrap

from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.analysis.rules.oracle import GradientReply, InputGradient, TensorFlowBehavior
from graphcut.analysis.verdicts import compute_flow
from graphcut.graph.attrs import entry
from graphcut.graph.flatten.inline_calls import flatten
from graphcut.graph.messages import CLASSES
from graphcut.graph.names import Names
from tests.entries import GIVEN, OWN, attribute

LINE = re.compile(r"(\S+) = (\w+)(?:\[(.*)\])?\((.*)\)$")
HEAD = re.compile(r"def (\w+)\((.*)\) -> (.*):$")
TYPED = {"PartitionedCall": "Tin Tout", "If": "Tin Tout Tcond", "While": "T", "IdentityN": "T"}
FLOAT, INT, BOOL = 1, 3, 10

# The answer of the fake TensorFlow for each type; every other type passes all gradients.
NONE_REGISTERED = ("StopGradient", "ArgMax", "Greater", "Less")
NONE_GIVEN = ("Floor", "Cast", "Shape")
FIRST_ALONE = ("GatherV2", "Reshape")
UNREGISTERED = ("Unique", "PreventGradient")
MADE = {"Ones": "ones:0", "Zeros": "zeros:0"}


def graph(text):
    """The flat graph of a text."""
    return flatten(raw_graph(message(text)))


def raw_graph(graph):
    """The graph as a file has it, each node as its bytes."""
    return CLASSES["RawGraph"].FromString(graph.SerializeToString())


def message(text):
    """The ``Graph`` message of a text."""
    found, nodes = CLASSES["Graph"](), None
    for line in filter(None, (line.rstrip() for line in textwrap.dedent(text).splitlines())):
        head = HEAD.match(line)
        if head:
            nodes = _function(found.library.function.add(), *head.groups())
        else:
            _node(nodes if line.startswith(" ") else found.node, line.strip())
    return found


def _function(function, name, arguments, returned):
    function.signature.name = name
    for arg in filter(None, arguments.split(", ")):
        function.signature.input_arg.add(name=arg.partition(":")[0], type=int(arg.partition(":")[2] or FLOAT))
    for index, tensor in enumerate(filter(None, returned.split(", "))):
        tensor, _, dtype = tensor.partition("/")
        function.signature.output_arg.add(name="out%d" % index, type=int(dtype or FLOAT))
        function.ret["out%d" % index] = tensor
    return function.node_def


def _node(nodes, line):
    name, op_type, attrs, inputs = LINE.match(line).groups()
    given = dict(each.split("=") for each in (attrs or "").split(", ") if each)
    attributes = {"T": FLOAT, "dtype": FLOAT, "DstT": FLOAT, "SrcT": FLOAT, "element_dtype": FLOAT}
    lists = dict.fromkeys(TYPED.get(op_type, "").split(), [FLOAT])
    entries = [entry(key, type=value) for key, value in attributes.items() if key not in given and key not in lists]
    entries += [attribute(key, {"types": value}) for key, value in lists.items() if key not in given]
    entries += [_entry(key, value) for key, value in given.items()]
    nodes.add(name=name, op=op_type, input=[each for each in inputs.split(", ") if each], attr=entries)


def _entry(key, value):
    if key in ("f", "then_branch", "else_branch", "cond", "body"):
        return entry(key, func={"name": value})
    if key in ("Tin", "Tout") or (key == "T" and "," in value):
        return attribute(key, {"types": [int(each) for each in value.split(",")]})
    return entry(key, i=int(value)) if key in ("N", "num") else entry(key, type=int(value))


def ask(question):
    """Return the answer of the fake TensorFlow."""
    inputs = len(question.inputs)
    if question.type in UNREGISTERED:
        return GradientReply(missing=True, gradients=(None,) * inputs)
    soft = question.soft is not None and question.type == "Cast"
    if question.type in NONE_REGISTERED + NONE_GIVEN and not soft:
        return GradientReply(gradients=(None,) * inputs)
    if question.type in MADE:
        own = (InputGradient(MADE[question.type], False),) * inputs
        return GradientReply(OWN, ("given:0",) * len(question.outputs), own, custom=True)
    whole = InputGradient("given:0", False)
    gradients = tuple(None if question.type in FIRST_ALONE and index else whole for index in range(inputs))
    return GradientReply(GIVEN, ("given:0",) * len(question.outputs), gradients)


class Judged:
    """One loss of a text, and questions about it by name."""

    def __init__(self, text, loss="loss", stopped=(), **around):
        self.flat = graph(text)
        self.names = Names(self.flat)
        rules = PatternLookup(self.flat, ask, TensorFlowBehavior(**around), lambda op: (None,) * len(self.flat.outputs(op)))
        stops = frozenset(op for name in stopped for op in self.names.ops(name))
        self.flow = compute_flow(rules, self.names.tensors(loss), stops)

    def tensor(self, name):
        """The first tensor of a name."""
        return self.names.tensors(name)[0]

    def verdict(self, name):
        """The word of a tensor's verdict."""
        return self.flow.verdict(self.tensor(name)).value

    def cut(self, name, relation):
        """The tensor's cut as ``op barrier``."""
        from graphcut.analysis.fewest_barriers import cuts

        found = cuts(self.flow, relation).barriers_of(self.tensor(name))
        return ["%s %s" % (self.flat.names[fence.op], fence.kind.value) for fence in found]
