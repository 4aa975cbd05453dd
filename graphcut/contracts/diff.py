"""Compare two versions of a model: show which variables gained or lost their gradient, as text, JSON or a picture."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple, Union

from graphcut.api.audit import Audit
from graphcut.contracts.diff_sides import Side, read_side
from graphcut.contracts.verdict_diff import (
    AuditedVerdicts,
    VerdictChange,
    compare_verdicts,
    renamed_gradients,
    renamed_variables,
    verdicts_of_audits,
)
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.util.files import numbered_paths

Path = Union[str, "os.PathLike[str]"]
Compared = Union[str, Audit, Sequence[Audit]]
_WORDS = ("gained", "lost", "changed", "new", "gone")


@dataclass(frozen=True)
class Diff:
    """The difference between two versions of a model. It is true if there is any.

    ``changes`` are the variables whose verdicts differ; ``old`` and ``new`` are the compared sides. ``renamed`` has the names,
    before and after, of the variables that were matched by position and shape under another name; ``renamed_gradients`` has
    the headings of gradients that were matched by their variables, because one side has more gradients than the other.
    """

    changes: Tuple[VerdictChange, ...]
    old: Side
    new: Side
    renamed: Tuple[Tuple[str, str], ...] = ()
    renamed_gradients: Tuple[Tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        renamed = ["gradient %s: now %s, matched by its variables" % pair for pair in self.renamed_gradients]
        renamed += ["renamed %s: now %s, matched by position and shape" % pair for pair in self.renamed]
        return "\n".join([self._changes() or "no variable gained or lost its gradient", *renamed])

    def _changes(self) -> str:
        """Return a line for each change, under the headings of the gradients if there are several."""
        heads = list(dict.fromkeys((each.source, each.gradient) for each in self.changes))
        several = len(heads) > 1 or any(len(each.gradients) > 1 for each in self.new.verdicts.values())
        lines: List[str] = []
        for source, gradient in heads:
            if several or source:
                lines.append(" ".join(each for each in (source, gradient) if each) + ":")
            lines += [str(each) for each in self.changes if (each.source, each.gradient) == (source, gradient)]
        return "\n".join(lines)

    def to_dict(self) -> Dict[str, Any]:
        """Return the changes as plain values, as ``graphcut diff --json`` writes them."""
        documents = [{**vars(each), "direction": each.direction} for each in self.changes]
        return {"schema_version": 1, "changes": documents}

    def to_json(self) -> str:
        """Return the changes as indented JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def draw(self, path: Path) -> Tuple[str, ...]:
        """Draw the new version, and mark the variables that gained or lost their gradient.

        Args:
            path: the output file; the suffix picks the format, as for ``audit.draw``. If several gradients of a step changed,
                each gets a separate picture: ``diff-1.svg``, ``diff-2.svg``.

        Returns:
            The paths of the pictures.

        Raises:
            GraphcutError: the new side has no graph to draw, because it is a lock file; or the picture cannot be drawn.
        """
        from graphcut.render import picture
        from graphcut.render.picture.view import PictureOptions

        drawn = [each for each in self._by_gradient() if each[2] or not self.changes]
        names = numbered_paths(os.fspath(path), len(drawn))
        for name, (head, audit, changes) in zip(names, drawn):
            marks = tuple(each.as_change() for each in changes)
            options = PictureOptions(changes=marks, heading=self._heading(head, changes))
            picture.draw(audit, name, None, options)
        return names

    def _by_gradient(self) -> List[Tuple[str, Audit, List[VerdictChange]]]:
        """Return the name of each gradient of the new side, its audit, and the changes of its variables."""
        if not self.new.audits:
            raise GraphcutError(
                "%s is a lock file: it holds verdicts and no graph, so there is nothing to draw\n"
                "Compare with the source itself, such as model.py:loss." % printable(self.new.text)
            )
        (verdicts,) = self.new.verdicts.values()
        changes: Dict[str, List[VerdictChange]] = {head: [] for head in verdicts.gradients}
        for each in self.changes:
            if each.gradient in changes:
                changes[each.gradient].append(each)
        names = [" + ".join(audit.loss[:3]) if head == "loss" else head for head, audit in zip(changes, self.new.audits)]
        return list(zip(names, self.new.audits, changes.values()))

    def _heading(self, gradient: str, changes: Sequence[VerdictChange]) -> str:
        """Return a heading such as ``2 lost, 1 gained: gradient of policy_loss since HEAD~1:model.py:step``."""
        directions = [each.direction for each in changes]
        worst_first = sorted(_WORDS, key=lambda word: word != "lost")
        counts = ["%d %s" % (directions.count(word), word) for word in worst_first if word in directions]
        since = " since %s" % printable(self.old.text)[1:-1] if self.old.text else ""
        return "%s: gradient of %s%s" % (", ".join(counts) or "no change", printable(gradient)[1:-1], since)


def diff(old: Compared, new: Compared, spec: Sequence[str] = (), loss: Sequence[str] = ()) -> Diff:
    """Compare the verdicts of two versions of a model.

    Args:
        old: a lock file, a graph file, ``path.py:name``, ``package.module:name``, or ``REV:`` and one of these for a git
            revision; or an audit, or the audits of a step.
        new: the same. Python code of ``new`` is imported into this process; that of ``old`` runs in a separate process.
        spec: the arguments of sources that are functions, such as ``["float32[32,10]"]``.
        loss: the loss, if the source does not determine it.

    Returns:
        A ``Diff``: print it, read its ``changes``, or ``draw`` it.

    Raises:
        GraphcutError: a side does not exist or cannot be audited, or a lock file does not hold the other side's source.

    >>> import graphcut
    >>> print(graphcut.diff("fixtures/documents/003.meta", "fixtures/documents/003.meta"))
    no variable gained or lost its gradient
    """
    return compare_sides(_side(old, spec, loss, in_new_process=True), _side(new, spec, loss, in_new_process=False))


def _side(compared: Compared, spec: Sequence[str], loss: Sequence[str], in_new_process: bool) -> Side:
    if isinstance(compared, str):
        return read_side(compared, spec, loss, in_new_process)
    audits = (compared,) if isinstance(compared, Audit) else tuple(compared)
    return Side("", {"": verdicts_of_audits(audits)}, "", audits)


def compare_sides(old: Side, new: Side) -> Diff:
    """Compare two sides. A source is compared with any other source, and with its own entry in a lock file.

    Raises:
        GraphcutError: a lock file has no entry for the other side.
    """
    if old.source is None and new.source is None:
        before, after = old.verdicts, new.verdicts
    else:
        before, after = {"": _entry(old, new)}, {"": _entry(new, old)}
    renamed = renamed_variables(before, after), renamed_gradients(before, after)
    return Diff(compare_verdicts(before, after), old, new, *renamed)


def _entry(side: Side, other: Side) -> AuditedVerdicts:
    """Return the verdicts of a side's source; for a lock file, those of the other side's source."""
    wanted = (other.source if side.source is None else side.source) or ""
    if wanted in side.verdicts:
        return side.verdicts[wanted]
    if not wanted and len(side.verdicts) == 1:  # the other side is an audit, which no lock file names
        return next(iter(side.verdicts.values()))
    keys = list(side.verdicts)
    listed = near_names(wanted, keys) or "\nIt holds: %s" % (", ".join(map(printable, keys[:5])) or "nothing")
    raise GraphcutError("%s holds no verdicts of %s%s" % (printable(side.text), printable(wanted or "the audit"), listed))
