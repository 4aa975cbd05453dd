"""The terms of a loss, and which of them give a variable its gradient.

The *terms* are the summands of the loss. They are found by walking back from the loss through additions of scalars and through
ops that only pass a value on, negate it or scale it by a constant. A sum of stacked scalars is such an addition, too. If a
shape is unknown, an addition counts as long as no reduction lies before it. A term *carries* to a tensor if a carrying path
leads from the one to the other; it *uses* the tensor if it is computed from it, barriers or not. A *regularizer* is a term
that is computed from variables and constants alone; a random number is data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, FrozenSet, Iterator, List, Mapping, Sequence, Tuple

from graphcut.analysis.raising_ops import ancestors
from graphcut.analysis.reachability import carries
from graphcut.analysis.verdicts import GradientFlow
from graphcut.graph.dataflow import run_analysis, tensors_from_loss
from graphcut.graph.flat import FlatGraph, Shape

_SUMS = frozenset(["Add", "AddV2", "AddN", "Sub"])
_HANDS_ON = frozenset(["Identity", "_Retval", "_Arg", "Neg", "Snapshot", "Reshape", "Squeeze"])
_SCALES = frozenset(["Mul", "RealDiv", "Div", "DivNoNan"])
_REDUCES = frozenset(["Sum", "Mean"])


@dataclass(frozen=True)
class Summands:
    """The terms of a loss as tensors, and for each tensor, as bits, the terms that carry to it."""

    terms: Tuple[int, ...]
    carrying: Dict[int, int]

    def only(self, tensor: int) -> List[int]:
        """Return the only term that carries to a tensor, if the loss has several terms; else ``None``."""
        terms = self.carrying_to(tensor)
        return terms if len(terms) == 1 < len(self.terms) else []

    def carrying_to(self, tensor: int) -> List[int]:
        """Return the terms that carry to a tensor."""
        return self.terms_of(self.carrying.get(tensor, 0))

    def cut_off(self, tensor: int, uses: Mapping[int, int]) -> List[int]:
        """Return the terms that use a tensor and do not carry to it; ``uses`` is what ``terms_using`` returns."""
        return self.terms_of(uses.get(tensor, 0) & ~self.carrying.get(tensor, 0))

    def terms_of(self, mask: int) -> List[int]:
        """Return the terms whose bits are set in a mask."""
        return [term for bit, term in enumerate(self.terms) if mask >> bit & 1]


def summands(flow: GradientFlow, shape_of: Callable[[int], Shape]) -> Summands:
    """Return the terms of a loss; none if a custom gradient is independent of the loss, as terms cannot be separated then."""
    terms = tuple(dict.fromkeys(_terms(flow, shape_of)))
    if len(terms) < 2 or flow.connected.independent:
        return Summands((), {})
    return Summands(terms, terms_carrying(flow, terms))


def terms_using(flow: GradientFlow, terms: Sequence[int]) -> Dict[int, int]:
    """Return for each tensor, as bits, the terms that use it."""
    return _propagate_terms(flow, terms, _used_inputs)


def terms_carrying(flow: GradientFlow, terms: Sequence[int]) -> Dict[int, int]:
    """Return for each tensor, as bits, the terms that carry to it."""
    return _propagate_terms(flow, terms, _carried_inputs)


def is_regularizer(flat: FlatGraph, term: int, variables: FrozenSet[int]) -> bool:
    """Return whether a term is computed from variables (their ops) and constants alone."""
    ops = ancestors(flat, [term])
    is_fixed = all(op in variables or flat.type(op) == "Const" for op in ops if not flat.inputs[op])
    return is_fixed and not any("Random" in flat.type(op) for op in ops)


def _terms(flow: GradientFlow, shape_of: Callable[[int], Shape]) -> Iterator[int]:
    flat = flow.rules.flat
    waiting = list(reversed(flow.seeds))
    seen = set(waiting)
    while waiting:
        tensor = waiting.pop()
        inside = _summands_of(flat, tensor, shape_of)
        if not inside and flat.type(flat.producer[tensor]) != "Const":
            yield tensor
        fresh = [each for each in dict.fromkeys(inside) if each not in seen]
        seen.update(fresh)
        waiting.extend(reversed(fresh))


def _summands_of(flat: FlatGraph, tensor: int, shape_of: Callable[[int], Shape]) -> Sequence[int]:
    """Return the tensors whose sum a tensor is; empty if it is itself a term."""
    op = flat.producer[tensor]
    kind, inputs = flat.type(op), flat.inputs[op]
    if kind in _SUMS:
        return inputs if shape_of(tensor) in ((), None) else ()
    if kind in _REDUCES:
        return inputs[:1] if shape_of(inputs[0]) == () else _stacked_numbers(flat, inputs[0], shape_of)
    if kind in _SCALES:
        numbers = [each for each in inputs if flat.type(flat.producer[each]) != "Const"]
        return numbers if len(numbers) == 1 and shape_of(tensor) in ((), None) else ()
    return inputs[:1] if kind in _HANDS_ON else ()


def _stacked_numbers(flat: FlatGraph, tensor: int, shape_of: Callable[[int], Shape]) -> Sequence[int]:
    """Return the numbers that a tensor is stacked from, as Keras 3 does before it sums the losses of a model."""
    op = flat.producer[tensor]
    is_stack = flat.type(op) == "Pack" and all(shape_of(each) == () for each in flat.inputs[op])
    return flat.inputs[op] if is_stack else ()


def _carried_inputs(flow: GradientFlow, op: int, output: int) -> Sequence[int]:
    inputs = flow.rules.flat.inputs[op]
    return () if op in flow.stopped else [inputs[index] for index in carries(flow.rules.row(op))[output]]


def _used_inputs(flow: GradientFlow, op: int, output: int) -> Sequence[int]:
    return flow.rules.flat.inputs[op]


def _propagate_terms(
    flow: GradientFlow, terms: Sequence[int], further: Callable[[GradientFlow, int, int], Sequence[int]]
) -> Dict[int, int]:
    """Return for each tensor, as bits, the terms that lead to it, united from the loss outward."""
    flat = flow.rules.flat
    masks = {term: 1 << bit for bit, term in enumerate(terms)}

    def sources(tensor: int) -> Sequence[int]:
        op = flat.producer[tensor]
        return further(flow, op, tensor - flat.first_output[op])

    return run_analysis(masks, list(tensors_from_loss(flat, reversed(flow.order))), sources)
