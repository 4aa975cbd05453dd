"""A worker process of a survey. It reads one path a line and writes one audit a line, as JSON.

``python -m graphcut.api.survey.worker``; the first line is the question. It ends where its input ends.
"""

from __future__ import annotations

import json
import os
import sys

from graphcut.api.survey.file_audit import audit_file, limit_memory


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anybody else prints is no answer
    question = json.loads(sys.stdin.readline() or "{}")
    limit_memory(question.get("memory"))
    for line in sys.stdin:
        record, page = audit_file(json.loads(line), question)
        answers.write(json.dumps([record.to_dict(), page]) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
