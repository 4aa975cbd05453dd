"""A worker process of a survey, which reads one path per line and writes one audit per line, as JSON.

Run it with ``python -m graphcut.api.survey.worker``. The first line of its input holds the options; it ends at the end of its
input.
"""

from __future__ import annotations

import json
import os
import sys

from graphcut.api.survey.file_audit import audit_file, limit_memory


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # other code may print; that is no answer
    question = json.loads(sys.stdin.readline() or "{}")
    limit_memory(question.get("memory"))
    for line in sys.stdin:
        record, page = audit_file(json.loads(line), question)
        answers.write(json.dumps([record.to_dict(), page]) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
