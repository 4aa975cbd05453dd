"""Say what to write in place of Python code that takes values out of TensorFlow, from the source line."""

from __future__ import annotations

import re
from typing import Iterator

_PREDICT = re.compile(r"([A-Za-z_][\w.]*)\.(predict|predict_on_batch|predict_proba)\(")
_WEIGHTS = re.compile(r"\b(get_weights|get_value|eval)\(")
_NUMPY = re.compile(r"\b(?:np|numpy|onp)\.((?:linalg\.)?\w+)\(")
_METHOD = re.compile(r"\.(numpy|item|tolist)\(\)")
_NUMBER = re.compile(r"\b(float|int|complex|bool)\(")
_REDUCTIONS = {"amax": "max", "amin": "min"}
_NAMES = {
    **{name: "tf.reduce_" + _REDUCTIONS.get(name, name) for name in ("sum", "mean", "max", "min", "prod", "amax", "amin")},
    **{name: "tf." + name for name in (
        "abs", "add", "cos", "cosh", "cumsum", "divide", "einsum", "exp", "expand_dims", "floor", "matmul", "maximum",
        "minimum", "multiply", "negative", "pad", "repeat", "reshape", "roll", "round", "sign", "sin", "sinh", "sort", "split",
        "sqrt", "square", "squeeze", "stack", "subtract", "tan", "tanh", "tensordot", "tile", "transpose", "where",
    )},
    **{name: "tf.math." + name for name in ("log", "log1p", "expm1", "ceil", "cumprod", "reciprocal")},
    "absolute": "tf.abs", "clip": "tf.clip_by_value", "concatenate": "tf.concat", "dot": "tf.tensordot", "power": "tf.pow",
    "std": "tf.math.reduce_std", "var": "tf.math.reduce_variance", "linalg.norm": "tf.norm",
}  # fmt: skip
_COPIES = ("array", "asarray", "float32", "float64")


def advice_for_line(line: str) -> str:
    """Return what to write instead of a line through which a value leaves TensorFlow; empty if the line does not show it.

    >>> advice_for_line("loss = np.mean(error.numpy())")
    'write tf.reduce_mean(...) in place of np.mean(...), and leave out .numpy()'
    """
    predict, weights = _PREDICT.search(line), _WEIGHTS.search(line)
    if predict:
        model, name = predict.groups()
        return f"write {model}(x) in place of {model}.{name}(x), which returns a NumPy array"
    if weights:
        return f"{weights.group(1)}() returns a value: compute with the variable itself"
    parts = list(_parts(line))
    return ", and ".join(parts[:2]) if parts else ""


def _parts(line: str) -> Iterator[str]:
    names = [name for name in dict.fromkeys(_NUMPY.findall(line)) if name not in _COPIES]
    for name in names[:1]:
        other = _NAMES.get(name)
        yield f"write {other + '(...)' if other else 'ops of TensorFlow'} in place of np.{name}(...)"
    method, number = _METHOD.search(line), _NUMBER.search(line)
    if method:
        instead = "" if names else ": TensorFlow's functions take the tensor itself"
        yield f"leave out .{method.group(1)}(){instead}"
    elif number:
        yield f"leave out {number.group(1)}(): a Python number has no gradient, tf.cast changes the dtype of a tensor"
    elif not names and _NUMPY.search(line):
        yield f"leave out np.{_NUMPY.findall(line)[0]}(...): TensorFlow's functions take the tensor itself"
