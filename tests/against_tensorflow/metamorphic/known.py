"""Differences that TensorFlow itself makes, each with its reason."""

from __future__ import annotations

from typing import Any, Callable, Sequence, Tuple

from .forms import ASSUMED, FILES

_IMPORTED = ("under_a_prefix", "in_a_function")  # live graphs, which hold what TensorFlow imported


def _is_assumed(difference: Any) -> bool:
    """The audit of the file says itself that it had to assume something, and takes it to carry a gradient: to a variable, or
    to an op that forbids one."""
    is_file = difference.form in FILES or "as_file" in difference.form or "after_second_minimize" in difference.form
    return is_file and difference.other in tuple(each + ASSUMED for each in ("flows", "conditional", "raises"))


def _is_forgotten(difference: Any) -> bool:
    """TensorFlow itself forgets a Python gradient when it imports a graph, and differentiates the function's body."""
    return difference.subject.startswith("defun_python_gradient") and difference.form in _IMPORTED


def _of(*subjects: str) -> Callable[[Any], bool]:
    return lambda difference: difference.subject.startswith(subjects)


REASONS: Sequence[Tuple[Callable[[Any], bool], str]] = (
    (_is_assumed, "a file holds no Python gradient function; the audit names the op"),
    (_is_forgotten, "import_graph_def forgets python_grad_func"),
    (_of("loop_without_back_prop-v1", "gradient_of_a_loop-v1"), "a GraphDef holds no while contexts"),
)


def reason(difference: Any) -> str:
    """Why TensorFlow itself makes the difference; empty where nothing does."""
    return next((why for fits, why in REASONS if fits(difference)), "")
