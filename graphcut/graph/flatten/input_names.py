"""The names in one graph or function body, and the tensors that its input strings stand for."""

from __future__ import annotations

from itertools import compress
from typing import Callable, Dict, Optional, Sequence, Tuple

from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.flatten.op_kinds import Layout
from graphcut.util.text import numeral

NO_OUTPUT = -1
_MANY = 20000


class Namespace:
    """The names of a body's ops. ``tensors`` caches the tensor of each input string."""

    def __init__(self, body: str, outputs: Callable[[int], Tuple[int, Layout]]) -> None:
        self.body = "function " + printable(body) if body else "the graph"
        self.ops: Dict[str, int] = {}
        self.tensors: Dict[str, int] = {}
        self._outputs = outputs

    def extend(self, names: Sequence[str], ops: Sequence[int], firsts: Sequence[int]) -> None:
        """Add ops, each with its first output or ``NO_OUTPUT``."""
        fresh = dict(zip(names, ops))
        if len(fresh) != len(names) or "" in fresh or not self.ops.keys().isdisjoint(fresh):
            raise self._duplicate_error(names)
        self.ops.update(fresh)
        self.tensors.update(compress(zip(names, firsts), map(NO_OUTPUT.__ne__, firsts)))

    def _duplicate_error(self, names: Sequence[str]) -> GraphcutError:
        seen = {"", *self.ops}
        name = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        return GraphcutError(
            "%s has %s\nEach op needs a name of its own; the file is damaged or was edited by hand."
            % (self.body, "two ops named " + printable(name) if name else "an op without a name")
        )

    def op(self, name: str, reader: str) -> int:
        """Return the op that a control input names."""
        if name in self.ops:
            return self.ops[name]
        raise self._unknown_error(name, reader, "waits for")

    def tensor(self, text: str, reader: str, verb: str) -> int:
        """Return the tensor of an input string, cached: ``op``, ``op:1``, or ``op:output_arg:1`` in functions."""
        if text in self.tensors:
            return self.tensors[text]
        name, _, rest = text.partition(":")
        if name not in self.ops:
            raise self._unknown_error(name, reader, verb)
        first, layout = self._outputs(self.ops[name])
        offset = _offset(layout, rest)
        if offset is None:
            raise GraphcutError(
                "op %s %s %s, and that op has no such output\nThe file is damaged, or written by another version of the op."
                % (printable(reader), verb, printable(text))
            )
        self.tensors[text] = first + offset
        return first + offset

    def _unknown_error(self, name: str, reader: str, verb: str) -> GraphcutError:
        hint = near_names(name, self.ops) if len(self.ops) < _MANY else ""
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
