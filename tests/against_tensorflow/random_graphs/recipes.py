"""A recipe is plain data that describes one graph; hypothesis draws them.

A *step* is a tuple: the name of its first result, the operation, the names of its inputs, and for the operations of
``BLOCKS`` one or more blocks. Further results of step ``t3`` are ``t3.1``, ``t3.2``. A *block* is a pair: its steps and
the names of its results; it sees everything its surroundings see, and its own arguments as ``t3.in0``, ``t3.in1``. A name
that nothing bears (a step was deleted while shrinking) stands for the newest tensor of the right kind.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any, Callable, List, NamedTuple, Tuple

from hypothesis import strategies as st

from .operations import OPERATIONS

Step = Tuple[Any, ...]
Pick = Callable[[int, int], int]

SOURCES = {
    "resource": 4,
    "ref": 4,
    "placeholder": 3,
    "partial": 2,
    "unknown": 2,
    "table": 2,
    "ref_table": 1,
    "scalar": 2,
    "matrix": 2,
    "constant": 1,
    "double": 1,
    "int": 2,
    "frozen": 1,
}
"""Where tensors come from, and how often. ``unknown`` is a placeholder of unknown rank, ``partial`` one of shape [None],
``frozen`` a variable that is not trainable, ``table`` [5, 4]."""


class Construct(NamedTuple):
    """An operation with blocks: how many inputs (at least, at most), blocks and results, and how often it comes."""

    inputs: Tuple[int, int]
    blocks: int
    results: Tuple[int, int]
    weight: int


BLOCKS = {
    "function": Construct((0, 3), 1, (1, 3), 18),
    "defun": Construct((1, 3), 1, (1, 2), 5),
    "cond": Construct((1, 1), 2, (1, 2), 16),
    "cond_flag": Construct((0, 0), 2, (1, 2), 6),
    "case": Construct((1, 1), 3, (1, 2), 6),
    "while": Construct((1, 3), 1, (0, 0), 12),
    "while_trips": Construct((2, 3), 1, (0, 0), 6),
    "while_state": Construct((1, 3), 1, (0, 0), 6),
    "recompute": Construct((1, 2), 1, (1, 1), 4),
}
"""A loop gives back as many results as it is given inputs."""

TOP_LEVEL_ONLY = {"assign_then_read", "gradient_of", "py_function"}
"""``gradient_of`` also comes before any construct: taken through one that raises, it would leave the graph unusable."""
NOT_IN_DEFUN = {"function", "recompute", "py_function", "numpy_function", "assign_then_read", "queue"}
WEIGHTED = [name for name, each in sorted(OPERATIONS.items()) for _ in range(each.weight)]
WEIGHTED_BLOCKS = [name for name, each in sorted(BLOCKS.items()) for _ in range(each.weight)]
WEIGHTED_SOURCES = [name for name, weight in sorted(SOURCES.items()) for _ in range(weight)]


@dataclass(frozen=True)
class Recipe:
    """One graph and the question: ``targets`` and ``stops`` are names, ``losses`` are summed."""

    control_flow: int
    sources: Tuple[Tuple[str, str], ...]
    steps: Tuple[Step, ...]
    losses: Tuple[str, ...]
    targets: Tuple[str, ...]
    stops: Tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"Recipe(\n    control_flow={self.control_flow},\n    sources={self.sources!r},\n"
            f"    steps={written(self.steps, 4)},\n    losses={self.losses!r},\n    targets={self.targets!r},\n"
            f"    stops={self.stops!r},\n)"
        )


def written(steps: Tuple[Step, ...], indent: int) -> str:
    """Steps as a literal, a line for each, blocks indented."""
    lines = []
    for name, operation, inputs, *blocks in steps:
        inner = "".join(f",\n{' ' * (indent + 8)}({written(block, indent + 8)}, {results!r})" for block, results in blocks)
        lines.append(f"{' ' * (indent + 4)}({name!r}, {operation!r}, {inputs!r}{inner}),\n")
    return "(\n" + "".join(lines) + " " * indent + ")" if lines else "()"


def read(text: str) -> Recipe:
    """The recipe that ``repr`` wrote; lines that start with ``#`` are comments."""
    return eval(re.sub(r"^#.*$", "", text, flags=re.M).strip(), {"__builtins__": {}, "Recipe": Recipe})


def count(steps: Tuple[Step, ...]) -> int:
    """How many steps there are, inside blocks too."""
    return sum(1 + sum(count(block[0]) for block in step[3:]) for step in steps)


class Drawing:
    """One recipe being drawn: ``pick`` is the only source of chance, ``names`` what can be seen, newest last."""

    def __init__(self, pick: Pick, size: int):
        self.pick, self.budget, self.made, self.constructs = pick, size, 0, 0
        self.names: List[Tuple[str, str]] = []
        self.sources: List[Tuple[str, str]] = []

    def choose(self, things):
        return things[self.pick(0, len(things) - 1)]

    def named(self, kind: str) -> str:
        """A visible tensor of this kind (``f`` or ``i``), mostly a new one."""
        known = [name for name, each in self.names if each == kind]
        if not known:
            return "none"
        reach = min(len(known), 5) if self.pick(0, 3) else len(known)
        return known[-1 - self.pick(0, reach - 1)]

    def source(self) -> None:
        kind = self.choose(WEIGHTED_SOURCES)
        name = f"{kind[0]}{len(self.sources)}".replace("t", "e")
        self.sources.append((name, kind))
        self.names.append((name, "i" if kind == "int" else "f"))

    def input(self, letter: str) -> str:
        kinds = {"R": ("resource",), "W": ("resource", "ref"), "t": ("table", "ref_table")}.get(letter, ())
        fitting = [name for name, kind in self.sources if kind in kinds]
        if fitting and (letter != "t" or self.pick(0, 2)):
            return self.choose(fitting)
        return self.named("i" if letter == "i" else "f")

    def plain(self, depth: int, inside: Tuple[str, ...]) -> Step:
        operation = self.choose(WEIGHTED)
        variables = [name for name, kind in self.sources if kind in ("resource", "ref")]
        takes, gives = OPERATIONS[operation].inputs, OPERATIONS[operation].outputs
        unfit = (
            (operation in TOP_LEVEL_ONLY and depth)
            or (operation == "gradient_of" and self.constructs)
            or (operation in NOT_IN_DEFUN and "defun" in inside)
        )
        if (
            unfit
            or ("W" in takes and not variables)
            or ("R" in takes and not any(kind == "resource" for _, kind in self.sources))
        ):
            operation, takes, gives = "sin", "f", "="
        name = self.fresh()
        step = (name, operation, tuple(self.input(letter) for letter in takes))
        self.results(name, ["i" if letter == "i" else "f" for letter in gives])
        return step

    def fresh(self) -> str:
        self.made += 1
        self.budget -= 1
        return f"t{self.made - 1}"

    def results(self, name: str, kinds: List[str]) -> None:
        self.names += [(name if not place else f"{name}.{place}", kind) for place, kind in enumerate(kinds)]

    def construct(self, depth: int, inside: Tuple[str, ...]) -> Step:
        self.constructs += 1
        operation = self.choose(WEIGHTED_BLOCKS)
        if operation in NOT_IN_DEFUN and "defun" in inside:
            operation = "cond"
        if operation == "defun" and "function" in inside:
            operation = "function"
        shape, name = BLOCKS[operation], self.fresh()
        inputs = tuple(self.named("f") for _ in range(self.pick(*shape.inputs)))
        loop = operation.startswith("while")
        carried = inputs[1:] if operation == "while_trips" else inputs
        number = len(carried) if loop else self.pick(*shape.results)
        taken = carried if loop or operation in ("function", "defun", "recompute") else ()
        blocks = tuple(self.block(name, len(taken), number, depth + 1, inside + (operation,)) for _ in range(shape.blocks))
        self.results(name, ["f"] * number)
        return (name, operation, inputs, *blocks)

    def block(self, name: str, arguments: int, results: int, depth: int, inside: Tuple[str, ...]):
        outer = list(self.names)
        self.names += [(f"{name}.in{place}", "f") for place in range(arguments)]
        steps = tuple(self.step(depth, inside) for _ in range(self.pick(0, 5)) if self.budget > 0)
        block = (steps, tuple(self.named("f") for _ in range(results)))
        self.names = outer
        return block

    def step(self, depth: int, inside: Tuple[str, ...]) -> Step:
        if depth < 3 and self.budget > 2 and self.pick(0, 7) == 7:
            return self.construct(depth, inside)
        return self.plain(depth, inside)

    def recipe(self) -> Recipe:
        control_flow = self.pick(1, 2)
        for _ in range(self.pick(2, 5)):
            self.source()
        if all(kind == "int" for _, kind in self.sources):
            self.sources.append(("r9", "resource"))
            self.names.append(("r9", "f"))
        steps = []
        while self.budget > 0:
            steps.append(self.step(0, ()))
        made = self.names[len(self.sources) :]
        losses = tuple(self.named("f") for _ in range(self.choose([1, 1, 1, 2, 3])))
        if self.pick(0, 24) == 24:  # an integer loss is never its own target: every verdict is NONE by definition
            losses = (self.named("i" if any(kind == "i" for _, kind in self.names) else "f"),)
        inner = [self.choose(made)[0] for _ in range(self.pick(1, 3))] if made else []
        integers = {name for name, kind in self.names if kind == "i"}
        targets = tuple(
            dict.fromkeys(
                name for name in [name for name, _ in self.sources] + inner if name not in losses or name not in integers
            )
        )[:7]
        stops = tuple(self.choose(made)[0] for _ in range(self.pick(1, 2))) if made and not self.pick(0, 5) else ()
        return Recipe(control_flow, tuple(self.sources), tuple(steps), losses, targets, stops)


def recipe_of(seed: int, smallest: int = 10, largest: int = 60) -> Recipe:
    """The recipe that this seed gives, of ``smallest`` to ``largest`` steps."""
    pick = random.Random(seed).randint
    return Drawing(pick, pick(smallest, largest)).recipe()


def recipes(smallest: int = 10, largest: int = 60) -> st.SearchStrategy[Recipe]:
    """Recipes of ``smallest`` to ``largest`` steps.

    hypothesis draws a seed, not each step: of 500 recipes drawn step by step 170 were repeats, and long ones ended in a
    row of the first operation. It cannot shrink a seed; ``shrink.shrunk`` shrinks the recipe itself.
    """
    return st.builds(recipe_of, st.integers(0, 2**64 - 1), st.just(smallest), st.just(largest))
