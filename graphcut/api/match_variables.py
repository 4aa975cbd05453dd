"""Match the variables of several audits: by the live object, else by name, else by position.

Keras counts layers within a process, so a model with layers ``dense`` and ``dense_1`` that is built again may have ``dense_2``
and ``dense_3``, or ``dense_1`` and ``dense_2``. Two lists of variables with equal shapes, and names that are equal except for
those numbers, are matched by position, even if a name is in both lists. Otherwise, equal names are the same variable, and the
remaining variables are aligned by their names without numbers. If one list has more variables of a numbered name than the
other, a layer is gone or new and the numbers may have moved: equal names then count only if the shapes of the layer agree.

A variable that the other audit's graph also holds, but that was not audited there, is never matched with another one: the two
networks of one step are not one network that was built twice.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from difflib import SequenceMatcher
from typing import (
    TYPE_CHECKING,
    AbstractSet,
    Dict,
    FrozenSet,
    Hashable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from graphcut.results import VariableAudit

if TYPE_CHECKING:
    from typing import Protocol

    class Identified(Protocol):
        """The variables of an audit: ``identities`` has one entry each, ``graph_identities`` those of the whole graph."""

        @property
        def variables(self) -> Tuple[VariableAudit, ...]: ...
        @property
        def identities(self) -> Tuple[FrozenSet[Hashable], ...]: ...
        @property
        def graph_identities(self) -> FrozenSet[Hashable]: ...


class Match(enum.Enum):
    """The property by which two variables were matched."""

    OBJECT = "object"
    NAME = "name"
    POSITION = "position"


class VariableKey(NamedTuple):
    """What identifies a variable if no object does: its name and its shape, as text."""

    name: str
    shape: str


class MatchedRow(NamedTuple):
    """One variable in each of several audits (``None`` if an audit lacks it), with the weakest of the matches."""

    variables: Tuple[Optional[VariableAudit], ...]
    match: Match


def match_variables(audits: Sequence[Identified]) -> Tuple[MatchedRow, ...]:
    """Return a row for each variable of any audit."""
    rows: List[List[Optional[int]]] = []
    weakest: List[Match] = []
    for column, audit in enumerate(audits):
        pairs = _matches(audits, rows, column)
        for place in range(len(audit.variables)):
            row, match = pairs.get(place, (len(rows), Match.OBJECT))
            if row == len(rows):
                rows.append([None] * len(audits))
                weakest.append(match)
            rows[row][column] = place
            weakest[row] = max(weakest[row], match, key=list(Match).index)
    result = (tuple(None if place is None else audit.variables[place] for place, audit in zip(row, audits)) for row in rows)
    return tuple(map(MatchedRow, result, weakest))


def _matches(
    audits: Sequence[Identified], rows: Sequence[Sequence[Optional[int]]], column: int
) -> Dict[int, Tuple[int, Match]]:
    """Return the rows of the variables that an earlier audit also has, by their places."""
    matches: Dict[int, Tuple[int, Match]] = {}
    taken = set()
    for by_object in (True, False):
        for earlier in range(column):
            own = {row[earlier]: at for at, row in enumerate(rows) if row[earlier] is not None and at not in taken}
            free = [place for place in range(len(audits[column].variables)) if place not in matches]
            pairs = _pairs(audits[earlier], audits[column], [each for each in own if each is not None], free, by_object)
            for old, new, match in pairs:
                matches[new] = own[old], match
                taken.add(own[old])
    return matches


def _pairs(
    before: Identified, after: Identified, old: Sequence[int], new: Sequence[int], by_object: bool
) -> Iterator[Tuple[int, int, Match]]:
    """Return pairs of places of the same variable, among the given places."""
    if by_object:
        yield from _by_object(before, after, old, new)
        return
    old = [place for place in old if _is_foreign(before.identities[place], after.graph_identities)]
    new = [place for place in new if _is_foreign(after.identities[place], before.graph_identities)]
    match = _by_name if _is_one_graph(before.graph_identities, after.graph_identities) else match_names
    named = [[_key_of(audit.variables[place]) for place in places] for audit, places in ((before, old), (after, new))]
    for first, second, by in match(*named):
        yield old[first], new[second], by


def _by_object(
    before: Identified, after: Identified, old: Sequence[int], new: Sequence[int]
) -> Iterator[Tuple[int, int, Match]]:
    """Yield the pairs that are the same live object; an object in several places is paired in order."""
    places = {each: place for place in reversed(old) for each in before.identities[place] if not isinstance(each, str)}
    taken = set()
    for place in new:
        at = next((places[each] for each in after.identities[place] if each in places), None)
        if at is not None and at not in taken:
            taken.add(at)
            yield at, place, Match.OBJECT


def _is_one_graph(held: FrozenSet[Hashable], other: FrozenSet[Hashable]) -> bool:
    """Return whether two audits are of the same graph or of parts of it, if their variables have only names."""
    names = all(isinstance(each, str) for each in held | other)
    return names and (held <= other or other <= held)


def _is_foreign(identity: FrozenSet[Hashable], held: FrozenSet[Hashable]) -> bool:
    """Return whether the other graph does not hold the object."""
    return all(isinstance(each, str) or each not in held for each in identity)


def _key_of(variable: VariableAudit) -> VariableKey:
    return VariableKey(variable.name, "" if variable.shape is None else str(list(variable.shape)))


def match_names(old: Sequence[VariableKey], new: Sequence[VariableKey]) -> List[Tuple[int, int, Match]]:
    """Return pairs of places of the same variable in two lists, by name or by position within the same structure.

    Args:
        old: the variables of one program, in order.
        new: those of another.

    Returns:
        The pairs, each with the property by which they match.

    >>> old = [VariableKey("dense/kernel", "[3, 2]"), VariableKey("dense_1/kernel", "[2, 2]")]
    >>> new = [VariableKey("dense_1/kernel", "[3, 2]"), VariableKey("dense_2/kernel", "[2, 2]")]
    >>> [(first, second, match.value) for first, second, match in match_names(old, new)]
    [(0, 0, 'position'), (1, 1, 'position')]
    """
    names = [[each.name for each in side] for side in (old, new)]
    plain = [[(without_numbers(each.name), each.shape) for each in side] for side in (old, new)]
    if plain[0] == plain[1] and Counter(names[0]) != Counter(names[1]):
        return [(at, at, Match.NAME if old[at].name == new[at].name else Match.POSITION) for at in range(len(old))]
    moved = _moved_names(old, new)
    result = [each for each in _by_name(old, new) if old[each[0]].name not in moved]
    rest = _unmatched(old, new, result)
    keys = [[side[at] for at in places] for side, places in zip(plain, rest)]
    aligned: List[Tuple[int, int, Match]] = []
    for block in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_matching_blocks():
        aligned += [(rest[0][block.a + step], rest[1][block.b + step], Match.POSITION) for step in range(block.size)]
    split = _split_layers(old, new, aligned, rest[0]) if moved else frozenset()
    result += [each for each in aligned if _layer(old[each[0]].name) not in split]
    rest = _unmatched(old, new, result)
    left = _by_name(*([side[at] for at in places] for side, places in zip((old, new), rest)))
    return result + [(rest[0][first], rest[1][second], match) for first, second, match in left]


def _unmatched(
    old: Sequence[VariableKey], new: Sequence[VariableKey], pairs: Sequence[Tuple[int, int, Match]]
) -> List[List[int]]:
    """Return the places on both sides that no pair has."""
    sides = [{pair[which] for pair in pairs} for which in (0, 1)]
    return [[at for at in range(len(side)) if at not in taken] for side, taken in zip((old, new), sides)]


def _split_layers(
    old: Sequence[VariableKey], new: Sequence[VariableKey], pairs: Sequence[Tuple[int, int, Match]], places: Sequence[int]
) -> FrozenSet[str]:
    """Return the layers of which pairs match only a part, or parts with several layers."""
    others = {first: _layer(new[second].name) for first, second, _ in pairs}
    layers: Dict[str, Set[str]] = {}
    for place in places:
        layers.setdefault(_layer(old[place].name), set()).add(others.get(place, ""))
    return frozenset(layer for layer, targets in layers.items() if len(targets) > 1)


def _moved_names(old: Sequence[VariableKey], new: Sequence[VariableKey]) -> FrozenSet[str]:
    """Return the names on both sides that may stand for different variables: a layer of the same kind is gone or new."""
    counts = [Counter(without_numbers(each.name) for each in side) for side in (old, new)]
    content = [_shapes_of_layers(side) for side in (old, new)]
    return frozenset(
        each.name
        for each in old
        if counts[0][without_numbers(each.name)] != counts[1][without_numbers(each.name)]
        and content[0][_layer(each.name)] != content[1].get(_layer(each.name), content[0][_layer(each.name)])
    )


def _shapes_of_layers(side: Sequence[VariableKey]) -> Dict[str, List[Tuple[str, str]]]:
    """Return the names and shapes of the variables of each layer; shapes that are unknown are left out."""
    result: Dict[str, List[Tuple[str, str]]] = {}
    for each in side:
        result.setdefault(_layer(each.name), []).extend([(each.name, each.shape)] if each.shape else [])
    return {layer: sorted(content) for layer, content in result.items()}


def _layer(name: str) -> str:
    """Return the scope of a variable, or its name if it has none."""
    return name.rpartition("/")[0] or name


def match_renamed(old: Sequence[VariableKey], new: Sequence[VariableKey]) -> List[Tuple[int, int]]:
    """Return pairs of places of renamed variables, among those that ``match_names`` did not match.

    A variable moves within its scope (``adapter/kernel`` is ``adapter/dense/kernel``), or its whole scope has another name, if
    both lists hold the same scopes with the same names and shapes below. Only pairs without an alternative count.

    >>> old = [VariableKey("adapter/kernel", "[3, 2]"), VariableKey("up/kernel", "[2, 3]")]
    >>> new = [VariableKey("adapter/dense/kernel", "[3, 2]"), VariableKey("wide/kernel", "[2, 4]")]
    >>> match_renamed(old, new)
    [(0, 0)]
    """
    ends: Dict[Hashable, List[int]] = {}
    for place, each in enumerate(new):
        ends.setdefault(_ends(each), []).append(place)
    close = [
        (at, place)
        for at, each in enumerate(old)
        for place in ends.get(_ends(each), ())
        if each.shape and _is_moved(_parts(each), _parts(new[place]))
    ]
    counts = [Counter(pair[which] for pair in close) for which in (0, 1)]
    result = [pair for pair in close if counts[0][pair[0]] == counts[1][pair[1]] == 1]
    sides = [{pair[which] for pair in result} for which in (0, 1)]
    scopes = [_scopes(side, taken) for side, taken in zip((old, new), sides)]
    if Counter(scopes[0].values()) == Counter(scopes[1].values()):
        single = {
            content
            for content, count in Counter(scopes[0].values()).items()
            if count == 1 and all(shape for _, shape in content)
        }
        by_content = [{content: scope for scope, content in side.items() if content in single} for side in scopes]
        for content in by_content[0]:
            result += _same_leaves(old, new, sides, by_content[0][content], by_content[1][content])
    return sorted(result)


def _parts(variable: VariableKey) -> List[str]:
    return without_numbers(variable.name).split("/")


def _ends(variable: VariableKey) -> Hashable:
    """Return the first scope of a variable, the last part of its name, and its shape."""
    parts = _parts(variable)
    return parts[0], parts[-1], variable.shape


def _is_moved(before: Sequence[str], after: Sequence[str]) -> bool:
    """Return whether scopes were added to a name or taken from it."""
    short, long = sorted((before, after), key=len)
    rest = iter(long)
    return len(short) > 1 and all(part in rest for part in short)  # in this order


def _scopes(side: Sequence[VariableKey], taken: AbstractSet[int]) -> Dict[str, Tuple[Tuple[str, str], ...]]:
    """Return the last names and shapes of the variables of each scope, except those that are matched."""
    result: Dict[str, List[Tuple[str, str]]] = {}
    for at, each in enumerate(side):
        scope, _, leaf = each.name.rpartition("/")
        if at not in taken and scope:
            result.setdefault(scope, []).append((without_numbers(leaf), each.shape))
    return {scope: tuple(sorted(content)) for scope, content in result.items()}


def _same_leaves(
    old: Sequence[VariableKey], new: Sequence[VariableKey], matched: Sequence[AbstractSet[int]], before: str, after: str
) -> Iterator[Tuple[int, int]]:
    """Yield the pairs of variables of a scope and of its counterpart under another name."""
    sides = []
    for side, taken, scope in zip((old, new), matched, (before, after)):
        places = [at for at, each in enumerate(side) if at not in taken and each.name.rpartition("/")[0] == scope]
        sides.append(sorted(places, key=lambda at: (without_numbers(side[at].name.rpartition("/")[2]), side[at].shape, at)))
    yield from zip(*sides)


def _by_name(old: Sequence[VariableKey], new: Sequence[VariableKey]) -> Iterator[Tuple[int, int, Match]]:
    """Yield pairs of equal names; repeated names are paired in order."""
    places: Dict[str, List[int]] = {}
    for place, each in enumerate(new):
        places.setdefault(each.name, []).append(place)
    for place, each in enumerate(old):
        if places.get(each.name):
            yield place, places[each.name].pop(0), Match.NAME


def without_numbers(name: str) -> str:
    """Return a name without the numbers that Keras and TensorFlow add to make it unique."""
    return re.sub(r"_\d+(?=/|$)", "", name)
