"""Print TensorFlow's own answers, one line for each case and target.

Run ``python -m tests.against_tensorflow.oracle.survey [PATTERN] [--json FILE]``.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import time
from collections import OrderedDict

from .bench import MODES, VERSION
from .graphs import CASES
from .judge import answers, target_names


def surveyed(case):
    """For each target, the answer of each mode; a mode that could not be built says why."""
    rows = OrderedDict()
    for mode in MODES:
        if mode in case.skip:
            continue
        try:
            found = answers(case, mode, target_names(case, mode))
        except Exception as error:  # a case that does not build is what a survey is for
            rows.setdefault("!", OrderedDict())[mode] = "BROKEN %s: %s" % (type(error).__name__, str(error)[:300])
            continue
        for name, answer in found.items():
            rows.setdefault(name, OrderedDict())[mode] = str(answer)
            if answer.kind == "tensor" and answer.error:
                rows.setdefault("!" + name, OrderedDict())[mode] = answer.error[:300]
    return rows


def line(answers_by_mode):
    """All modes at once where they agree."""
    if len(set(answers_by_mode.values())) == 1:
        return "%s (%s)" % (next(iter(answers_by_mode.values())), " ".join(answers_by_mode))
    return "  ".join("%s=%s" % pair for pair in answers_by_mode.items())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--json")
    asked = parser.parse_args()
    table, started = OrderedDict(), time.time()
    for name, case in CASES.items():
        if not fnmatch.fnmatch(name, asked.pattern):
            continue
        table[name] = surveyed(case)
        for target, by_mode in table[name].items():
            print("%-44s %-12s %s" % (name, target, line(by_mode)), flush=True)
    print("TensorFlow %s.%s: %d cases, %.0f s" % (VERSION + (len(table), time.time() - started)))
    if asked.json:
        with open(asked.json, "w") as file:
            json.dump(table, file, indent=1)


if __name__ == "__main__":
    main()
