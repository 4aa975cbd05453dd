"""The summary of an audit: one row for each layer or name scope, as in Keras' ``summary()``, with its verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from graphcut.render.text.summary import loss_line, summary_line
from graphcut.render.text.table_rows import count_cuts, named_cuts
from graphcut.results import LeftOut, LeftOutReason, VariableAudit
from graphcut.results.words import at, escape_name, place
from graphcut.util.text import join_first

if TYPE_CHECKING:
    from graphcut.render.protocols import ReportFacts

_HEADINGS = ("layer or scope", "variables", "params", "gradient")
_REASONS, _NAMED, _FROZEN_ROWS = 2, 3, 8
_LONG = 60  # characters; a longer reason is written once


def layer_summary(facts: ReportFacts) -> str:
    """Return the loss, a row for each layer or scope in the order of the graph, and the counts."""
    layers: Dict[str, List[VariableAudit]] = {}
    for variable in facts.variables:
        layers.setdefault(_layer(variable.name), []).append(variable)
    missing: Dict[str, List[LeftOut]] = {}
    for each in facts.left_out:
        missing.setdefault(_layer(each.name), []).append(each)
    rows = [_row(layer, members, missing.get(layer, ())) for layer, members in layers.items()]
    rows += _rows_not_asked([(layer, result) for layer, result in missing.items() if layer not in layers])
    total = _params(facts.variables)
    params = "" if total is None else f" ({total:,} params)"
    count = len(facts.variables)
    variables = f"{count} variable{'' if count == 1 else 's'}{params}: {summary_line(facts.variables)}"
    return "\n".join([loss_line(facts), "", *_align([_HEADINGS, *_refer_to_earlier_reason(rows)]), "", variables])


def _refer_to_earlier_reason(rows: Sequence[Tuple[str, str, str, str]]) -> Iterator[Tuple[str, str, str, str]]:
    """Yield the rows; a long reason that repeats is replaced by the name of the earlier layer."""
    first_names: Dict[str, str] = {}
    for layer, count, params, words in rows:
        first = first_names.setdefault(words, layer)
        verdict, bracket, _ = words.partition(" (")
        is_repeated = first != layer and bracket and len(words) > _LONG
        yield layer, count, params, f"{verdict} (as {first})" if is_repeated else words


def _layer(name: str) -> str:
    """Return the scope of a variable's name, or the name itself if it has no scope."""
    return name.rpartition("/")[0] or name


def _row(layer: str, variables: Sequence[VariableAudit], missing: Sequence[LeftOut]) -> Tuple[str, str, str, str]:
    params = _params([*variables, *missing])
    words = [*_outcomes_of_layer(variables), *_unrequested_words(missing)]
    count = str(len(variables) + len(missing))
    return escape_name(layer), count, "?" if params is None else f"{params:,}", "; ".join(words)


def _rows_not_asked(layers: Sequence[Tuple[str, Sequence[LeftOut]]]) -> Iterator[Tuple[str, str, str, str]]:
    """Yield a row for each layer that the gradient call left out; if many are frozen, one row counts the rest."""
    frozen = [layer for layer, result in layers if all(each.reason is LeftOutReason.FROZEN for each in result)]
    shown = set(frozen if len(frozen) <= _FROZEN_ROWS else frozen[: _FROZEN_ROWS - 1])
    yield from (_row(layer, (), result) for layer, result in layers if layer in shown or layer not in frozen)
    rest = [each for layer, result in layers if layer in frozen and layer not in shown for each in result]
    if rest:
        _, *cells = _row("", (), rest)
        yield (f"{len(frozen) - len(shown)} more layers", *cells)  # type: ignore[misc]


def _params(variables: Sequence[Union[VariableAudit, LeftOut]]) -> Optional[int]:
    """Return the number of parameters in some variables; ``None`` if a shape is unknown."""
    total = 0
    for variable in variables:
        if variable.shape is None or None in variable.shape:
            return None
        size = 1
        for each in variable.shape:
            size *= each or 0
        total += size
    return total


def _outcomes_of_layer(variables: Sequence[VariableAudit]) -> Iterator[str]:
    """Yield each outcome of the variables of a layer, with the names if there are several outcomes."""
    outcomes: Dict[str, List[VariableAudit]] = {}
    for variable in variables:
        outcomes.setdefault(_outcome(variable), []).append(variable)
    for outcome, members in outcomes.items():
        names = [escape_name(each.name.rpartition("/")[2]) for each in members]
        yield outcome if len(outcomes) == 1 else f"{join_first(names, _NAMED)}: {outcome}"


def _outcome(variable: VariableAudit) -> str:
    words = variable.verdict.value
    if variable.unused:
        words += " (unused)"
    cuts = named_cuts(variable)[:_REASONS]
    if cuts:
        places = [place(cut) + (f", {at(cut.where)}" if cut.where else "") for cut in cuts]
        more = count_cuts(variable) - len(cuts)
        places += [f"{more} more"] if more > 0 else []
        words += " (" + "; ".join(places) + ")"
    return words + (", not trainable" if variable.trainable is False else "")


def _unrequested_words(missing: Sequence[LeftOut]) -> Iterator[str]:
    counts: Dict[str, int] = {}
    for each in missing:
        counts[each.reason.value] = counts.get(each.reason.value, 0) + 1
    for reason, count in counts.items():
        yield f"{count} not asked for ({reason})"


def _align(rows: Sequence[Tuple[str, ...]]) -> List[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return [_line(row, widths) for row in rows]


def _line(row: Tuple[str, ...], widths: Sequence[int]) -> str:
    """Return a row with right-aligned counts."""
    layer, count, params, gradient = widths
    return f"{row[0]:<{layer}}  {row[1]:>{count}}  {row[2]:>{params}}  {row[3]:<{gradient}}".rstrip()
