"""Compare many generated steps with TensorFlow and print the seeds that disagree.

Run ``python -m tests.against_tensorflow.steps FIRST LAST``; with ``nested`` as a third argument the steps leave the rest to an
inner function.
"""

from __future__ import annotations

import sys
from collections import Counter

from tests.against_tensorflow.steps.generated import build, nested, recipe
from tests.against_tensorflow.steps.judge import audited, truths, words


def crashes(step) -> bool:
    """Whether TensorFlow itself raises when it takes the gradients of a step."""
    try:
        truths(step, [[3]], 1)
    except Exception:  # noqa: BLE001 - whatever it is, it is not about an audit
        return True
    return False


if __name__ == "__main__":
    first, last = map(int, sys.argv[1:3])
    made = nested if sys.argv[3:] else recipe
    seen: Counter = Counter()
    wrong, crashed = [], []
    for seed in range(first, last):
        try:
            for audit in audited(build(made(seed)), [3]):
                seen.update(words(audit))
        except Exception as error:  # noqa: BLE001 - a crash is a counterexample, too
            (crashed if crashes(build(made(seed))) else wrong).append(seed)
            print("seed %d: %s: %s" % (seed, type(error).__name__, str(error)[:300]))
    print("%d steps, %d disagree, at %d TensorFlow crashes\n%s" % (last - first, len(wrong), len(crashed), dict(seen)))
    sys.exit(1 if wrong else 0)
