"""Explain one variable: the verdict, the cut, the route, further barriers behind the cut, and advice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, Iterable, Iterator, List, Mapping, Sequence

from graphcut.graph.dtypes import is_discrete
from graphcut.render.name_folding import Group, barrier_place, fold
from graphcut.render.text import advice
from graphcut.render.text.route_line import route
from graphcut.render.text.summary import assumption_lines, elsewhere, uncertain, without_gradient
from graphcut.render.text.table_rows import is_of_others
from graphcut.results import WITH_GRADIENT, Barrier, BarrierKind, LeftOut, LeftOutReason, VariableAudit, Verdict
from graphcut.results.barrier_kinds import BARRIER_RECORDS
from graphcut.results.words import (
    FROM_ZEROS,
    VERDICTS,
    at,
    because,
    branch,
    error_at,
    escape_name,
    name_words,
    place,
    shape_text,
    trainers,
)
from graphcut.util.source_lines import source_line
from graphcut.util.text import every, join_first

if TYPE_CHECKING:
    from graphcut.analysis.reasons.reason import Instead, Reason, Term
    from graphcut.render.protocols import ReportFacts

_FEW = 3
_NAMED = 8
_ROUTE = "Route to the loss: "
_IN_CODE = "In your code it is "
_ADVICES = 2
_INDENT = "    "
_WARNING = "Keras warns of that: Gradients do not exist for variables"
NO_ADVICES: Mapping[str, str] = {}


def explain(facts: ReportFacts, variable: VariableAudit, advices: Mapping[str, str] = NO_ADVICES) -> str:
    """Return at most twelve lines that say why ``variable`` gets a gradient or none.

    Args:
        facts: the audit.
        variable: one of its variables.
        advices: what to do about barriers, by the names of their ops, in place of the usual advice.
    """
    return "\n".join(_lines(facts, variable, facts.reason(variable), advices))


def explain_several(facts: ReportFacts, variables: Sequence[VariableAudit]) -> str:
    """Return one explanation for each outcome and its variables, worst first."""
    return "\n\n".join(_of_group(facts, group) for group in fold(variables))


def _of_group(facts: ReportFacts, group: Group) -> str:
    """Return the explanations of variables with one outcome, each distinct text once; only the first few of many variables."""
    alike: Dict[str, List[VariableAudit]] = {}
    named = _NAMED + (len(group.variables) == _NAMED + 1)  # a name is as short as "1 more"
    for each in group.variables[:named]:
        alike.setdefault(drop_variable(explain(facts, each), escape_name(each.name)), []).append(each)
    texts = []
    for first, *others in alike.values():
        texts.append(say_same_holds(explain(facts, first), [each.name for each in others]))
    more = len(group.variables) - named
    if more > 0:
        texts.append(f"{more} more have the same verdict: {group.variables[0].verdict.value}.")
    return "\n\n".join(texts)


def drop_variable(text: str, name: str) -> str:
    """Return an explanation without the name, shape and route of its variable, so it can be compared with others."""
    lines = [line for line in text.splitlines() if not line.startswith((_ROUTE, _IN_CODE))]
    return re.sub(r"%s(?![\w/])(?: \[[^]]*\])?" % re.escape(name), "", "\n".join(lines))


def explain_groups(facts: ReportFacts, variables: Sequence[VariableAudit]) -> str:
    """Return an explanation of the first variable of each outcome, followed by the names of the others."""
    return "\n\n".join(_of_first(facts, group.variables) for group in fold(variables))


def _of_first(facts: ReportFacts, alike: Sequence[VariableAudit]) -> str:
    first, *others = alike
    return say_same_holds(explain(facts, first), [each.name for each in others])


def say_same_holds(text: str, names: Sequence[str]) -> str:
    """Return a text about one variable, followed by the names of others for which the same holds."""
    return f"{text}\nThe same holds for {join_first([escape_name(each) for each in names], _NAMED)}." if names else text


def explain_all_left_out(variables: Iterable[LeftOut]) -> List[str]:
    """Return the explanations of variables that the gradient call left out, each distinct text once."""
    alike: Dict[str, List[LeftOut]] = {}
    for each in variables:
        alike.setdefault(drop_variable(explain_left_out(each), escape_name(each.name)), []).append(each)
    return [say_same_holds(explain_left_out(first), [each.name for each in others]) for first, *others in alike.values()]


def explain_left_out(variable: LeftOut) -> str:
    """Return why the gradient call left out a variable that the loss reads, and what to do about it."""
    still = "; the step does not update it either" if variable.is_updated is False else ""
    if variable.is_average and not variable.is_updated:
        todo = "\nWhat to do: call the model with training=True if this average is to follow the data."
    elif variable.copy_of and variable.reason is LeftOutReason.FROZEN:
        follow = f"\nWhat to do: assign to it, here or between steps, if it follows {escape_name(variable.copy_of)}."
        todo = "" if variable.is_updated else follow
    elif variable.trainable is False:
        todo = "" if variable.is_updated else "\nWhat to do: set trainable = True on its layer if it should learn."
    elif variable.reason is LeftOutReason.FROZEN:
        todo = "" if variable.is_updated else f"\nWhat to do: {advice.BEHIND_STOP}."
    else:
        todo = f"\nWhat to do: {advice.UNTRACKED if variable.is_untracked else advice.FORGOTTEN}."
        todo += f"\nAnd: {advice.STOPPED_TOO}." if variable.is_stopped else ""
    return f"{variable}{still}.{todo}"


def _lines(facts: ReportFacts, variable: VariableAudit, reason: Reason, advices: Mapping[str, str]) -> Iterator[str]:
    verdict = variable.verdict
    first, assumed = list(uncertain(facts.assumptions))[:1], list(_assumption_line(facts, variable))
    few = _FEW - len(first + assumed)
    yield from first
    if facts.hypothesis:
        yield f"This is hypothetical, {facts.hypothesis}:"
    yield f"{escape_name(variable.name)} {shape_text(variable.shape)} {VERDICTS[verdict]} ({verdict.value})." + (
        _frozen_words(variable) + _update_words(variable, facts.raised)
    )
    if variable.name in facts.code_names:
        yield f"{_IN_CODE}{escape_name(facts.code_names[variable.name])}."
    losses = " + ".join(name_words(key or name) for name, key in zip(facts.loss, facts.loss_keys))
    if variable.unused:
        yield f"It is unused: nothing leads from it to the loss {losses}."
        yield from (f"In fact {info}." for info in [elsewhere(facts)] if info)
        yield from (_instead_words(each, variable) for each in reason.instead)
    elif without_gradient(facts.loss_dtypes):
        yield f"The loss {losses} is {' and '.join(facts.loss_dtypes)}: only a float loss has a gradient."
    cuts = _without_repeated_lines(reason.cut)
    for cut in cuts[:few]:
        why = FROM_ZEROS if reason.from_zeros else _why(cut, reason)
        yield from _cut(cut, variable, why)
    more = reason.size - (len(reason.cut) - len(cuts)) - len(cuts[:few])
    if more > 0:
        yield f"So {'does' if more == 1 else 'do'} {more} more."
    if reason.route:
        yield f"{_ROUTE}{route(variable.name, reason.route)}."
    if reason.cut:
        yield from _without(facts, variable, reason)
    else:
        yield from _only(variable, reason, few)
    if reason.beside:
        yield f"Asked for in one call with {escape_name(reason.beside)}, tf.gradients answers zeros in place of None."
    yield from assumed
    yield from _override_line(reason)
    yield from _advice(facts, variable, reason, advices) if variable.trainable is not False else ()


def _without_repeated_lines(cut: Sequence[Barrier]) -> Sequence[Barrier]:
    """Return the barriers, and of several constants of a value that left TensorFlow in one line the first."""
    first = {barrier_place(each): each for each in reversed(cut) if each.kind is BarrierKind.PYTHON}
    return [each for each in cut if first.get(barrier_place(each), each) is each]


def what_to_do(facts: ReportFacts, variable: VariableAudit) -> str:
    """Return what to do about a variable that no edit of a line gives a gradient, as sentences."""
    reason = facts.reason(variable)
    what = (
        "is unused: nothing leads from it to the loss"
        if variable.unused
        else "gets no gradient, and no barrier can be removed"
    )
    instead = [_instead_words(each, variable) for each in reason.instead]
    advices = list(dict.fromkeys(_advices(facts, variable, reason, NO_ADVICES)))[:_ADVICES]
    return " ".join([f"{escape_name(variable.name)} {what}.", *instead, *(f"What to do: {each}." for each in advices)])


def _why(cut: Barrier, reason: Reason) -> str:
    """Return why a barrier lets no gradient through, or the idiom of a stop."""
    idiom, maker = reason.idioms.get(cut.op), reason.makers.get(cut.op)
    if maker is not None:
        tensor = f"the {maker.dtype} that {escape_name(maker.op)} ({escape_name(maker.type)}) makes from floats"
        done = f"makes {maker.dtype} from floats" if maker.op == cut.op else f"reads {tensor}"
        return f"it {done}, and {_discrete_word(maker.dtype)} have no gradient"
    if cut.kind is BarrierKind.ZERO_FILLED and reason.feeds:
        fed = join_first([escape_name(each) for each in reason.feeds], _NAMED)
        return f"it feeds only {fed} of this call, the loss reads other results, and TensorFlow fills in zeros"
    return because(cut, reason.dtypes.get(cut.op, "")) if idiom is None else idiom.note


def _discrete_word(dtype: str) -> str:
    return {"bool": "booleans", "string": "strings"}.get(dtype, "integers")


def _instead_words(each: Instead, variable: VariableAudit) -> str:
    """Return the sentence on what the loss reads instead of an unused variable."""
    name = escape_name(each.name)
    if each.kind == "call":
        return (
            f"The loss reads another call of the same layer: {name}{', ' + at(each.where) if each.where else ''}. "
            "Call the layer once, and compute the loss from that output."
        )
    what = f"variable {name}" if each.kind == "variable" else "a constant"
    verb = "initialized" if each.kind == "variable" else "computed"
    own_name = "" if each.kind == "variable" else f" ({name})"
    return (
        f"The loss reads {what} {shape_text(each.shape)} that was {verb} before the step{own_name}; if it is computed from "
        f"{escape_name(variable.name)}, compute it in the step, under the tape."
    )


def _assumption_line(facts: ReportFacts, variable: VariableAudit) -> Iterator[str]:
    """Yield one line on the assumptions that the gradient's route depends on."""
    result = [each for each in facts.assumptions if not each.whole]
    path = frozenset(variable.path if result else ())
    yield from list(assumption_lines([each for each in result if each.op in path], 1))[:1]


def _override_line(reason: Reason) -> Iterator[str]:
    """Yield one line on a gradient override that has no effect."""
    for name, op_type in reason.ignored[:1]:
        more = len(reason.ignored) - 1
        others = f", nor on {more} more" if more else ""
        op = f"{escape_name(name)} ({escape_name(op_type)})"
        yield (
            f"gradient_override_map has no effect on {op}{others}: a tape takes the gradient of the op's type. Call "
            "the code as a tf.function under the tape to make the override count."
        )


def _frozen_words(variable: VariableAudit) -> str:
    if variable.trainable is not False:
        return ""
    if variable.is_updated and variable.verdict in WITH_GRADIENT:
        return " It is not trainable, but the step updates it with this gradient: it is not frozen."
    return " It is not trainable: fit and minimize skip it, whatever its gradient is."


def _update_words(variable: VariableAudit, raised: str = "") -> str:
    """Return a sentence on what the step does with the gradient, if that is unexpected."""
    gets = variable.verdict in WITH_GRADIENT
    if variable.optimizer_got_gradient is False and gets:
        return " But the optimizer receives None instead and skips it."
    if variable.optimizer_got_gradient is False and raised:
        return f" The optimizer receives None for it, and the step raises {error_at(raised)}."
    if variable.optimizer_got_gradient is False:
        return f" The optimizer receives None for it and skips it ({_WARNING})."
    if variable.is_updated is False and gets and variable.trainable is not False:
        return " But the step never updates it."
    if is_of_others(variable):
        return f" But {trainers(variable)} trains it, and the gradient of this loss does not."
    if variable.is_updated and not gets and variable.trained_by:
        return f" It is trained by {trainers(variable)}."
    if variable.is_updated and variable.verdict is Verdict.ZERO:
        return " The step writes it, but this gradient does not change its value."
    return " The step updates it nevertheless." if variable.is_updated and not gets else ""


def _cut(cut: Barrier, variable: VariableAudit, why: str) -> Iterator[str]:
    if variable.verdict is Verdict.RAISES:
        yield f"The error comes from {escape_name(cut.op)} ({escape_name(cut.type)}){_origin(cut)}: {why}."
    else:
        yield f"It is cut by {place(cut)}{_origin(cut)}: {why}."
    yield from _quote(cut)


def _origin(cut: Barrier) -> str:
    return f", {at(cut.where)}" if cut.where else (", inside a library" if cut.library else "")


def _quote(cut: Barrier) -> Iterator[str]:
    text = source_line(cut.where)
    if text:
        yield _INDENT + text


def _without(facts: ReportFacts, variable: VariableAudit, reason: Reason) -> Iterator[str]:
    """Yield one line on the barriers that would still stop the gradient without the cut."""
    if reason.cut and all(cut.op in reason.idioms and reason.idioms[cut.op].is_meant for cut in reason.cut):
        return  # keep these stops
    opaque = any(BARRIER_RECORDS[cut.kind].hides_the_rest or cut.type == "LoopCond" for cut in reason.cut)
    if opaque or not reason.crossed or variable.verdict is Verdict.RAISES or without_gradient(facts.loss_dtypes):
        return
    gone = _removal_words(reason.size, reason.crossed)
    if reason.raising is not None:
        feeds = f"{escape_name(variable.name)} also feeds {_op(reason.raising)}"
        yield f"{gone} TensorFlow raises an error: {feeds}, which has no gradient."
    elif reason.behind:
        yield f"{gone} the gradient is still always zero: {place(reason.behind[0])}{_origin(reason.behind[0])}."
    else:
        yield f"{gone} {_arrival_words(variable)} {_closing_words(reason)}."


def _op(cut: Barrier) -> str:
    return f"{escape_name(cut.op)} ({escape_name(cut.type)}{_origin(cut)})"


def _removal_words(size: int, crossed: int) -> str:
    if crossed > 1:
        return (
            f"Remove {every(crossed)} of them and"
            if size <= crossed
            else f"Remove {crossed} of them, one behind the other, and"
        )
    return "Remove it and" if size == 1 else "Remove any one of them and"


def _arrival_words(variable: VariableAudit) -> str:
    zero = variable.verdict is Verdict.ZERO
    return "a gradient that is not always zero gets through;" if zero else "the gradient gets through;"


def _closing_words(reason: Reason) -> str:
    return "each blocks a route of its own" if reason.size > reason.crossed else "nothing else blocks it"


def _advice(facts: ReportFacts, variable: VariableAudit, reason: Reason, advices: Mapping[str, str]) -> Iterator[str]:
    for index, text in enumerate(list(dict.fromkeys(_advices(facts, variable, reason, advices)))[:_ADVICES]):
        yield f"{('And' if reason.crossed > 1 else 'Or') if index else 'What to do'}: {text}."


def _advices(facts: ReportFacts, variable: VariableAudit, reason: Reason, advices: Mapping[str, str]) -> Iterator[str]:
    if variable.unused:
        yield advice.LOSS_OUTSIDE if elsewhere(facts) else advice.UNUSED
    elif without_gradient(facts.loss_dtypes):
        yield advice.LOSS_DTYPE
        return
    elif reason.from_zeros or advice.counts_runs(reason.cut, reason.dtypes):
        yield advice.FROM_ZEROS if reason.from_zeros else advice.RUNS
        return
    for cut in sorted(reason.cut[:_FEW], key=lambda each: not _is_mistake(reason, each)):
        advice_of_cut = advices.get(cut.op) or _own_advice(reason, cut)
        if advice_of_cut:
            yield advice_of_cut
        elif reason.route or not is_discrete(variable.dtype):
            maker = reason.makers.get(cut.op)
            yield (
                advice.advice(cut, reason.dtypes.get(cut.op, ""))
                if maker is None
                else advice.of_maker(maker.type, maker.dtype)
            )
    if is_discrete(variable.dtype):
        yield advice.INTEGER
    if variable.conditions:
        yield advice.BRANCH
    elif reason.term is not None and reason.cut_off:
        yield from (idiom.advice for idiom in reason.idioms.values() if not idiom.is_meant)
        yield advice.REGULARIZER if reason.term.regularizer else advice.REROUTE


def _own_advice(reason: Reason, cut: Barrier) -> str:
    """Return the advice for a stop of a known idiom, or for a tensor that replaced a variable; else an empty text."""
    if cut.op in reason.replaced:
        return advice.replaced(escape_name(reason.replaced[cut.op]))
    return reason.idioms[cut.op].advice if cut.op in reason.idioms else ""


def _is_mistake(reason: Reason, cut: Barrier) -> bool:
    """Return whether a stop belongs to a mistaken idiom."""
    return cut.op in reason.idioms and not reason.idioms[cut.op].is_meant


def _only(variable: VariableAudit, reason: Reason, few: int) -> Iterator[str]:
    """Yield the only branch or loss term that a gradient comes through, and where other routes end."""
    for condition in variable.conditions[:few]:
        yield f"Every route lies in {branch(condition)}: in other runs there is no gradient."
    if reason.term is not None:
        yield f"It comes only through {_term(reason.term)}, one of {reason.terms} terms of the loss{_cut_off(reason)}."
    if reason.carrying:
        terms = join_first([_term(each) for each in reason.carrying], _FEW)
        yield f"It comes through {len(reason.carrying)} of {reason.terms} terms of the loss: {terms}."
    for cut in reason.ending[:few]:
        yield f"In other runs the gradient reaches {place(cut)}{_origin(cut)}, and ends there."
    for cut in reason.harmless[: max(0, few - len(reason.ending))]:
        idiom = reason.idioms.get(cut.op)
        note = "the gradient bypasses it" if idiom is None else idiom.note
        yield f"Another route is blocked by {place(cut)}{_origin(cut)}; {note}."


def _term(term: Term) -> str:
    kind = "the regularizer" if term.regularizer else "the loss term"
    return f"{kind} {escape_name(term.op)}" + (f" ({at(term.where)})" if term.where else "")


def _cut_off(reason: Reason) -> str:
    names = [escape_name(term.op) for term in reason.cut_off]
    text = join_first(names, _FEW)
    return f"; {text} {'uses' if len(reason.cut_off) == 1 else 'use'} it too, but no gradient comes back" if names else ""
