"""Find tensors that are all zeros whatever is fed. This is sound, not complete: in doubt, a tensor counts as nonzero.

A product with zero counts as zero, as everywhere in automatic differentiation: infinities are ignored.
"""

from __future__ import annotations

from typing import AbstractSet, Callable, Dict, FrozenSet, List, Optional, Sequence

from graphcut.graph.attrs import attributes, booleans, is_one, is_zero
from graphcut.graph.flat import FlatGraph, Kind, ops_of_kinds

Zero = Callable[[Sequence[bool]], bool]
Test = Optional[Zero]


def _first(inputs: Sequence[bool]) -> bool:
    return bool(inputs) and inputs[0]


def _second(inputs: Sequence[bool]) -> bool:
    return len(inputs) > 1 and inputs[1]


def _always(inputs: Sequence[bool]) -> bool:
    return True


def _branches(inputs: Sequence[bool]) -> bool:
    return len(inputs) == 3 and inputs[1] and inputs[2]


def _pieces(inputs: Sequence[bool]) -> bool:
    return len(inputs) > 1 and all(inputs[:-1])


def _each(inputs: Sequence[bool]) -> bool:
    """Mark ops that have one output for each input: an output is zero if its input is."""
    return all(inputs)


# What makes the output of each op type zero. These are facts of arithmetic, not of gradients: they hold in every version.
ZERO_WHEN: Dict[str, Zero] = {
    "ZerosLike": _always,
    "Fill": _second,
    "SelectV2": _branches,
    "Select": _branches,
    "ConcatV2": _pieces,
    "IdentityN": _each,
}
ZERO_WHEN.update(
    dict.fromkeys(["Mul", "MulNoNan", "DivNoNan", "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv2D"], any)
)
ZERO_WHEN.update(dict.fromkeys(["Add", "AddV2", "AddN", "Sub", "Pack", "Complex"], all))
ZERO_WHEN.update(
    dict.fromkeys(
        [
            "Identity",
            "Snapshot",
            "Reshape",
            "Cast",
            "Neg",
            "Sum",
            "Mean",
            "Tile",
            "BroadcastTo",
            "Transpose",
            "ExpandDims",
            "Squeeze",
            "StopGradient",
            "PreventGradient",
            "Slice",
            "StridedSlice",
            "Pad",
            "Conj",
            "Real",
            "Imag",
            "RealDiv",
            "Div",
            "Square",
            "Sqrt",
            "Abs",
            "Sign",
            "Xlogy",
            "Xlog1py",
            "Xdivy",
            "Relu",
            "Tanh",
            "Sin",
            "_Arg",
        ],
        _first,
    )
)


def zero_tensors(flat: FlatGraph, assumed: AbstractSet[int] = frozenset()) -> FrozenSet[int]:
    """Return the outputs known to be all zeros (for most ops only the first output is considered), and those in ``assumed``.

    One pass in the graph's order is enough for plain ops. Bodies of functions come after the readers of their results, so
    zeros that come out of a call are propagated from there.
    """
    zeros = set(assumed)
    tests = [zero_test(kind) for kind in flat.kind_table]
    for op in ops_of_kinds(flat, [kind for kind, test in enumerate(tests) if test is not None]):
        test, inputs = tests[flat.kinds[op]], flat.inputs[op]
        if not inputs or test is _always or not zeros.isdisjoint(inputs):
            zeros.update(_zero_outputs(flat, test, op, zeros))
    results = (op for call in flat.calls for op in call.results)
    waiting = (
        [op for op in results if not zeros.issuperset(_zero_outputs(flat, tests[flat.kinds[op]], op, zeros))] if zeros else []
    )
    readers = _readers(flat, tests) if waiting else {}
    while waiting:
        op = waiting.pop()
        for tensor in _zero_outputs(flat, tests[flat.kinds[op]], op, zeros):
            if tensor not in zeros:
                zeros.add(tensor)
                waiting.extend(readers.get(tensor, ()))
    return frozenset(zeros)


def _zero_outputs(flat: FlatGraph, test: Test, op: int, zeros: AbstractSet[int]) -> Sequence[int]:
    """Return the outputs of an op that are zero, given the tensors that are."""
    inputs = flat.inputs[op]
    if test is _each:
        return [output for output, tensor in zip(flat.outputs(op), inputs) if tensor in zeros]
    return flat.outputs(op)[:1] if test is not None and test([tensor in zeros for tensor in inputs]) else ()


def _readers(flat: FlatGraph, tests: Sequence[Test]) -> Dict[int, List[int]]:
    """Return, for each tensor, the ops that read it and whose output may be zero because of it."""
    readers: Dict[int, List[int]] = {}
    for op, inputs in enumerate(flat.inputs):
        if tests[flat.kinds[op]]:
            for tensor in inputs:
                readers.setdefault(tensor, []).append(op)
    return readers


def zero_test(kind: Kind) -> Test:
    """Return the rule that says when ops of a kind are zero, given which inputs are; ``None`` if there is none."""
    if kind.type == "Const":
        return _always if is_zero(kind) else None
    if kind.type == "_Retval" and kind.outputs:  # TensorFlow's own op of that name has none
        branches = int(attributes(kind)["branches"].i)
        return lambda inputs: all(inputs[:branches])
    return ZERO_WHEN.get(kind.type)


def idle_inputs(flat: FlatGraph) -> Dict[int, int]:
    """Return, for each op that a constant decides, the input whose gradient is always zero.

    Examples are the side that a ``Select`` never takes and the exponent of ``1 ** w``.
    """
    kinds = {kind: _IDLE[each.type] for kind, each in enumerate(flat.kind_table) if each.type in _IDLE}
    sources = ((op, kinds[flat.kinds[op]](_source(flat, op))) for op in ops_of_kinds(flat, kinds) if flat.inputs[op])
    return {op: index for op, index in sources if index is not None}


def _source(flat: FlatGraph, op: int) -> Kind:
    return flat.kind_table[flat.kinds[flat.producer[flat.inputs[op][0]]]]


def _unselected_input(condition: Kind) -> Optional[int]:
    values = booleans(condition)
    return None if values is None or len(values) != 1 else 2 if values[0] else 1


def _exponent(base: Kind) -> Optional[int]:
    return 1 if is_one(base) else None


_IDLE: Dict[str, Callable[[Kind], Optional[int]]] = {
    "Select": _unselected_input,
    "SelectV2": _unselected_input,
    "Pow": _exponent,
}
DECIDED_BY_CONSTANTS = frozenset(_IDLE)
