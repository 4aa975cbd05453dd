"""The names in one graph or function body, and the tensors that its input strings stand for."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Callable, Dict, Iterable, Optional, Sequence, Tuple

from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.flatten.op_kinds import Layout
from graphcut.util.text import numeral

_MANY = 20000


class Namespace:
    """The names of a body's ops, as bytes. ``tensors`` caches the tensor of each input string.

    The name of an op stands for its first output in ``tensors``; ``silent`` has the ops without outputs and the calls, whose
    outputs are those of their results. No dictionary holds all ops, because one with a million names is costly.
    """

    def __init__(
        self, body: str, names: Sequence[str], first_output: Sequence[int], outputs: Callable[[int], Tuple[int, Layout]]
    ) -> None:
        self.body = "function " + printable(body) if body else "the graph"
        self.tensors: Dict[bytes, int] = {}
        self.silent: Dict[bytes, int] = {}
        self._names, self._first_output, self._outputs = names, first_output, outputs

    def check(self, count: int, named: Iterable[Any]) -> None:
        """Refuse ops that share a name or have none.

        ``named`` are the ``count`` arguments and nodes. Call this before any look-up.
        """
        both = sum(1 for name in self.silent if name in self.tensors)  # calls that have results
        if len(self.tensors) + len(self.silent) - both < count or b"" in self.tensors or b"" in self.silent:
            raise self._duplicate_error([each.name for each in named])

    def _duplicate_error(self, names: Sequence[str]) -> GraphcutError:
        seen = {""}
        name = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        return GraphcutError(
            "%s has %s\nEach op needs a name of its own; the file is damaged or was edited by hand."
            % (self.body, "two ops named " + printable(name) if name else "an op without a name")
        )

    def op(self, name: str, reader: str) -> int:
        """Return the op that a control input names."""
        number = self._find(name)
        if number is None:
            raise self._unknown_error(name, reader, "waits for")
        return number

    def _find(self, name: str) -> Optional[int]:
        key = name.encode()
        if key in self.silent or key not in self.tensors:
            return self.silent.get(key)
        op = bisect_right(self._first_output, self.tensors[key]) - 1
        return op if self._names[op] == name else None

    def tensor(self, text: str, reader: str, verb: str) -> int:
        """Return the tensor of an input string, cached: ``op``, ``op:1``, or ``op:output_arg:1`` in functions."""
        key = text.encode()
        if key in self.tensors:
            return self.tensors[key]
        name, _, rest = text.partition(":")
        op = self._find(name)
        if op is None:
            raise self._unknown_error(name, reader, verb)
        first, layout = self._outputs(op)
        offset = _offset(layout, rest)
        if offset is None:
            raise GraphcutError(
                "op %s %s %s, and that op has no such output\nThe file is damaged, or written by another version of the op."
                % (printable(reader), verb, printable(text))
            )
        self.tensors[key] = first + offset
        return first + offset

    def _unknown_error(self, name: str, reader: str, verb: str) -> GraphcutError:
        hint = near_names(name, self._names) if len(self._names) < _MANY else ""
        return GraphcutError(
            "op %s %s %s, and there is no such op in %s%s\nThe file is damaged, or an op was removed without its consumers."
            % (printable(reader), verb, printable(name), self.body, hint)
        )


def _offset(layout: Layout, rest: str) -> Optional[int]:
    """Return the index, among all outputs, of ``1`` or ``output_arg:1``; ``None`` if there is no such output."""
    arg, _, number = rest.rpartition(":")
    index = numeral(number) if number else 0
    before = 0
    for name, dtypes in layout:
        if arg in ("", name):
            size = len(dtypes) if arg else sum(len(each) for _, each in layout)
            return before + index if index is not None and index < size else None
        before += len(dtypes)
    return None
