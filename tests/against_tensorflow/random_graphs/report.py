"""The report of a run over many recipes: counts, disagreements, and imprecision by kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Tuple

from .judge import Answer, Judgement
from .recipes import Recipe, Step


def operations(steps: Tuple[Step, ...]) -> Iterable[str]:
    """The operation of every step, inside blocks too."""
    for step in steps:
        yield step[1]
        for inner, _ in step[3:]:
            yield from operations(inner)


def op_types(graph: Any) -> Counter:
    """How often each op type is in a graph and the functions it can call."""
    definition = graph.as_graph_def()
    return Counter(
        [node.op for node in definition.node]
        + [node.op for function in definition.library.function for node in function.node_def]
    )


def label(answer: Answer) -> str:
    """The answer in a word or two."""
    if answer.kind != "tensor":
        return answer.kind
    return {True: "tensor, nonzero", False: "tensor, zero", None: "tensor, not evaluated"}[answer.nonzero]


@dataclass
class Tally:
    """Counts that grow with every judged recipe."""

    graphs: int = 0
    answers: Counter = field(default_factory=Counter)
    verdicts: Counter = field(default_factory=Counter)
    steps: Counter = field(default_factory=Counter)
    types: Counter = field(default_factory=Counter)
    messages: Counter = field(default_factory=Counter)
    disagreements: List[Tuple[Recipe, Judgement]] = field(default_factory=list)
    imprecise: List[Tuple[Recipe, Judgement]] = field(default_factory=list)
    on_path: Dict[bool, Counter] = field(default_factory=lambda: {True: Counter(), False: Counter()})
    paths: Counter = field(default_factory=Counter)

    def add_graph(self, recipe: Recipe, types: Counter) -> None:
        self.graphs += 1
        self.steps.update(operations(recipe.steps))
        self.types.update(types)

    def add_answer(self, answer: Answer) -> None:
        self.answers[label(answer)] += 1
        if answer.detail:
            self.messages[f"{answer.kind}: {answer.detail.splitlines()[0][:110]}"] += 1

    def add(self, recipe: Recipe, judgement: Judgement, types_on_path: Tuple[str, ...]) -> None:
        self.add_answer(judgement.answer)
        self.verdicts[f"{judgement.verdict} | {label(judgement.answer)}"] += 1
        if judgement.disagrees:
            self.disagreements.append((recipe, judgement))
        if judgement.imprecise:
            self.imprecise.append((recipe, judgement))
        if judgement.imprecise or judgement.answer.nonzero:
            self.paths[judgement.imprecise] += 1
            self.on_path[judgement.imprecise].update(set(types_on_path))

    def imprecision(self) -> List[Tuple[str, int, int]]:
        """Op types that are on the path of zero gradients more often than of others: type, zero, nonzero."""
        imprecise, precise = self.on_path[True], self.on_path[False]
        total = max(self.paths[True], 1), max(self.paths[False], 1)
        lifted = {name: (count / total[0]) / ((precise[name] + 1) / (total[1] + 1)) for name, count in imprecise.items()}
        return [
            (name, imprecise[name], precise[name])
            for name in sorted(lifted, key=lambda name: (-lifted[name], name))
            if lifted[name] > 1.5 and imprecise[name] > 1
        ]

    def lines(self) -> Iterable[str]:
        yield f"{self.graphs} graphs, {len(self.types)} op types, {len(self.steps)} kinds of step"
        yield from section("TensorFlow's answers", self.answers)
        yield from section("graphcut's verdict | TensorFlow's answer", self.verdicts)
        yield from section("errors of TensorFlow", self.messages)
        yield f"imprecise (FLOWS or CONDITIONAL, zero at every point): {self.paths[True]} of {sum(self.paths.values())}"
        for name, zero, nonzero in self.imprecision()[:20]:
            yield f"  {name}: on {zero} paths with a zero gradient, {nonzero} with another"
        yield f"disagreements: {len(self.disagreements)}"


def section(title: str, counts: Counter) -> Iterable[str]:
    if counts:
        yield f"{title}:"
    for name, number in counts.most_common(25):
        yield f"  {number:6d}  {name}"
