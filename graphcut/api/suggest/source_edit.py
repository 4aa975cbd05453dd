"""The source of a statement and edits of it as text: found by the syntax tree, shown as a unified diff.

The file is read, never written. Ends of nodes are known from Python 3.8 on; before, no source is edited.
"""

from __future__ import annotations

import ast
import difflib
import linecache
import sys
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from graphcut.graph.stack_frames import installed_package
from graphcut.util.source_lines import line_of, nearby

HAS_ENDS = sys.version_info >= (3, 8)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_CONTEXT = 3


@dataclass(frozen=True)
class Replacement:
    """Bytes ``start`` to ``end`` of a source, and the text that replaces them."""

    start: int
    end: int
    text: str


class Source:
    """The text of a file with its syntax tree; ``tensorflow`` is the name that it imports TensorFlow by, if it does."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.tree = ast.parse(text)
        self.data = text.encode("utf-8")
        self._starts = [0]
        for line in self.data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        nodes, self._parents = _walk(self.tree)
        self.names = frozenset(each.id for each in nodes if isinstance(each, ast.Name))
        self.tensorflow = _tensorflow_name(nodes)
        self._functions = [each for each in nodes if isinstance(each, FUNCTIONS)]
        self._statements = [(_first(each), _last(each), each) for each in nodes if isinstance(each, ast.stmt)]

    def offset(self, line: int, column: int) -> int:
        """Return the byte at a line, counted from 1, and a column in bytes, as the syntax tree has it."""
        return self._starts[line - 1] + column

    def span(self, node: ast.AST) -> Tuple[int, int]:
        """Return the first byte of a node and the byte after its end."""
        return (
            self.offset(node.lineno, node.col_offset),  # type: ignore[attr-defined]
            self.offset(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def of(self, node: ast.AST) -> str:
        """Return the text of a node."""
        start, end = self.span(node)
        return self.data[start:end].decode("utf-8")

    def parents(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, innermost first."""
        while node in self._parents:
            node = self._parents[node]
            yield node

    def statement(self, line: int) -> Optional[ast.stmt]:
        """Return the innermost statement that has code in a line."""
        result = [each for each in self._statements if each[0] <= line <= each[1]]
        return max(result, key=lambda each: (each[0], -each[1]))[2] if result else None

    def functions(self, node: ast.AST) -> List[Tuple[str, int]]:
        """Return the name and first line, decorators included, of each function that a node is in."""
        inside = [each for each in self.parents(node) if isinstance(each, FUNCTIONS)]
        return [(getattr(each, "name", "<lambda>"), _first(each)) for each in inside]

    def functions_around(self, start: int, end: int) -> List[Tuple[str, int]]:
        """Return, as ``functions`` does, the functions and lambdas that contain some bytes."""
        spans = ((self.span(each), each) for each in self._functions)
        return [
            (getattr(each, "name", "<lambda>"), _first(each)) for span, each in spans if span[0] <= start and end <= span[1]
        ]

    def value_of(self, name: ast.Name) -> Optional[ast.expr]:
        """Return the expression that a name has the value of: that of the only plain assignment, or of the one right before.

        The one before counts if it is in the same block of the same function, and nothing in between binds the name.
        """
        scope = next((each for each in self.parents(name) if isinstance(each, (*FUNCTIONS, ast.Module))), self.tree)
        stores = [each for each in ast.walk(scope) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]
        own = [each for each in stores if each.id == name.id]
        if len(own) > 1:
            own = self._last_store(name, own)
        parent = self._parents.get(own[0]) if len(own) == 1 else None
        plain = isinstance(parent, ast.Assign) and parent.targets == own and parent.lineno < name.lineno
        return parent.value if plain else None  # type: ignore[union-attr]

    def _last_store(self, name: ast.Name, stores: Sequence[ast.Name]) -> List[ast.Name]:
        """Return the last of some bindings of a name in the block of the statement that reads it, before that statement."""
        statement = next((each for each in self.parents(name) if isinstance(each, ast.stmt)), None)
        before = self.block(statement) if statement is not None and statement in self._parents else []
        before = [each for each in before if each.lineno < name.lineno and each is not statement]
        inside = [[store for store in stores if each in self.parents(store)] for each in before]
        return next((each for each in reversed(inside) if each), [])

    def block(self, statement: ast.stmt) -> List[ast.stmt]:
        """Return the block of statements that contains a statement."""
        parent = self._parents[statement]
        blocks = [getattr(parent, each, ()) for each in ("body", "orelse", "finalbody")]
        return next((list(each) for each in blocks if isinstance(each, list) and statement in each), [statement])

    def lines(self, statement: ast.stmt) -> Tuple[int, int]:
        """Return the first byte of the first line of a statement, and the byte after its last line."""
        return self._starts[_first(statement) - 1], self._starts[min(_last(statement), len(self._starts) - 1)]

    def edited(self, replacements: Sequence[Replacement]) -> Optional[str]:
        """Return the text with the replacements applied; ``None`` if they overlap or the result is not valid Python."""
        data, behind = self.data, len(self.data) + 1
        for each in sorted(set(replacements), key=lambda each: each.start, reverse=True):
            if each.end > behind:
                return None
            data, behind = data[: each.start] + each.text.encode("utf-8") + data[each.end :], each.start
        text = data.decode("utf-8")
        return text if text != self.text and _is_python(text) else None


def _walk(tree: ast.AST) -> Tuple[List[ast.AST], Dict[ast.AST, ast.AST]]:
    """Return all nodes of a tree in the order of ``ast.walk``, and the parent of each except the root."""
    nodes = [tree]
    parents: Dict[ast.AST, ast.AST] = {}
    for node in nodes:
        children = list(ast.iter_child_nodes(node))
        parents.update(dict.fromkeys(children, node))
        nodes += children
    return nodes, parents


def _tensorflow_name(nodes: Sequence[ast.AST]) -> Optional[str]:
    """Return the name under which a file imports TensorFlow; ``None`` if there is none."""
    names = [
        each.asname or each.name
        for node in nodes
        if isinstance(node, ast.Import)
        for each in node.names
        if each.name == "tensorflow" or (each.asname and each.name in ("tensorflow.compat.v1", "tensorflow.compat.v2"))
    ]
    return names[0] if names else None


def read_source(where: Optional[str]) -> Optional[Tuple[Source, int]]:
    """Return the source file and the line number of a place such as ``model.py:12``.

    ``None`` if the file cannot be read or is not the user's to edit.
    """
    path, _, number = (where or "").rpartition(":")
    if not HAS_ENDS or not line_of(where) or installed_package(path):
        return None
    try:
        return Source(path, "".join(linecache.getlines(path))), int(number)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def unified_diff(path: str, before: str, after: str) -> str:
    """Return the diff of a file in the format of ``patch -p1`` and ``git apply``."""
    shown = nearby(path)
    names = ("a/" + shown, "b/" + shown) if shown != path or not path.startswith("/") else (path, path)
    old, new = _lines(before), _lines(after)
    return "".join(difflib.unified_diff(old, new, *names, n=_CONTEXT))


def _lines(text: str) -> List[str]:
    *lines, last = text.split("\n")
    ending = [last + "\n\\ No newline at end of file\n"] if last else []
    return [line + "\n" for line in lines] + ending


def changed_lines(before: str, after: str) -> str:
    """Return the lines that an edit writes, without the indentation that they share."""
    old, new = before.splitlines(), after.splitlines()
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    lines = [line for tag, _, _, start, end in blocks if tag != "equal" for line in new[start:end]]
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[indent:] for line in lines)


def is_named(node: ast.AST, *names: str) -> bool:
    """Return whether a node is a call of a function of one of these names, whatever module it is from."""
    return isinstance(node, ast.Call) and function_name(node) in names


def function_name(node: ast.Call) -> str:
    """Return the last part of the name of the called function."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def argument(node: ast.Call, position: int, *names: str) -> Optional[ast.expr]:
    """Return the argument at a position or with one of the names."""
    for each in node.keywords:
        if each.arg in names:
            return each.value
    plain = node.args[: position + 1]
    if len(plain) <= position or any(isinstance(each, ast.Starred) for each in plain):
        return None
    return plain[position]


def _first(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", ())
    return int(min([node.lineno, *[each.lineno for each in decorators]]))  # type: ignore[attr-defined]


def _last(node: ast.AST) -> int:
    return int(node.end_lineno)  # type: ignore[attr-defined]


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True
