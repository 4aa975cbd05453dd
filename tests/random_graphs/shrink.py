"""A smaller recipe that still shows the same thing."""
from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Iterator, Tuple

from .judge import Judgement, judge
from .recipes import Recipe, Step


def disagreeing(tf: Any, judgement: Judgement) -> Callable[[Recipe], bool]:
    """The question for ``shrunk``: does a recipe still make the same answer meet the same verdict?"""
    def shows(recipe: Recipe) -> bool:
        try:
            return any(each.disagrees and each.verdict == judgement.verdict
                       and each.answer.kind == judgement.answer.kind for each in judge(recipe, tf))
        except Exception:  # a deletion may leave nothing that builds
            return False
    return shows


def shrunk(recipe: Recipe, shows: Callable[[Recipe], bool], attempts: int = 400) -> Recipe:
    """The recipe with everything left out that ``shows`` can do without; ``shows(recipe)`` builds and asks."""
    smaller = True
    while smaller and attempts > 0:
        smaller = False
        for candidate in simpler(recipe):
            attempts -= 1
            if shows(candidate):
                recipe, smaller = candidate, True
                break
            if attempts <= 0:
                break
    return recipe


def simpler(recipe: Recipe) -> Iterator[Recipe]:
    """Every recipe one deletion away, large deletions first."""
    if len(recipe.targets) > 1:
        for target in recipe.targets:
            yield replace(recipe, targets=(target,))
    if recipe.stops:
        yield replace(recipe, stops=())
    for loss in recipe.losses if len(recipe.losses) > 1 else ():
        yield replace(recipe, losses=(loss,))
    for steps in fewer(recipe.steps):
        yield replace(recipe, steps=steps)
    for place in range(len(recipe.sources)) if len(recipe.sources) > 1 else ():
        if recipe.sources[place][0] not in recipe.targets:
            yield replace(recipe, sources=recipe.sources[:place] + recipe.sources[place + 1:])


def fewer(steps: Tuple[Step, ...]) -> Iterator[Tuple[Step, ...]]:
    """The steps without a run of them, or with fewer in some block; what used a deleted step uses its input instead."""
    length = len(steps) // 2
    while length >= 1:
        for start in range(0, len(steps) - length + 1, length):
            yield without(steps, start, start + length)
        length //= 2
    for place, step in enumerate(steps):
        for number, (inner, results) in enumerate(step[3:]):
            for candidate in fewer(inner):
                changed = step[:3 + number] + ((candidate, results),) + step[4 + number:]
                yield steps[:place] + (changed,) + steps[place + 1:]


def without(steps: Tuple[Step, ...], start: int, end: int) -> Tuple[Step, ...]:
    rest = steps[:start] + steps[end:]
    for name, _, inputs, *_ in reversed(steps[start:end]):
        rest = tuple(renamed(step, name, inputs[0] if inputs else "none") for step in rest)
    return rest


def renamed(step: Step, old: str, new: str) -> Step:
    """The step with ``old`` (or one of its further results) as an input replaced, inside blocks too."""
    def other(name):
        return new if name == old or (name.startswith(old + ".") and ".in" not in name) else name
    blocks = tuple((tuple(renamed(each, old, new) for each in inner), tuple(map(other, results)))
                   for inner, results in step[3:])
    return step[:2] + (tuple(map(other, step[2])),) + blocks
