"""Group variables by outcome and shorten their names, for rows and boxes.

Variables share an *outcome* if they have the same verdict, cut, conditions and remarks. A *label* stands for one or several
names: a single name, a scope all of whose audited variables are meant (``encoder/*``), or a run of numbers (``w/part_0..39``).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Dict, Hashable, Iterable, List, Mapping, Sequence, Tuple

from graphcut.results import Barrier, BarrierKind, LeftOut, VariableAudit, Verdict

_WORST_FIRST = {verdict: rank for rank, verdict in enumerate(Verdict)}
_SHORTEST_RUN, _FEWEST_ALIKE = 4, 3


@dataclass(frozen=True)
class Label:
    """A short text that stands for several names."""

    text: str
    names: Tuple[str, ...]

    @property
    def count(self) -> int:
        """Return how many names."""
        return len(self.names)


@dataclass(frozen=True)
class Group:
    """Variables with the same outcome, in audit order, and the labels for their names."""

    labels: Tuple[Label, ...]
    variables: Tuple[VariableAudit, ...]


def fold(variables: Sequence[VariableAudit]) -> Tuple[Group, ...]:
    """Group ``variables`` by outcome, worst verdict first."""
    members: Dict[Hashable, List[VariableAudit]] = {}
    for variable in variables:
        members.setdefault(outcome(variable), []).append(variable)
    totals = scope_sizes(variable.name for variable in variables)
    groups = [Group(labels([each.name for each in group], totals), tuple(group)) for group in members.values()]
    return tuple(sorted(groups, key=_rank))


def fold_alike(variables: Sequence[VariableAudit], others: Iterable[str] = ()) -> Tuple[Group, ...]:
    """Group ``variables`` by outcome; barriers whose names differ only in their numbers count as equal.

    No label for a scope covers one of the names in ``others``.
    """
    groups = fold(variables)
    members: Dict[Hashable, List[VariableAudit]] = {}
    numberless = [_numberless_outcome(group.variables[0]) for group in groups]
    counts = Counter(numberless)
    for group, key in zip(groups, numberless):
        members.setdefault(key if counts[key] >= _FEWEST_ALIKE else outcome(group.variables[0]), []).extend(group.variables)
    totals = scope_sizes([*(variable.name for variable in variables), *others])
    return tuple(Group(labels([each.name for each in group], totals), tuple(group)) for group in members.values())


def names_beside(left_out: Iterable[LeftOut]) -> List[str]:
    """Return the names of the left-out variables that no label for a scope may cover.

    A layer's state is no such variable: ``bn/*`` stands beside its moving averages.
    """
    return [each.name for each in left_out if not (each.is_average or (each.trainable is False and each.is_updated))]


def one_by_one(variables: Sequence[VariableAudit]) -> Tuple[Group, ...]:
    """Return a group for each of ``variables``, in the order of ``fold_alike``."""
    single = (each for group in fold_alike(variables) for each in group.variables)
    return tuple(Group((Label(each.name, (each.name,)),), (each,)) for each in single)


def _numberless_outcome(variable: VariableAudit) -> Hashable:
    """Return the outcome of a variable without the numbers in op names: ``Round`` and ``Round_1`` in one line are equal."""
    cut = tuple((_numberless(each.op), each.type, each.kind, each.where) for each in distinct_barriers(variable.cut).values())
    return _further_outcome(variable), cut, tuple(map(_numberless, variable.only_through)), variable.cut_size


def _numberless(name: str) -> str:
    return re.sub(r"[0-9]+", "#", re.sub(r"_[0-9]+(?=/|$)", "", name))


def outcome(variable: VariableAudit) -> Hashable:
    """Return the outcome of a variable, the key by which variables are grouped into rows."""
    return _further_outcome(variable), tuple(distinct_barriers(variable.cut)), variable.only_through


def _further_outcome(variable: VariableAudit) -> Hashable:
    """Return the part of an outcome that is neither the cut nor the loss terms."""
    frozen, training = variable.trainable is False, (variable.is_updated, variable.trained_by, variable.is_trained)
    return variable.verdict, variable.conditions, variable.unused, frozen, training


def distinct_barriers(cut: Sequence[Barrier]) -> Dict[Hashable, Barrier]:
    """Return the barriers that read differently.

    Several inputs of one op count once, unless they differ in why they are cut.
    """
    result: Dict[Hashable, Barrier] = {}
    for each in cut:
        result.setdefault((barrier_place(each), each.kind, each.input if each.kind is BarrierKind.INPUT else 0), each)
    return result


def barrier_place(barrier: Barrier) -> str:
    """Return what distinguishes a barrier from others of its kind:

    its op, or the line if values left TensorFlow there. Such values come back as constants, any number of them, so their ops
    do not count.
    """
    return barrier.where if barrier.kind is BarrierKind.PYTHON and barrier.where else barrier.op


def labels(names: Sequence[str], totals: Mapping[str, int]) -> Tuple[Label, ...]:
    """Return as few labels as possible for ``names``.

    ``totals`` counts the audited names in each scope: ``a/*`` means all of ``a``.
    """
    partitions = _fold_runs([Label(name, (name,)) for name in names if _is_partition(name)], shortest=2)
    whole = [Label(name, (name,)) for name in names if not _is_partition(name)]
    folded = _fold_runs(_fold_scopes(partitions + whole, totals), shortest=_SHORTEST_RUN)
    order = {name: index for index, name in enumerate(names)}
    return tuple(sorted(folded, key=lambda label: order[label.names[0]]))


def _rank(group: Group) -> Tuple[int, bool]:
    first = group.variables[0]
    return _WORST_FIRST[first.verdict], first.unused


def _is_partition(name: str) -> bool:
    return re.search(r"/part_[0-9]+$", name) is not None


def _scopes(name: str) -> List[str]:
    """Return the scopes around ``name``, outermost first: ``''``, ``a``, ``a/b`` for ``a/b/c``."""
    pieces = name.split("/")[:-1]
    return ["/".join(pieces[:depth]) for depth in range(len(pieces) + 1)]


def scope_sizes(names: Iterable[str]) -> Dict[str, int]:
    """Return how many of ``names`` each scope holds; ``''`` is the outermost."""
    return Counter(scope for name in names for scope in _scopes(name))


def _fold_scopes(items: List[Label], totals: Mapping[str, int]) -> List[Label]:
    """Replace all items of a complete scope with one label, for the widest such scope."""
    inside: Dict[str, List[Label]] = {}
    for item in items:
        for scope in _scopes(item.text):
            inside.setdefault(scope, []).append(item)
    names = {scope: [name for each in members for name in each.names] for scope, members in inside.items()}
    wholes = {scope for scope in names if _is_whole(scope, len(inside[scope]), len(names[scope]) == totals.get(scope))}
    folded: Dict[str, Label] = {}
    for item in items:
        result = [scope for scope in _scopes(item.text) if scope in wholes]
        text = f"{result[0]}/*" if result else item.text
        if text not in folded:
            folded[text] = Label(text, tuple(names[result[0]]) if result else item.names)
    return list(folded.values())


def _is_whole(scope: str, items: int, complete: bool) -> bool:
    """Return whether all audited names of ``scope`` are here and its name is shorter; the outermost scope has no name."""
    return bool(scope) and complete and items > 1


_Tokens = Tuple[List[str], Tuple[str, ...]]


def _fold_runs(items: List[Label], shortest: int) -> List[Label]:
    """Replace items that differ in one number only, with no gap between the numbers, with one label."""
    tokens = [(re.split(r"([0-9]{1,9})", item.text), item.names) for item in items]
    places = max((len(token) for token, _ in tokens), default=0)
    for place in range(places - 2, 0, -2):
        tokens = _fold_place(tokens, place, shortest)
    return [Label("".join(token), names) for token, names in tokens]


def _fold_place(tokens: List[_Tokens], place: int, shortest: int) -> List[_Tokens]:
    runs: Dict[Hashable, List[_Tokens]] = {}
    for index, (token, names) in enumerate(tokens):
        number = token[place] if place < len(token) else ""
        plain = number.isdigit() and str(int(number)) == number
        key = (tuple(token[:place]), tuple(token[place + 1 :]), len(names)) if plain else index
        runs.setdefault(key, []).append((token, names))
    return [each for run in runs.values() for each in _fold_run(run, place, shortest)]


def _fold_run(run: List[_Tokens], place: int, shortest: int) -> List[_Tokens]:
    """Yield each part of ``run`` whose numbers have no gap, as one label if it is long enough."""
    if len(run) < shortest:
        return run
    stretches: List[List[_Tokens]] = []
    last = None
    for each in sorted(run, key=lambda each: int(each[0][place])):
        number = int(each[0][place])
        if last is None or number != last + 1:
            stretches.append([])
        stretches[-1].append(each)
        last = number
    return [each for stretch in stretches for each in _join(stretch, place, shortest)]


def _join(stretch: List[_Tokens], place: int, shortest: int) -> List[_Tokens]:
    if len(stretch) < shortest:
        return stretch
    (first, _), (last, _) = stretch[0], stretch[-1]
    span = f"{first[place]}..{last[place]}"
    return [(first[:place] + [span] + first[place + 1 :], tuple(name for _, names in stretch for name in names))]
