"""``python -m tests.against_tensorflow.metamorphic --random 200 --seed 1``: every subject in every form.

``--only TEXT`` takes the subjects whose name holds the text. Exits with 1 if there is a difference.
"""

from __future__ import annotations

import argparse
import sys
from itertools import chain

from . import subjects
from .compare import differences
from .known import reason


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random", type=int, default=0, help="so many random graphs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--kinds", default="oracle,scenarios")
    parser.add_argument("--unchanged", type=int, default=99, help="so many forms that leave the graph as it is")
    parser.add_argument("--changed", type=int, default=99, help="so many forms after a gradient was taken")
    options = parser.parse_args()
    kinds = {"oracle": subjects.oracle_subjects, "scenarios": subjects.scenario_subjects}
    chosen = [kinds[kind]() for kind in options.kinds.split(",") if kind in kinds]
    every = chain(subjects.random_subjects(options.seed, options.random), *chosen)
    counted, wrong = 0, 0
    for subject in (each for each in every if options.only in each.name):
        counted += 1
        for each in differences(subject, options.unchanged, options.changed):
            wrong += not reason(each)
            print("%s%s" % (each, " (%s)" % reason(each) if reason(each) else ""), flush=True)
    print("%d subjects, %d differences" % (counted, wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
