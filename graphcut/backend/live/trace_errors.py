"""Explain why a Python callable could not be traced: its own error, the line that raised it, and what to write instead."""

from __future__ import annotations

import inspect
import re
import traceback
from contextlib import contextmanager
from typing import Any, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from graphcut.errors import GraphcutError, printable
from graphcut.graph.stack_frames import is_library, place
from graphcut.util.source_lines import line_of, nearby
from graphcut.util.text import object_name

_LONG = 150
_NO_VALUE = "needs a value, and no tensor has one while a function is traced: "
_LEAVE_OUT = (
    "leave it out, because TensorFlow's functions take the %s itself. If the code runs eagerly, run it under "
    "graphcut.watch(), or run its script with graphcut run"
)
_ADVICE = (
    (r"in eager code only", "run it under graphcut.watch(), or run its script with graphcut run: both audit eager code"),
    (r"no attribute '?(numpy|item|tolist)\b", r".\1() " + _NO_VALUE + _LEAVE_OUT % "tensor"),
    (r"\b(numpy)\(\) is only available", r".\1() " + _NO_VALUE + _LEAVE_OUT % "variable"),
    (r"tensor using `?\.?(eval)", r".\1() " + _NO_VALUE + _LEAVE_OUT % "tensor"),
    (r"\b(float|int|complex|bool)\(\) argument", r"\1() " + _NO_VALUE + "use tf.cast"),
    (r"must be real number", "a Python number " + _NO_VALUE + "use tf.cast, or tf.strings.format for text"),
    (r"interpreted as an integer|indices must be", "a Python index or range() " + _NO_VALUE + "use tf.gather or tf.range"),
    (r"symbolic.* to a numpy array", "NumPy " + _NO_VALUE + "use TensorFlow's function of that name"),
    (r"as a Python `?bool", "a branch (if, while, and, or, assert) " + _NO_VALUE + "use tf.cond, tf.where or tf.while_loop"),
    (r"terating over", "a Python loop " + _NO_VALUE + "use tf.map_fn, or tf.unstack where the size is known"),
    (
        r"initialized in|must also|may not be (None|undefined)|before the loop|return a value from|must be defined",
        "a branch or loop that depends on a tensor's value must give each name a tensor of one dtype on every way through it",
    ),
    (
        r"missing.* argument|too many positional|requires? .*argument|first argument to .* must always be passed",
        "give example arguments or a tf.TensorSpec for each",
    ),
)  # fmt: skip


def label_of(source: Any) -> str:
    """Return the name of a callable for messages."""
    return "%s %s" % ("model" if hasattr(source, "train_on_batch") else "function", object_name(source))


@contextmanager
def explain_errors(label: str, doubles: Sequence[str] = ()) -> Iterator[None]:
    """Turn any error of the traced code into a ``GraphcutError``.

    Args:
        label: what was traced.
        doubles: the names of its arguments that are ``float64``.
    """
    try:
        yield
    except GraphcutError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        raise GraphcutError("\n".join(_sentences(label, error, doubles))) from error


class ScriptError(NamedTuple):
    """The reason why the trace of a script ended.

    ``said``: the error in one line; ``where``: ``file:line`` of the user's innermost line; ``advice``: what to do, or nothing;
    ``needs_value``: the script asks for the value of a tensor, so it works when it is run.
    """

    said: str
    where: str
    advice: str
    needs_value: bool


def describe_script_error(error: BaseException) -> ScriptError:
    """Return the reason why the trace of a script ended."""
    inner = _unwrapped(error)
    message, where = _message_of(inner), _where(inner) or _where(error) or ""
    loop = _LOOP.search(line_of(where))
    needs_value = "NoneType" not in message and any(re.search(pattern, str(inner)) for pattern in _VALUE_NEEDED)
    if needs_value and loop:
        return ScriptError(message, where, _OF_LOOP % loop.group(1), True)
    advice = "".join(_of_calls(error, inner, message, line_of(where)) or _advice(message))
    if needs_value and _NO_VALUE in advice:
        advice = advice.partition(": ")[0].replace("a function is traced", "a script is traced")
    return ScriptError(message, where, advice, needs_value)


_LOOP = re.compile(r"\.(fit|train_on_batch|evaluate|predict)\(")
_OF_LOOP = "%s() reads the results of the first batch, and no tensor has a value while a script is traced"
_VALUE_NEEDED = (
    *(pattern for pattern, advice in _ADVICE if _NO_VALUE in advice),
    r"[Ss]ymbolic",
    r"[Ee]ager",
    "Cannot get value",
)


def error_line(error: BaseException) -> str:
    """Return the message of an error and the place where it was raised, in one line."""
    error = _unwrapped(error)
    where = _where(error)
    return printable(_message_of(error).rstrip("."), 250)[1:-1] + (
        " at " + printable(nearby(where), 200)[1:-1] if where else ""
    )


def _sentences(label: str, error: BaseException, doubles: Sequence[str]) -> Iterator[str]:
    inner = _unwrapped(error)
    message = _message_of(inner)
    yield "%s cannot be traced: %s" % (printable(label)[1:-1], printable(message, 250)[1:-1])
    where = _where(inner) or _where(error)
    if where is not None:
        line = line_of(where)
        yield "raised at %s" % printable(nearby(where), 200)[1:-1] + (": " + printable(line, 150)[1:-1] if line else "")
    yield from (
        _of_calls(error, inner, message, line_of(where) if where else "") or _of_doubles(message, doubles) or _advice(message)
    )


def _of_calls(error: BaseException, inner: BaseException, said: str, line: str) -> List[str]:
    """Return the advice for a library call that is the real reason of the error: a loss of ``None``, ``predict``."""
    called = [name for each in (error, inner) for file, _, name in _frames(each) if is_library(file)]
    outside = re.search(r"\.(predict|predict_on_batch|predict_proba)\(", line)
    if outside:
        name = outside.group(1)
        return ["%s() returns NumPy values, and no gradient passes those: call model(x) under the tape" % name]
    if "None" in said and _LOSSES.intersection(called):
        return ["the loss is None: its function has no return, or there are no labels in the batch"]
    functions = _NUMPY.findall(line) if "numpy() is only available" in said or "to a numpy array" in said else []
    if len(functions) == 1 and ".numpy(" not in line:
        return ["np.%s() %suse %s" % (functions[0], _NO_VALUE, _tensorflow_name(functions[0]))]
    if _is_of_target(line, said):
        return ["the loss is None: what computes it returns nothing, or no value was assigned to it"]
    return []


_NUMPY = re.compile(r"\b(?:np|numpy|onp)\.(\w+)\(")
_OTHER_NAMES: Mapping[str, str] = {
    "array": "the tensor itself",
    "asarray": "the tensor itself",
    "clip": "tf.clip_by_value",
    "concatenate": "tf.concat",
    "dot": "tf.tensordot",
    "power": "tf.pow",
}
_LOSSES = frozenset(["compute_loss", "_compute_loss", "compiled_loss", "call_and_reduce", "compute_weighted_loss"])


def _tensorflow_name(name: str) -> str:
    """Return TensorFlow's counterpart of a NumPy function, such as ``tf.reduce_mean``."""
    import tensorflow as tf

    if isinstance(getattr(tf, name, None), tf.DType):
        return "tf.cast"
    names = (
        (prefix, module, each) for prefix, module in (("tf.", tf), ("tf.math.", tf.math)) for each in (name, "reduce_" + name)
    )
    callables = [prefix + each for prefix, module, each in names if callable(getattr(module, each, None))]
    return _OTHER_NAMES.get(name) or (callables[0] if callables else "TensorFlow's function of that name")


def _is_of_target(line: str, said: str) -> bool:
    """Return whether a tape was asked for the gradient of ``None``."""
    return ("target" in said.lower() and "None" in said) or (
        ("NoneType" in said or "value None" in said) and ".gradient(" in line
    )


def _of_doubles(said: str, doubles: Sequence[str]) -> List[str]:
    """Return the advice for an array of doubles that meets floats."""
    if not doubles or "float64" not in said and "double" not in said:
        return []
    names = " and ".join(doubles)
    return ["your array %s is float64; pass float32: %s.astype('float32')" % (names, doubles[0])]


def double_arguments(source: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> List[str]:
    """Return the names of the arguments of a callable that are arrays or tensors of ``float64``, in lists and dicts, too."""
    try:
        names = list(inspect.signature(getattr(source, "python_function", source)).parameters)
    except (TypeError, ValueError):
        names = []
    names += ["argument %d" % (index + 1) for index in range(len(names), len(args))]
    return [name for name, value in (*zip(names, args), *kwargs.items()) if _holds_doubles(value)]


def _holds_doubles(value: Any) -> bool:
    if isinstance(value, (list, tuple, dict)):
        return any(map(_holds_doubles, value.values() if isinstance(value, dict) else value))
    dtype = getattr(value, "dtype", None)
    return str(getattr(dtype, "name", dtype)) == "float64"


def _advice(said: str) -> List[str]:
    """Return the code to write instead; empty if ``None`` was used as a tensor, because such code fails when run, too."""
    if "NoneType" in said:
        return []
    matches = ((re.search(pattern, said), advice) for pattern, advice in _ADVICE)
    return [result.expand(advice) for result, advice in matches if result][:1]


def _unwrapped(error: BaseException) -> BaseException:
    """Return the original error, without the one that Keras wraps around it."""
    inner = error.__cause__ or error.__context__
    while "Exception encountered when calling" in str(error) and inner is not None:
        error, inner = inner, inner.__cause__ or inner.__context__
    return error


def _message_of(error: BaseException) -> str:
    """Return the type and the first line of an error's message, or the first sentence of a long line, without a traceback."""
    metadata = getattr(error, "ag_error_metadata", None)
    text = _BINDING.sub(r"\1", str(error if metadata is None else metadata.cause_message).strip())
    first = text.partition("\n")[0]
    first = first.partition(". ")[0] if len(first) > _LONG else first
    return first if metadata is not None else "%s: %s" % (type(error).__name__, first) if first else type(error).__name__


_BINDING = re.compile(r"Binding inputs to tf\.function failed due to `(.*?)`(?:\. Received args: .*)?", re.DOTALL)


def _where(error: BaseException) -> Optional[str]:
    """Return ``file:line`` of the innermost frame outside installed packages, else outside TensorFlow and Keras."""
    frames = _frames(error)
    own = [frame for frame in frames if "site-packages" not in frame[0] and "dist-packages" not in frame[0]]
    return place(own)[0] or place(frames)[0]


def _frames(error: BaseException) -> List[Tuple[str, int, str]]:
    """Return the file, line and function of each frame of an error, the outermost first.

    AutoGraph's list of the frames of generated code, by their original source, comes after Python's own frames.
    """
    raised = [(each.filename, each.lineno or 0, each.name) for each in traceback.extract_tb(error.__traceback__)]
    metadata = getattr(error, "ag_error_metadata", None)
    written = () if metadata is None else metadata.translated_stack[::-1]
    return raised + [(str(each.filename), each.lineno, each.function_name) for each in written]
