"""``python -m tests.against_tensorflow.random_graphs --examples 2000 --seed 1``: many random graphs, counted.

``--tensorflow-only`` asks TensorFlow alone; ``--no-numbers`` evaluates nothing; ``--types`` prints every op type
reached; ``--keep FOLDER`` writes each disagreement there, shrunk. Exits with 1 if there is a disagreement.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402

from .builder import CannotBuild, build  # noqa: E402
from .judge import ask_tensorflow, judge  # noqa: E402
from .recipes import recipes  # noqa: E402
from .report import Tally, op_types, operations, section  # noqa: E402
from .shrink import same, shrunk  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smallest", type=int, default=10, help="steps of a graph, at least")
    parser.add_argument("--largest", type=int, default=60, help="steps of a graph, at most")
    parser.add_argument("--tensorflow-only", action="store_true")
    parser.add_argument("--no-numbers", action="store_true")
    parser.add_argument("--types", action="store_true")
    parser.add_argument("--keep", type=Path, default=None)
    parser.add_argument("--imprecision", type=int, default=0, help="shrink so many imprecise answers and name their kinds")
    return parser.parse_args()


def on_path(built, path):
    """The op types along a path; names of ops inside functions are not looked up."""
    known = {op.name: op.type for op in built.graph.get_operations()}
    return tuple(known[name] for name in path if name in known)


def examine(recipe, tf, tally: Tally, options: argparse.Namespace) -> None:
    built = build(recipe, tf)
    tally.add_graph(recipe, op_types(built.graph))
    if options.tensorflow_only:
        for answer in ask_tensorflow(recipe, tf, not options.no_numbers, built).values():
            tally.add_answer(answer)
        return
    for judgement in judge(recipe, tf, not options.no_numbers):
        tally.add(recipe, judgement, on_path(built, judgement.path))


def kind(recipe, judgement) -> str:
    """A name for what a shrunk recipe shows: verdict, answer, operations."""
    parts = [judgement.verdict, judgement.answer.kind, f"v{recipe.control_flow}", *sorted(set(operations(recipe.steps)))]
    return "_".join(parts)[:100]


def keep(tally: Tally, tf, folder: Path) -> None:
    """Shrink disagreements into files."""
    folder.mkdir(parents=True, exist_ok=True)
    for recipe, judgement in tally.disagreements[:40]:
        small = shrunk(recipe, same(tf, judgement))
        text = f"# TensorFlow {tf.__version__}: {judgement.answer.kind}; graphcut: {judgement.verdict}"
        (folder / f"{kind(small, judgement)}.txt").write_text(
            f"{text} {' '.join(judgement.path)[:200]}\n{small!r}\n", encoding="utf-8"
        )


def imprecision(tally: Tally, tf, number: int) -> Counter:
    """The smallest recipes that are still imprecise, by their operations."""
    counts = Counter()
    for recipe, judgement in tally.imprecise[:number]:
        counts[kind(shrunk(recipe, same(tf, judgement)), judgement)] += 1
    return counts


def main() -> int:
    options, tally, started = arguments(), Tally(), time.time()
    import tensorflow.compat.v1 as tf

    tf.logging.set_verbosity(tf.logging.FATAL)

    @seed(options.seed)
    @settings(
        max_examples=options.examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(recipes(options.smallest, options.largest))
    def every(recipe):
        try:
            examine(recipe, tf, tally, options)
        except CannotBuild as error:
            tally.messages[f"cannot be built: {str(error)[:110]}"] += 1
        except Exception:
            print(f"could not be judged:\n{recipe!r}", file=sys.stderr)
            traceback.print_exc()
            raise

    every()
    print(f"TensorFlow {tf.__version__}, seed {options.seed}, {time.time() - started:.0f} s")
    print("\n".join(tally.lines()))
    if options.types:
        print("\n".join(f"  {count:6d}  {name}" for name, count in tally.types.most_common()))
    for recipe, judgement in tally.disagreements[:10]:
        print(judgement, recipe, sep="\n")
    if options.imprecision:
        print("\n".join(section("kinds of imprecision", imprecision(tally, tf, options.imprecision))))
    if options.keep:
        keep(tally, tf, options.keep)
    return 1 if tally.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
