"""The rows of an audit: one for each variable or tensor asked about, however many tensors of the graph it stands for."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Sequence, Set, Tuple

from graphcut.graph.metadata import PartitionedVariable, Variable


class Target(NamedTuple):
    """One variable or tensor to audit. ``tensors`` are its tensors in the flat graph, empty if there are none."""

    variable: Variable
    tensors: Tuple[int, ...]


def join_partitions(result: Sequence[Target]) -> List[Target]:
    """Return the targets with the parts of each partitioned variable joined, in the place of the first part."""
    if all(target.variable.whole is None for target in result):
        return list(result)
    parts: Dict[Any, List[Target]] = {}
    for target in result:
        whole = target.variable.whole
        parts.setdefault(id(target) if whole is None else whole, []).append(target)
    return [each[0] if len(each) == 1 else _unite(each) for each in parts.values()]


def _unite(parts: Sequence[Target]) -> Target:
    variables = [each.variable for each in parts]
    whole = variables[0].whole or PartitionedVariable("", None)
    names = tuple(name for each in variables for name in each.tensors)
    objects = tuple(live_object for each in variables for live_object in each.objects)
    variable = variables[0]._replace(name=whole.name, shape=whole.shape, tensors=names, objects=objects)
    return Target(variable, tuple(tensor for each in parts for tensor in each.tensors))


def unique(candidates: Iterable[Target]) -> Tuple[Target, ...]:
    """Return the targets with unique names; a variable that was requested twice is one row."""
    targets_by_key: Dict[Any, Target] = {}
    for target in candidates:
        key = (
            (target.variable.name, target.tensors)
            if target.tensors
            else tuple(id(each) for each in target.variable.objects) or target.variable.name
        )
        targets_by_key[key] = targets_by_key.get(key, target)
    return tuple(_make_unique(list(targets_by_key.values())))


def _make_unique(targets: List[Target]) -> Iterable[Target]:
    counts: Dict[str, int] = {}
    used: Set[str] = set()
    for target in targets:
        name, count = target.variable.name, counts.get(target.variable.name, 1)
        while name in used:
            name, count = "%s_%d" % (target.variable.name, count), count + 1
        counts[target.variable.name] = count
        used.add(name)
        same = name == target.variable.name
        yield target if same else target._replace(variable=target.variable._replace(name=name))
