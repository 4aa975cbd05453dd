"""Why a Python callable could not be traced: its own error, the line that raised it, and what to write instead."""

from __future__ import annotations

import re
import traceback
from contextlib import contextmanager
from typing import Any, Iterator, List, Optional, Sequence

from graphcut.errors import GraphcutError, printable
from graphcut.graph.stack_frames import Frame, place
from graphcut.util.source_lines import line_of, nearby

_LONG = 150
_NO_VALUE = "needs a value, and while a function is traced no tensor has one: "
_ADVICE = (
    (r"no attribute '?(numpy|item|tolist)\b", r".\1() " + _NO_VALUE + "leave it out, TensorFlow's functions take the tensor"),
    (r"\b(numpy)\(\) is only available", r".\1() " + _NO_VALUE + "leave it out, TensorFlow's functions take the variable"),
    (r"tensor using `?\.?(eval)", r".\1() " + _NO_VALUE + "leave it out, TensorFlow's functions take the tensor"),
    (r"\b(float|int|complex|bool)\(\) argument", r"\1() " + _NO_VALUE + "use tf.cast"),
    (r"must be real number", "a Python number " + _NO_VALUE + "use tf.cast, or tf.strings.format for text"),
    (r"interpreted as an integer|indices must be", "a Python index or range() " + _NO_VALUE + "use tf.gather or tf.range"),
    (r"symbolic.* to a numpy array", "NumPy " + _NO_VALUE + "use TensorFlow's function of that name, or tf.numpy_function"),
    (r"as a Python `?bool", "a branch (if, while, and, or, assert) " + _NO_VALUE + "use tf.cond, tf.where or tf.while_loop"),
    (r"terating over", "a Python loop " + _NO_VALUE + "use tf.map_fn, or tf.unstack where the size is known"),
    (
        r"initialized in|must also|may not be (None|undefined)|before the loop|return a value from|must be defined",
        "a branch or loop that depends on a tensor's value must give each name a tensor of one dtype on every way through it",
    ),
    (r"missing.* argument|requires? .*argument", "give example arguments or a tf.TensorSpec for each (--spec)"),
)  # fmt: skip


def labelled(source: Any) -> str:
    """What a callable is called in messages."""
    return "function %s" % getattr(source, "__name__", getattr(source, "name", type(source).__name__))


@contextmanager
def explained(label: str) -> Iterator[None]:
    """Whatever the traced code raises becomes a ``GraphcutError``; ``label`` says what was traced."""
    try:
        yield
    except GraphcutError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        raise GraphcutError("\n".join(_sentences(label, error))) from error


def told(error: BaseException) -> str:
    """What an error says, and where it was raised, in one line."""
    error = _unwrapped(error)
    where = _where(error)
    return printable(_said(error).rstrip("."), 250)[1:-1] + (" at " + printable(nearby(where), 200)[1:-1] if where else "")


def is_of_tracing(error: BaseException) -> bool:
    """Whether there is advice for an error: the code would not raise it if it were run."""
    return bool(_advice(_said(_unwrapped(error))))


def _sentences(label: str, error: BaseException) -> Iterator[str]:
    inner = _unwrapped(error)
    said = _said(inner)
    yield "%s cannot be traced: %s" % (printable(label)[1:-1], printable(said, 250)[1:-1])
    where = _where(inner) or _where(error)
    if where is not None:
        line = line_of(where)
        yield "raised at %s" % printable(nearby(where), 200)[1:-1] + (": " + printable(line, 150)[1:-1] if line else "")
    yield from _advice(said)


def _advice(said: str) -> List[str]:
    """What to write instead; nothing where ``None`` was taken for a tensor, as it would be when the code is run."""
    if "NoneType" in said:
        return []
    matches = ((re.search(pattern, said), advice) for pattern, advice in _ADVICE)
    return [found.expand(advice) for found, advice in matches if found][:1]


def _unwrapped(error: BaseException) -> BaseException:
    """The error itself, without what Keras wraps round it."""
    inner = error.__cause__ or error.__context__
    while "Exception encountered when calling" in str(error) and inner is not None:
        error, inner = inner, inner.__cause__ or inner.__context__
    return error


def _said(error: BaseException) -> str:
    """Type and first line of what an error says, of a long line the first sentence; AutoGraph puts a traceback before it."""
    known = getattr(error, "ag_error_metadata", None)
    text = str(error if known is None else known.cause_message).strip()
    first = text.partition("\n")[0]
    first = first.partition(". ")[0] if len(first) > _LONG else first
    return first if known is not None else "%s: %s" % (type(error).__name__, first) if first else type(error).__name__


def _where(error: BaseException) -> Optional[str]:
    """``file:line`` of the user's innermost frame: outside of all that is installed, else outside TensorFlow and Keras."""
    frames = _frames(error)
    own = [frame for frame in frames if "site-packages" not in frame[0] and "dist-packages" not in frame[0]]
    return place(own)[0] or place(frames)[0]


def _frames(error: BaseException) -> Sequence[Frame]:
    """The frames of an error, the outermost first, those of AutoGraph's generated code by their source."""
    raised = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    known = getattr(error, "ag_error_metadata", None)
    return raised if known is None else raised + [(str(each.filename), each.lineno) for each in known.translated_stack[::-1]]
