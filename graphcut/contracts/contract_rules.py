"""The rules of a contract, each checked against the audits of its source.

A step may take several gradients. If a contract names none of them, a variable counts as reached if any of the gradients
reaches it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import (
    AbstractSet,
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from graphcut.api.audit import Audit
from graphcut.api.known_variables import layers_to_freeze, read_in_scope, variables_of_network
from graphcut.api.suggest.stops import suggest_stops
from graphcut.contracts.definition import Contract, Finding
from graphcut.contracts.places import split_place
from graphcut.contracts.source_audits import matching_names, op_numbers
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.render.text.explain import explain
from graphcut.render.text.headings import headings
from graphcut.results import WITH_GRADIENT, Barrier, BarrierKind, LeftOutReason, Role, Suggestion, VariableAudit, Verdict
from graphcut.results.words import error_at
from graphcut.util.caching import cached_property
from graphcut.util.text import join_first

_NAMED = 10
_BLOCKED = (Verdict.NONE, Verdict.ZERO)
_BEST_FIRST = (Verdict.FLOWS, Verdict.CONDITIONAL, Verdict.RAISES, Verdict.ZERO, Verdict.NONE)


class Subject(NamedTuple):
    """A variable, with the audit in which it has the best verdict."""

    audit: Audit
    variable: VariableAudit

    @property
    def is_reached(self) -> bool:
        """Return whether the gradient gets through, at least in some runs."""
        return self.variable.verdict in WITH_GRADIENT


class Subjects:
    """The variables that a contract considers, and all other variables that its patterns may match.

    ``source`` is what was traced, ``step`` has all gradients of that step. If ``strict`` is true, a ``must_not_reach`` pattern
    that matches no variable of the program is a finding, not a note.
    """

    def __init__(
        self,
        contract: Contract,
        audits: Sequence[Audit],
        all_variables: Callable[[], Optional[Audit]],
        program: Callable[[], Mapping[str, Optional[bool]]],
        strict: bool = False,
        source: Any = None,
        step: Sequence[Audit] = (),
    ) -> None:
        self.source, self.step = source, tuple(step)
        self.contract, self.audits, self.strict = contract, tuple(audits), strict
        self.considered = _best(audits, contract.variables)
        self._all_variables, self._program = all_variables, program
        self._others: Optional[Mapping[str, Subject]] = None
        self._advice: Dict[Tuple[int, Tuple[str, ...]], str] = {}
        for pattern in contract.variables if not self.considered else ():
            if not self.program_matches(pattern):
                raise GraphcutError("variables: %s" % self.say_unknown(pattern))

    @cached_property
    def forbidden(self) -> List[Subject]:
        """Return the variables that get a gradient and must not, by ``must_not_reach`` or by ``only``."""
        matching = [each for pattern in self.contract.must_not_reach for each in self.match(pattern)]
        result = [each for each in matching if each.variable.verdict not in _BLOCKED]
        if self.contract.only is not None:
            wanted = self.demanded
            result += [each for name, each in self.considered.items() if name not in wanted and each.is_reached]
        return list(dict.fromkeys(result))

    @cached_property
    def blocked_names(self) -> FrozenSet[str]:
        """Return the variables that get no gradient and must not, by ``must_not_reach`` or by ``only``."""
        matching = [each for pattern in self.contract.must_not_reach for each in self.match(pattern)]
        if self.contract.only is not None:
            matching += [each for name, each in self.considered.items() if name not in self.demanded]
        return frozenset(each.variable.name for each in matching if each.variable.verdict in _BLOCKED)

    @cached_property
    def demanded(self) -> FrozenSet[str]:
        """Return the variables that must get a gradient, by ``must_reach`` or by ``only``."""
        patterns = (*self.contract.must_reach, *(self.contract.only or ()))
        return frozenset(each.variable.name for pattern in patterns for each in self.match(pattern))

    def advice(self, audit: Audit, names: Sequence[str]) -> str:
        """Return the line that would block all variables that a rule forbids, else the line for these names only."""
        every = [each.variable.name for each in self.forbidden if each.audit is audit]
        for block in dict.fromkeys((tuple(dict.fromkeys(every)), tuple(dict.fromkeys(names)))):
            key = (id(audit), block)
            if key not in self._advice:
                self._advice[key] = self._block_advice(audit, block) if block else ""
            if self._advice[key]:
                return self._advice[key]
        return ""

    def _block_advice(self, audit: Audit, block: Sequence[str]) -> str:
        layers = layers_to_freeze(audit, self.source, block)
        if not layers:
            return _stop_advice(audit, block, self.demanded)
        listed = ", ".join(map(printable, layers))
        return "\nTo block %s: set trainable = False on the layer%s %s before compile()" % (
            _count_words(block),
            "" if len(layers) == 1 else "s",
            listed,
        )

    @cached_property
    def program(self) -> Mapping[str, Optional[bool]]:
        """Return the names of all variables of the program, and whether each is trainable."""
        return self._program()

    def program_matches(self, pattern: str) -> List[str]:
        """Return the variables of the program that a pattern matches, considered or not."""
        return matching_names(list(self.program), pattern)

    def say_unknown(self, pattern: str) -> str:
        """Return the message that no variable matches a pattern, with similar names."""
        matches = self.program_matches(pattern)
        if matches:
            frozen = " (not trainable)" if all(self.program[each] is False for each in matches) else ""
            return "%s matches no variable %s\nThe program has %s%s.%s%s" % (
                printable(pattern),
                self.scope,
                join_first(matches, _NAMED),
                frozen,
                "".join(self._say_asked(pattern)),
                self._say_raised(),
            )
        names = list(dict.fromkeys([*self.known_names(), *self.program]))
        read = [name for audit in self.audits for name in read_in_scope(audit, pattern.rstrip("*").rstrip("/"))]
        if read:
            message = "\nOps in the scope %s read %s: name these." % (
                printable(pattern.rstrip("/*")),
                join_first(read, _NAMED),
            )
            return "%s matches no variable%s" % (printable(pattern), message)
        inside = [name for name in variables_of_network(self.source, pattern.rstrip("*").rstrip("/")) if name in self.program]
        if inside:
            owner = printable(pattern.rstrip("/*"))
            return "%s matches no variable\nThe model or layer %s has %s: name these." % (
                printable(pattern),
                owner,
                join_first(inside, _NAMED),
            )
        listed = _near_patterns(pattern, names) or ("\nThe variables are: %s" % join_first(names, _NAMED) if names else "")
        return "%s matches no variable%s" % (printable(pattern), listed)

    def _say_asked(self, pattern: str) -> Iterator[str]:
        """Yield a line for each other gradient of the step that asks for variables that a pattern matches."""
        for place, (audit, head) in enumerate(zip(self.step, headings(self.step))):
            asked = matching_names([each.name for each in audit], pattern)
            if asked and not any(audit is each for each in self.audits):
                yield "\nGradient %d (%s) asks for %s." % (place, head, join_first(asked, 2))

    def _say_raised(self) -> str:
        """Return the sentence that the step raises before it takes another gradient; empty if it does not raise."""
        raised = next((each.raised for each in self.audits if each.raised), "")
        return "\nThe step raises %s before it takes another gradient: mend that first." % error_at(raised) if raised else ""

    @cached_property
    def _forgotten(self) -> Mapping[str, Audit]:
        """Return the variables that the gradient calls forgot, each with the audit whose loss reads it."""
        left = {
            each.name: audit
            for audit in self.audits
            for each in getattr(audit, "left_out", ())
            if each.reason is LeftOutReason.FORGOTTEN and each.name not in self.considered
        }
        considered = _matching_names(list(left), self.contract.variables)
        return {name: audit for name, audit in left.items() if name in considered}

    def forgotten(self, pattern: str, rule: str) -> List[Finding]:
        """Return a finding for each variable that a pattern matches and that the gradient calls forgot."""
        audits = [(name, self._forgotten[name]) for name in matching_names(list(self._forgotten), pattern)]
        return [Finding(name, rule, None, audit.explain(name), where=audit.loss_where) for name, audit in audits]

    def match(self, pattern: str) -> List[Subject]:
        """Return the variables that a pattern matches: among those considered, else in the whole graph."""
        result = [self.considered[name] for name in matching_names(list(self.considered), pattern)]
        if result or self.contract.variables:
            return result
        if self._others is None:
            everything = self._all_variables()
            self._others = {} if everything is None else _best([everything], ())
        return [self._others[name] for name in matching_names(list(self._others), pattern)]

    @property
    def scope(self) -> str:
        """Return which variables are considered, as a part of a sentence."""
        if any(audit.recorded for audit in self.audits):
            return "that a gradient was asked for"
        return "that this loss depends on"

    def known_names(self) -> List[str]:
        """Return the names of all variables that were examined."""
        return list(dict.fromkeys([*self.considered, *(self._others or ())]))


def _best(audits: Sequence[Audit], patterns: Sequence[str]) -> Mapping[str, Subject]:
    best: Dict[str, Subject] = {}
    for audit in audits:
        matches = _matching_names([each.name for each in audit], patterns)
        for variable in audit:
            current = best.get(variable.name)
            if variable.name in matches and (current is None or _rank(variable) < _rank(current.variable)):
                best[variable.name] = Subject(audit, variable)
    return best


def _matching_names(names: Sequence[str], patterns: Sequence[str]) -> FrozenSet[str]:
    """Return the names that any of the patterns matches; without patterns, all names."""
    return frozenset(name for pattern in patterns for name in matching_names(names, pattern)) if patterns else frozenset(names)


def _rank(variable: VariableAudit) -> int:
    return _BEST_FIRST.index(variable.verdict)


def check_rules(subjects: Subjects) -> Tuple[Tuple[Finding, ...], Tuple[str, ...]]:
    """Return the findings that no exception covers, and notes that break nothing."""
    contract = subjects.contract
    findings = [finding for rule in _RULES for finding in rule(subjects)]
    violations = [each for each in findings if not _is_allowed(contract, each)]
    for allowance in contract.allow:
        if not any(each.variable is not None and _matches(allowance.variable, each.variable) for each in findings):
            message = "the exception for %s matches no finding\nRemove it: %s" % (
                printable(allowance.variable),
                "nothing that this contract demands is broken there.",
            )
            violations.append(Finding(variable=allowance.variable, rule="allow", verdict=None, message=message))
    return tuple(dict.fromkeys(violations)), tuple(_notes(subjects))


def _is_allowed(contract: Contract, finding: Finding) -> bool:
    return finding.variable is not None and any(_matches(each.variable, finding.variable) for each in contract.allow)


def _matches(pattern: str, name: str) -> bool:
    return bool(matching_names([name], pattern))


def _notes(subjects: Subjects) -> Iterator[str]:
    for pattern in subjects.contract.must_not_reach:
        matches = [] if subjects.match(pattern) else subjects.program_matches(pattern)
        if not matches and not subjects.match(pattern) and not subjects.strict:
            yield "must_not_reach: %s" % subjects.say_unknown(pattern).replace("\n", "; ")
        if any(subjects.program[each] is not False for each in matches):
            yield "must_not_reach: %s matches no variable %s" % (printable(pattern), subjects.scope)
    reached = next((each for each in subjects.considered.values() if each.is_reached), None)
    for place in subjects.contract.avoiding:
        if reached is not None and not _is_known(reached.audit, reached.variable.name, place):
            yield "avoiding: %s names no op or layer of this graph" % printable(place)


def _must_reach(subjects: Subjects) -> Iterator[Finding]:
    for subject in _match_patterns(subjects, "must_reach", subjects.contract.must_reach):
        if isinstance(subject, Finding):
            yield subject
        elif not subject.is_reached:
            yield _blocked_finding(subjects, subject, "must_reach")


def _must_not_reach(subjects: Subjects) -> Iterator[Finding]:
    for pattern in subjects.contract.must_not_reach if subjects.strict else ():
        if not subjects.match(pattern) and not subjects.program_matches(pattern):
            yield _pattern_finding(subjects, "must_not_reach", pattern)
    matching = [each for pattern in subjects.contract.must_not_reach for each in subjects.match(pattern)]
    yield from _reach_findings(
        subjects, [each for each in matching if each.variable.verdict not in _BLOCKED], "must_not_reach"
    )


def _only(subjects: Subjects) -> Iterator[Finding]:
    if subjects.contract.only is None:
        return
    unknown = [each for each in subjects.contract.only if not subjects.match(each) and not subjects.forgotten(each, "only")]
    if unknown:  # the others are not checked: a variable that was meant by a misspelt pattern is no violation
        yield from (_pattern_finding(subjects, "only", each) for each in unknown)
        return
    wanted = set()
    for subject in _match_patterns(subjects, "only", subjects.contract.only):
        if isinstance(subject, Finding):
            yield subject
            continue
        wanted.add(subject.variable.name)
        if not subject.is_reached:
            yield _blocked_finding(subjects, subject, "only")
    others = [subject for name, subject in subjects.considered.items() if name not in wanted and subject.is_reached]
    yield from _reach_findings(subjects, others, "only")


def _check_through(subjects: Subjects) -> Iterator[Finding]:
    contract = subjects.contract
    if not (contract.through or contract.avoiding):
        return
    rule = "through" if contract.through else "avoiding"
    for subject in _match_patterns(subjects, rule, contract.must_reach):
        if isinstance(subject, Finding) or not subject.is_reached:
            continue  # must_reach reports it
        passed, avoided = _known_places(subject, contract.through), _known_places(subject, contract.avoiding)
        absent = bool(contract.through) and not passed
        if absent or not subject.audit.reaches(subject.variable.name, through=passed or None, avoiding=avoided or None):
            yield _wrong_path(
                subject, rule, _wanted_path(contract) + (", which names no op or layer of this graph" if absent else "")
            )


def _known_places(subject: Subject, places: Sequence[str]) -> List[str]:
    """Return the places that are in the graph; no path passes the others."""
    return [place for place in places if _is_known(subject.audit, subject.variable.name, place)]


def _is_known(audit: Audit, name: str, place: str) -> bool:
    try:
        audit.reaches(name, through=place)
    except GraphcutError:
        return False
    return True


def _wanted_path(contract: Contract) -> str:
    words = []
    if contract.through:
        words.append("passes %s" % " or ".join(contract.through))
    if contract.avoiding:
        words.append("avoids %s" % " and ".join(contract.avoiding))
    return " and ".join(words)


def _no_unused(subjects: Subjects) -> Iterator[Finding]:
    if not subjects.contract.no_unused:
        return
    used = {each.name for audit in subjects.audits for each in audit if not each.unused}
    for name, subject in subjects.considered.items():
        if name not in used and subject.variable.trainable is not False:
            yield _finding(subject, "no_unused", subject.audit.explain(subject.variable.name))
    for audit in subjects.audits:
        for each in getattr(audit, "left_out", ()):
            if getattr(each, "trainable", True) and each.name not in subjects.considered:
                message = _unknown_words(each.name, audit.raised) or audit.explain(each.name)
                yield Finding(each.name, "no_unused", None, message, where=audit.loss_where)


def _unknown_words(name: str, raised: str) -> str:
    """Return why it is unknown whether a step asks for a gradient of a variable: it raises before."""
    return "%s has no gradient before the step raises %s: mend that first." % (name, error_at(raised)) if raised else ""


def _stops(subjects: Subjects) -> Iterator[Finding]:
    stops = [stop for audit in subjects.audits for stop in audit.stops_of_loss]
    for pattern in subjects.contract.stops:
        result = [stop for stop in stops if stop.op == pattern or fnmatchcase(stop.op, pattern)]
        if any(stop.role in (Role.CUTS, Role.BYPASSED) for stop in result):
            continue
        if result:
            roles = ", ".join("%s is %s" % (stop.op, stop.role.value) for stop in result)
            message = "no stop that matches %s does anything for this loss: %s" % (printable(pattern), roles)
        else:
            listed = "; the stops are %s" % ", ".join(stop.op for stop in stops[:5]) if stops else "; the graph has none"
            message = "no StopGradient matches %s%s" % (printable(pattern), listed)
        yield Finding(None, "stops", None, message, where=result[0].where if result else None)


def _check_updates(subjects: Subjects) -> Iterator[Finding]:
    for subject in _match_patterns(subjects, "updated", subjects.contract.updated):
        if isinstance(subject, Finding):
            yield subject
            continue
        variable = subject.variable
        if variable.is_updated and subject.is_reached and variable.optimizer_got_gradient is not False:
            continue
        message = subject.audit.explain(variable.name)
        if not subject.is_reached:
            own = variable.is_updated and not variable.trained_by
            message = "it is updated without a gradient\n" + message if own else message
        elif variable.is_updated is None:
            raised = next((each.raised for each in subjects.step if each.raised), "")
            why = "the step raises %s before it is known what updates it: mend that first" % error_at(raised)
            message = "%s\n%s" % (why if raised else "nothing in %s updates it" % subjects.contract.source, message)
        yield _finding(subject, "updated", message)


_RULES = (_must_reach, _must_not_reach, _only, _check_through, _no_unused, _stops, _check_updates)


def _match_patterns(subjects: Subjects, rule: str, patterns: Iterable[str]) -> Iterator[Union[Subject, Finding]]:
    """Yield the variables that patterns match, and a finding for each pattern that matches nothing."""
    for pattern in patterns:
        result, forgotten = subjects.match(pattern), subjects.forgotten(pattern, rule)
        yield from result
        yield from forgotten
        if not result and not forgotten:
            yield _pattern_finding(subjects, rule, pattern)


def _pattern_finding(subjects: Subjects, rule: str, pattern: str) -> Finding:
    return Finding(variable=pattern, rule=rule, verdict=None, message=subjects.say_unknown(pattern))


def _near_patterns(pattern: str, names: Sequence[str]) -> str:
    """Return the suggestion for a pattern that matches nothing: the same pattern in an outer scope, else similar names.

    >>> _near_patterns("head/*", ["sequential/head/kernel"])
    "; did you mean '*/head/*'?"
    >>> _near_patterns("haed/*", ["head/kernel"])
    "; did you mean 'head/*'?"
    """
    inner = [each for each in ("*/%s" % pattern, "*/%s/*" % pattern.rstrip("/")) if any(fnmatchcase(n, each) for n in names)]
    scopes = ["%s/*" % each.rpartition("/")[0] for each in names if "/" in each] if pattern.endswith("/*") else []
    return "; did you mean %s?" % printable(inner[0]) if inner else near_names(pattern, [*dict.fromkeys(scopes), *names])


def _finding(subject: Subject, rule: str, message: str) -> Finding:
    variable = subject.variable
    places = _places(subject.audit, variable.path)
    barrier = next((each.where for each in variable.cut if each.where), None)
    return Finding(
        variable=variable.name,
        rule=rule,
        verdict=variable.verdict.value,
        message=message,
        where=barrier or next((place for place in places if place), None),
        path=variable.path,
        cut=variable.cut,
        places=places,
    )


def _blocked_finding(subjects: Subjects, subject: Subject, rule: str) -> Finding:
    """Return the finding for a variable without a gradient; the advice keeps stops that another rule needs."""
    needed = {each: names for each, names in _needed_stops(subjects, subject) if names}
    is_enough = len(needed) < len(subject.variable.cut) and _is_open_without(subject, [*needed])
    advices = _meant_advices(subject) or {each.op: _keep_words(each, names, is_enough) for each, names in needed.items()}
    result = _finding(subject, rule, explain(subject.audit, subject.variable, advices))
    others = [each.where for each in subject.variable.cut if each not in needed and each.where]
    return replace(result, where=others[0]) if needed and others else result


def _meant_advices(subject: Subject) -> Mapping[str, str]:
    """Return the advice for stops that all belong to idioms and should stay: leave the variable out of the gradient call."""
    audit, cut = subject.audit, subject.variable.cut
    if not (cut and audit.is_recorded):
        return {}
    idioms = audit.reason(subject.variable).idioms
    if not all(each.op in idioms and idioms[each.op].is_meant for each in cut):
        return {}
    at = split_place(audit.loss_where)
    place = " at %s:%d" % at if at else ""
    return {each.op: "keep the stop, and take the variable out of the gradient call%s" % place for each in cut}


def _is_open_without(subject: Subject, barriers: Sequence[Barrier]) -> bool:
    """Return whether a gradient gets through without the barriers of a cut other than those to keep."""
    try:
        edited = subject.audit.what_if(remove=[each for each in subject.variable.cut if each not in barriers])
    except GraphcutError:
        return False
    return any(each.name == subject.variable.name and each.verdict in WITH_GRADIENT for each in edited)


def _keep_words(stop: Barrier, names: Sequence[str], is_enough: bool) -> str:
    """Return what to do about a stop without which forbidden variables would get a gradient."""
    at = split_place(stop.where)
    place = "at %s:%d" % at if at else printable(stop.op)
    listed = join_first(names, 3)
    if is_enough:
        return "keep the stop %s: without it %s would get a gradient, which this contract forbids" % (place, listed)
    return "move the stop %s so that it stops only %s, which must get no gradient by this contract" % (place, listed)


def _needed_stops(subjects: Subjects, subject: Subject) -> Iterator[Tuple[Barrier, List[str]]]:
    """Yield the deliberate barriers of a cut, each with the forbidden variables that would get a gradient without it."""
    forbidden = subjects.blocked_names
    for barrier in subject.variable.cut if forbidden and len(subject.variable.cut) > 1 else ():
        if barrier.kind is BarrierKind.STOP_GRADIENT:
            try:
                edited = subject.audit.what_if(remove=barrier)
            except GraphcutError:
                continue
            yield barrier, [each.name for each in edited if each.name in forbidden and each.verdict in WITH_GRADIENT]


def _reach_findings(subjects: Subjects, reached: Sequence[Subject], rule: str) -> Iterator[Finding]:
    """Yield a finding for each variable that gets a gradient and must not, with the line that would block them all."""
    for subject in reached:
        advice = subjects.advice(subject.audit, [each.variable.name for each in reached if each.audit is subject.audit])
        yield _finding(subject, rule, subject.audit.explain(subject.variable.name) + advice)


def _stop_advice(audit: Audit, block: Sequence[str], demanded: AbstractSet[str]) -> str:
    """Return the line that would block these variables, if one edit does and no demanded variable loses its gradient.

    An edit that leaves all other gradients unchanged is preferred to one after which the demanded variables still get a
    gradient.
    """
    edit = _stop_edit(audit, block)
    note = edit.note if edit is not None else ""
    if edit is None:
        edit = _stop_that_keeps(audit, block, demanded)
        note = "other variables lose the part of their gradient that passes there"
    if edit is None:
        return ""
    at = split_place(edit.where)
    place = " at %s:%d" % at if at else ""
    note = " (%s)" % note if note else ""
    return "\nTo block %s%s: %s%s" % (_count_words(block), place, edit.code, note)


def _count_words(block: Sequence[str]) -> str:
    return "it" if len(block) == 1 else "all %d" % len(block)


def _stop_edit(audit: Audit, block: Sequence[str]) -> Optional[Suggestion]:
    try:
        suggestions = suggest_stops(audit, list(block), None, most=1)
    except GraphcutError:
        return None
    edits = [each for each in suggestions if each.code]
    return None if len(edits) != 1 or (len(suggestions) > 1 and not edits[0].confirmed) else edits[0]


def _stop_that_keeps(audit: Audit, block: Sequence[str], demanded: AbstractSet[str]) -> Optional[Suggestion]:
    """Return a single edit after which every demanded variable of an audit still gets a gradient."""
    names = [each.name for each in audit if each.name in demanded and each.verdict in WITH_GRADIENT]
    try:
        suggestions = suggest_stops(audit, list(block), ()) if names else ()
    except GraphcutError:
        return None
    sizes = Counter(each.alternative for each in suggestions)
    for each in suggestions:
        if not each.code or sizes[each.alternative] > 1:
            continue
        edited = {row.name: row.verdict for row in audit.what_if(stop=each.tensor)}
        if all(edited.get(name) in WITH_GRADIENT for name in names):
            return each
    return None


def _wrong_path(subject: Subject, rule: str, wanted: str) -> Finding:
    message = "%s gets its gradient, but by no path that %s\n%s" % (
        subject.variable.name,
        wanted,
        subject.audit.explain(subject.variable.name),
    )
    return _finding(subject, rule, message)


def _places(audit: Audit, path: Sequence[str]) -> Tuple[Optional[str], ...]:
    """Return ``file:line`` of each op of a path."""
    if not path:
        return ()
    numbers = op_numbers(audit)
    return tuple(audit.place(numbers[name])[0] if name in numbers else None for name in path)
