"""Display results in ``print`` and notebooks: several results as sentences, a long answer as lines.

By default, Python prints a tuple as the ``repr`` of its items, and a notebook shows a string with quotes. Both are useful to
programs and hard to read.
"""

from __future__ import annotations

from typing import Any, Iterable, List, Sequence, Tuple, TypeVar

from graphcut.results import Suggestion
from graphcut.util.text import every

T_co = TypeVar("T_co", covariant=True)


class Results(Tuple[T_co, ...]):
    """A tuple of results. ``print`` and notebooks show each as a sentence, or ``nothing`` if the tuple is empty.

    >>> from graphcut.results import Suggestion
    >>> print(Results([Suggestion("a:0", "a", None, prose="stop a:0"), Suggestion("b:0", "b", None, prose="stop b:0")]))
    stop a:0
    stop b:0
    >>> print(Results([], "there is nothing to stop"))
    there is nothing to stop
    >>> Results([1, 2]) == (1, 2), Results([1, 2])
    (True, (1, 2))
    """

    nothing: str

    def __new__(cls, items: Iterable[T_co] = (), nothing: str = "nothing") -> Results[T_co]:
        result = super().__new__(cls, tuple(items))
        result.nothing = nothing
        return result

    def __str__(self) -> str:
        shown = [str(each) for each in self] or [self.nothing]
        return ("\n\n" if any("\n" in each for each in shown) else "\n").join(shown)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the sentences in IPython, and in a notebook that cannot show HTML."""
        printer.text(str(self))


class Lines(str):
    """A text of several lines, which a notebook shows as lines, without quotes.

    >>> print(Lines("a"))
    a
    """

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the lines in IPython and in a notebook."""
        printer.text(str(self))


class Suggestions(Results[Suggestion]):
    """Suggestions, grouped by alternative if there are several alternatives."""

    def __str__(self) -> str:
        numbers = list(dict.fromkeys(each.alternative for each in self))
        groups = [[each for each in self if each.alternative == number] for number in numbers]
        texts = ["\n".join([*_together(group), *map(str, group)]) for group in groups]
        if len(texts) > 1:
            texts = [f"alternative {place} of {len(texts)}:\n{text}" for place, text in enumerate(texts, 1)]
        return "\n\n".join(texts) or self.nothing


def _together(group: Sequence[Suggestion]) -> List[str]:
    """Return the line that says how many changes of an alternative belong together; one may serve several barriers."""
    count = sum(bool(each.diff) or not each.confirmed for each in group)
    return [f"{every(count)} of these changes are needed:"] if count > 1 else []
