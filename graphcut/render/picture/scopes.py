"""Name scopes: the scope of an op, the scopes to draw as frames, and titles relative to these frames."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from typing import Dict, List, Mapping, Sequence, Set, Tuple

from graphcut.graph.flat import SEPARATOR
from graphcut.render.picture.model import Box, Role
from graphcut.util.text import every

Scope = Tuple[str, ...]


def scope_of(op: str) -> Tuple[str, ...]:
    """Return the name scopes and opened functions around an op, outermost first.

    TensorFlow puts a body's ops into a scope of the call's own name, in full or its last part: ``cond!then!cond/mul`` is in
    ``cond``, ``then``.
    """
    scope: List[str] = []
    above: Tuple[str, ...] = ()
    for part in op.split(SEPARATOR):
        calls = [name for each in above for name in (each, each[each.rfind("/") + 1 :]) if part.startswith(name + "/")]
        scope += part[max((len(name) + 1 for name in calls), default=0) :].split("/")
        above = (above + (part,))[-2:]
    return tuple(scope[:-1])


def leaf_of(op: str) -> str:
    """Return the name of an op without its scopes."""
    return re.split("[/%s]" % SEPARATOR, op)[-1]


def common_scope(ops: Sequence[str]) -> Tuple[str, ...]:
    """Return the innermost scope that holds all of ``ops``."""
    low, high = min(ops), max(ops)
    if low == high:
        return scope_of(low)
    length = len(os.path.commonprefix([low, high]))
    return scope_of(low[: max(low.rfind(mark, 0, length) for mark in ("/", SEPARATOR)) + 1])


def pattern(name: str) -> str:
    """Return ``name`` without its numbers, which names that TensorFlow made unique have in common."""
    return re.sub("_?[0-9]+", "", name)


def unnumbered_scope(scope: Scope) -> Scope:
    """Return a scope cut off after its first numbered part, without the number: ``a/layer_7/b`` is ``a/layer``.

    The result is empty if no part is numbered.
    """
    for at, part in enumerate(scope):
        if at and re.search("[0-9]", part):
            return scope[:at] + (pattern(part),)
    return ()


def place_scopes(result: Sequence[Box], readers: Mapping[int, Sequence[int]]) -> Tuple[Box, ...]:
    """Keep the scopes that hold two boxes or more and differ from the scopes inside them.

    ``readers`` are the boxes that read each box, by their places.
    """
    result = _renumber_scopes(result, readers)
    result = _ops_in_their_scopes(result)
    homes = _scopes_of_variables(result)
    moved = [replace(box, scope=homes.get(box.scope, box.scope)) for box in result]
    sizes = Counter(box.scope[:depth] for box in moved for depth in range(1, len(box.scope) + 1))
    return tuple(_in_scopes(box, sizes) for box in moved)


def _ops_in_their_scopes(result: Sequence[Box]) -> Sequence[Box]:
    """Return the boxes with each op that has the name of a scope of other boxes moved into that scope."""
    sizes = Counter(box.scope[:depth] for box in result for depth in range(1, len(box.scope) + 1))
    single = [box.role not in (Role.VARIABLE, Role.LOSS) and len(box.ops) == 1 for box in result]
    own = [(*box.scope, leaf_of(box.ops[0])) if each else () for box, each in zip(result, single)]
    return [replace(box, scope=scope) if sizes[scope] > 1 else box for box, scope in zip(result, own)]


def _renumber_scopes(result: Sequence[Box], readers: Mapping[int, Sequence[int]]) -> Sequence[Box]:
    """Return the boxes with ops that Keras renumbered moved to the scope of their variables, if that is certain.

    For example, ``model_1/dense_1`` reads ``model/dense/kernel``. It is certain if all ops that read the variables of a scope
    are in one scope, and no other scope has the name of the variables' scope.
    """
    homes: Dict[Scope, Set[Scope]] = {}
    for at, box in enumerate(result):
        if box.role is Role.VARIABLE and box.scope:
            for reader in readers.get(at, ()):
                homes.setdefault(box.scope, set()).add(_same_but_numbers(result[reader].scope, box.scope))
    info = {home: scopes.difference([()]) for home, scopes in homes.items()}
    sure = [(home, scope) for home, scopes in info.items() if len(scopes) == 1 for scope in scopes]
    known = {scope: scope[: -len(home)] + home for home, scope in sure if scope[-len(home) :] != home}
    known = {**_outer(known), **known}
    ops = [box.scope for box in result if box.role is not Role.VARIABLE]
    named = {home for home in known.values() for scope in ops if scope[: len(home)] == home and not _known_scope(scope, known)}
    known = {scope: home for scope, home in known.items() if home not in named}
    return [box if box.role is Role.VARIABLE else replace(box, scope=_rename(box.scope, known)) for box in result]


def _outer(known: Mapping[Scope, Scope]) -> Dict[Scope, Scope]:
    """Return the scopes that enclose the known ones, if all known scopes agree on each.

    They are needed for layers without variables.
    """
    result: Dict[Scope, Set[Scope]] = {}
    for scope, home in known.items():
        for depth in range(1, min(len(scope), len(home))):
            result.setdefault(scope[:depth], set()).add(home[:depth])
    return {scope: homes.pop() for scope, homes in result.items() if len(homes) == 1 and homes != {scope}}


def _same_but_numbers(scope: Scope, wanted: Scope) -> Scope:
    """Return the prefix of ``scope`` that differs from ``wanted`` only in numbers; empty if there is none."""
    names, patterns = tuple(map(pattern, wanted)), tuple(map(pattern, scope))
    ends = range(len(wanted), len(scope) + 1)
    return next((scope[:end] for end in ends if patterns[end - len(wanted) : end] == names), ())


def _known_scope(scope: Scope, known: Mapping[Scope, Scope]) -> Scope:
    """Return the longest known scope that contains ``scope``; empty if there is none."""
    return next((scope[:depth] for depth in range(len(scope), 0, -1) if scope[:depth] in known), ())


def _rename(scope: Scope, known: Mapping[Scope, Scope]) -> Scope:
    old = _known_scope(scope, known)
    return known[old] + scope[len(old) :] if old else scope


def _scopes_of_variables(result: Sequence[Box]) -> Dict[Scope, Scope]:
    """Map each scope of variables to the one scope of ops that ends with it (``dense`` to ``model/dense``).

    The ops may be deeper inside it, as in ``model/norm/batchnorm``.
    """
    wanted = {box.scope for box in result if box.role is Role.VARIABLE and box.scope}
    ends: Dict[Scope, Set[Scope]] = {}
    scopes = {box.scope for box in result if box.role is not Role.VARIABLE}
    for scope in {each[:depth] for each in scopes for depth in range(1, len(each) + 1)}:
        for start in range(len(scope)):
            if scope[start:] in wanted:
                ends.setdefault(scope[start:], set()).add(scope)
    return {end: scopes.pop() for end, scopes in ends.items() if len(scopes) == 1}


def _in_scopes(box: Box, sizes: Mapping[Tuple[str, ...], int]) -> Box:
    depths = [depth for depth in range(1, len(box.scope) + 1) if sizes[box.scope[:depth]] > 1]
    deeper = dict(zip(depths, depths[1:]))
    kept = [each for each in depths if each not in deeper or sizes[box.scope[: deeper[each]]] < sizes[box.scope[:each]]]
    scopes = tuple("/".join(box.scope[start:end]) for start, end in zip([0] + kept, kept))
    inner = box.scope[kept[-1] if kept else 0 :]
    repeats = box.role is not Role.VARIABLE and bool(inner) and pattern(inner[-1]) == pattern(box.title)  # softmax/softmax
    title = "/".join(inner) if (box.folded and inner) or repeats else "/".join(inner + (box.title,))
    if (
        inner
        and box.role is Role.VARIABLE
        and len(box.variables) > 1
        and box.title == f"{every(len(box.variables))} variables"
    ):
        title = f"{'/'.join(inner)}/* ({len(box.variables)})"
    lines = (box.title,) + box.lines if box.folded and inner else box.lines
    return replace(box, scope=scopes, title=title, lines=lines)
