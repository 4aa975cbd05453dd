"""The audit of one loss: the function that makes it, and its result."""

from __future__ import annotations

import os
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, Hashable, Iterator, Mapping, Optional, Sequence, Tuple, Union

from graphcut.analysis.findings import Findings
from graphcut.analysis.left_out import StepFacts, left_out
from graphcut.analysis.live_routes import find_live_routes
from graphcut.analysis.recorded_answers import RecordedAnswers, reconcile
from graphcut.analysis.request import AuditRequest
from graphcut.analysis.stop_roles import stops
from graphcut.api import load
from graphcut.api.analyze import analyze
from graphcut.api.choose_oracle import choose_oracle, installed_oracle, overlay_of
from graphcut.api.refuse_step import check_model, is_step
from graphcut.api.select.resolve_loss import output_keys, resolve_loss, stop_ops
from graphcut.api.select.resolve_variables import TargetIndex, as_tuple, find_targets, is_pattern, targets
from graphcut.api.suggest.confirm import Retrace
from graphcut.graph.dtypes import dtype_name
from graphcut.graph.flat import FlatGraph, Shape
from graphcut.graph.targets import Target
from graphcut.render import page
from graphcut.results import Assumption, Change, Disagreement, LeftOut, Reach, Stop, Suggestion, VariableAudit
from graphcut.util.caching import cached_property
from graphcut.util.gc import collector_paused
from graphcut.util.progress import show_progress

if TYPE_CHECKING:
    import networkx as nx

    from graphcut.analysis.reasons.reason import Reason, Reasons
    from graphcut.render.page.inline_svg import Sketch


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
        self._findings = Findings(inquiry.traced, analyze(inquiry))
        found = tuple(self._findings.of(target) for target in asked)
        self._answers, self._shown = answers, self._findings.recorded_answers(asked) if answers is None else None
        assumed = answers is not None and bool(answers.error) and bool(self._findings.assumptions())
        self._settled = reconcile(found, answers or self._shown, assumed)
        self.variables: Tuple[VariableAudit, ...] = tuple(each.variable for each in self._settled)
        self._retrace: Optional[Retrace] = None

    @property
    def loss(self) -> Tuple[str, ...]:
        """The names of the loss's tensors."""
        return tuple(self._traced.flat.tensor_name(tensor) for tensor in self._inquiry.loss.tensors)

    @cached_property
    def loss_keys(self) -> Tuple[str, ...]:
        """For each of the loss's tensors the key of the output that it is; empty where it is none, or has no key."""
        return output_keys(self._traced, self._inquiry.loss.tensors)

    @property
    def loss_source(self) -> str:
        """How the loss was chosen."""
        return self._inquiry.loss.source

    @property
    def hypothesis(self) -> str:
        """The edit of the graph that this audit supposes, such as ``without hidden``; empty unless ``what_if`` made the audit.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> audit.hypothesis, audit.what_if(remove="hidden").hypothesis
        ('', 'without hidden')
        """
        return self._inquiry.hypothesis

    @property
    def oracle(self) -> str:
        """Whose gradients count, such as ``TensorFlow 2.15 (gradient table)``."""
        return (self._inquiry.oracle or installed_oracle()).label

    @property
    def loss_dtypes(self) -> Tuple[str, ...]:
        """The dtypes of the loss's tensors."""
        return tuple(dtype_name(self._traced.flat.dtypes[tensor]) for tensor in self._inquiry.loss.tensors)

    @cached_property
    def graph(self) -> nx.DiGraph:
        """The DAG, as ``trace`` gives it."""
        return load.to_dag(self._traced)

    @cached_property
    def stops(self) -> Tuple[Stop, ...]:
        """Every ``StopGradient`` op with its role for this loss, in the graph's order."""
        judged = [(each.name, target.tensors, each.verdict) for each, target in zip(self.variables, self._targets)]
        return stops(self._findings, judged)

    @property
    def assumptions(self) -> Tuple[Assumption, ...]:
        """What the audit cannot certify.

        Signs that the graph was optimized or frozen come first, then the ops whose gradient could not be asked for and that
        are assumed to pass gradients from float to float.
        """
        return self._findings.assumptions()

    @property
    def is_recorded(self) -> bool:
        """Whether this is a gradient that a step took."""
        return self._answers is not None

    @property
    def recorded(self) -> Tuple[Optional[bool], ...]:
        """Whether TensorFlow gave each variable a tensor, where that was recorded.

        It is known for a gradient that a step took, and if a graph holds its own gradients of this loss; there ``None`` stands
        for a variable that they say nothing certain about. Empty otherwise.
        """
        if self._answers is not None:
            error = self._answers.error
            return tuple(bool(each) if error or each is not None else None for each in self._answers.given)
        return () if self._shown is None else self._shown.given

    @property
    def left_out(self) -> Tuple[LeftOut, ...]:
        """The trainable or frozen variables that the loss reads and the gradient call did not ask for.

        Variables that another gradient of the same step asks for are not among them.

        >>> import graphcut
        >>> graphcut.audit("fixtures/documents/003.meta", variables="w1").left_out[0].name
        'w2'
        """
        return self._left_out

    @cached_property
    def _left_out(self) -> Tuple[LeftOut, ...]:
        loss, updated = self._inquiry.loss.tensors, self._findings.is_updated
        return left_out(self._traced, loss, self._targets, updated, self._step)

    @cached_property
    def left_out_ops(self) -> Mapping[int, LeftOut]:
        """The variables in ``left_out``, by the numbers of the ops that stand for them."""
        known, names = {each.name: each for each in self.left_out}, self._traced.names
        return {
            self.flat.producer[tensor]: known[each.name]
            for each in (self._traced.variables if known else ())
            if each.name in known
            for name in each.tensors
            for tensor in names.tensors(name)
        }

    def _left_out_of(self, key: Any) -> Tuple[LeftOut, ...]:
        """Those of ``left_out`` that a key means."""
        found = self.left_out
        if not found:
            return ()
        known = {each.name for each in find_targets(self._traced, key)}
        return tuple(each for each in found if each.name in known)

    @property
    def disagreements(self) -> Tuple[Disagreement, ...]:
        """Where TensorFlow's recorded answer, or the gradient that a graph holds, is another than graphcut expected."""
        return tuple(each.disagreement for each in self._settled if each.disagreement is not None)

    @property
    def flat(self) -> FlatGraph:
        """The graph as columns, its ops numbered."""
        return self._traced.flat

    @cached_property
    def passing(self) -> Mapping[int, Tuple[int, ...]]:
        """The ops, by number, that a gradient passes on its way to a variable.

        Each is mapped to the next ops on these routes.
        """
        return find_live_routes(self._findings.flow, [tensor for target in self._targets for tensor in target.tensors])

    @property
    def carrying(self) -> FrozenSet[str]:
        """The names of those ops."""
        return frozenset(self._traced.flat.names[op] for op in self.passing)

    def shapes(self, op: int) -> Sequence[Shape]:
        """Return the static shapes of the outputs of the op whose number is ``op``."""
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
        """What tells each variable from those of other audits.

        For variables that a function captured it is the ``id`` of the live objects, because eager variables may share a name;
        for others it is the name.
        """
        eager = hasattr(self._traced.origin.live, "captures")
        objects = [frozenset(map(id, target.variable.objects if eager else ())) for target in self._targets]
        return tuple(known or frozenset([each.name]) for known, each in zip(objects, self.variables))

    @property
    def held(self) -> FrozenSet[Hashable]:
        """The same of every variable of the graph, audited or not."""
        variables = self._traced.variables
        if not hasattr(self._traced.origin.live, "captures"):
            return frozenset(each.name for each in variables)
        return frozenset(id(known) for each in variables for known in each.objects)

    def __getitem__(self, key: Any) -> VariableAudit:
        """Return the row of a variable.

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
        """Return the rows whose names match ``pattern``, an ``fnmatch`` pattern such as ``encoder/*``; none is no error."""
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
        supposed = ", hypothetical: %s" % self.hypothesis if self.hypothesis else ""
        return "<graphcut.Audit of %s: %d variables%s>" % (", ".join(self.loss), len(self.variables), supposed)

    def reason(self, variable: VariableAudit) -> Reason:
        """Why ``variable``, one of ``variables``, gets what it gets, as plain facts."""
        with collector_paused():
            target = self._targets[self._index.position(variable.name)]
            reason = self._reasons.of(target, variable)
            if not variable.unused:
                return reason
            from graphcut.api.precomputed_values import read_instead

            source = None if self._retrace is None else self._retrace.source
            losses = self._inquiry.loss.tensors
            return replace(reason, instead=read_instead(self._traced, losses, target, self.left_out, source))

    @cached_property
    def _reasons(self) -> Reasons:
        from graphcut.analysis.reasons.reason import Reasons

        return Reasons(self._findings, self._targets)

    @cached_property
    def _sketch(self) -> Sketch:
        """The picture for a notebook, which asks for every format."""
        from graphcut.render.page.inline_svg import sketch

        return sketch(self)

    def reaches(self, key: Any, through: Any = None, avoiding: Any = None) -> Reach:
        """Whether a gradient gets from the loss to a variable through one place and avoiding another.

        Args:
            key: a variable, tensor, name, pattern, layer, model or name scope, or several: any of them is enough.
            through: ops, tensors, name scopes (``critic`` or ``critic/``) or patterns; the path must pass one. A variable, a
                layer or a model stands for the ops that use it.
            avoiding: the same; the path must pass none.

        Returns:
            A ``Reach``: true if there is such a path, with one path for each variable that is reached.

        Raises:
            GraphcutError: something named is not in the graph; the message has near names.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> bool(audit.reaches("w1")), bool(audit.reaches("w2", through="output"))
        (False, True)
        >>> bool(audit.reaches("w2", avoiding="output"))
        False
        """
        from graphcut.analysis.waypoints import reach
        from graphcut.api.select.resolve_places import every, rows

        traced = self._inquiry.traced
        inside: Optional[FrozenSet[int]] = None if through is None else every(traced, through, "through")
        outside = frozenset() if avoiding is None else every(traced, avoiding, "avoiding")
        return reach(self._findings.flow, rows(self._index, key), inside, outside)

    def what_if(self, remove: Any = (), stop: Any = ()) -> Audit:
        """Return the audit of the same loss and variables if the graph were edited; nothing is traced again, nothing changes.

        Args:
            remove: barriers to take out: ``Stop``, ``Barrier``, names of ops or tensors, tensors; one or several. A
                ``StopGradient`` becomes an ``Identity``, a tensor named by ``stop_gradients=`` is no constant any more, any
                other op hands every gradient on, as a straight-through estimator in its place would.
            stop: tensors to stop: names, tensors, variables, layers; one or several. Every reader of the tensor reads
                ``tf.stop_gradient`` of it, the loss included, while ``stop_gradients=`` stops an op with all its outputs.

        Returns:
            Another ``Audit``, which says wherever it is printed that it is hypothetical (``hypothesis``).

        Raises:
            GraphcutError: something named is not in the graph (with near names), or cannot be removed or stopped.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> audit.what_if(remove="hidden")["w1"].verdict, audit.what_if(stop="output")["w2"].verdict
        (<Verdict.FLOWS: 'flows'>, <Verdict.NONE: 'none'>)
        """
        from graphcut.api.what_if import edit_request

        return self._of(edit_request(self._inquiry, self._findings.flow, remove, stop))

    def compare(self, other: Audit) -> Tuple[Change, ...]:
        """Return the variables whose verdict is another one in ``other``, each with the op that makes the difference.

        Args:
            other: an ``Audit``, of an edit or of another graph. The same live object is the same variable, then the same name
                is, then the same position among layers that differ in their numbers alone; ``Change.matched_by`` says which.

        Returns:
            The changes, in the order of the variables; what only one audit has changes from or to ``None``.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> print(audit.compare(audit.what_if(remove="hidden"))[0])
        w1 was none and is flows: hidden makes the difference
        """
        from graphcut.api.compare import changes

        return changes(self, other)

    def verify(self, numbers: bool = False) -> Tuple[Disagreement, ...]:
        """Hold the verdicts against the real ``tf.gradients``, in scratch copies of the graph; the graph itself is untouched.

        Args:
            numbers: also compute, at random points, the gradients judged always zero.

        Returns:
            Where TensorFlow disagrees, and what could not be checked; empty if it answers as audited throughout. For a
            recorded gradient the answers that were recorded are what counts.

        Raises:
            GraphcutError: the graph cannot be copied, or is what an edit would make.

        >>> import graphcut
        >>> graphcut.audit("fixtures/documents/003.meta").verify()
        ()
        """
        from graphcut.api.verify import disagreements, nonzeros

        if self.is_recorded:
            return self.disagreements
        judged = tuple(zip(self._targets, self.variables))
        return disagreements(self._inquiry, judged) + (nonzeros(self._inquiry, judged) if numbers else ())

    def suggest_stops(self, block: Any, keep: Any = None) -> Tuple[Suggestion, ...]:
        """Return the fewest tensors to stop so that some variables get no gradient and the others exactly what they get now.

        Args:
            block: variables, tensors, layers, names, scopes or patterns that shall get no gradient (``None``, or zeros
            always).
            keep: those whose gradient shall stay as it is; by default every other variable of the audit. The rest may lose
                theirs.

        Returns:
            One ``Suggestion`` for each tensor, in the graph's order; empty if no gradient gets there anyway. Several
            smallest sets are alternatives, told apart by ``alternative``: 0 is the one nearest the loss, but not the loss
            itself if there is another. Sets on the same lines count once, and a few are listed at most: a ``note`` says so
            where there are more. ``diff`` is the edit of your source; where ``confirmed`` is true the edited source was
            audited, in memory.

        Raises:
            GraphcutError: a name is not there; or no stops do this, because the gradient of a kept variable takes the same
            way.

        >>> import graphcut
        >>> first, *others = graphcut.audit("fixtures/documents/003.meta").suggest_stops(block="w2")
        >>> print(first)
        put tf.stop_gradient around output:0 (MatMul), for all that reads it
        """
        from graphcut.api.suggest.stops import suggest_stops

        return suggest_stops(self, block, keep)

    def suggest_unblock(self, key: Any) -> Tuple[Suggestion, ...]:
        """Return the fewest barriers to take out so that a variable gets a gradient, with the edits of your source that do it.

        Args:
            key: a variable, tensor, layer, name, scope or pattern; where it means several, the first of them without a
            gradient.

        Returns:
            One ``Suggestion`` for each barrier, nearest the loss first; empty if the variable gets its gradient. Where several
            sets are as small, ``alternative`` numbers them; those that leave deliberate stops where they are come first, and
            ``note`` names what such a stop is for. An op without a gradient that TensorFlow would raise at is taken out, too.
            ``diff`` is the edit of your source; where ``confirmed`` is true the edited source was audited, in memory.

        Raises:
            GraphcutError: the name is not there, or no barrier lies between the variable and the loss: it is unused.

        >>> import graphcut
        >>> audit = graphcut.audit("fixtures/documents/003.meta")
        >>> [each.op for each in audit.suggest_unblock("w1")]
        ['hidden']
        """
        from graphcut.api.suggest.unblock import suggest_unblock

        return suggest_unblock(self, key)

    def explain(self, key: Any) -> str:
        """Explain what a variable gets, why, and what to do about it.

        A text has at most twelve lines. Variables with the same reason share one explanation.

        Args:
            key: the object itself, its name, an op or a tensor name; a layer, a name scope, a pattern, or a list of these. A
                variable that the loss reads and no gradient was asked for is explained, too.

        Raises:
            GraphcutError: it is not among the variables audited; the message has near names.

        >>> import graphcut
        >>> print(graphcut.audit("fixtures/documents/003.meta").explain("w2"))
        w2 [3, 4] gets a gradient (flows).
        Route to the loss: w2 → output → loss.
        """
        from graphcut.render.text.explain import explain_left_out, explain_several

        places = self._index.places(key)
        aside = self._left_out_of(key)
        if aside and not places:
            return "\n\n".join(map(explain_left_out, aside))
        return explain_several(self, [self.variables[place] for place in places or self._index.require(key)])

    def summary(self) -> str:
        """Return one row per layer or name scope, in the order of the graph, with what its variables get.

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

        return layer_summary(self)

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
            path: where to; its ending picks the format. ``.html`` is one page to search and click in; ``.svg`` and ``.png``
                are pictures that need nothing but pip's engines on Python 3.11 and later, else the system's Graphviz, which
                ``.pdf`` always needs; ``.dot``, ``.gv``, ``.mmd`` (Mermaid) and ``.graphml`` are text; ``.json`` is the whole
                graph for Model Explorer, its node data beside it.
            engine: ``"wasm"`` or ``"dot"``; by default what is installed.
            detail: of a picture, like all that follow: ``"variables"`` folds every op between loss, barriers and variables,
                ``"scopes"`` draws name scopes, ``"ops"`` as many single ops as fit; by default it is what can be read.
            expand: names or patterns of ops that are not folded.
            around: ops, tensors, layers, names or patterns of which only what is near is drawn.
            hops: how many edges away is near.
            of: variables, names or patterns whose paths and cuts alone are drawn.
            link: a template for links to your code, ``"vscode://file/{file}:{line}"``.
            seconds: the time that the layout may take.

        Raises:
            GraphcutError: the ending is another, there is no engine for the format, the layout takes too long, the file
                cannot be written or a name that is asked for is not there. A page is written even without an engine: with
                the table alone.
        """
        from graphcut.render.picture.view import picture_options

        chosen = picture_options(
            detail, self._op_names(expand, "expand"), self._op_names(around, "around"), hops, self._names(of), link, seconds
        )
        page.draw(self, path, engine, chosen)

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
            detail: as for ``draw``, like all that follow.
            expand: ops that are not folded.
            around: ops of which only what is near is drawn.
            hops: how many edges away is near.
            of: variables whose paths and cuts alone are drawn.

        Raises:
            GraphcutError: a name that is asked for is not there.

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
        """Everything found, as plain values with the words of the enums.

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
        """``to_dict`` as indented ASCII text."""
        from graphcut.render.text.json_report import to_json

        return to_json(self)

    def _of(self, inquiry: AuditRequest) -> Audit:
        """Return the same variables audited for another inquiry."""
        with collector_paused():
            return Audit(inquiry, self._targets, step=self._step)

    def _names(self, keys: Any) -> Tuple[str, ...]:
        """Return the names of the variables that are meant; a name or pattern stays as it is."""
        names: Dict[str, None] = {}
        for key in as_tuple(keys):
            rows = () if isinstance(key, str) else self._index.require(key)
            names.update(dict.fromkeys([key] if isinstance(key, str) else [self.variables[row].name for row in rows]))
        return tuple(names)

    def _op_names(self, keys: Any, option: str) -> Tuple[str, ...]:
        """Return the names of the ops that are meant; a name or pattern stays as it is."""
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
    """Which variables can still receive a gradient from the loss, and what cuts off the others.

    Args:
        source: what ``trace`` takes, or a DAG that ``trace`` made.
        *args: example arguments of a callable: arrays, tensors or ``tf.TensorSpec``. A Keras model that tells its inputs
            needs none.
        loss: a tensor, a tensor or op name, an output's key, or several of these (summed, as ``tf.gradients`` does). By
            default the function's one float output, else the loss that the graph's own backward part reveals, else the
            ``losses`` collection.
        variables: variables, tensors, names or ``fnmatch`` patterns. By default every trainable variable.
        stop_gradients: tensors that count as constants, as in ``tf.gradients``.
        grad_ys: what the gradient of the loss starts from, as in ``tf.gradients``: a tensor, a name, a number or an array of
            the loss's dtype and shape, or a list with one of these, or ``None``, for each tensor of the loss; ``None`` is
            ones. What starts from zeros gives each variable ``zero`` at best. A complex loss needs it.
        signature: which signature of a SavedModel.
        oracle: whose gradients count: ``"installed"`` (the installed TensorFlow) or a version such as ``"2.15"``, as the
            gradient table has it. By default the installed TensorFlow for what it runs, and for a file, without TensorFlow,
            the version that wrote it; ``audit.oracle`` says which.
        ops: a file that ``graphcut ops --record PACKAGE`` wrote, or several: the gradients of ops that the table lacks.

    Returns:
        An ``Audit`` with a verdict for each variable, each judged as if it were the only one asked for.

    Raises:
        GraphcutError: the source cannot be read, or a name is not in it; the message says what is near. It is a training step,
            or a compiled model with inputs and targets, which are for ``audit_step``. Or TensorFlow is not installed, and the
            source is not a file or ``oracle`` asks for it.
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
        found = resolve_loss(traced, loss, grad_ys)
        inquiry = AuditRequest(traced, found, stop_ops(traced, stop_gradients), choose_oracle(traced.origin, oracle, overlay))
        made = Audit(inquiry, targets(traced, variables))
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
    inquiry = audited._inquiry
    if loss is None and inquiry.traced.origin.step is not None:
        raise is_step(source, args, inquiry.traced.origin.step)
    with collector_paused():
        asked = inquiry._replace(loss=resolve_loss(inquiry.traced, loss, None))
        made = Audit(asked, targets(inquiry.traced, variables))
    made._retrace = _retrace(source, args, loss=loss, variables=variables)
    return made


def _retrace(source: Any, args: Sequence[Any], **asked: Any) -> Optional[Retrace]:
    """How to audit a function once more, after its code was edited."""
    if not callable(source) or hasattr(source, "captured_inputs"):
        return None
    return Retrace(source, lambda: (audit(load.afresh(source), *args, **asked),))
