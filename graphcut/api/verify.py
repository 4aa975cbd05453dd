"""Compare an audit with the real ``tf.gradients``, in scratch copies of the graph.

An answer *disagrees* if it is ``None`` and the verdict is not ``NONE``, or the other way round; the same holds for an error
and ``RAISES``. At random points, it also disagrees if a gradient with the verdict ``ZERO`` is nonzero. Some variables are *not
checked*, because a copy cannot decide them: a tensor inside a function's body, or a graph that loses information when it is
imported (the contexts of v1 loops in a bare GraphDef, what handles point to, gradients registered in the process that built a
file).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Iterator, Optional, Sequence, Tuple

from graphcut.analysis.request import AuditRequest, Start
from graphcut.backend import tensorflow_needed
from graphcut.errors import GraphcutError
from graphcut.graph.dtypes import DIFFERENTIABLE, RESOURCE, base_dtype
from graphcut.graph.flat import FlatGraph
from graphcut.graph.op_types import CASES, IFS, LOOPS, V1_LOOP_ENTRIES
from graphcut.graph.targets import Target
from graphcut.results import Disagreement, VariableAudit, Verdict

if TYPE_CHECKING:
    from graphcut.backend.check.graph_copies import Original
    from graphcut.backend.check.tf_gradients import Answer, LossNames

UNCHECKED = "not checked"
_CONDITIONALS = (*IFS, *CASES)
Judged = Sequence[Tuple[Target, VariableAudit]]
Names = Dict[str, Tuple[str, ...]]


def disagreements(request: AuditRequest, judged: Judged) -> Tuple[Disagreement, ...]:
    """Return the disagreements and the variables that could not be checked, in the order of the audit.

    An integer loss has no gradient by definition; TensorFlow's answer differs from version to version.
    """
    flat = request.traced.flat
    if not any(base_dtype(flat.dtypes[tensor]) in DIFFERENTIABLE for tensor in request.loss.tensors):
        return ()
    original, asking = _prepare(request)
    names = _names(flat, judged)
    answers = _ask_tensorflow(original, asking, names, judged)
    return tuple(_compare_answers(request, original, judged, names, answers))


def nonzeros(request: AuditRequest, judged: Judged) -> Tuple[Disagreement, ...]:
    """Return the gradients with the verdict ``zero`` that are nonzero at a random point.

    Gradients that cannot be computed are not checked.
    """
    original, asking = _prepare(request)
    with tensorflow_needed("to compute gradients"):
        from graphcut.backend.check.random_points import nonzero
    zeros = [(target, row) for target, row in judged if row.verdict is Verdict.ZERO]
    names = _names(request.traced.flat, zeros)
    result = {row.name: nonzero(original, asking, row.name, names[row.name]) for _, row in zeros if row.name in names}
    kinds = {True: ("gradient", "nonzero at a random point"), None: (UNCHECKED, "the graph cannot run on random inputs")}
    return tuple(
        Disagreement(name, Verdict.ZERO, *kinds[each]) for name, each in result.items() if each is not False
    )  # fmt: skip


def _prepare(request: AuditRequest) -> Tuple[Original, LossNames]:
    with tensorflow_needed("to take gradients"):
        from graphcut.backend.check.graph_copies import original
        from graphcut.backend.check.tf_gradients import LossNames
    traced, flat = request.traced, request.traced.flat
    if traced.edited:
        raise GraphcutError(
            "this audit is of an edit by what_if, which exists in no graph\n"
            "Make the edit in your code, or verify the original audit."
        )
    losses = [_root_name(flat, start.loss) for start in _starts(request)]
    starts = [None if each.tensor is None else _root_name(flat, each.tensor) for each in _starts(request)]
    inside = [each for each, name in zip(_starts(request), starts) if each.tensor is not None and name is None]
    results = {call.op: flat.first_output[call.results[0]] for call in flat.calls if call.results}
    stopped = [flat.first_output[op] for op in sorted(request.stopped.ops)]
    stopped += [results[op] for op in sorted(request.stopped.symbolic) if op in results]
    stops = [_root_name(flat, tensor) for tensor in stopped]
    if None in losses or None in stops or inside:
        raise GraphcutError("the loss, or a tensor of stop_gradients= or grad_ys=, is inside a function's body\n"
                            "TensorFlow can take its gradient only inside that function; audit the function.")  # fmt: skip
    starts_by_name = tuple(name if name is not None else start.value for name, start in zip(starts, _starts(request)))
    asking = LossNames(tuple(filter(None, losses)), tuple(filter(None, stops)), starts_by_name)
    return original(traced.origin.live, traced.origin.owner), asking


def _starts(request: AuditRequest) -> Sequence[Start]:
    """Return the initial gradient of each loss; a loss that was named twice has two entries."""
    return request.loss.starts or [Start(tensor) for tensor in request.loss.tensors]


def _names(flat: FlatGraph, judged: Judged) -> Names:
    """Return the names of each row's tensors in the root graph; leave out rows that have none there."""
    result = {row.name: [_root_name(flat, tensor) for tensor in target.tensors] for target, row in judged}
    return {name: tuple(filter(None, listed)) for name, listed in result.items() if any(listed)}


def _root_name(flat: FlatGraph, tensor: int) -> Optional[str]:
    """Return TensorFlow's name of a tensor; ``None`` inside a function's body."""
    op = flat.producer[tensor]
    if flat.contexts[op] >= 0 or flat.type(op) == "_LoopVar":
        return None
    if flat.type(op) != "_Retval":
        return flat.tensor_name(tensor)
    return next("%s:%d" % (flat.names[call.op], call.results.index(op)) for call in flat.calls if op in call.results)


def _ask_tensorflow(original: Original, asking: LossNames, names: Names, judged: Judged) -> Dict[str, Answer]:
    from graphcut.backend.check.tf_gradients import ask_one_target, together

    verdicts = {row.name: row.verdict for _, row in judged}
    answers = together(original, asking, {name: names[name] for name in names if verdicts[name] is not Verdict.RAISES})
    for name, each in names.items():
        if name not in answers or _disagrees(verdicts[name], answers[name].kind):
            answers[name] = ask_one_target(original, asking, name, each)
    return answers


def _disagrees(verdict: Verdict, kind: str) -> bool:
    if kind == "failed":
        return verdict is not Verdict.RAISES
    return {"none": verdict is not Verdict.NONE, "raises": verdict is not Verdict.RAISES}.get(
        kind, verdict in (Verdict.NONE, Verdict.RAISES)
    )


def _compare_answers(
    request: AuditRequest, original: Original, judged: Judged, names: Names, answers: Dict[str, Answer]
) -> Iterator[Disagreement]:
    for target, row in judged:
        if row.name not in names:
            if target.tensors:
                yield Disagreement(row.name, row.verdict, UNCHECKED, "it is inside a function's body")
            continue
        answer = answers[row.name]
        if _disagrees(row.verdict, answer.kind):
            reason = _unfaithful(request, original, target, answer)
            yield Disagreement(row.name, row.verdict, UNCHECKED if reason else answer.kind, reason or answer.words)


def _unfaithful(request: AuditRequest, original: Original, target: Target, answer: Answer) -> str:
    """Return why the copy may answer differently from the original graph; an empty string if it cannot."""
    origin, flat = request.traced.origin, request.traced.flat
    handle = any(flat.dtypes[tensor] == RESOURCE for tensor in target.tensors)
    failed, foreign, calls = answer.kind == "failed", origin.foreign, original.calls
    reasons = (
        (origin.second_exits, "a copy forgets that a loop computes gradients itself"),
        (origin.opaque, "a copy forgets the Python gradients of functions within functions"),
        (
            failed and not original.has_contexts and original.has(*V1_LOOP_ENTRIES),
            "v1 loops of a bare GraphDef have no contexts",
        ),
        (failed, answer.words),
        (foreign and answer.kind == "raises", "gradients of the process that built the file are not registered here"),
        (handle and original.has(*LOOPS) and (foreign or calls), "a copy forgets what the handles of a loop point to"),
        (calls and original.has("EagerPyFunc"), "a copy of a function forgets which Python calls it waits for"),
        (calls and original.has(*_CONDITIONALS), "a copy of a conditional differentiates functions while they run"),
        (calls and not original.loads, "this TensorFlow cannot load the functions again"),
    )
    return next((words for holds, words in reasons if holds), "")
