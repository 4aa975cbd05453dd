"""The dtypes of TensorFlow (``tensorflow/core/framework/types.proto``): numbers, names and the sets that rules need."""

from __future__ import annotations

DTYPES = {
    0: "invalid", 1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64",
    9: "int64", 10: "bool", 11: "qint8", 12: "quint8", 13: "qint32", 14: "bfloat16", 15: "qint16", 16: "quint16",
    17: "uint16", 18: "complex128", 19: "float16", 20: "resource", 21: "variant", 22: "uint32", 23: "uint64",
    24: "float8_e5m2", 25: "float8_e4m3fn", 26: "float8_e4m3fnuz", 27: "float8_e4m3b11fnuz", 28: "float8_e5m2fnuz",
    29: "int4", 30: "uint4", 31: "int2", 32: "uint2",
}  # fmt: skip
REF = 100  # a reference to a variable of TensorFlow 1 has the dtype's number plus this
STRING, RESOURCE, VARIANT = 7, 20, 21

REAL_FLOATS = frozenset((1, 2, 14, 19))
COMPLEX = frozenset((8, 18))
FLOATS = REAL_FLOATS | COMPLEX
DIFFERENTIABLE = FLOATS | {RESOURCE, VARIANT}  # the dtypes that TensorFlow lets carry a gradient, including handles and lists
FLOAT_NAMES = frozenset(DTYPES[dtype] for dtype in FLOATS)
COMPLEX_NAMES = frozenset(DTYPES[dtype] for dtype in COMPLEX)


def base_dtype(dtype: int) -> int:
    """Return the dtype that a reference refers to; return any other dtype unchanged.

    >>> base_dtype(101), base_dtype(1)
    (1, 1)
    """
    return dtype % REF


def dtype_name(dtype: int) -> str:
    """Return ``float32`` for 1 and for 101, its reference."""
    return DTYPES.get(dtype % REF, "dtype %d" % dtype)


def is_float(dtype: int) -> bool:
    """Return whether a dtype is a float or complex, also as a reference.

    >>> is_float(1), is_float(101), is_float(3), is_float(20)
    (True, True, False, False)
    """
    return base_dtype(dtype) in FLOATS


def is_handle(dtype: int) -> bool:
    """Return whether tensors of a dtype stand for a variable or another resource: a resource handle or a reference."""
    return dtype == RESOURCE or dtype > REF


def is_discrete(name: str) -> bool:
    """Return whether a dtype of that name never has a gradient: an integer, a boolean, a string.

    >>> is_discrete("int64"), is_discrete("complex64"), is_discrete("resource")
    (True, False, False)
    """
    return name.startswith(("int", "uint", "bool", "string", "qint", "quint"))
