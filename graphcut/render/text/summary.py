"""The text about the whole audit: the line of counts, and the remarks above the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, List, Mapping, Sequence, Set, Tuple

from graphcut.graph.dtypes import is_discrete
from graphcut.render.name_folding import barrier_place, labels, scope_sizes
from graphcut.results import WITH_GRADIENT, Assumption, BarrierKind, LeftOut, LeftOutReason, VariableAudit, Verdict
from graphcut.results.barrier_kinds import BARRIER_RECORDS
from graphcut.results.sentences import assumed_of
from graphcut.results.words import escape_name, name_words

if TYPE_CHECKING:
    from graphcut.render.protocols import ReportFacts
    from graphcut.results import Disagreement

_HANDS_ON = frozenset(["Identity", "NoOp", "_Retval"])
_HANDED_IN = {"Const", "Placeholder", "_Arg"}
_NAMED = 4
_WEIGHTS = (("float32",), ("float16",), ("bfloat16",), ("float64",))
_LISTED = 3


def notices(facts: ReportFacts) -> Tuple[str, ...]:
    """Return remarks that hold for all rows, the most important first; often empty."""
    return (*_defects(facts.disagreements), *_general(facts))


def _defects(disagreements: Sequence[Disagreement]) -> Iterator[str]:
    """Yield a defect report if TensorFlow's recorded answer, which is shown, differs from graphcut's own verdict."""
    for each in disagreements[:3]:
        judged = f"{escape_name(each.name)} was judged {each.verdict.value}, but {each.reason}"
        yield f"a defect of graphcut, please report it: {judged}"
    if len(disagreements) > 3:
        yield f"and {len(disagreements) - 3} more"


def _general(facts: ReportFacts) -> Tuple[str, ...]:
    variables = facts.variables
    if not variables:
        return ("no variable to audit was found in this graph", *_weights(facts))
    if any(variable.verdict is not Verdict.NONE for variable in variables):
        nothing = not any(variable.verdict in WITH_GRADIENT for variable in variables)
        return (_nothing_words(facts),) * nothing
    if without_gradient(facts.loss_dtypes):
        return (f"the loss is {' and '.join(facts.loss_dtypes)}: only a float loss has a gradient",)
    if _all_unused(variables):
        return (elsewhere(facts) or "the loss depends on none of these variables",)
    return (_nothing_words(facts),)


def _nothing_words(facts: ReportFacts) -> str:
    """Return the remark for an audit without any gradient. If only some variables were audited, others may get one."""
    if not facts.is_recorded and any(each.reason is LeftOutReason.FORGOTTEN for each in facts.left_out):
        return "none of the variables asked about gets a gradient"
    return "this loss trains nothing: no variable gets a gradient"


def _weights(facts: ReportFacts) -> Iterator[str]:
    """Yield one line on float constants that may be the weights of a frozen graph, if there are any."""
    nodes = facts.graph.nodes(data=True)
    result = [
        "%s %s" % (escape_name(name), list(op["shapes"][0]))
        for name, op in nodes
        if op["type"] == "Const" and op["dtypes"] in _WEIGHTS and len((op["shapes"] or (None,))[0] or ()) > 1
    ]
    if result:
        listed = ", ".join(result[:_LISTED]) + (", …" if len(result) > _LISTED else "")
        one = len(result) == 1
        message = "1 float constant may be a weight" if one else f"{len(result)} float constants may be weights"
        yield f"{message}, as in a frozen graph ({listed}): name {'it as a variable' if one else 'them as variables'}"


def without_gradient(dtypes: Sequence[str]) -> bool:
    """Return whether no gradient can start from a loss of these dtypes."""
    return bool(dtypes) and all(dtype != "string" and is_discrete(dtype) for dtype in dtypes)


def _all_unused(variables: Sequence[VariableAudit]) -> bool:
    """Return whether there are float variables and nothing leads from any of them to the loss."""
    floats = [variable for variable in variables if not is_discrete(variable.dtype)]
    return bool(floats) and all(variable.unused for variable in floats)


def elsewhere(facts: ReportFacts) -> str:
    """Return the remark on a loss that is a constant or was passed in as a value; empty for any other loss."""
    if not _all_unused(facts.variables):
        return ""
    types = _types(facts)
    if types == {"Const"}:
        return "the loss is a constant: it depends on nothing in this graph"
    if types and types <= _HANDED_IN and set(facts.loss_dtypes) == {"resource"}:
        return "the loss is a variable, which holds a copy of what it was made from: let the loss be the tensor itself"
    if types and types <= _HANDED_IN:
        return "the loss depends on nothing in this graph: it was computed elsewhere, and its value was passed in"
    if _is_computed_before(facts):
        return "the loss depends on nothing in this graph: it is computed from constants or from earlier values"
    return ""


def _is_computed_before(facts: ReportFacts) -> bool:
    """Return whether the loss is computed only from constants and from values that a traced function captured."""
    graph, captured = facts.graph, frozenset(facts.graph.graph.get("captured", ()))
    waiting = [op for op in (tensor.rpartition(":")[0] for tensor in facts.loss) if op in graph]
    seen = set(waiting)
    while waiting:
        op = waiting.pop()
        before = list(graph.predecessors(op))
        if not before and graph.nodes[op]["type"] != "Const" and op not in captured:
            return False
        fresh = [each for each in before if each not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return bool(seen)


def _types(facts: ReportFacts) -> Set[str]:
    """Return the types of the ops that compute the loss, if every one of them may be a value that was passed in."""
    waiting = [op for op in (tensor.rpartition(":")[0] for tensor in facts.loss) if op in facts.graph]
    seen = set(waiting)
    result: Set[str] = set()
    while waiting and result <= _HANDED_IN:
        op = waiting.pop()
        result |= {facts.graph.nodes[op]["type"]} - _HANDS_ON
        fresh = [each for each in facts.graph.predecessors(op) if each not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return result


def loss_line(facts: ReportFacts) -> str:
    """Return ``loss: loss:0 (the only float output)``, or ``loss: contour = StatefulPartitionedCall:0 (…)`` with a key."""
    named = (_loss_name(*each) for each in zip(facts.loss, facts.loss_keys))
    losses = " + ".join(named) or "a value, no tensor of this graph"
    return f"loss: {losses} ({facts.loss_source})" + (f"; {hypothetical(facts)}" if facts.hypothesis else "")


def _loss_name(name: str, key: str) -> str:
    return escape_name(name) if not key or name == f"{key}:0" else f"{escape_name(key)} = {name_words(name)}"


def hypothetical(facts: ReportFacts) -> str:
    """Return the note that an audit is of an edited graph; empty for any other audit."""
    return f"hypothetical: {facts.hypothesis}" if facts.hypothesis else ""


def summary_line(variables: Sequence[VariableAudit]) -> str:
    """Return the counts, such as ``17 get a gradient, 4 do not: 3 cut by 1 stop_gradient, 1 unused``.

    Variables that are not trainable follow ``2 frozen:``. Variables that the step writes without a gradient count as state.
    """
    states = [variable for variable in variables if _is_state(variable)]
    frozen = [variable for variable in variables if variable.trainable is False and not _is_state(variable)]
    trainable = [variable for variable in variables if variable.trainable is not False]
    parts = [_counts(trainable)] * (bool(trainable) or len(variables) == 0)
    parts += [f"{len(frozen)} frozen: {_counts(frozen)}"] * bool(frozen)
    if states:
        word = "state" if len(states) == 1 else "states"
        parts.append(f"{len(states)} {word} (slots, averages) that the step writes without a gradient")
    return "; ".join(parts)


def _is_state(variable: VariableAudit) -> bool:
    """Return whether a variable is state, not trained: the step writes it, but not with a gradient of this loss."""
    written = variable.is_updated and not variable.optimizer_got_gradient
    return variable.trainable is False and bool(written) and variable.verdict not in WITH_GRADIENT


def _counts(variables: Sequence[VariableAudit]) -> str:
    gets = [variable for variable in variables if variable.verdict in WITH_GRADIENT]
    some = sum(variable.verdict is Verdict.CONDITIONAL for variable in variables)
    head = f"{len(gets)} {'gets' if len(gets) == 1 else 'get'} a gradient"
    head += f" ({some} in some runs only)" if some else ""
    rest = len(variables) - len(gets)
    if not rest:
        return head
    return f"{head}, {rest} {'does' if rest == 1 else 'do'} not: " + ", ".join(_reasons(variables))


def left_out_lines(facts: ReportFacts) -> Iterator[str]:
    """Yield lines on variables that the loss reads or the step writes, but that the gradient call left out.

    A frozen variable that the step writes is state, such as a moving average, and is not named.
    """
    result = facts.left_out
    if not result:
        return
    totals = scope_sizes([*(each.name for each in facts.variables), *(each.name for each in result)])
    forgotten = [each for each in result if each.reason is LeftOutReason.FORGOTTEN]
    unstopped = [each for each in forgotten if not each.is_stopped]
    stopped = [each for each in result if each.is_stopped and each.trainable is not False and not each.is_updated]
    averages = [each for each in result if _is_still(facts, each) and each.is_average]
    frozen = [each for each in result if each.trainable is False and not each.is_updated and each not in averages]
    parts = [
        head + _first_names(each, totals)
        for head, each in (("", unstopped), ("behind a stop: ", stopped), ("frozen: ", frozen))
        if each
    ]
    if parts:
        head = "not asked for although the loss reads them" if facts.is_recorded else "not asked about, but read by the loss"
        yield f"{head}{': ' if unstopped else ', '}{'; '.join(parts)}"
    written = [each for each in forgotten if each.is_updated and facts.is_recorded]
    if written:
        yield f"the step updates without asking for a gradient: {_first_names(written, totals)}"
    yield from _advice_for_unchanged(averages, [each for each in result if _is_still(facts, each) and each.copy_of], totals)
    yield from _untracked_advice([each for each in forgotten if each.is_untracked], totals)


def _untracked_advice(result: Sequence[LeftOut], totals: Mapping[str, int]) -> Iterator[str]:
    """Yield the advice for untracked variables: the model's own, and those of its layers, which have a scope."""
    plain, of_layers = ([each for each in result if each.is_plain is wanted] for wanted in (True, False))
    if plain:
        names = _first_names(plain, totals)
        yield f"the model does not track a plain tf.Variable: in Keras 3 create {names} with self.add_weight"
    if of_layers:
        yield f"the model does not track the layer of {_first_names(of_layers, totals)}: make it an attribute of the model"


def _advice_for_unchanged(averages: Sequence[LeftOut], copies: Sequence[LeftOut], totals: Mapping[str, int]) -> Iterator[str]:
    """Yield the advice for variables that should change without a gradient but are not written by the step."""
    if averages:
        names = _first_names(averages, totals)
        yield f"the step does not update {names}: call the model with training=True if these averages are to follow the data"
    if copies:
        models = _few_names(list(dict.fromkeys(each.copy_of for each in copies)), totals)
        names = _first_names(copies, totals)
        yield f"the step does not update {names}: assign to them, here or between steps, if they follow {models}"


def _is_still(facts: ReportFacts, variable: LeftOut) -> bool:
    """Return whether a variable gets no gradient and a recorded step does not change it either."""
    return facts.is_recorded and variable.is_updated is False and variable.reason is LeftOutReason.FROZEN


def _first_names(result: Sequence[LeftOut], totals: Mapping[str, int]) -> str:
    return _few_names([each.name for each in result], totals)


def _few_names(names: Sequence[str], totals: Mapping[str, int]) -> str:
    """Return a list such as ``head/* (2), scale0``."""
    listed = labels(names, totals)
    texts = [escape_name(each.text) + (f" ({each.count})" if each.count > 1 else "") for each in listed[:_NAMED]]
    rest = sum(each.count for each in listed[_NAMED:])
    return ", ".join(texts) + (f" and {rest} more" if rest else "")


def uncertain(assumptions: Sequence[Assumption]) -> Iterator[str]:
    """Yield the reasons why nothing can be certified; these lines come first."""
    for each in assumptions:
        if each.whole:
            yield f"cannot certify anything: {each.reason} (seen at {escape_name(each.op)}, {escape_name(each.type)})"


def assumption_lines(assumptions: Sequence[Assumption], limit: int = 5) -> Iterator[str]:
    """Return one line for each reason, with the first ops that share it and a count of the rest."""
    alike: List[Tuple[Tuple[str, str], List[str]]] = []
    index = {}
    for each in (each for each in assumptions if not each.whole):
        key = (each.type, each.reason)
        if key not in index:
            index[key] = len(alike)
            alike.append((key, []))
        alike[index[key]][1].append(each.op)
    for (kind, reason), ops in alike[:limit]:
        more = f" and {len(ops) - 1} more" if len(ops) > 1 else ""
        named = f"{escape_name(ops[0])}{more} ({escape_name(kind)})"
        yield f"{assumed_of(reason)}: {named}: {escape_name(reason, 200)}"
    if len(alike) > limit:
        yield f"assumed to let gradients through: {sum(len(ops) for _, ops in alike[limit:])} more ops"


def _reasons(variables: Sequence[VariableAudit]) -> Iterator[str]:
    raising = sum(variable.verdict is Verdict.RAISES for variable in variables)
    if raising:
        yield f"{raising} {'raises' if raising == 1 else 'raise'} an error"
    zero = [variable for variable in variables if variable.verdict is Verdict.ZERO and not variable.unused]
    if zero:
        yield f"{len(zero)} always zero"
    cut = [variable for variable in variables if variable.verdict is Verdict.NONE and not variable.unused]
    if cut:
        yield f"{len(cut)} cut" + _by(cut)
    unused = sum(variable.unused for variable in variables)
    if unused:
        yield f"{unused} unused"


def _by(variables: Sequence[VariableAudit]) -> str:
    """Return a text such as `` by 1 stop_gradient and 2 custom gradients``, deliberate ones first, each op or line once."""
    places = {(cut.kind, barrier_place(cut)) for variable in variables for cut in variable.cut}
    counts = [(barrier, sum(kind is barrier for kind, _ in places)) for barrier in BarrierKind]
    words = [f"{count} {_count_words(barrier, count)}" for barrier, count in counts if count]
    more = " and more" if any(variable.cut_size > len(variable.cut) for variable in variables) else ""
    return (" by " + " and ".join(words) + more) if words else ""


def _count_words(barrier: BarrierKind, count: int) -> str:
    words = BARRIER_RECORDS[barrier]
    return words.singular if count == 1 else words.plural
