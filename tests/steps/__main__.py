"""Hold many generated steps against TensorFlow: ``python -m tests.steps FIRST LAST`` prints the seeds that disagree."""
from __future__ import annotations

import sys
from collections import Counter

from tests.steps.generated import build, recipe
from tests.steps.judge import audited, words

if __name__ == "__main__":
    first, last = map(int, sys.argv[1:])
    seen: Counter = Counter()
    wrong = []
    for seed in range(first, last):
        try:
            for audit in audited(build(recipe(seed)), [3]):
                seen.update(words(audit))
        except AssertionError as error:
            wrong.append(seed)
            print("seed %d: %s" % (seed, str(error)[:300]))
    print("%d steps, %d disagree\n%s" % (last - first, len(wrong), dict(seen)))
    sys.exit(1 if wrong else 0)
