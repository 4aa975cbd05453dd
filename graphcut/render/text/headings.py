"""Headings for several losses in a table, picture or page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from graphcut.util.source_lines import file_and_line, text_from

if TYPE_CHECKING:
    from graphcut.render.protocols import HeadedFacts

_APIS = ("tape.", "tf.gradients")
_TAKEN = re.compile(
    r"\b(?:gradient|jacobian|batch_jacobian|gradients|minimize|compute_gradients)\("
    r"(?:\s*(?:(?:target|ys|loss)\s*=\s*)?([A-Za-z_][\w.]*)\s*[,)])?"
)
_LINES = 3  # the first of these lines starts the call


def headings(audits: Sequence[HeadedFacts]) -> Tuple[str, ...]:
    """Return a heading for each audit: the function; the loss too if a function appears twice; a number if both are equal.

    The heading of a gradient of a step is the name of its target in the user's code, or the line if the target has no name.
    """
    targets = _targets([_place(each.source) for each in audits])
    functions = [_function(each.source) or target for each, target in zip(audits, targets)]
    losses = [
        _line(each.source) or " + ".join(key or _plain(name) for name, key in zip(each.loss, each.loss_keys))
        for each in audits
    ]
    heads = [name if name and functions.count(name) == 1 else loss for name, loss in zip(functions, losses)]
    return tuple(_number(heads))


def _plain(name: str) -> str:
    return name[:-2] if name.endswith(":0") else name


def _function(source: str) -> str:
    """Return the name of the function or model that was traced."""
    kind, _, name = source.partition(" ")
    return name if kind in ("function", "model") else ""


def with_headings(audits: Any) -> Tuple[List[Any], Tuple[str, ...]]:
    """Return the audits of a table and their headings. ``audits`` is one audit, several, or a dict from headings to audits."""
    if isinstance(audits, Mapping):
        return list(audits.values()), tuple(map(str, audits))
    listed = [audits] if hasattr(audits, "loss_keys") else list(audits)
    return listed, headings(listed)


def _targets(places: Sequence[str]) -> List[str]:
    """Return the name of the target in each call that takes a gradient: ``loss`` in ``tape.gradient(loss, weights)``.

    Several calls in one line are matched in order; one whose target is an expression has no name.
    """
    at: Dict[str, List[int]] = {}
    for index, place in enumerate(places):
        at.setdefault(place, []).append(index)
    names = [""] * len(places)
    for place, indices in at.items():
        result = _names_at(place)
        if len(result) in (1, len(indices)):
            for order, index in enumerate(indices):
                names[index] = result[order % len(result)]
    return names


def _names_at(place: str) -> List[str]:
    """Return the name of the target of each call that begins in a line, in the order of running; empty for an expression."""
    text = text_from(place, _LINES)
    first = text.partition("\n")[0]
    calls = [match for match in _TAKEN.finditer(text) if match.start() < len(first)]
    calls.sort(key=lambda each: (_end_of_call(text, each.start()), -each.start()))
    return [each.group(1) or "" for each in calls]


def _end_of_call(text: str, start: int) -> int:
    """Return where the brackets of a call close, or the end of the text if it holds only a part of the call."""
    depth = 0
    for place in range(text.index("(", start), len(text)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if not depth:
            return place
    return len(text)


def _line(source: str) -> str:
    """Return ``train.py:12`` for ``tape.gradient at /home/me/train.py:12``."""
    place = _place(source)
    return file_and_line(place) if place.rpartition(":")[2].isdigit() else ""


def _place(source: str) -> str:
    api, _, place = source.partition(" at ")
    return place if api.startswith(_APIS) else ""


def _number(heads: Sequence[str]) -> Iterable[str]:
    for place, head in enumerate(heads):
        before = heads[:place].count(head)
        yield "%s (%d)" % (head, before + 1) if before else head
