"""Ask an audit every question: the answers must agree with its verdicts, and each must end.

``faults`` lists what does not fit; it needs no TensorFlow but the one that answered for the audit.
"""

from __future__ import annotations

import contextlib
import signal
from typing import Any, Iterator, List, Set, Tuple

from graphcut import Verdict
from graphcut.analysis.branch_conditions import Branches, branches
from graphcut.errors import GraphcutError
from graphcut.render.picture.build import picture
from graphcut.results import Condition
from tests.unit.render.picture.properties import (
    assert_no_gradient_goes_where_none_arrives,
    assert_no_way_leaves_a_box_and_comes_back,
    assert_what_stands_alone_is_unused,
)

GETS = (Verdict.FLOWS, Verdict.CONDITIONAL)
# Seconds of CPU that one question may take: twenty times the most that one took, of these graphs and of the fixtures.
ENOUGH = 20


class Endless(Exception):
    """A question took longer than any that ends."""


@contextlib.contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """A context that may take so many seconds of CPU. A count of the calls would cost twice what the questions do."""

    def stop(number: int, frame: Any) -> None:
        raise Endless("at %s:%d" % (frame.f_code.co_filename, frame.f_lineno))

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def faults(audit: Any) -> Iterator[str]:
    """What is wrong with the answers of an audit."""
    for about in (paths, reaches, conditions, roles, routes, stops, openings, pictures):
        with bounded(ENOUGH):
            found = list(about(audit))
        yield from found


def targets(audit: Any) -> Iterator[Tuple[Any, List[int]]]:
    """The variables of an audit, each with its tensors at which the gradient arrives."""
    flow = audit._findings.flow
    for target, variable in zip(audit._targets, audit.variables):
        yield variable, [tensor for tensor in target.tensors if flow.verdict(tensor) in GETS]


def paths(audit: Any) -> Iterator[str]:
    """A path begins at the loss, ends at the variable, and each step is an edge that the gradient takes."""
    flow = audit._findings.flow
    edges, flat = flow.edges, flow.rules.flat
    for variable, tensors in targets(audit):
        if variable.verdict in GETS and not variable.path:
            yield f"{variable.name}: {variable.verdict.value} without a path"
        for tensor in tensors:
            path = flow.path(tensor)
            if not path or path[0] not in flow.losses or path[-1] != tensor:
                yield f"{variable.name}: the path {path} leads from {flow.seeds} to {tensor}"
            states: Set[int] = {node for node in edges.starts() if node % edges.size == path[0]}
            for at in path[1:]:
                states = {node for state in states for node, _ in edges.onward(state) if node % edges.size == at}
            if len(path) > 1 and tensor not in states:
                yield f"{variable.name}: no gradient takes the path {[flat.tensor_name(each) for each in path]}"


def reaches(audit: Any) -> Iterator[str]:
    """A variable is reached if it gets a gradient."""
    for variable in audit:
        found = audit.reaches([variable.name])
        if bool(found) is not (variable.verdict in GETS):
            yield f"{variable.name}: {variable.verdict.value}, but reaches says {bool(found)}"
        for path in found.paths.values():
            if path[0] not in {name.rpartition(":")[0] for name in audit.loss}:
                yield f"{variable.name}: reached from {path[0]}"


def conditions(audit: Any) -> Iterator[str]:
    """A condition is one that no path of the gradient goes without."""
    known = branches(audit.flat)
    for target, variable in zip(audit._targets, audit.variables):
        tensor = audit._findings.verdict(target)[1]
        for condition in variable.conditions:
            if tensor in without(audit, known, condition):
                yield f"{variable.name}: conditional on {condition}, but a path goes without"


def without(audit: Any, known: Branches, condition: Condition) -> Set[int]:
    """The nodes that a gradient arrives at in runs that do not take a branch. What an op outside of it makes is there in
    every run."""
    edges, flat = audit._findings.flow.edges, audit.flat
    bit, inside = known.conditions.index(condition), f"{condition.op}!{condition.branch}!"
    outside = [given for op, given in edges.sources().items() if not flat.names[op].startswith(inside)]
    waiting = [node for node in edges.starts() if node < edges.size] + [each for given in outside for each in given]
    seen = set(waiting)
    for node in waiting:
        op = flat.producer[node]
        for other, index in edges.onward(node):
            place = (op, node - flat.first_output[op] if op in known.by_output else index)
            if known.entered.get(place) != bit and other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def roles(audit: Any) -> Iterator[str]:
    """What a stop is said to do is what taking it out does."""
    before = {variable.name: variable.verdict for variable in audit}
    arguments = {audit.flat.names[op] for op in audit._request.stopped.ops}
    # What is named in stop_gradients= is no constant any more either in what_if.
    for stop in (stop for stop in audit.stops if stop.op not in arguments):
        after = {variable.name: variable.verdict for variable in audit.what_if(remove=stop)}
        gained = sorted(name for name in after if after[name] in GETS and before[name] not in GETS)
        if stop.sole and not gained:
            yield f"{stop.op}: sole, but nothing is gained without it"
        if gained and not stop.sole:
            yield f"{stop.op}: {stop.role.value}, but without it {gained} get a gradient"


def routes(audit: Any) -> Iterator[str]:
    """An explanation ends, and its route is one to the loss."""
    for variable in audit:
        audit.explain(variable.name)
        route = audit.reason(variable).route
        if variable.verdict in GETS and not route:
            yield f"{variable.name}: {variable.verdict.value}, but no route"
        if variable.verdict in GETS and any(step.kind for step in route):
            yield f"{variable.name}: a barrier on the route of a gradient"


def stops(audit: Any) -> Iterator[str]:
    """Stops that are suggested are confirmed or refused."""
    for variable in audit:
        try:
            found = audit.suggest_stops(block=[variable.name])
        except GraphcutError:
            continue
        for number in sorted({each.alternative for each in found})[:2]:
            tensors = [each.tensor for each in found if each.alternative == number]
            if audit.what_if(stop=tensors)[variable.name].verdict in GETS:
                yield f"{variable.name}: not blocked by {tensors}"


def openings(audit: Any) -> Iterator[str]:
    """Barriers that are suggested to be taken out bring a gradient back."""
    for variable in audit:
        try:
            found = audit.suggest_unblock(variable.name)
        except GraphcutError:
            continue
        if found and audit.what_if(remove=[each.op for each in found])[variable.name].verdict not in GETS:
            yield f"{variable.name}: blocked still without {[each.op for each in found]}"


def pictures(audit: Any) -> Iterator[str]:
    """In the picture of all ops a way of live edges leads from the loss to each variable that gets a gradient."""
    flat, live = audit.flat, audit.passing
    names = {name: op for op, name in enumerate(flat.names)}
    waiting = [names[name.rpartition(":")[0]] for name in audit.loss]
    seen = set(waiting)
    for op in waiting:
        fresh = [each for each in live.get(op, ()) if each not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    for variable, tensors in targets(audit):
        if tensors and not any(flat.producer[tensor] in seen for tensor in tensors):
            yield f"{variable.name}: the picture has no live way to it"
    drawn = picture(audit)
    for holds in (
        assert_no_gradient_goes_where_none_arrives,
        assert_what_stands_alone_is_unused,
        assert_no_way_leaves_a_box_and_comes_back,
    ):
        try:
            holds(audit, drawn)
        except AssertionError as error:
            yield f"{holds.__name__}: {error}"
