"""Count findings that do not fail a test, and print them at the end of the run, in one process or several.

``tally("oracle", "flows, but zero at every point", ["case x"])`` in a test; ``tests/conftest.py`` prints section by section.
"""

from __future__ import annotations

from typing import Dict, Iterable, List

COUNTED: Dict[str, Dict[str, List[str]]] = {}


def tally(section: str, kind: str, places: Iterable[str]) -> None:
    """Add places to one kind of finding."""
    COUNTED.setdefault(section, {}).setdefault(kind, []).extend(places)


def add(counted: Dict[str, Dict[str, List[str]]]) -> None:
    """Add what another process counted."""
    for section, kinds in counted.items():
        for kind, places in kinds.items():
            tally(section, kind, places)


def lines(section: str, most: int = 60) -> Iterable[str]:
    """What is printed of a section."""
    for kind, places in sorted(COUNTED[section].items()):
        yield "%s: %d" % (kind, len(places))
        yield from ("  " + place for place in sorted(filter(None, places))[:most])
