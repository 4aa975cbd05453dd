"""The audits for a command: one for a loss, or one for each gradient of a training step."""

from __future__ import annotations

from textwrap import indent
from typing import Any, Dict, Optional, Sequence, Tuple

import click

from graphcut.api.import_source import load_source
from graphcut.api.tensor_spec import Spec
from graphcut.errors import GraphcutError
from graphcut.util.progress import Say

_NOT_THE_STEP = (
    "this audits what the model returns, not its compiled train_step; to audit that step, give a --spec for the inputs and "
    "one for the targets"
)


def audit_source(
    say: Say,
    source: str,
    losses: Tuple[str, ...],
    variables: Tuple[str, ...],
    signature: Optional[str],
    stop_gradients: Tuple[str, ...],
    specs: Tuple[Spec, ...],
    grad_ys: Tuple[Any, ...] = (),
    modules: Optional[Dict[str, Any]] = None,
    oracle: Optional[str] = None,
    ops: Tuple[str, ...] = (),
) -> Tuple[Any, ...]:
    """Return the audits of ``source``.

    With a named loss, or for a model without targets, the source counts as a graph, not as a step. ``modules`` are files that
    were executed before (``import_source.load_source``).
    """
    from graphcut.api.audit import audit
    from graphcut.api.refuse_step import unaudited_step

    say(f"reading {source}")
    thing, arguments = load_source(source, specs, modules)
    say(f"auditing {source}")
    asks = losses or signature or stop_gradients or grad_ys or oracle or ops
    if callable(thing) and not asks:
        result = _of_step_or_model(thing, arguments, variables)
        if result:
            return result
    asked: Dict[str, Any] = {"loss": losses or None, "variables": variables or None, "stop_gradients": stop_gradients}
    if grad_ys:
        asked["grad_ys"] = list(grad_ys)
    if oracle:
        asked["oracle"] = oracle
    if ops:
        asked["ops"] = ops
    if not asks and unaudited_step(thing):
        _say_at_end(f"graphcut: {_NOT_THE_STEP}")
    return (audit(thing, *arguments, signature=signature, **asked),)


def _say_at_end(line: str) -> None:
    """Write a line to standard error when the command ends; until then, output is diverted."""
    context = click.get_current_context(silent=True)
    if context is not None and line not in context.meta:
        context.meta[line] = True
        context.call_on_close(lambda: click.echo(line, err=True))


def _of_step_or_model(thing: Any, arguments: Sequence[Any], variables: Tuple[str, ...]) -> Tuple[Any, ...]:
    """Return the audits of a step: a function, a model with targets, or a compiled model whose step needs none."""
    from graphcut.api.refuse_step import takes_targets, unaudited_step

    if not hasattr(thing, "train_step") or takes_targets(thing, arguments):
        return _of_step(thing, arguments, variables)
    if not unaudited_step(thing) or not arguments:
        return ()
    try:
        return _of_step(thing, arguments, variables)
    except GraphcutError:
        return ()  # its step needs targets


def _of_step(thing: Any, arguments: Sequence[Any], variables: Tuple[str, ...]) -> Tuple[Any, ...]:
    """Return the audits of a step; none for a function that takes no gradient, which is then a loss."""
    from graphcut.api.audit_step import NoGradientError, audit_step

    try:
        return audit_step(thing, *arguments, variables=variables or None)
    except NoGradientError:
        return ()


def as_documents(documents: Sequence[str]) -> str:
    """Return a single JSON document as it is, several documents as a list."""
    if len(documents) == 1:
        return documents[0]
    return "[\n" + ",\n".join(indent(each, "  ") for each in documents) + "\n]"
