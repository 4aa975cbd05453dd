"""Ask the real ``tf.gradients`` in scratch copies of the graph.

Many targets are asked for in one call. After an error or an answer that disagrees, each is asked for again alone, in a
separate copy, because a verdict is about one variable and a call changes what the next one returns.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import tensorflow as tf

from graphcut.backend.check.graph_copies import Original, as_built, copy_graph, first_line, placeholder

FAILURES = (
    LookupError, ValueError, TypeError, AttributeError, AssertionError, RuntimeError, NotImplementedError, SystemError,
    tf.errors.OpError,
)  # fmt: skip
Targets = Mapping[str, Sequence[str]]


class Answer(NamedTuple):
    """``none``, ``gradient``, ``raises`` (an op without a gradient) or ``failed`` (in TensorFlow), with the message."""

    kind: str
    words: str = ""


class LossNames(NamedTuple):
    """The names of the loss's tensors and of those that count as constants.

    ``starts`` are the values that the gradient of each loss starts from: the name of a tensor, a value, or ``None`` for ones.
    """

    losses: Tuple[str, ...]
    stops: Tuple[str, ...]
    starts: Tuple[Any, ...] = ()


def together(original: Original, asking: LossNames, targets: Targets) -> Dict[str, Answer]:
    """Return the answers for targets (row name to tensor names) in few calls; halve the targets if a call fails."""
    result: Dict[str, Answer] = {}
    waiting: List[Dict[str, Sequence[str]]] = [dict(targets)] if targets else []
    while waiting:
        group = waiting.pop()
        answers = _answers(original, asking, group)
        if len(group) > 1 and any(each.kind in ("raises", "failed") for each in answers.values()):
            names = list(group)
            half = len(names) // 2
            waiting += [{name: group[name] for name in part} for part in (names[half:], names[:half])]
        else:
            result.update(answers)
    return {name: result[name] for name in targets}


def ask_one_target(original: Original, asking: LossNames, name: str, tensors: Sequence[str]) -> Answer:
    """Ask TensorFlow for one target, in a separate copy of the graph."""
    return _answers(original, asking, {name: tensors})[name]


def _answers(original: Original, asking: LossNames, targets: Targets) -> Dict[str, Answer]:
    try:
        with as_built(original):
            copy = copy_graph(original, placeholder)
            with copy.enter():
                gradients = take_gradients(copy, asking, [name for names in targets.values() for name in names])
    except FAILURES as error:
        missing = isinstance(error, LookupError) and not isinstance(error, (KeyError, IndexError))
        kind = "raises" if missing else "failed"
        return dict.fromkeys(targets, Answer(kind, first_line(error)))
    return {
        name: Answer("gradient" if any(gradients[each] is not None for each in names) else "none")
        for name, names in targets.items()
    }


def take_gradients(copy: Any, asking: LossNames, names: Sequence[str]) -> Dict[str, Any]:
    """Return the gradients of the loss for tensors of a copy."""
    losses, stops = [copy.tensor(name) for name in asking.losses], [copy.tensor(name) for name in asking.stops]
    listed = list(dict.fromkeys(names))
    starts = [_start(copy, loss, start) for loss, start in zip(losses, asking.starts)] or None
    gradients = tf.compat.v1.gradients(
        losses, [copy.tensor(name) for name in listed], grad_ys=starts, stop_gradients=stops or None
    )
    return dict(zip(listed, gradients))


def _start(copy: Any, loss: Any, start: Any) -> Any:
    """Return the start of a loss's gradient, in a copy."""
    if start is None or isinstance(start, str):
        return start if start is None else copy.tensor(start)
    return tf.constant(start, loss.dtype.base_dtype)
