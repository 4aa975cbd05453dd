"""What an audit says in words and as data: the methods of ``Audit`` that hand on to ``report`` and ``drawing``.

These are imported when they are first needed: an audit alone reads no words.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple, Union

from graphcut.render import page

if TYPE_CHECKING:
    from typing import Protocol

    from graphcut.api.select.resolve_variables import TargetIndex
    from graphcut.render.page.page_protocol import Facts as Page
    from graphcut.render.text.report_protocol import Facts
    from graphcut.results import LeftOut

    class Explained(Facts, Protocol):
        """What is explained."""

        _index: TargetIndex

        def _left_out_of(self, key: Any) -> Tuple[LeftOut, ...]: ...

    class Keyed(Page, Protocol):
        """What is drawn."""

        _index: TargetIndex


def explain(self: Explained, key: Any) -> str:
    """What a variable gets, why, and what to do about it: twelve lines at most; of several, those alike are told once.

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
    return explain_several(self, [self.variables[place] for place in places or self._index.required(key)])


def draw(self: Keyed, path: Union[str, os.PathLike[str]], engine: Optional[str] = None, **asked: Any) -> None:
    page.draw(self, path, engine, **_named(self, asked))


draw.__doc__ = page.draw.__doc__


def _named(audit: Keyed, asked: Dict[str, Any]) -> Dict[str, Any]:
    """What is asked for of a picture, with names in place of variables, tensors, layers and rows of audits."""
    from graphcut.api.select.resolve_places import op_names
    from graphcut.api.select.resolve_variables import listed

    named = dict(asked)
    for option in ("of", "around", "expand"):
        names: Dict[str, None] = {}
        for key in listed(asked.get(option, ())):
            if isinstance(key, str):
                names[key] = None
            elif option == "of":
                names.update(dict.fromkeys(audit.variables[place].name for place in audit._index.required(key)))
            else:
                names.update(dict.fromkeys(op_names(audit._index.traced, key, option)))
        if option in asked:
            named[option] = tuple(names)
    return named


def to_dot(self: Keyed, **asked: Any) -> str:
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

    return to_dot(self, **_named(self, asked))


def to_dict(self: Facts) -> Dict[str, Any]:
    """Everything found, as plain values with the words of the enums.

    The keys are ``loss``, ``loss_source``, ``counts`` (of verdicts), ``variables``, ``stops``, ``assumptions``, ``left_out``,
    ``recorded`` and ``disagreements``; in these, the names of the results' fields.

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
