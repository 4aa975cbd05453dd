"""``python -m tests.robustness --seconds 7200 --keep FOLDER``: a fuzz campaign of new files, without pytest.

Prints what was covered and what failed, keeps each file that failed, and exits with 1 if any did. ``--seed`` repeats one.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from .campaign import run_campaign


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    given = parser.parse_args()
    seed = random.randrange(2**40) if given.seed is None else given.seed
    print("seed %d, %.0f seconds" % (seed, given.seconds), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found, seen = run_campaign(given.seconds, seed, folder, given.keep)
    for what, count in sorted(seen.items()):
        print("%8d  %s" % (count, what))
    for each in found.values():
        print(each)
    print("%.1f minutes of CPU" % (time.process_time() / 60))
    print("%d kinds of failures%s" % (len(found), ", kept in %s" % given.keep if found else ""))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
