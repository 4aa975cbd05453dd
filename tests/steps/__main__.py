"""Hold many generated steps against TensorFlow: ``python -m tests.steps FIRST LAST`` prints the seeds that disagree, with
``nested`` as a third argument of steps that leave the rest to an inner function."""
from __future__ import annotations

import sys
from collections import Counter

from tests.steps.generated import build, nested, recipe
from tests.steps.judge import audited, words

if __name__ == "__main__":
    first, last = map(int, sys.argv[1:3])
    made = nested if sys.argv[3:] else recipe
    seen: Counter = Counter()
    wrong = []
    for seed in range(first, last):
        try:
            for audit in audited(build(made(seed)), [3]):
                seen.update(words(audit))
        except Exception as error:  # noqa: BLE001 - a crash is a counterexample, too
            wrong.append(seed)
            print("seed %d: %s: %s" % (seed, type(error).__name__, str(error)[:300]))
    print("%d steps, %d disagree\n%s" % (last - first, len(wrong), dict(seen)))
    sys.exit(1 if wrong else 0)
