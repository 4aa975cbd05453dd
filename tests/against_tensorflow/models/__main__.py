"""Judge every model that this environment can build, and record it: ``python -m tests.against_tensorflow.models [NAME …]``."""

from __future__ import annotations

import sys

from .all_models import MODELS
from .conftest import line
from .judge import judgements
from .record import row, write


def main() -> int:
    """The exit code: 1 where anything disagreed."""
    rows, wrong = [], 0
    for model in MODELS:
        if model.reason_to_skip() or (sys.argv[1:] and model.name not in sys.argv[1:]):
            continue
        for loss, judgement in judgements(model.build()):
            print(line("%s, %s" % (model.name, loss), judgement), flush=True)
            print("".join("    %s\n" % each for each in judgement.disagreements), end="")
            print("".join("    zero at all points: %s\n" % each for each in judgement.imprecise), end="")
            rows.append(row(model, loss, judgement))
            wrong += len(judgement.disagreements)
    write(rows)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
