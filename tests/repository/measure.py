"""Sizes of the package's source: lines of a module, lines of a function's body."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def modules():
    """The package's modules by path below the root; a module that defines no function and no class is data."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "graphcut").rglob("*.py"))}
    return {path.relative_to(ROOT): tree for path, tree in trees.items() if not is_data(tree)}


def is_data(tree):
    return not any(isinstance(node, FUNCTIONS + (ast.ClassDef,)) for node in ast.walk(tree))


def functions(tree):
    """Every function and method of a module, those inside others too."""
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]


def body_lines(function):
    """How many lines a function's body takes, its docstring aside."""
    statements = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0
