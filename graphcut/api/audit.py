"""From a source to the audit of one loss."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from graphcut.analysis.request import AuditRequest
from graphcut.api import load
from graphcut.api.choose_oracle import choose_oracle
from graphcut.api.face import Audit as Audit
from graphcut.api.refuse_step import check_model, is_step
from graphcut.api.select.resolve_loss import chosen, stop_ops
from graphcut.api.select.resolve_variables import targets
from graphcut.api.suggest.confirm import Retrace
from graphcut.util.gc import collector_paused


def audit(
    source: Any,
    *args: Any,
    loss: Any = None,
    variables: Any = None,
    stop_gradients: Any = (),
    grad_ys: Any = None,
    signature: Optional[str] = None,
    oracle: Optional[str] = None,
) -> Audit:
    """Which variables can still receive a gradient from the loss, and what cuts off the others.

    Args:
        source: what ``trace`` takes, or a DAG that ``trace`` made.
        *args: example arguments of a callable: arrays, tensors or ``tf.TensorSpec``.
        loss: a tensor, a tensor or op name, an output's key, or several of these (summed, as ``tf.gradients`` does). By
            default the function's one float output, else the loss that the graph's own backward part reveals, else the
            ``losses`` collection.
        variables: variables, tensors, names or ``fnmatch`` patterns. By default every trainable variable.
        stop_gradients: tensors that count as constants, as in ``tf.gradients``.
        grad_ys: what the gradient of the loss starts from, as in ``tf.gradients``: a tensor, a name, a number or an array of
            the loss's dtype and shape, or a list with one of these, or ``None``, for each tensor of the loss; ``None`` is
            ones. What starts from zeros gives each variable ``zero`` at best. A complex loss needs it.
        signature: which signature of a SavedModel.
        oracle: whose gradients count: ``"installed"`` (the installed TensorFlow) or a version such as ``"2.15"``, as the
            gradient table has it. By default the installed TensorFlow for what it runs, and for a file, without TensorFlow,
            the version that wrote it; ``audit.oracle`` says which.

    Returns:
        An ``Audit`` with a verdict for each variable, each judged as if it were the only one asked for.

    Raises:
        GraphcutError: the source cannot be read, or a name is not in it; the message says what is near. It is a training step,
            or a compiled model with inputs and targets, which are for ``audit_step``. Or TensorFlow is not installed, and the
            source is not a file or ``oracle`` asks for it.
        TypeError: the loss is a string, or complex without ``grad_ys``, or ``grad_ys`` is of another dtype, as in
            ``tf.gradients``.
        ValueError: ``grad_ys`` is of another length or shape than the loss, as in ``tf.gradients``.

    >>> import graphcut
    >>> audit = graphcut.audit("fixtures/documents/003.meta", loss="loss")
    >>> audit["w1"].verdict, audit["w2"].verdict
    (<Verdict.NONE: 'none'>, <Verdict.FLOWS: 'flows'>)
    >>> audit["w1"].cut[0].op, audit["w1"].cut[0].kind
    ('hidden', <BarrierKind.STOP_GRADIENT: 'stop-gradient'>)
    >>> audit["w2"].path
    ('loss', 'output', 'w2/read', 'w2')
    >>> print(audit)
    loss: loss:0 (asked for)
    <BLANKLINE>
    verdict  variable  shape   what cuts it             where
    none     w1        [2, 3]  stop-gradient at hidden
    flows    w2        [3, 4]
    <BLANKLINE>
    1 gets a gradient, 1 does not: 1 cut by 1 stop_gradient
    """
    check_model(source, args)
    with collector_paused():
        traced = load.read(source, args, {}, signature)
        if loss is None and traced.origin.step is not None:
            raise is_step(source, args, traced.origin.step)
        found = chosen(traced, loss, grad_ys)
        inquiry = AuditRequest(traced, found, stop_ops(traced, stop_gradients), choose_oracle(traced.origin, oracle))
        made = Audit(inquiry, targets(traced, variables))
    if callable(source) and not hasattr(source, "captured_inputs"):

        def again() -> Tuple[Audit, ...]:
            asked: Any = {"loss": loss, "variables": variables, "stop_gradients": stop_gradients, "grad_ys": grad_ys}
            return (audit(load.afresh(source), *args, oracle=oracle, **asked),)

        made._retrace = Retrace(source, again)
    return made
