"""Resolve a user's names to tensors: ``op``, ``op:1``, an output's key, the name of an op inside a function body."""

from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.flat import SEPARATOR, FlatGraph
from graphcut.util.text import numeral

_FEW = 5  # single lookups before a dictionary of all names is worthwhile


def _index(names: Sequence[str], name: str) -> Optional[int]:
    try:
        return names.index(name)
    except ValueError:
        return None


class Names:
    """The names of a flat graph's ops and tensors. An op of a function body stands for all its copies."""

    def __init__(self, flat: FlatGraph, variables: Mapping[str, int] = {}) -> None:
        """``variables`` maps names of the tensors of variables, such as ``w:0``, to these tensors."""
        self.flat = flat
        self._variables = variables
        self._ops: Optional[Dict[str, int]] = None
        self._searches = 0
        self._copies: Optional[Dict[str, List[int]]] = None
        self._results = {flat.names[call.op]: call.results for call in flat.calls}

    def ops(self, name: str) -> Tuple[int, ...]:
        """Return the ops of that name, including all copies of an op in a body; empty if there are none."""
        op = self.op(name)
        if op is not None:
            return (op,)
        if self._copies is None:
            self._copies = {}
            for op, context in enumerate(self.flat.contexts):
                if context >= 0:
                    self._copies.setdefault(self.flat.names[op].rpartition(SEPARATOR)[2], []).append(op)
        return tuple(self._copies.get(name, ()))

    def op(self, name: str) -> Optional[int]:
        """Return the op of exactly that name; the name of an op in a body does not stand for its copies."""
        if self._ops is None:
            self._searches += 1
            if self._searches <= _FEW:
                return _index(self.flat.names, name)
            self._ops = {each: op for op, each in enumerate(self.flat.names)}
        return self._ops.get(name)

    def tensors(self, name: str) -> Tuple[int, ...]:
        """Return the tensors that ``op:1`` or ``op`` (all its outputs) names; empty if there are none."""
        variable = self._variables.get(name)
        if variable is not None:
            return (variable,)
        op_name, colon, digits = name.rpartition(":")
        number = numeral(digits) if colon else None
        if number is not None:
            outputs = [self._output(op, number) for op in self.ops(op_name)]
            if any(outputs):
                return tuple(tensor for each in outputs for tensor in each)
        return tuple(tensor for op in self.ops(name) for tensor in self._outputs(op))

    def _outputs(self, op: int) -> Tuple[int, ...]:
        results = self._results.get(self.flat.names[op])
        if results is not None:
            return tuple(self.flat.first_output[each] for each in results)
        return tuple(self.flat.outputs(op))

    def _output(self, op: int, number: int) -> Tuple[int, ...]:
        outputs = self._outputs(op)
        return outputs[number : number + 1]

    def require(self, name: str, role: str) -> Tuple[int, ...]:
        """Return the tensors of a name. If there are none, raise an error with the name and similar names."""
        tensors = self.tensors(name)
        if tensors:
            return tensors
        op_name, _, number = name.rpartition(":")
        if op_name and self.ops(op_name):
            count = len(self._outputs(self.ops(op_name)[0]))
            outputs = "1 output" if count == 1 else "%d outputs" % count
            raise GraphcutError(
                "%s %s: op %s has %s, and number %s is not among them"
                % (role, printable(name), printable(op_name), outputs, printable(number, 40)[1:-1])
            )
        if self.ops(name):
            raise GraphcutError("%s %s: that op has no outputs" % (role, printable(name)))
        raise GraphcutError("no op %s in this graph%s" % (printable(name), near_names(name, self.candidates())))

    def candidates(self) -> Iterable[str]:
        """Return the names that may be meant, in the graph's order."""
        return self.flat.names
