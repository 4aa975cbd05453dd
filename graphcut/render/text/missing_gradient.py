"""Explain a missing gradient whose ops were not recorded: what is known, and how to find out more."""

from __future__ import annotations

from typing import Dict, Iterator, List, Sequence, Tuple

from graphcut.analysis.tape_record import UnrecordedSource
from graphcut.render.text import advice
from graphcut.render.text.summary import without_gradient
from graphcut.results.words import escape_name
from graphcut.util.text import join_first

_NAMED = 8
_ONCE_MORE = (
    "To see the line, take this gradient once more, which is recorded from now on, or run the whole program with "
    "`graphcut run`"
)
_TENSOR = (
    "is a tensor, not a variable",
    "a tape follows a tensor only if tape.watch(tensor) was called before the tensor is used. If it was a variable before, it "
    "was replaced: write x.assign_sub(step) in place of x = x - step",
)
_FROZEN = (
    "is not trainable",
    "a tape follows such a variable only if tape.watch(variable) was called. Set trainable=True if it should learn",
)
_UNREAD = (
    "was not read by any op that the tape recorded: it was read before the tape's block, only through tf.stop_gradient, "
    "or not at all",
    "compute the loss from it inside the tape's block, or leave it out of the variables that are asked for. " + _ONCE_MORE,
)
_CUT = ("was read while the tape recorded, and is cut off from the loss", _ONCE_MORE)


def unrecorded_lines(sources: Sequence[UnrecordedSource], loss_dtypes: Sequence[str]) -> Iterator[str]:
    """Yield the findings for each group of similar sources, and the advice."""
    if without_gradient(loss_dtypes):
        yield "The loss is %s: only a float loss has a gradient." % " and ".join(loss_dtypes)
        yield "What to do: %s." % advice.LOSS_DTYPE
        return
    alike: Dict[Tuple[str, str], List[str]] = {}
    for each in sources:
        alike.setdefault(_words(each), []).append(escape_name(each.name))
    for (what, todo), names in alike.items():
        start = join_first(names, _NAMED)
        yield "%s: each %s." % (start, what) if len(names) > 1 else "%s %s." % (start, what)
        yield "What to do: %s." % todo


def _words(source: UnrecordedSource) -> Tuple[str, str]:
    if not source.is_variable:
        return _TENSOR
    if source.was_read:
        return _CUT
    return _UNREAD if source.trainable else _FROZEN
