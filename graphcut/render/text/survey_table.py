"""A survey as text: a row for each file, worst first, and one line with the totals."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, List, Mapping, Sequence, Tuple

from graphcut.errors import printable

if TYPE_CHECKING:
    from typing import Protocol

    class FileAudit(Protocol):
        """The content of the row for one file."""

        @property
        def path(self) -> str: ...
        @property
        def status(self) -> str: ...
        @property
        def error(self) -> str: ...
        @property
        def loss(self) -> Tuple[str, ...]: ...
        @property
        def verdicts(self) -> Mapping[str, int]: ...
        @property
        def barriers(self) -> Mapping[str, int]: ...
        @property
        def missing(self) -> Tuple[str, ...]: ...
        @property
        def rank(self) -> Tuple[int, int, str]: ...


HEADINGS = ("file", "without a gradient", "why", "loss")
_MOST = 40


def survey_table(files: Sequence[FileAudit]) -> str:
    """Return the table, of at most 40 rows."""
    listed = sorted(files, key=lambda each: each.rank)
    rows = [HEADINGS, *map(cells, listed[:_MOST])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    if len(listed) > _MOST:
        lines.append("… and %d files more" % (len(listed) - _MOST))
    return "\n".join([*lines, "", survey_summary(files)])


def cells(each: FileAudit) -> Tuple[str, str, str, str]:
    """Return the cells of one file."""
    name = _plain(each.path, 70)
    if each.status != "audited":
        return name, each.status, _plain(each.error.partition("\n")[0].replace(printable(each.path), "it"), 110), ""
    kinds = ", ".join("%s %d" % pair for pair in sorted(each.barriers.items(), key=lambda pair: (-pair[1], pair[0])))
    missing = "%d of %d" % (len(each.missing), sum(each.verdicts.values())) if each.verdicts else "no variables"
    return name, missing, kinds, _plain(", ".join(each.loss), 50)


def survey_summary(files: Sequence[FileAudit]) -> str:
    """Return one line that counts the files, by whether they were audited, miss a gradient, were refused or were lost."""
    counts = Counter(each.status for each in files)
    message: List[str] = ["%d file%s: %d audited" % (len(files), "" if len(files) == 1 else "s", counts["audited"])]
    bad = sum(bool(each.missing) for each in files)
    message[0] += ", %d with variables that get no gradient" % bad if bad else ""
    message += ["%d %s" % (counts[status], status) for status in ("refused", "lost") if counts[status]]
    return "; ".join(message)


def _plain(text: str, limit: int) -> str:
    return printable(text, limit)[1:-1]
