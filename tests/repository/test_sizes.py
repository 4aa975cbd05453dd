"""Functions stay short: half of them have at most 6 lines."""

from __future__ import annotations

import ast
import statistics
import sys

import pytest

from tests.repository.measure import body_lines, functions, is_data, modules

needs_end_lineno = pytest.mark.skipif(sys.version_info < (3, 8), reason="ast gives no last line before Python 3.8")


@needs_end_lineno
def test_half_of_the_functions_have_at_most_6_lines():
    lengths = [body_lines(function) for tree in modules().values() for function in functions(tree)]
    assert statistics.median(lengths) <= 6


@needs_end_lineno
def test_a_docstring_is_no_line_of_the_body():
    (function,) = functions(ast.parse('def f():\n    """One."""\n    a = (\n        1)\n\n    return a\n'))
    assert body_lines(function) == 4


def test_a_module_without_functions_or_classes_is_data():
    assert is_data(ast.parse("TABLE = {'Round': ()}"))
    assert not is_data(ast.parse("def carries(): pass"))
