"""What can be asked of an audit beside its verdicts. Each function is a method of ``Audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, FrozenSet, Hashable, Optional, Tuple, TypeVar

from graphcut.results import Change, Disagreement, Reach, Suggestion, VariableAudit

if TYPE_CHECKING:
    from typing import Protocol

    import networkx as nx

    from graphcut.analysis.findings import Findings
    from graphcut.analysis.request import AuditRequest
    from graphcut.api.select.resolve_variables import TargetIndex
    from graphcut.api.suggest.confirm import Retrace
    from graphcut.graph.targets import Target

    class Asked(Protocol):
        """What is asked: an ``Audit``."""

        _inquiry: AuditRequest
        _targets: Tuple[Target, ...]
        _index: TargetIndex
        _findings: Findings
        _retrace: Optional[Retrace]
        variables: Tuple[VariableAudit, ...]

        @property
        def graph(self) -> nx.DiGraph: ...
        @property
        def identities(self) -> Tuple[FrozenSet[Hashable], ...]: ...
        @property
        def is_recorded(self) -> bool: ...
        @property
        def disagreements(self) -> Tuple[Disagreement, ...]: ...
        def _of(self: AskedT, inquiry: AuditRequest) -> AskedT: ...


AskedT = TypeVar("AskedT", bound="Asked")


def reaches(self: Asked, key: Any, through: Any = None, avoiding: Any = None) -> Reach:
    """Whether a gradient gets from the loss to a variable through one place and avoiding another.

    Args:
        key: a variable, tensor, name, pattern, layer, model or name scope, or several: any of them is enough.
        through: ops, tensors, name scopes (``critic`` or ``critic/``) or patterns; the path must pass one. A variable, a layer
            or a model stands for the ops that use it.
        avoiding: the same; the path must pass none.

    Returns:
        A ``Reach``: true if there is such a path, with one path for each variable that is reached.

    Raises:
        GraphcutError: something named is not in the graph; the message has near names.

    >>> import graphcut
    >>> audit = graphcut.audit("fixtures/documents/003.meta")
    >>> bool(audit.reaches("w1")), bool(audit.reaches("w2", through="output")), bool(audit.reaches("w2", avoiding="output"))
    (False, True, False)
    """
    from graphcut.analysis.waypoints import reach
    from graphcut.api.select.resolve_places import every, rows

    traced = self._inquiry.traced
    inside: Optional[FrozenSet[int]] = None if through is None else every(traced, through, "through")
    outside = frozenset() if avoiding is None else every(traced, avoiding, "avoiding")
    return reach(self._findings.flow, rows(self._index, key), inside, outside)


def what_if(self: AskedT, remove: Any = (), stop: Any = ()) -> AskedT:
    """The audit of the same loss and variables if the graph were edited; nothing is traced again, nothing changes.

    Args:
        remove: barriers to take out: ``Stop``, ``Barrier``, names of ops or tensors, tensors; one or several. A
            ``StopGradient`` becomes an ``Identity``, a tensor named by ``stop_gradients=`` is no constant any more, any
            other op hands every gradient on, as a straight-through estimator in its place would.
        stop: tensors to stop: names, tensors, variables, layers; one or several. Every reader of the tensor reads
            ``tf.stop_gradient`` of it, the loss included, while ``stop_gradients=`` stops an op with all its outputs.

    Returns:
        Another ``Audit``.

    Raises:
        GraphcutError: something named is not in the graph (with near names), or cannot be removed or stopped.

    >>> import graphcut
    >>> audit = graphcut.audit("fixtures/documents/003.meta")
    >>> audit.what_if(remove="hidden")["w1"].verdict, audit.what_if(stop="output")["w2"].verdict
    (<Verdict.FLOWS: 'flows'>, <Verdict.NONE: 'none'>)
    """
    from graphcut.api.what_if import edited

    return self._of(edited(self._inquiry, self._findings.flow, remove, stop))


def compare(self: Asked, other: Asked) -> Tuple[Change, ...]:
    """The variables whose verdict is another one in ``other``, each with the op that makes the difference.

    Args:
        other: an ``Audit``, of an edit or of another graph. The same live object is the same variable, then the same name
            is.

    Returns:
        The changes, in the order of the variables; what only one audit has changes from or to ``None``.

    >>> import graphcut
    >>> audit = graphcut.audit("fixtures/documents/003.meta")
    >>> audit.compare(audit.what_if(remove="hidden"))
    (Change(name='w1', before=<Verdict.NONE: 'none'>, after=<Verdict.FLOWS: 'flows'>, op='hidden'),)
    """
    from graphcut.api.compare import changes

    return changes(self, other)


def verify(self: Asked, numbers: bool = False) -> Tuple[Disagreement, ...]:
    """Hold the verdicts against the real ``tf.gradients``, in scratch copies of the graph; the graph itself is untouched.

    Args:
        numbers: also compute, at random points, the gradients judged always zero.

    Returns:
        Where TensorFlow disagrees, and what could not be checked; empty if it answers as audited throughout. For a recorded
        gradient the answers that were recorded are what counts.

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


def suggest_stops(self: Asked, block: Any, keep: Any = None) -> Tuple[Suggestion, ...]:
    """The fewest tensors to stop so that some variables get no gradient and the others exactly what they get now.

    Args:
        block: variables, tensors, layers, names, scopes or patterns that shall get no gradient (``None``, or zeros always).
        keep: those whose gradient shall stay as it is; by default every other variable of the audit. The rest may lose
            theirs.

    Returns:
        One ``Suggestion`` for each tensor, in the graph's order; empty if no gradient gets there anyway. Of several
        smallest sets it is the one nearest the loss, but not the loss itself if there is another. ``diff`` is the edit of
        your source; where ``confirmed`` is true the edited source was audited, in memory.

    Raises:
        GraphcutError: a name is not there; or no stops do this, because the gradient of a kept variable takes the same way.

    >>> import graphcut
    >>> (suggestion,) = graphcut.audit("fixtures/documents/003.meta").suggest_stops(block="w2")
    >>> print(suggestion)
    put tf.stop_gradient around output:0 (MatMul), for all that reads it
    """
    from graphcut.api.suggest.stops import suggested

    return suggested(self, block, keep)


def suggest_unblock(self: Asked, key: Any) -> Tuple[Suggestion, ...]:
    """The fewest barriers to take out so that a variable gets a gradient, with the edits of your source that do it.

    Args:
        key: a variable, tensor, layer, name, scope or pattern; where it means several, the first of them without a gradient.

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
    from graphcut.api.suggest.unblock import suggested

    return suggested(self, key)
