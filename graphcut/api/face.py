"""One loss, all of it: the face of graphcut."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, Hashable, Iterator, Mapping, Optional, Sequence, Tuple

from graphcut.analysis.findings import Findings
from graphcut.analysis.left_out import StepFacts, left_out
from graphcut.analysis.live_routes import between
from graphcut.analysis.recorded_answers import RecordedAnswers, settled
from graphcut.analysis.request import AuditRequest
from graphcut.analysis.stop_roles import stops
from graphcut.api import asking, load, telling
from graphcut.api.analyze import judged
from graphcut.api.choose_oracle import installed
from graphcut.api.select.resolve_variables import TargetIndex, is_pattern, targets_named
from graphcut.api.suggest.confirm import Retrace
from graphcut.graph.flat import FlatGraph, Shape, dtype_name
from graphcut.graph.targets import Target
from graphcut.render import page
from graphcut.results import Assumption, Disagreement, LeftOut, Stop, VariableAudit
from graphcut.util.gc import collector_paused

if TYPE_CHECKING:
    import networkx as nx

    from graphcut.analysis.reasons.reason import Reason


class Audit:
    """What one loss gives each variable. Built complete; the DAG and the list of stops are made when first asked for.

    ``variables`` has a ``VariableAudit`` for each, in the order asked; an audit iterates over them, and ``len`` counts them.
    ``str`` gives the table, worst first.
    """

    def __init__(
        self,
        inquiry: AuditRequest,
        asked: Sequence[Target],
        answers: Optional[RecordedAnswers] = None,
        step: Optional[StepFacts] = None,
    ) -> None:
        self._inquiry, self._traced, self._targets = inquiry, inquiry.traced, tuple(asked)
        self._step = StepFacts() if step is None else step
        self._index = TargetIndex(inquiry.traced, self._targets)
        self._findings = Findings(inquiry.traced, judged(inquiry))
        found = tuple(self._findings.of(target) for target in asked)
        self._answers, self._shown = answers, self._findings.shown(asked) if answers is None else None
        self._settled = settled(found, answers or self._shown)
        self.variables: Tuple[VariableAudit, ...] = tuple(each.variable for each in self._settled)
        self._made: Dict[str, Any] = {}
        self._retrace: Optional[Retrace] = None

    @property
    def loss(self) -> Tuple[str, ...]:
        """The names of the loss's tensors."""
        return tuple(self._traced.flat.tensor_name(tensor) for tensor in self._inquiry.loss.tensors)

    @property
    def loss_source(self) -> str:
        """How the loss was chosen."""
        return self._inquiry.loss.source

    @property
    def oracle(self) -> str:
        """Whose gradients count, such as ``TensorFlow 2.15 (gradient table)``."""
        return (self._inquiry.oracle or installed()).label

    @property
    def loss_dtypes(self) -> Tuple[str, ...]:
        """The dtypes of the loss's tensors."""
        return tuple(dtype_name(self._traced.flat.dtypes[tensor]) for tensor in self._inquiry.loss.tensors)

    @property
    def graph(self) -> nx.DiGraph:
        """The DAG, as ``trace`` gives it."""
        if "graph" not in self._made:
            self._made["graph"] = load.to_dag(self._traced)
        dag: nx.DiGraph = self._made["graph"]
        return dag

    @property
    def stops(self) -> Tuple[Stop, ...]:
        """Every ``StopGradient`` op with its role for this loss, in the graph's order."""
        if "stops" not in self._made:
            judged = [(each.name, target.tensors, each.verdict) for each, target in zip(self.variables, self._targets)]
            self._made["stops"] = stops(self._findings, judged)
        made: Tuple[Stop, ...] = self._made["stops"]
        return made

    @property
    def assumptions(self) -> Tuple[Assumption, ...]:
        """First what tells that the graph was optimized or frozen, then the ops that could not be asked for and are taken to
        carry from float to float."""
        return self._findings.assumptions()

    @property
    def is_recorded(self) -> bool:
        """Whether this is a gradient that a step took."""
        return self._answers is not None

    @property
    def recorded(self) -> Tuple[Optional[bool], ...]:
        """Whether TensorFlow gave each variable a tensor: for a gradient that a step took, and where a graph holds its own
        gradients of this loss, where ``None`` stands for a variable of which they show nothing certain. Empty otherwise."""
        if self._answers is not None:
            error = self._answers.error
            return tuple(bool(each) if error or each is not None else None for each in self._answers.given)
        return () if self._shown is None else self._shown.given

    @property
    def left_out(self) -> Tuple[LeftOut, ...]:
        """The trainable or frozen variables that the loss reads and the gradient call did not ask for; those that another
        gradient of the same step asks for are not among them.

        >>> import graphcut
        >>> graphcut.audit("fixtures/documents/003.meta", variables="w1").left_out[0].name
        'w2'
        """
        if "left_out" not in self._made:
            loss, updated = self._inquiry.loss.tensors, self._findings.is_updated
            self._made["left_out"] = left_out(self._traced, loss, self._targets, updated, self._step)
        made: Tuple[LeftOut, ...] = self._made["left_out"]
        return made

    def _left_out_of(self, key: Any) -> Tuple[LeftOut, ...]:
        """Those of ``left_out`` that a key means."""
        found = self.left_out
        if not found:
            return ()
        known = {each.name for each in targets_named(self._traced, key)}
        return tuple(each for each in found if each.name in known)

    @property
    def disagreements(self) -> Tuple[Disagreement, ...]:
        """Where TensorFlow's recorded answer, or the gradient that a graph holds, is another than graphcut expected."""
        return tuple(each.disagreement for each in self._settled if each.disagreement is not None)

    @property
    def flat(self) -> FlatGraph:
        """The graph as columns, its ops numbered."""
        return self._traced.flat

    @property
    def passing(self) -> Mapping[int, Tuple[int, ...]]:
        """The ops, by number, that a gradient passes on a route from the loss to a variable that gets one, each with those
        that it goes on to."""
        if "passing" not in self._made:
            live = [tensor for target in self._targets for tensor in target.tensors]
            self._made["passing"] = between(self._findings.flow, live)
        made: Mapping[int, Tuple[int, ...]] = self._made["passing"]
        return made

    @property
    def carrying(self) -> FrozenSet[str]:
        """The names of those ops."""
        return frozenset(self._traced.flat.names[op] for op in self.passing)

    def shapes(self, op: int) -> Sequence[Shape]:
        """The static shapes of the outputs of the op whose number is ``op``."""
        return self._traced.shapes(op)

    def place(self, op: int) -> Tuple[Optional[str], bool]:
        """``file:line`` of the op whose number is ``op``, or ``None``, and whether a library made it."""
        return self._traced.place(op)

    @property
    def source(self) -> str:
        """What was read: ``function loss``, ``tf.Graph``, a path."""
        return self._traced.origin.label

    @property
    def identities(self) -> Tuple[FrozenSet[Hashable], ...]:
        """What tells each variable from those of other audits: where a function captured it the live objects (their ``id``),
        for eager variables may share a name; else the name."""
        eager = hasattr(self._traced.origin.live, "captures")
        objects = [frozenset(map(id, target.variable.objects if eager else ())) for target in self._targets]
        return tuple(known or frozenset([each.name]) for known, each in zip(objects, self.variables))

    def __getitem__(self, key: Any) -> VariableAudit:
        """The row of a variable.

        Args:
            key: the object itself, its name with or without ``:0``, an op or a tensor name; a layer, a name scope or a
                pattern that means one variable.

        Raises:
            GraphcutError: it is not among the variables audited, or means several; the message has near names.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> audit["w1"].shape, audit["w2:0"].verdict, [each.name for each in audit.select("w*")]
        ((2, 3), <Verdict.FLOWS: 'flows'>, ['w1', 'w2'])
        """
        return self.variables[self._index.position(key)]

    def __contains__(self, key: Any) -> bool:
        """Whether the audit has a row for ``key``: what ``audit[key]`` takes, a pattern, a row, or each of a list of these.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> "w1" in audit, "w2:0" in audit, "w*" in audit, "w3" in audit
        (True, True, True, False)
        """
        if isinstance(key, VariableAudit):
            place = self._index.by_name(key.name)
            return place is not None and self.variables[place] == key
        if isinstance(key, (list, tuple, set, frozenset)):
            return bool(key) and all(each in self for each in key)
        return bool(self._index.places(key))

    def select(self, pattern: str) -> Tuple[VariableAudit, ...]:
        """The rows whose names match ``pattern``, an ``fnmatch`` pattern such as ``encoder/*``; none is no error."""
        if not is_pattern(pattern):
            place = self._index.by_name(pattern)
            return () if place is None else (self.variables[place],)
        return tuple(each for each in self.variables if fnmatchcase(each.name, pattern))

    def __iter__(self) -> Iterator[VariableAudit]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)

    def __str__(self) -> str:
        from graphcut.render.text.plain import table

        return table(self)

    def __repr__(self) -> str:
        return "<graphcut.Audit of %s: %d variables>" % (", ".join(self.loss), len(self.variables))

    def reason(self, variable: VariableAudit) -> Reason:
        """Why ``variable``, one of ``variables``, gets what it gets, as plain facts."""
        from graphcut.analysis.reasons.reason import Reasons

        with collector_paused():
            if "reasons" not in self._made:
                self._made["reasons"] = Reasons(self._findings, self._targets)
            found: Reason = self._made["reasons"].of(self._targets[self._index.position(variable.name)], variable)
        return found

    reaches, what_if, compare, verify = asking.reaches, asking.what_if, asking.compare, asking.verify
    suggest_stops, suggest_unblock = asking.suggest_stops, asking.suggest_unblock

    def _of(self, inquiry: AuditRequest) -> Audit:
        """The same variables audited for another inquiry."""
        with collector_paused():
            return Audit(inquiry, self._targets, step=self._step)

    _repr_svg_, _repr_html_ = page.repr_svg, page.repr_html
    draw, explain, to_dot, to_dict, to_json = telling.draw, telling.explain, telling.to_dot, telling.to_dict, telling.to_json
