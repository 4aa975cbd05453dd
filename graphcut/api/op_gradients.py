"""Look up one op type in the gradient table, in each version of TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from graphcut.analysis.rules import gradient_table
from graphcut.errors import GraphcutError, near_names, printable

SORTS = {
    "function": "has a gradient function",
    "none": "registered without a gradient",
    "unregistered": "no gradient registered: TensorFlow raises",
    "rule": "its gradient is computed from what surrounds it",
}


@dataclass(frozen=True)
class OpGradient:
    """One op type in the versions of TensorFlow that give the same answer.

    ``gradient``: what is registered, a key of ``SORTS``. ``inputs``: for each input argument whether it gets a gradient:
    ``"yes"``, ``"no"``, ``"zero"``, ``"raises"``, or ``"depends"`` (on attributes, dtypes or shapes); ``"not asked"`` if the
    table has no answer. ``assumed``: why an audit by the table assumes that the op carries a gradient, whatever its attributes
    and shapes are; ``None`` if the table has an answer.
    """

    type: str
    versions: Tuple[str, ...]
    gradient: str
    inputs: Mapping[str, str]
    assumed: Optional[str] = None

    @property
    def span(self) -> str:
        """The versions in words; three or more adjacent columns of the table are written as ``1.15 to 2.8``."""
        every = gradient_table.versions()
        runs: List[List[str]] = []
        for version in self.versions:
            if runs and every.index(version) == every.index(runs[-1][-1]) + 1:
                runs[-1].append(version)
            else:
                runs.append([version])
        return ", ".join(part for run in runs for part in _ends(run))


def op_types(version: Optional[str] = None) -> Tuple[str, ...]:
    """Return the op types that the table holds, in one version or in any."""
    if version is None:
        return tuple(sorted(gradient_table.data()["ops"]))
    column = gradient_table.find_version(version)
    return tuple(name for name in op_types() if gradient_table.entry_of(name, column) is not None)


def _ends(run: Sequence[str]) -> List[str]:
    short = [".".join(version.split(".")[:2]) for version in run]
    return ["%s to %s" % (short[0], short[-1])] if len(short) > 2 else short


def op_gradients(op_type: str, version: Optional[str] = None) -> Tuple[OpGradient, ...]:
    """Return the gradients of an op type in the table.

    Args:
        op_type: such as ``MatMul``.
        version: such as ``"2.15"``; by default every version.

    Returns:
        One ``OpGradient`` for each group of versions with equal answers, oldest first.

    Raises:
        GraphcutError: the table has no such op type or version; the message has near names.

    >>> [(each.gradient, dict(each.inputs)) for each in op_gradients("Floor")]
    [('function', {'x': 'no'})]
    """
    entries = gradient_table.data()["ops"]
    if op_type not in entries:
        raise GraphcutError("the gradient table has no op type %s%s" % (printable(op_type), near_names(op_type, entries)))
    column = None if version is None else gradient_table.find_version(version)
    gradients = tuple(_gradients(op_type, entries[op_type], column))
    if not gradients:
        raise GraphcutError("TensorFlow %s has no op type %s" % (version, printable(op_type)))
    return gradients


def _gradients(op_type: str, entries: Sequence[Any], column: Optional[int]) -> Iterator[OpGradient]:
    versions = gradient_table.versions()
    merged: List[Tuple[List[int], str, Dict[str, str], Optional[str]]] = []
    for columns, entry in entries:
        shown = [each for each in columns if column in (None, each)]
        inputs = dict(_inputs(entry))
        answer = (entry["gradient"], inputs, _reason_to_assume(entry))
        same = next((each for each in merged if each[1:] == answer), None)
        if same is not None:
            same[0].extend(shown)
        elif shown:
            merged.append((shown, *answer))
    for columns, gradient, inputs, assumed in sorted(merged, key=lambda each: min(each[0])):
        yield OpGradient(op_type, tuple(versions[each] for each in sorted(columns)), gradient, inputs, assumed)


def _reason_to_assume(entry: Mapping[str, Any]) -> Optional[str]:
    """Return why an entry has no answer for the op; ``None`` if it has one."""
    if entry["gradient"] != "function" or any(_answers_anything(row["reply"]) for row in entry["rows"]):
        return None
    failed = [row["reply"]["failed"] for row in entry["rows"] if "failed" in row["reply"]]
    if not entry["rows"]:
        return str(entry["failed"])
    return str(failed[0]) if failed else "its gradient function raised an error for all shapes that were tried"


def _answers_anything(reply: Any) -> bool:
    return isinstance(reply, list) or "reply" in reply or isinstance(reply.get("exact"), dict)


def _inputs(entry: Mapping[str, Any]) -> Iterator[Tuple[str, str]]:
    if entry["gradient"] != "function":
        return
    rows = [words for row in entry["rows"] for words in words_of(row["reply"])]
    live = [words for words in rows if set(words) != {"-"}] or rows
    for place, spec in enumerate(entry["in"]):
        answers = {_answer(words, place) for words in live}
        yield spec.partition(":")[0], answers.pop() if len(answers) == 1 else "depends" if answers else "not asked"


def _answer(words: Sequence[str], place: int) -> str:
    """Return the answer for one input: ``["!"]`` raises; ``["?"]`` raised for all shapes that were tried."""
    if words == ["?"]:
        return "depends"
    return "raises" if words == ["!"] or len(words) <= place else _word(words[place])


def words_of(reply: Any) -> List[Sequence[str]]:
    """Return the words of every answer that a row of the table holds; see ``gradient_table``."""
    if isinstance(reply, list):
        return [reply]
    if "exact" in reply:
        return [["?"]] if reply["exact"] == "!" else list(reply["exact"].values())
    return [reply["reply"]] if "reply" in reply else []


def _word(word: str) -> str:
    first = word.partition("/")[0]
    return {"-": "no", ".": "no"}.get(first, "zero" if first.startswith("z") else "yes")
