"""The outputs of op types: their names, and their dtypes in terms of attributes.

``tools/make_ops_table.py`` generates ``op_outputs.txt`` by asking TensorFlow. An op type that is not in the table comes with
an ``OpDef`` (a MetaGraph has those it uses, a live graph has all), or its outputs are unknown.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from graphcut.errors import GraphcutError, printable

_MOST_OUTPUTS = 2000000
_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "op_outputs.txt")


class Output(NamedTuple):
    """One argument of an op: ``number`` is an attribute or empty, ``dtype`` a number, an attribute or ``[attribute]``."""

    name: str
    ref: bool
    number: str
    dtype: str


class Signature(NamedTuple):
    """The outputs of an op type, and the defaults of the attributes that they name."""

    outputs: Tuple[Output, ...]
    defaults: Mapping[str, str]

    @property
    def is_fixed(self) -> bool:
        """Return whether the outputs do not depend on attributes."""
        return all(output.dtype.isdigit() and not output.number for output in self.outputs)


@lru_cache(maxsize=None)
def _table() -> Dict[str, str]:
    with open(_PATH) as stream:
        lines = (line.rstrip("\n").partition(" ") for line in stream)
        return {name: rest for name, _, rest in lines}


@lru_cache(maxsize=4096)
def find_signature(op_type: str) -> Any:
    """Return the signature of an op type in the table, or ``None``."""
    rest = _table().get(op_type)
    if rest is None:
        return None
    words = rest.split()
    outputs = arguments([word for word in words if ":" in word])
    return Signature(outputs, dict(word.split("=", 1) for word in words if ":" not in word))


def arguments(specs: Sequence[str]) -> Tuple[Output, ...]:
    """Return the arguments that specs such as ``output:num_split*T``, ``ref:&T`` and ``values:[T]`` stand for."""
    return tuple(_argument(*spec.split(":", 1)) for spec in specs)


def _argument(name: str, spec: str) -> Output:
    number, _, dtype = spec.lstrip("&").rpartition("*")
    return Output(name, spec.startswith("&"), number, dtype)


def specs(args: Sequence[Any]) -> List[str]:
    """Return the specs of arguments from the ``ArgDef`` messages of an ``OpDef``."""
    return ["%s:%s%s%s" % (arg.name, "&" if arg.is_ref else "", _count(arg), _dtype_of(arg)) for arg in args]


def _count(arg: Any) -> str:
    return arg.number_attr + "*" if arg.number_attr else ""


def _dtype_of(arg: Any) -> str:
    return "[%s]" % arg.type_list_attr if arg.type_list_attr else arg.type_attr or str(arg.type)


def from_op_def(op_def: Any) -> Signature:
    """Return the signature in an ``OpDef`` message."""
    defaults = {attr.name: _default(attr.default_value) for attr in op_def.attr if attr.default_value.WhichOneof("value")}
    return Signature(arguments(specs(op_def.output_arg)), defaults)


def _default(value: Any) -> str:
    if value.WhichOneof("value") == "list":
        return ",".join(map(str, value.list.type))
    return str(value.i or value.type)


def layout(signature: Signature, attrs: Mapping[str, Any]) -> Tuple[Tuple[str, Tuple[int, ...]], ...]:
    """Return the name of each output argument and the dtypes of its tensors."""
    return tuple((output.name, _dtypes(output, signature.defaults, attrs)) for output in signature.outputs)


def _dtypes(output: Output, defaults: Mapping[str, str], attrs: Mapping[str, Any]) -> Tuple[int, ...]:
    ref = 100 if output.ref else 0
    if output.dtype.startswith("["):
        name = output.dtype[1:-1]
        listed = attrs[name].list.type if name in attrs else [int(each) for each in defaults.get(name, "").split(",") if each]
        return tuple(dtype + ref for dtype in listed)
    dtype = int(output.dtype) if output.dtype.isdigit() else _number(output.dtype, "type", defaults, attrs)
    count = _number(output.number, "i", defaults, attrs) if output.number else 1
    if count > _MOST_OUTPUTS:
        raise GraphcutError(
            "an op has %d outputs, says its attribute %s; the limit is %d\nThe file is damaged."
            % (count, printable(output.number), _MOST_OUTPUTS)
        )
    return (dtype + ref,) * count


def _number(name: str, field: str, defaults: Mapping[str, str], attrs: Mapping[str, Any]) -> int:
    return int(getattr(attrs[name], field)) if name in attrs else int(defaults.get(name, 0))
