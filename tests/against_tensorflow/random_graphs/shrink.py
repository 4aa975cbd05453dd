"""Shrink a recipe to a smaller one with the same behavior."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, Tuple

from .judge import Judgement, judge
from .operations import OPERATIONS
from .recipes import Recipe, Step


def same(tf: Any, judgement: Judgement) -> Callable[[Recipe], bool]:
    """The question for ``shrunk``: does the same answer still meet the same verdict, as wrong or as imprecise as it was?"""

    def shows(recipe: Recipe) -> bool:
        try:
            return any(
                (each.disagrees, each.imprecise, each.verdict, each.answer.kind)
                == (judgement.disagrees, judgement.imprecise, judgement.verdict, judgement.answer.kind)
                for each in judge(recipe, tf)
            )
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
    plain = resolved(recipe)
    return plain if shows(plain) else recipe


def simpler(recipe: Recipe) -> Iterator[Recipe]:
    """Every recipe one deletion away, large deletions first."""
    for target in recipe.targets if len(recipe.targets) > 1 else ():
        yield replace(recipe, targets=(target,))
    if recipe.stops:
        yield replace(recipe, stops=())
    for loss in recipe.losses if len(recipe.losses) > 1 else ():
        yield replace(recipe, losses=(loss,))
    for steps in fewer(recipe.steps):
        yield replace(recipe, steps=steps)
    for place in range(len(recipe.sources)) if len(recipe.sources) > 1 else ():
        if recipe.sources[place][0] not in recipe.targets:
            yield replace(recipe, sources=recipe.sources[:place] + recipe.sources[place + 1 :])


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
                changed = step[: 3 + number] + ((candidate, results),) + step[4 + number :]
                yield steps[:place] + (changed,) + steps[place + 1 :]


def without(steps: Tuple[Step, ...], start: int, end: int) -> Tuple[Step, ...]:
    rest = steps[:start] + steps[end:]
    for name, _, inputs, *_ in reversed(steps[start:end]):
        rest = tuple(renamed(step, name, inputs[0] if inputs else "none") for step in rest)
    return rest


def renamed(step: Step, old: str, new: str) -> Step:
    """The step with ``old`` (or one of its further results) as an input replaced, inside blocks too."""

    def other(name):
        return new if name == old or (name.startswith(old + ".") and ".in" not in name) else name

    blocks = tuple(
        (tuple(renamed(each, old, new) for each in inner), tuple(map(other, results))) for inner, results in step[3:]
    )
    return step[:2] + (tuple(map(other, step[2])),) + blocks


def resolved(recipe: Recipe) -> Recipe:
    """The recipe with the name of what stands in for it in the place of every name that nothing bears."""
    scope = {name: kind == "int" for name, kind in recipe.sources}
    steps = tuple(settled(step, scope) for step in recipe.steps)
    losses, targets, stops = (
        tuple(standing(name, scope) for name in names) for names in (recipe.losses, recipe.targets, recipe.stops)
    )
    return replace(recipe, steps=steps, losses=losses, targets=tuple(dict.fromkeys(targets)), stops=stops)


def standing(name: str, scope: Dict[str, bool]) -> str:
    return name if name in scope else [known for known, integer in scope.items() if not integer][-1]


def settled(step: Step, scope: Dict[str, bool]) -> Step:
    """The step with its names resolved; its results join ``scope``, a dict from name to whether it is an integer."""
    name, operation, inputs, *blocks = step
    inputs = tuple(standing(each, scope) for each in inputs)
    settled_blocks = []
    for inner, results in blocks:
        own = dict(scope, **{f"{name}.in{place}": False for place in range(len(inputs))})
        inner = tuple(settled(each, own) for each in inner)
        settled_blocks.append((inner, tuple(standing(each, own) for each in results)))
    given = [letter == "i" for letter in OPERATIONS[operation].outputs] if not blocks else [False] * len(blocks[0][1])
    scope.update({name if not place else f"{name}.{place}": integer for place, integer in enumerate(given)})
    return (name, operation, inputs, *settled_blocks)
