"""Write a picture for other tools: a networkx graph of plain values, or GraphML, without colours and shapes.

Nodes have ``role``, ``title``, ``lines``, ``scope``, ``ops``, ``variables``, ``verdict``, ``live``, ``folded``, ``tips``,
``where``, ``change``; edges have ``line``, ``labels``, ``wheres``, ``loop``, ``harmless``: strings, bools, lists of strings,
``None``, with the meaning that ``picture.model`` gives them. The graph has ``title``. Names are not escaped.
"""

from __future__ import annotations

import enum
from dataclasses import fields
from typing import Any, Dict

import networkx as nx
from networkx.readwrite.graphml import GraphMLWriter

from graphcut.errors import printable
from graphcut.render.picture.writers.xml_elements import sort_attributes

_MANY = 20


def plain(drawn: nx.MultiDiGraph, heading: str) -> nx.MultiDiGraph:
    """Return the picture with plain attributes in place of ``box`` and ``link``; edge keys are the words of the lines."""
    graph = nx.MultiDiGraph(title=heading)
    graph.add_nodes_from((node, _values(box)) for node, box in drawn.nodes(data="box"))
    for consumer, producer, line, link in drawn.edges(keys=True, data="link"):
        graph.add_edge(consumer, producer, key=line.value, **_values(link))
    return graph


def graphml(drawn: nx.MultiDiGraph, heading: str) -> str:
    """Return the picture as GraphML.

    A list becomes lines of text; for ``ops`` and ``variables``, the first twenty and the total number.
    """
    graph = plain(drawn, heading)
    for _, values in graph.nodes(data=True):
        _flatten(values, count=len(values["ops"]))
    for *_, values in graph.edges(data=True):
        _flatten(values)
    writer = GraphMLWriter(graph=graph, encoding="utf-8", prettyprint=True)
    sort_attributes(writer.xml)
    return str(writer) + "\n"


def _values(thing: Any) -> Dict[str, Any]:
    return {each.name: _value(getattr(thing, each.name)) for each in fields(thing)}


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, enum.Enum) else value


def _flatten(values: Dict[str, Any], **more: Any) -> None:
    """Return a value that GraphML can hold: no list, no ``None`` and no character that XML forbids."""
    values.update(more)
    for name, value in list(values.items()):
        if value is None:
            del values[name]
        elif isinstance(value, list):
            values[name] = "\n".join(_show(each) for each in value[:_MANY])
        elif isinstance(value, str):
            values[name] = _show(value)


def _show(text: str) -> str:
    return printable(text, 1000)[1:-1]
