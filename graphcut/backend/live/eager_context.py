"""TensorFlow's context of the process: its devices and threads are fixed as soon as something first needs it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

from tensorflow.python.eager import context


def is_initialized() -> bool:
    """Return whether the devices and threads of the process are fixed already."""
    current = context.context_safe() if hasattr(context, "context_safe") else context._context
    return current is not None and bool(getattr(current, "_initialized", getattr(current, "_context_handle", None)))


@contextmanager
def soft_placement() -> Iterator[None]:
    """Initialize the context as eager code would, if the block needs it: an op whose device is missing runs on another.

    TensorFlow places softly if the context is initialized eagerly, not if it is while a graph is built.
    """
    if not context.executing_eagerly() or is_initialized() or context.context()._soft_device_placement is not None:
        yield
        return
    context.context()._soft_device_placement = True
    try:
        yield
    finally:
        if context.context()._soft_device_placement is True:
            context.context()._soft_device_placement = None
