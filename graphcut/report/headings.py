"""What each of several losses is called where they stand side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Sequence, Tuple

if TYPE_CHECKING:
    from typing import Protocol

    class Facts(Protocol):
        """What an audit is called by."""

        @property
        def loss(self) -> Tuple[str, ...]: ...
        @property
        def source(self) -> str: ...


def headings(audits: Sequence[Facts]) -> Tuple[str, ...]:
    """A heading for each: the function, the loss where a function appears twice, a number where all that is the same."""
    functions = [each.source.partition("function ")[2] for each in audits]
    losses = [" + ".join(name[:-2] if name.endswith(":0") else name for name in each.loss) for each in audits]
    heads = [name if name and functions.count(name) == 1 else loss for name, loss in zip(functions, losses)]
    return tuple(_numbered(heads))


def _numbered(heads: Sequence[str]) -> Iterable[str]:
    for place, head in enumerate(heads):
        before = heads[:place].count(head)
        yield "%s (%d)" % (head, before + 1) if before else head
