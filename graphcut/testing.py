"""Assertions about gradients for tests. A failure shows the explanation of the verdict.

>>> import graphcut
>>> from graphcut.testing import assert_blocked, assert_reaches
>>> audit = graphcut.audit("fixtures/documents/003.meta")
>>> assert_reaches(audit, "w2", through="output")
>>> assert_blocked(audit, "w1")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Sequence

from graphcut.api.known_variables import is_known
from graphcut.api.select.resolve_variables import as_tuple, is_group, key_name, reusable
from graphcut.contracts.source_audits import variables_of
from graphcut.errors import GraphcutError
from graphcut.results import WITH_GRADIENT, LeftOutReason, VariableAudit, Verdict

if TYPE_CHECKING:
    from graphcut.api.audit import Audit

__all__ = ["assert_blocked", "assert_no_unused", "assert_only_trains", "assert_reaches"]

_BLOCKED = (Verdict.NONE, Verdict.ZERO)


def assert_reaches(audit: Audit, key: Any, through: Any = None, avoiding: Any = None) -> None:
    """Assert that the gradient of the loss reaches every variable that ``key`` matches.

    Args:
        audit: the audit of a loss, or of one gradient of a step.
        key: variables: objects, names, patterns, layers, name scopes, or a list of these.
        through: places; the path must pass at least one of them, as for ``audit.reaches``.
        avoiding: places; the path must pass none of them.

    Raises:
        AssertionError: a variable gets no gradient, or none by such a path; the message explains why.
        GraphcutError: a name is not there.
    """
    __tracebackhide__ = True
    key, through, avoiding = reusable(key), reusable(through), reusable(avoiding)
    for name in _forgotten(audit, key):
        raise AssertionError("%s must receive a gradient:\n%s" % (name, audit.explain(name)))
    for variable in variables_of(audit, key):
        if variable.verdict not in WITH_GRADIENT:
            raise AssertionError("%s must receive a gradient:\n%s" % (variable.name, audit.explain(variable.name)))
        if (through is not None or avoiding is not None) and not audit.reaches(variable.name, through, avoiding):
            wanted = [] if through is None else ["through %s" % _show_key(through)]
            wanted += [] if avoiding is None else ["avoiding %s" % _show_key(avoiding)]
            message = "%s receives a gradient, but by no path %s:\n%s"
            raise AssertionError(message % (variable.name, " ".join(wanted), audit.explain(variable.name)))


def assert_blocked(audit: Audit, key: Any, *others: Any) -> None:
    """Assert that no variable that the keys match gets a gradient that can be nonzero.

    A variable that the step takes no gradient of, such as that of a frozen layer, passes.

    Args:
        audit: the audit of a loss, or of one gradient of a step.
        key: as for ``assert_reaches``.
        others: more keys.

    Raises:
        AssertionError: a variable gets a gradient, or TensorFlow would raise; the message shows the path.
        GraphcutError: a name is not there.
    """
    __tracebackhide__ = True
    for each in (reusable(key), *map(reusable, others)):
        for variable in _asked_for(audit, each):
            if variable.verdict not in _BLOCKED:
                raise AssertionError("%s must receive no gradient:\n%s" % (variable.name, audit.explain(variable.name)))


def assert_only_trains(audit: Audit, key: Any, *others: Any) -> None:
    """Assert that the gradient of the loss reaches all variables that the keys match, and no others.

    Args:
        audit: the audit of a loss, or of one gradient of a step.
        key: as for ``assert_reaches``.
        others: more keys: ``assert_only_trains(audit, "encoder/*", "actor/*")``.

    Raises:
        AssertionError: a variable gets no gradient, or another one gets one.
        GraphcutError: a name is not there.
    """
    __tracebackhide__ = True
    keys = [reusable(each) for each in (key, *others)]
    key = keys if others else keys[0]
    assert_reaches(audit, key)
    wanted = {each.name for each in variables_of(audit, key)}
    for variable in audit:
        if variable.name not in wanted and variable.verdict in WITH_GRADIENT:
            message = "only %s may receive a gradient, and %s receives one:\n%s"
            raise AssertionError(message % (_show_key(key), variable.name, audit.explain(variable.name)))


def assert_no_unused(audit: Audit) -> None:
    """Assert that the loss depends on every trainable variable of the audit, and that the gradient call forgot none.

    Args:
        audit: the audit of a loss, or of one gradient of a step.

    Raises:
        AssertionError: a trainable variable is unused or was left out of the gradient call.
    """
    __tracebackhide__ = True
    unused = [each for each in audit if each.unused and each.trainable is not False]
    if unused:
        explained = "\n".join(audit.explain(each.name) for each in unused[:3])
        raise AssertionError("%d variables are unused: %s\n%s" % (len(unused), _names(unused), explained))
    forgotten = [each for each in getattr(audit, "left_out", ()) if getattr(each, "trainable", None)]
    if forgotten:
        raise AssertionError("the loss reads variables that no gradient was asked for: %s" % _names(forgotten))


def _asked_for(audit: Audit, key: Any) -> List[VariableAudit]:
    """Return the audited variables that a key matches; empty for variables that the step takes no gradient of."""
    if is_group(key) and as_tuple(key):
        return [variable for each in as_tuple(key) for variable in _asked_for(audit, each)]
    try:
        return variables_of(audit, key)
    except GraphcutError:
        if audit.is_recorded and is_known(audit, key):
            return []
        raise


def _forgotten(audit: Audit, key: Any) -> List[str]:
    """Return the variables that a key matches and that the gradient call forgot."""
    if not getattr(audit, "left_out", ()):
        return []
    return [each.name for each in audit._left_out_of(key) if each.reason is LeftOutReason.FORGOTTEN]


def _show_key(key: Any) -> str:
    return ", ".join(map(key_name, as_tuple(key)))


def _names(variables: Sequence[Any]) -> str:
    names = [each.name for each in variables]
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
