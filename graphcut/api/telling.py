"""What an audit says in words and as data: the methods of ``Audit`` that hand on to ``report`` and ``drawing``.

These are imported when they are first needed: an audit alone reads no words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

if TYPE_CHECKING:
    from typing import Protocol

    from graphcut.render.picture.picture_protocol import Facts as Drawn
    from graphcut.render.text.report_protocol import Facts
    from graphcut.results import VariableAudit

    class Explained(Facts, Protocol):
        """What is explained."""

        def __getitem__(self, key: Any) -> VariableAudit: ...


def explain(self: Explained, key: Any) -> str:
    """What one variable gets, why, and what to do about it: twelve lines at most.

    Args:
        key: as for ``audit[key]``: the object itself, its name, an op or a tensor name.

    Raises:
        GraphcutError: it is not among the variables audited; the message has near names.

    >>> import graphcut
    >>> print(graphcut.audit("fixtures/documents/003.meta").explain("w2"))
    w2 [3, 4] gets a gradient (flows).
    Route to the loss: w2 → output → loss.
    """
    from graphcut.render.text.explain import explain

    return explain(self, self[key])


def to_dot(self: Drawn, **asked: Any) -> str:
    """The picture as DOT; needs no engine.

    Args:
        **asked: what to draw and how, as for ``draw``.

    Raises:
        GraphcutError: a name that is asked for is not there.

    >>> import graphcut
    >>> graphcut.audit("fixtures/documents/003.meta").to_dot().splitlines()[0]
    'digraph cut {'
    """
    from graphcut.render.picture.writers.dot import to_dot

    return to_dot(self, **asked)


def to_dict(self: Facts) -> Dict[str, Any]:
    """Everything found, as plain values with the words of the enums.

    The keys are ``loss``, ``loss_source``, ``counts`` (of verdicts), ``variables``, ``stops``, ``assumptions``, ``recorded``
    and ``disagreements``; in these, the names of the results' fields.

    >>> import graphcut
    >>> found = graphcut.audit("fixtures/documents/003.meta").to_dict()
    >>> found["counts"]["none"], [each["verdict"] for each in found["variables"]], found["stops"][0]["role"]
    (1, ['none', 'flows'], 'cuts')
    """
    from graphcut.render.text.json_report import to_dict

    return to_dict(self)


def to_json(self: Facts) -> str:
    """``to_dict`` as indented ASCII text."""
    from graphcut.render.text.json_report import to_json

    return to_json(self)
