"""Recognize sources for ``audit_step`` that are passed to ``audit``: steps, and models with their targets."""

from __future__ import annotations

import inspect
from typing import Any, List, Sequence

from graphcut.errors import GraphcutError
from graphcut.util.text import object_name

_NOT_INPUTS = ("training", "mask")


class StepError(GraphcutError):
    """A training step was passed to ``audit``."""


def is_step(source: Any, args: Sequence[Any], where: str) -> StepError:
    """Return the error for a function that takes gradients itself; ``where`` says where."""
    name = object_name(source)
    call = "graphcut.audit_step(%s)" % ", ".join([name, *_parameters(source, len(args))])
    return StepError(
        "%s takes its gradients itself (%s): it is a training step\nCall %s, or name a loss with loss=." % (name, where, call)
    )


def check_model(source: Any, args: Sequence[Any]) -> None:
    """Refuse a Keras model with targets or a dataset as arguments; the error says what to call instead."""
    if not takes_targets(source, args):
        return
    arguments = "dataset" if len(args) == 1 else ", ".join(["x", "y", "sample_weight"][: len(args)])
    if getattr(source, "optimizer", None) is None:
        raise StepError(
            "a model with inputs and targets is a training step, and this model was not compiled\n"
            "Call model.compile(optimizer, loss), then graphcut.audit_step(model, %s)." % arguments
        )
    raise StepError(
        "a compiled model with inputs and targets is a training step\nCall graphcut.audit_step(model, %s)." % arguments
    )


def is_keras_model(source: Any) -> bool:
    """Return whether a source has the methods of a Keras model. Keras is not imported."""
    return hasattr(source, "train_step") and hasattr(source, "compile")


def takes_targets(source: Any, args: Sequence[Any]) -> bool:
    """Return whether a Keras model is passed the arguments of its ``fit``, not those of its ``call``."""
    if not is_keras_model(source) or not args:
        return False
    return len(args) > _inputs(source) or hasattr(args[0], "element_spec") or hasattr(args[0], "on_epoch_end")


def unaudited_step(source: Any) -> str:
    """Return a note if the source is a Keras model whose compiled step was not audited, else an empty text."""
    if not is_keras_model(source) or isinstance(source, type) or getattr(source, "optimizer", None) is None:
        return ""
    return "not its compiled train_step: for that call graphcut.audit_step(model, x, y)"


def _inputs(model: Any) -> int:
    """Return the number of positional arguments of a model's ``call`` that are no options."""
    parameters = list(inspect.signature(model.call).parameters.values())
    if any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters):
        return 1 if type(model).__module__.startswith(("keras", "tf_keras", "tensorflow")) else len(parameters) + 10**6
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in kinds and each.name not in _NOT_INPUTS for each in parameters)


def _parameters(source: Any, count: int) -> List[str]:
    """Return the names of a call's arguments."""
    try:
        names = list(inspect.signature(getattr(source, "python_function", source)).parameters)
    except (TypeError, ValueError):
        names = []
    return names[:count] + ["..."] * (count > len(names))
