"""The audit of one loss: the function that makes it, and its result."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, Hashable, Iterator, Mapping, Optional, Sequence, Tuple, Union

from graphcut.analysis.findings import Findings
from graphcut.analysis.idioms import Idioms
from graphcut.analysis.left_out import StepFacts, left_out
from graphcut.analysis.live_routes import find_live_routes
from graphcut.analysis.recorded_answers import RecordedAnswers, reconcile
from graphcut.analysis.request import AuditRequest
from graphcut.analysis.stop_roles import Judged, record_all, stops
from graphcut.api import load
from graphcut.api.analyze import analyze
from graphcut.api.choose_oracle import choose_oracle, installed_oracle, overlay_of
from graphcut.api.known_variables import code_names
from graphcut.api.refuse_step import check_model, is_step, unaudited_step
from graphcut.api.select.resolve_loss import output_keys, resolve_loss, stop_ops
from graphcut.api.select.resolve_variables import TargetIndex, as_tuple, find_targets, is_group, reusable, targets
from graphcut.api.suggest.confirm import Retrace
from graphcut.errors import GraphcutError
from graphcut.graph.dtypes import dtype_name
from graphcut.graph.flat import FlatGraph, Shape
from graphcut.graph.metadata import Variable
from graphcut.graph.targets import Target
from graphcut.render import page
from graphcut.results import Assumption, Change, Disagreement, LeftOut, Reach, Role, Stop, Suggestion, VariableAudit
from graphcut.results.result_display import Lines, Results
from graphcut.util.caching import cached_property
from graphcut.util.gc import collector_paused
from graphcut.util.progress import show_progress

if TYPE_CHECKING:
    import networkx as nx

    from graphcut.analysis.reasons.reason import Reason, Reasons
    from graphcut.render.page.inline_svg import Sketch

_AGREES = "TensorFlow answers as audited"
_NAMED_STOPS, _NAMED_OPS = 50, 50_000  # limits: the stops whose idiom a picture names, and the ops of a graph with such names


class Audit:
    """The audit of one loss: the verdict of each variable. The DAG and the list of stops are built on demand.

    ``variables`` has a ``VariableAudit`` for each, in the order asked; an audit iterates over them, and ``len`` counts them.
    ``str`` gives the table, worst first.
    """

    def __init__(
        self,
        request: AuditRequest,
        asked: Sequence[Target],
        answers: Optional[RecordedAnswers] = None,
        step: Optional[StepFacts] = None,
    ) -> None:
        self._request, self._traced, self._targets = request, request.traced, tuple(asked)
        self._step = StepFacts() if step is None else step
        self._index = TargetIndex(request.traced, self._targets)
        self._findings = Findings(request.traced, analyze(request))
        result = tuple(self._findings.of(target) for target in asked)
        self._answers, self._shown = answers, self._findings.recorded_answers(asked) if answers is None else None
        assumed = answers is not None and bool(answers.error) and bool(self._findings.assumptions())
        known = answers or self._shown
        settled = () if known is None else reconcile(result, known, assumed)
        self.variables: Tuple[VariableAudit, ...] = result if known is None else tuple(each.variable for each in settled)
        self._disagreements = tuple(each.disagreement for each in settled if each.disagreement is not None)
        self._retrace: Optional[Retrace] = None

    @property
    def loss(self) -> Tuple[str, ...]:
        """The names of the loss's tensors."""
        return tuple(self._traced.flat.tensor_name(tensor) for tensor in self._request.loss.tensors)

    @cached_property
    def loss_keys(self) -> Tuple[str, ...]:
        """The output key of each tensor of the loss; an empty string if it is not an output or has no key."""
        return output_keys(self._traced, self._request.loss.tensors)

    @property
    def loss_source(self) -> str:
        """Return how the loss was chosen."""
        return self._request.loss.source

    @property
    def loss_where(self) -> Optional[str]:
        """Return ``file:line`` of the call that took this gradient, if it was recorded."""
        return self._request.loss.where

    @property
    def raised(self) -> str:
        """The error that the step raises after this gradient, with its line; empty if it raises none."""
        return self._step.raised

    @property
    def hypothesis(self) -> str:
        """The edit that this audit assumes, such as ``without hidden``; empty unless ``what_if`` made the audit.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> audit.hypothesis, audit.what_if(remove="hidden").hypothesis
        ('', 'without hidden')
        """
        return self._request.hypothesis

    @property
    def oracle(self) -> str:
        """The TensorFlow that answered, such as ``TensorFlow 2.15 (gradient table)``."""
        return (self._request.oracle or installed_oracle()).label

    @property
    def loss_dtypes(self) -> Tuple[str, ...]:
        """The dtypes of the loss's tensors."""
        return tuple(dtype_name(self._traced.flat.dtypes[tensor]) for tensor in self._request.loss.tensors)

    @cached_property
    def graph(self) -> nx.DiGraph:
        """The DAG that ``trace`` returns."""
        return load.to_dag(self._traced)

    @cached_property
    def stops(self) -> Tuple[Stop, ...]:
        """Return every ``StopGradient`` op and its role for this loss, in graph order."""
        return Results(stops(self._findings, self._judged), "the graph has no StopGradient")

    @cached_property
    def stops_of_loss(self) -> Tuple[Stop, ...]:
        """Return ``stops`` with the roles that they would have if the gradient call included the variables in ``left_out``."""
        others = [(each.variable.name, each.tensors, self._findings.verdict(each)[0]) for each in self.left_out_targets]
        return stops(self._findings, [*self._judged, *others]) if others else self.stops

    @property
    def _judged(self) -> Judged:
        return [(each.name, target.tensors, each.verdict) for each, target in zip(self.variables, self._targets)]

    @property
    def assumptions(self) -> Tuple[Assumption, ...]:
        """What the audit cannot certify.

        First come signs that the graph was optimized or frozen. Then come the ops whose gradient could not be determined;
        these are assumed to pass gradients from float to float.
        """
        return Results(self._findings.assumptions(), "nothing is assumed")

    @property
    def is_recorded(self) -> bool:
        """Return whether this audit is of a gradient that a training step computed."""
        return self._answers is not None

    @property
    def recorded(self) -> Tuple[Optional[bool], ...]:
        """Return whether TensorFlow returned a tensor for each variable, if that was recorded.

        It is recorded for the gradients of a training step, and for a graph that contains its own gradients of this loss.
        ``None`` means that the graph says nothing certain about the variable. Empty if nothing was recorded.
        """
        if self._answers is not None:
            error = self._answers.error
            return tuple(bool(each) if error or each is not None else None for each in self._answers.has_gradient)
        return () if self._shown is None else self._shown.has_gradient

    @property
    def left_out(self) -> Tuple[LeftOut, ...]:
        """The variables that the loss reads but the gradient call did not include.

        Variables that another gradient call of the same step includes are not listed.

        >>> import graphcut
        >>> graphcut.audit("fixtures/documents/003.meta", variables="w1").left_out[0].name
        'w2'
        """
        return Results(self._left_out, "no variable that the loss reads was left out")

    @cached_property
    def _left_out(self) -> Tuple[LeftOut, ...]:
        loss, updated = self._request.loss.tensors, self._findings.is_updated
        return left_out(self._traced, loss, self._targets, updated, self._step)

    @cached_property
    def idioms(self) -> Mapping[str, str]:
        """The idioms of the stops that cut, in a few words for a picture; empty for a large graph."""
        stops = [each.op for each in self.stops if each.role is Role.CUTS and not each.library][:_NAMED_STOPS]
        if not stops or len(self.flat.names) > _NAMED_OPS:
            return {}
        idioms = Idioms(self._traced, self._findings.flow.losses)
        result = {name: next(filter(None, map(idioms.of, self._traced.names.ops(name))), None) for name in stops}
        return {name: idiom.label for name, idiom in result.items() if idiom is not None}

    @cached_property
    def left_out_ops(self) -> Mapping[int, LeftOut]:
        """The variables in ``left_out``, by the numbers of the ops that stand for them."""
        by_name, names = {each.name: each for each in self.left_out}, self._traced.names
        return {
            self.flat.producer[tensor]: by_name[each.name]
            for each in (self._traced.variables if by_name else ())
            if each.name in by_name
            for name in each.tensors
            for tensor in names.tensors(name)
        }

    def _left_out_of(self, key: Any) -> Tuple[LeftOut, ...]:
        """Return the entries of ``left_out`` that a key matches."""
        result = self.left_out
        if not result:
            return ()
        requested = {each.name for each in find_targets(self._traced, key)}
        return tuple(each for each in result if each.name in requested)

    @cached_property
    def left_out_targets(self) -> Tuple[Target, ...]:
        """The variables in ``left_out`` with their tensors."""
        names = [each.name for each in self.left_out if find_targets(self._traced, each.name)]
        return targets(self._traced, names) if names else ()

    @property
    def disagreements(self) -> Tuple[Disagreement, ...]:
        """The variables for which TensorFlow's recorded answer, or the graph's own gradient, differs from the verdict."""
        return Results(self._disagreements, _AGREES)

    @property
    def flat(self) -> FlatGraph:
        """The graph, stored as columns; ops are numbered."""
        return self._traced.flat

    @cached_property
    def passing(self) -> Mapping[int, Tuple[int, ...]]:
        """The ops that a gradient passes on its way to a variable, by number.

        Each is mapped to the ops that follow it on these routes.
        """
        return find_live_routes(self._findings.flow, [tensor for target in self._targets for tensor in target.tensors])

    @cached_property
    def reached(self) -> FrozenSet[int]:
        """The ops, by number, that a gradient reaches from the loss, whether or not it goes on to a variable.

        A tape records nothing behind a stop; these ops count as if it did, up to the stop.
        """
        producer = self.flat.producer
        carried = frozenset(producer[tensor] for tensor in record_all(self._findings.flow).carried.order)
        return carried.union(self.passing, *self.passing.values())  # a gradient that an op makes of zeros counts, too

    @property
    def carrying(self) -> FrozenSet[str]:
        """The names of the ops in ``passing``."""
        return frozenset(self._traced.flat.names[op] for op in self.passing)

    def shapes(self, op: int) -> Sequence[Shape]:
        """Return the static shapes of the outputs of the op whose number is ``op``."""
        return self._traced.shapes(op)

    def place(self, op: int) -> Tuple[Optional[str], bool]:
        """``file:line`` of the op whose number is ``op``, or ``None``, and whether a library made it."""
        return self._traced.place(op)

    def place_of(self, op: str) -> Optional[str]:
        """``file:line`` of the op whose name is ``op``, or ``None``.

        >>> import graphcut
        >>> graphcut.audit("fixtures/documents/003.meta").place_of("hidden") is None
        True
        """
        return next((where for where, _ in map(self._traced.place, self._traced.names.ops(op)) if where), None)

    @property
    def source(self) -> str:
        """The source of the graph, such as ``function loss``, ``tf.Graph`` or a path."""
        return self._traced.origin.label

    @property
    def identities(self) -> Tuple[FrozenSet[Hashable], ...]:
        """The identity of each variable, to find it again in other audits.

        A variable that a function captured is identified by the ``id`` of its live objects, because eager variables can share
        a name. Any other variable is identified by its name.
        """
        eager = hasattr(self._traced.origin.live, "captures")
        objects = [frozenset(map(id, target.variable.objects if eager else ())) for target in self._targets]
        return tuple(identities or frozenset([each.name]) for identities, each in zip(objects, self.variables))

    @cached_property
    def code_names(self) -> Mapping[str, str]:
        """Your code's names of the variables that have no name of their own, by the names that the audit gives them."""
        return code_names(self)

    @property
    def graph_variables(self) -> Tuple[Variable, ...]:
        """Return every variable in the graph, audited or not, including frozen ones."""
        return self._traced.variables

    @property
    def graph_identities(self) -> FrozenSet[Hashable]:
        """The identities of all variables of the graph, audited or not."""
        variables = self._traced.variables
        if not hasattr(self._traced.origin.live, "captures"):
            return frozenset(each.name for each in variables)
        return frozenset(id(live_object) for each in variables for live_object in each.objects)

    def __getitem__(self, key: Any) -> VariableAudit:
        """Return the row of a variable.

        Args:
            key: the variable object, its name with or without ``:0``, or the name of an op or tensor; also a layer, a name
                scope or a pattern that matches exactly one variable.

        Raises:
            GraphcutError: the key matches no audited variable, or several; the message suggests similar names.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> audit["w1"].shape, audit["w2:0"].verdict, [each.name for each in audit.select("w*")]
        ((2, 3), <Verdict.FLOWS: 'flows'>, ['w1', 'w2'])
        """
        return self.variables[self._index.position(reusable(key))]

    def __contains__(self, key: Any) -> bool:
        """Return whether the audit has a row for ``key``.

        ``key`` is anything that ``audit[key]`` takes, a pattern, a row, or a list of these, which must all be there.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> "w1" in audit, "w2:0" in audit, "w*" in audit, "w3" in audit
        (True, True, True, False)
        """
        if isinstance(key, VariableAudit):
            place = self._index.by_name(key.name)
            return place is not None and self.variables[place] == key
        key = reusable(key)
        if is_group(key):
            return bool(key) and all(each in self for each in as_tuple(key))
        return bool(self._index.places(key))

    def select(self, pattern: Any) -> Tuple[VariableAudit, ...]:
        """Return the rows of all variables that match ``pattern``, in the audit's order; empty if there are none.

        Args:
            pattern: an ``fnmatch`` pattern such as ``encoder/*``, or anything else that names variables: an object, a name, a
                layer, a model, a name scope, or a list of these.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> [row.name for row in audit.select("w*")], audit.select("w3")
        (['w1', 'w2'], ())
        """
        return Results(
            (self.variables[place] for place in sorted(self._index.places(reusable(pattern)))), "no variable matches"
        )

    def __iter__(self) -> Iterator[VariableAudit]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)

    def __str__(self) -> str:
        from graphcut.render.text.plain_table import table

        return table(self)

    def __repr__(self) -> str:
        supposed = ", hypothetical: %s" % self.hypothesis if self.hypothesis else ""
        return "<graphcut.Audit of %s: %d variables%s>" % (", ".join(self.loss), len(self.variables), supposed)

    def reason(self, variable: VariableAudit) -> Reason:
        """Return the facts that explain the verdict of ``variable``, one of ``variables``."""
        with collector_paused():
            target = self._targets[self._index.position(variable.name)]
            reason = self._reasons.of(target, variable)
            if not variable.unused:
                return reason
            from graphcut.api.precomputed_values import read_instead

            source = None if self._retrace is None else self._retrace.source
            losses = self._request.loss.tensors
            return replace(reason, instead=read_instead(self._traced, losses, target, self.left_out, source))

    @cached_property
    def _reasons(self) -> Reasons:
        from graphcut.analysis.reasons.reason import Reasons

        return Reasons(self._findings, self._targets)

    @cached_property
    def _sketch(self) -> Sketch:
        """The picture for a notebook, cached because a notebook asks for it in several formats."""
        from graphcut.render.page.inline_svg import sketch

        return sketch(self)

    def reaches(self, key: Any, through: Any = None, avoiding: Any = None) -> Reach:
        """Find out whether a gradient gets from the loss to a variable through one place, or without another.

        Args:
            key: a variable, tensor, name, pattern, layer, model or name scope, or a list of these; it is enough to reach one.
            through: ops, tensors, name scopes (``critic`` or ``critic/``) or patterns; the path must pass one of them. A
                variable, a layer or a model stands for the ops that use it.
            avoiding: the same; the path must pass none of them.

        Returns:
            A ``Reach``, which is true if there is such a path and holds one path for each variable that is reached.

        Raises:
            GraphcutError: a name is not in the graph; the message suggests similar names.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> bool(audit.reaches("w1")), bool(audit.reaches("w2", through="output"))
        (False, True)
        >>> bool(audit.reaches("w2", avoiding="output"))
        False
        """
        from graphcut.analysis.waypoints import reach
        from graphcut.api.select.resolve_places import every, require_rows

        traced = self._request.traced
        inside: Optional[FrozenSet[int]] = None if through is None else every(traced, through, "through")
        outside = frozenset() if avoiding is None else every(traced, avoiding, "avoiding")
        return reach(self._findings.flow, require_rows(self._index, reusable(key)), inside, outside)

    def what_if(self, remove: Any = (), stop: Any = ()) -> Audit:
        """Return the audit of the same loss and variables in an edited graph; nothing is traced again and no file changes.

        Args:
            remove: one or more barriers to remove: ``Stop``, ``Barrier``, tensors, names of ops or tensors. A
                ``StopGradient`` becomes an ``Identity``, a tensor in ``stop_gradients=`` is no longer a constant, and any
                other op passes every gradient on, like a straight-through estimator.
            stop: one or more tensors to stop: tensors, names, variables, layers. Every reader of the tensor, including the
                loss, reads ``tf.stop_gradient`` of it; ``stop_gradients=``, in contrast, stops an op with all its outputs.

        Returns:
            Another ``Audit``. Wherever it is printed it says that it is hypothetical; see ``hypothesis``.

        Raises:
            GraphcutError: a name is not in the graph, or the op cannot be removed or stopped.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> audit.what_if(remove="hidden")["w1"].verdict, audit.what_if(stop="output")["w2"].verdict
        (<Verdict.FLOWS: 'flows'>, <Verdict.NONE: 'none'>)
        """
        from graphcut.api.what_if import edit_request

        return self._of(edit_request(self._request, self._findings.flow, remove, stop))

    def compare(self, other: Audit) -> Tuple[Change, ...]:
        """Return the variables whose verdict differs in ``other``, each with the op that makes the difference.

        Args:
            other: an ``Audit``, of an edit or of another graph. Variables are matched by live object, then by name, then by
                position among layers whose names differ only in numbers; ``Change.matched_by`` says which.

        Returns:
            The changes, in the order of the variables; a variable that only one audit has changes from or to ``None``.

        Raises:
            GraphcutError: ``other`` is no audit.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> print(audit.compare(audit.what_if(remove="hidden"))[0])
        w1 was none and is flows: hidden makes the difference
        """
        from graphcut.api.compare import changes

        if not isinstance(other, Audit):
            raise GraphcutError(
                "compare was given a value of type %s, which is not an audit\nPass the audit to compare with."
                % type(other).__name__
            )
        return Results(changes(self, other), "no verdict differs")

    def verify(self, numbers: bool = False) -> Tuple[Disagreement, ...]:
        """Compare the verdicts with the real ``tf.gradients``, in scratch copies of the graph; the graph itself is untouched.

        Args:
            numbers: also compute, at random points, the gradients judged always zero.

        Returns:
            The disagreements, and the variables that could not be checked; empty if every answer agrees. For a recorded
            gradient, the recorded answers are compared.

        Raises:
            GraphcutError: the graph cannot be copied, or it is hypothetical.

        >>> import graphcut
        >>> graphcut.audit("fixtures/documents/003.meta").verify()
        ()
        """
        from graphcut.api.verify import disagreements, nonzeros

        if self.is_recorded:
            return self.disagreements
        judged = tuple(zip(self._targets, self.variables))
        with show_progress() as say:
            say("asking TensorFlow for the gradients")
            result = disagreements(self._request, judged) + (nonzeros(self._request, judged) if numbers else ())
        return Results(result, _AGREES)

    def suggest_stops(self, block: Any, keep: Any = None) -> Tuple[Suggestion, ...]:
        """Return the fewest tensors to stop so that some variables get no gradient and the others exactly what they get now.

        Args:
            block: variables, tensors, layers, names, scopes or patterns that must get no gradient (``None``, or always zeros).
            keep: variables whose gradient must not change; by default all other variables of the audit. The gradients of the
                rest may change.

        Returns:
            One ``Suggestion`` for each tensor, in the graph's order; empty if no gradient gets there anyway. If several sets
            are equally small, ``alternative`` numbers them: 0 is the one nearest the loss, but not the loss itself if there is
            another. Sets on the same lines count once. At most a few are listed; a ``note`` says if there are more. ``diff``
            is the edit of your source; where ``confirmed`` is true the edited source was audited, in memory.

        Raises:
            GraphcutError: a name is not there; or no stops can do this, because the gradient of a kept variable takes the same
                route.

        >>> import graphcut
        >>> first, *others = graphcut.audit("fixtures/documents/003.meta").suggest_stops(block="w2")
        >>> print(first)
        put tf.stop_gradient around the value of variable w2 (Identity), for everything that reads it
        """
        from graphcut.api.suggest.stops import suggest_stops

        with show_progress() as say:
            say("searching for the fewest stops")
            return suggest_stops(self, reusable(block), reusable(keep))

    def suggest_unblock(self, key: Any) -> Tuple[Suggestion, ...]:
        """Return the fewest barriers to remove so that a variable gets a gradient, with the edits of your source that do it.

        Args:
            key: a variable, tensor, layer, name, scope or pattern; if it matches several, the first of them without a
                gradient.

        Returns:
            One ``Suggestion`` for each barrier, nearest the loss first; empty if the variable gets its gradient, or if no edit
            can give it one, as for an unused variable: ``print`` then shows what to do. If several
            sets are equally small, ``alternative`` numbers them; those that keep deliberate stops come first, and ``note``
            says what such a stop is for. An op without a gradient at which TensorFlow would raise is removed, too. ``diff`` is
            the edit of your source; where ``confirmed`` is true the edited source was audited, in memory.

        Raises:
            GraphcutError: the name is not there.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> [each.op for each in audit.suggest_unblock("w1")]
        ['hidden']
        """
        from graphcut.api.suggest.unblock import suggest_unblock

        with show_progress() as say:
            say("trying edits of the source")
            return suggest_unblock(self, reusable(key))

    def explain(self, key: Any) -> str:
        """Explain the verdict of a variable, its reasons, and what to do about it.

        An explanation has at most twelve lines. Variables with the same reason share one.

        Args:
            key: the variable object, its name, the name of an op or tensor, a layer, a name scope, a pattern, or a list of
                these. A variable that the loss reads but the gradient call did not include is explained, too.

        Raises:
            GraphcutError: the key matches no audited variable; the message suggests similar names.

        >>> import graphcut
        >>> print(graphcut.audit("fixtures/documents/003.meta").explain("w2"))
        w2 [3, 4] gets a gradient (flows).
        Route to the loss: w2 → output → loss.
        """
        from graphcut.render.text.explain import explain_all_left_out, explain_several

        key = reusable(key)
        aside = [] if self._index.places(key) and not is_group(key) else list(self._left_out_of(key))
        keys = [each for each in as_tuple(key) if self._index.places(each) or not self._left_out_of(each)]
        rows = [self.variables[place] for place in (self._index.require(keys) if keys or not aside else ())]
        return Lines("\n\n".join([*([explain_several(self, rows)] if rows else []), *explain_all_left_out(aside)]))

    def summary(self) -> str:
        """Return a table with one row per layer or name scope, in graph order, and what its variables get.

        >>> import graphcut
        >>> print(graphcut.audit("fixtures/documents/003.meta").summary())
        loss: loss:0 (the graph's own backward part)
        <BLANKLINE>
        layer or scope  variables  params  gradient
        w1                      1       6  none (stop-gradient at hidden)
        w2                      1      12  flows
        <BLANKLINE>
        2 variables (18 params): 1 gets a gradient, 1 does not: 1 cut by 1 stop_gradient
        """
        from graphcut.render.text.layer_summary import layer_summary

        return Lines(layer_summary(self))

    def draw(
        self,
        path: Union[str, os.PathLike[str]],
        engine: Optional[str] = None,
        *,
        detail: Optional[str] = None,
        expand: Any = (),
        around: Any = (),
        hops: int = 3,
        of: Any = (),
        link: Optional[str] = None,
        seconds: float = 30.0,
    ) -> None:
        """Draw the cut to a file.

        Args:
            path: the output file; its suffix picks the format. ``.html`` is a single page that you can search and click.
                ``.svg`` and ``.png`` need only pip packages on Python 3.11 and later, and the system's Graphviz before;
                ``.pdf`` always needs Graphviz. ``.dot``, ``.gv``, ``.mmd`` (Mermaid) and ``.graphml`` are text. ``.json`` is
                the whole graph for Model Explorer, with its node data in a second file.
            engine: ``"wasm"`` or ``"dot"``; by default the one that is installed.
            detail: ``"variables"`` folds every op between loss, barriers and variables, ``"scopes"`` draws name scopes, and
                ``"ops"`` as many single ops as fit; the default depends on the size. This argument and those below apply to
                pictures only.
            expand: ops never to fold: names or patterns.
            around: draw only the neighbourhood of these ops, tensors, layers, names or patterns.
            hops: the size of the neighbourhood, in edges.
            of: draw only the paths and cuts of these variables, names or patterns.
            link: a template for links to your code, such as ``"vscode://file/{file}:{line}"``.
            seconds: the time limit for the layout.

        Raises:
            GraphcutError: the suffix is unknown, no engine for the format is installed, the layout takes too long, the file
                cannot be written, or a name is not in the graph. An ``.html`` page is written even without an engine; it
                then shows the table only.
        """
        from graphcut.render.picture.view import picture_options

        chosen = picture_options(
            detail, self._op_names(expand, "expand"), self._op_names(around, "around"), hops, self._names(of), link, seconds
        )
        with show_progress() as say:
            say(f"drawing {os.path.basename(os.fsdecode(path))}")
            page.draw(self, os.fsdecode(path), engine, chosen)

    _repr_svg_, _repr_html_ = page.repr_svg, page.repr_html

    def to_dot(
        self,
        *,
        detail: Optional[str] = None,
        expand: Any = (),
        around: Any = (),
        hops: int = 3,
        of: Any = (),
    ) -> str:
        """Return the picture as DOT; needs no engine.

        Args:
            detail: how much to fold; all arguments are those of ``draw``.
            expand: ops never to fold.
            around: draw only the neighbourhood of these ops.
            hops: the size of the neighbourhood, in edges.
            of: draw only the paths and cuts of these variables.

        Raises:
            GraphcutError: a name is not in the graph.

        >>> import graphcut
        >>> graphcut.audit("fixtures/documents/003.meta").to_dot().splitlines()[0]
        'digraph cut {'
        """
        from graphcut.render.picture.view import picture_options
        from graphcut.render.picture.writers.dot import to_dot

        chosen = picture_options(
            detail, self._op_names(expand, "expand"), self._op_names(around, "around"), hops, self._names(of)
        )
        return to_dot(self, chosen)

    def to_dict(self) -> Dict[str, Any]:
        """Return the whole audit as plain values; enums become their words.

        The keys are ``schema_version``, ``loss``, ``loss_source``, ``counts`` (of verdicts), ``variables``, ``stops``,
        ``assumptions``, ``left_out``, ``recorded`` and ``disagreements``; in these, the names of the results' fields.
        ``docs/schemas/audit.schema.json`` describes them.

        >>> import graphcut
        >>> found = graphcut.audit("fixtures/documents/003.meta").to_dict()
        >>> found["counts"]["none"], [each["verdict"] for each in found["variables"]], found["stops"][0]["role"]
        (1, ['none', 'flows'], 'cuts')
        """
        from graphcut.render.text.json_report import to_dict

        return to_dict(self)

    def to_json(self) -> str:
        """Return the result of ``to_dict`` as indented JSON in ASCII."""
        from graphcut.render.text.json_report import to_json

        return to_json(self)

    def _of(self, request: AuditRequest) -> Audit:
        """Return the audit of the same variables for another request."""
        with collector_paused():
            return Audit(request, self._targets, step=self._step)

    def _names(self, keys: Any) -> Tuple[str, ...]:
        """Return the names of the variables that a key stands for; a name or pattern stays as it is."""
        names: Dict[str, None] = {}
        for key in as_tuple(keys):
            rows = () if isinstance(key, str) else self._index.require(key)
            names.update(dict.fromkeys([key] if isinstance(key, str) else [self.variables[row].name for row in rows]))
        return tuple(names)

    def _op_names(self, keys: Any, option: str) -> Tuple[str, ...]:
        """Return the names of the ops that a key stands for; a name or pattern stays as it is."""
        from graphcut.api.select.resolve_places import op_names

        names: Dict[str, None] = {}
        for key in as_tuple(keys):
            names.update(dict.fromkeys([key] if isinstance(key, str) else op_names(self._index.traced, key, option)))
        return tuple(names)


def audit(
    source: Any,
    *args: Any,
    loss: Any = None,
    variables: Any = None,
    stop_gradients: Any = (),
    grad_ys: Any = None,
    signature: Optional[str] = None,
    oracle: Optional[str] = None,
    ops: Any = (),
) -> Audit:
    """Find which variables can still receive a gradient from the loss, and what cuts off the others.

    Args:
        source: anything that ``trace`` takes, or a DAG that ``trace`` returned.
        *args: example arguments of a callable: arrays, tensors or ``tf.TensorSpec``. A Keras model with known inputs needs
            none.
        loss: a tensor, the name of a tensor or op, the key of an output, or a list of these, which is summed as in
            ``tf.gradients``. The default is the function's only float output, else the loss of the graph's own backward
            part, else the ``losses`` collection.
        variables: variables, tensors, names or ``fnmatch`` patterns. By default every trainable variable.
        stop_gradients: tensors to treat as constants, as in ``tf.gradients``; ``None`` means no tensors.
        grad_ys: the gradient to start from, as in ``tf.gradients``: a tensor, a name, or a number or array with the dtype and
            shape of the loss; or a list with one of these or ``None`` for each tensor of the loss. ``None`` means ones. If it
            is zeros, the verdict is ``zero`` at best. A complex loss needs it.
        signature: the signature of a SavedModel.
        oracle: the TensorFlow version to judge by: ``"installed"``, or a version in the gradient table such as ``"2.15"``.
            The default is the installed TensorFlow for live objects. For a file it is the version that wrote the file, and
            TensorFlow is not imported. ``audit.oracle`` says which one answered.
        ops: one or more files that ``graphcut ops --record PACKAGE`` wrote, for ops that the gradient table lacks.

    Returns:
        An ``Audit`` with a verdict for each variable. Each is judged as if you had asked for it alone.

    Raises:
        GraphcutError: the source cannot be read, or a name is not in it (the message suggests similar names); the source is a
            training step, or a compiled model with inputs and targets, which ``audit_step`` takes; or TensorFlow is needed
            and not installed.
        TypeError: the loss is a string, or complex without ``grad_ys``, or ``grad_ys`` is of another dtype, as in
            ``tf.gradients``.
        ValueError: ``grad_ys`` is of another length or shape than the loss, as in ``tf.gradients``.

    >>> import graphcut
    >>> audit = graphcut.audit("fixtures/documents/003.meta", loss="loss")
    >>> audit["w1"].verdict, audit["w2"].verdict
    (<Verdict.NONE: 'none'>, <Verdict.FLOWS: 'flows'>)
    >>> audit["w1"].cut[0].op, audit["w1"].cut[0].kind
    ('hidden', <BarrierKind.STOP_GRADIENT: 'stop-gradient'>)
    >>> audit["w2"].path
    ('loss', 'output', 'w2/read', 'w2')
    >>> print(audit)
    loss: loss:0 (asked for)
    <BLANKLINE>
    verdict  variable  shape   what cuts it             where
    none     w1        [2, 3]  stop-gradient at hidden
    flows    w2        [3, 4]
    <BLANKLINE>
    1 gets a gradient, 1 does not: 1 cut by 1 stop_gradient
    """
    loss, variables, stop_gradients, grad_ys = map(reusable, (loss, variables, stop_gradients, grad_ys))
    model = load.keras_model(source, oracle) if not args else None
    if model is not None:
        rest: Any = {"stop_gradients": stop_gradients, "grad_ys": grad_ys, "signature": signature, "oracle": oracle}
        return audit(model[0], *model[1], loss=loss, variables=variables, **rest)
    check_model(source, args)
    with show_progress() as say, collector_paused():
        overlay = overlay_of(ops)
        say("reading %s" % load.title(source))
        traced = load.read(source, args, {}, signature, overlay)
        say("auditing %d ops" % len(traced.flat.names))
        if loss is None and traced.origin.step is not None:
            raise is_step(source, args, traced.origin.step)
        result = resolve_loss(traced, loss, grad_ys)
        if loss is None and unaudited_step(source):
            result = result._replace(source="%s; %s" % (result.source, unaudited_step(source)))
        request = AuditRequest(traced, result, stop_ops(traced, stop_gradients), choose_oracle(traced.origin, oracle, overlay))
        made = Audit(request, targets(traced, variables))
    asked: Dict[str, Any] = {"loss": loss, "variables": variables, "stop_gradients": stop_gradients, "grad_ys": grad_ys}
    made._retrace = _retrace(source, args, oracle=oracle, **asked)
    return made


def audit_same_graph(audited: Audit, source: Any, args: Sequence[Any], loss: Any, variables: Any) -> Audit:
    """Audit another loss, or other variables, of a graph that was audited before; nothing is traced again.

    Args:
        audited: an audit of ``source`` with ``args``.
        source: as for ``audit``, like all that follow.
        args: its example arguments.
        loss: the loss.
        variables: the variables.

    Raises:
        GraphcutError: the graph has no such loss or variable, or the source is a training step and no loss is named.
    """
    request = audited._request
    if loss is None and request.traced.origin.step is not None:
        raise is_step(source, args, request.traced.origin.step)
    with collector_paused():
        asked = request._replace(loss=resolve_loss(request.traced, loss, None))
        result = Audit(asked, targets(request.traced, variables))
    result._retrace = _retrace(source, args, loss=loss, variables=variables)
    return result


def _retrace(source: Any, args: Sequence[Any], **asked: Any) -> Optional[Retrace]:
    """Return how to audit a function again after its code was edited; ``None`` if the source is not such a function."""
    if not callable(source) or hasattr(source, "captured_inputs"):
        return None
    return Retrace(source, lambda: (audit(load.afresh(source), *args, **asked),))
