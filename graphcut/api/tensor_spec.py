"""Parse values of the command line: ``float32[32,?]``, a dtype and shape, and ``0.5``, an initial gradient."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, Mapping, Optional, Tuple, Union

from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.dtypes import DTYPES

_SPEC = re.compile(r"\s*([a-z][a-z0-9]*)\s*\[([^\[\]]*)\]\s*")
_UNKNOWN = ("?", "none", "*")
_DTYPES = ("float", "double", "half", *(name for number, name in DTYPES.items() if number))


@dataclass(frozen=True)
class Spec:
    """An argument without a value: a dtype and a shape."""

    dtype: str
    shape: Tuple[Optional[int], ...]


def parse_spec(text: str) -> Spec:
    """Parse a spec: ``float32[]`` is a scalar, ``?`` an unknown size. Raise ``GraphcutError`` if it is invalid.

    >>> parse_spec("float32[32,?]")
    Spec(dtype='float32', shape=(32, None))
    """
    match = _SPEC.fullmatch(text)
    sizes = [size.strip().lower() for size in match.group(2).split(",")] if match else []
    if sizes == [""]:
        sizes = []
    if match is None or not all(size in _UNKNOWN or re.fullmatch("[0-9]{1,18}", size) for size in sizes):
        raise GraphcutError(f"{printable(text)} is not a valid spec: expected a dtype and a shape, such as float32[32,?]")
    dtype = match.group(1)
    if dtype not in _DTYPES:
        near = near_names(dtype, _DTYPES)
        raise GraphcutError(f"{printable(text)} is not a valid spec: TensorFlow has no dtype {printable(dtype)}{near}")
    return Spec(dtype, tuple(None if size in _UNKNOWN else int(size) for size in sizes))


def refuse_specs(args: Iterable[object], kwargs: Mapping[str, object]) -> None:
    """Raise an error if a Python argument is written as on the command line.

    >>> refuse_specs(["float32[?,3]"], {})
    Traceback (most recent call last):
    ...
    graphcut.errors.GraphcutError: 'float32[?,3]' is how the command line writes an argument
    In Python, pass tf.TensorSpec([None, 3], tf.float32).
    """
    for text in (each for each in (*args, *kwargs.values()) if isinstance(each, str)):
        match = _SPEC.fullmatch(text)
        if match and match.group(1) in _DTYPES:
            spec = parse_spec(text)
            raise GraphcutError(
                f"{printable(text)} is how the command line writes an argument\n"
                f"In Python, pass tf.TensorSpec({list(spec.shape)}, tf.{spec.dtype})."
            )


def start(text: str) -> Union[None, str, float, complex]:
    """Parse the gradient to start from: a number, ``None`` for ``none``, else the name of a tensor.

    >>> start("0"), start("1j"), start("none"), start("seed:0")
    (0.0, 1j, None, 'seed:0')
    """
    if text.strip().lower() == "none":
        return None
    for number in (float, complex):
        try:
            return number(text)
        except ValueError:
            continue
    return text
