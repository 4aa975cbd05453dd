"""The marks on conditionals and loops that Python runs where plain code is run eagerly."""

from __future__ import annotations

import pytest

from graphcut.graph.attrs import entry
from graphcut.graph.eager_calls import has_eager_calls, is_eager_call, mark_eager_calls
from graphcut.graph.flat import Kind
from graphcut.graph.messages import CLASSES


def marks(op_type, **functions):
    """Whether ops of a type bear the mark once their graph was marked."""
    attrs = [entry(key, func={"name": name}) for key, name in functions.items()]
    node = CLASSES["Node"](name="op", op=op_type, attr=attrs)
    written = mark_eager_calls(CLASSES["Graph"](node=[node]).SerializeToString())
    (marked,) = CLASSES["Graph"].FromString(written).node
    assert has_eager_calls(written) == is_eager_call(Kind(op_type, tuple(marked.attr), ()))
    return has_eager_calls(written)


@pytest.mark.parametrize(
    ("op_type", "functions", "expected"),
    [
        ("StatelessIf", {"then_branch": "a", "else_branch": "b"}, True),
        ("While", {"cond": "a", "body": "b"}, True),
        ("PartitionedCall", {"f": "__inference_cflow_gradient_wrapper_12"}, True),
        ("PartitionedCall", {"f": "__inference_inner_12"}, False),
        ("Switch", {}, False),
    ],
)
def test_conditionals_and_loops_are_marked(op_type, functions, expected):
    assert marks(op_type, **functions) is expected


def test_a_loop_in_the_body_of_a_loop_is_marked_and_one_in_a_called_function_is_not():
    def node(op_type, **functions):
        return CLASSES["Node"](
            name=op_type, op=op_type, attr=[entry(key, func={"name": name}) for key, name in functions.items()]
        )

    def function(name, *nodes):
        return CLASSES["Function"](signature={"name": name}, node_def=nodes)

    graph = CLASSES["Graph"](
        node=[node("While", cond="stop", body="body"), node("PartitionedCall", f="called")],
        library={
            "function": [
                function("stop"),
                function("body", node("If", then_branch="stop", else_branch="stop")),
                function("called", node("While", cond="stop", body="body")),
            ]
        },
    )
    marked = CLASSES["Graph"].FromString(mark_eager_calls(graph.SerializeToString()))
    inner = {each.signature.name: [len(node.attr) for node in each.node_def] for each in marked.library.function}
    assert inner == {"stop": [], "body": [3], "called": [2]}
