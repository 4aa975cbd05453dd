"""Differences that TensorFlow itself makes, each with its reason."""

from __future__ import annotations

from typing import Any, Callable, Sequence, Tuple

from .forms import ASSUMED


def _is_assumed(difference: Any) -> bool:
    """The audit of the file says itself that it had to assume something, and takes it to carry a gradient."""
    return difference.other in ("flows" + ASSUMED, "conditional" + ASSUMED)


def _of(*subjects: str) -> Callable[[Any], bool]:
    return lambda difference: difference.subject.startswith(subjects)


REASONS: Sequence[Tuple[Callable[[Any], bool], str]] = (
    (_is_assumed, "a file holds no Python gradient function; the audit names the op"),
    (_of("defun_python_gradient"), "python_grad_func leaves no trace at all in a GraphDef"),
    (_of("loop_without_back_prop-v1", "gradient_of_a_loop-v1"), "a GraphDef holds no while contexts"),
)


def reason(difference: Any) -> str:
    """Why TensorFlow itself makes the difference; empty where nothing does."""
    return next((why for fits, why in REASONS if fits(difference)), "")
