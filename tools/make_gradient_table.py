"""Write graphcut/analysis/rules/gradient_table.json: the gradients of every op type in each TensorFlow that is asked.

Run from the project's root, with the Python of each environment that has a TensorFlow, oldest first::

    python tools/make_gradient_table.py env/tf115/bin/python env/tf24/bin/python env/tf221/bin/python

Each of them asks its TensorFlow (``graphcut/backend/gradient_oracle/ask_every_op.py``), which takes a few minutes, and the
columns are merged. tests/against_tensorflow/oracle/test_gradient_table.py holds the table against the installed TensorFlow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

PATH = "graphcut/analysis/rules/gradient_table.json"
ASK = """
import json, sys
from graphcut.backend.gradient_oracle import ask_every_op
with open(sys.argv[1], "w") as stream:
    json.dump(ask_every_op.column(), stream)
"""


def ask(python):
    """The column of one environment's TensorFlow."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "column.json")
        subprocess.run([python, "-W", "ignore", "-c", ASK, path], check=True, env=environment)
        with open(path) as stream:
            return json.load(stream)


def merge(columns):
    """The columns as one table: for each op type an entry with the columns that have it."""
    ops = {}
    for number, column in enumerate(columns):
        for name, entry in column["ops"].items():
            entries = ops.setdefault(name, [])
            same = next((each for each in entries if each[1] == entry), None)
            if same is None:
                entries.append([[number], entry])
            else:
                same[0].append(number)
    return {
        "versions": [column["version"] for column in columns],
        "producers": [column["producer"] for column in columns],
        "behavior": [column["behavior"] for column in columns],
        "ops": ops,
    }


def text(table):
    """The table as JSON, one op type on a line, so that a change shows in a diff."""
    compact = {"sort_keys": True, "separators": (",", ":")}
    head = json.dumps({key: value for key, value in table.items() if key != "ops"}, **compact)
    lines = ",\n".join(
        "%s:%s" % (json.dumps(name), json.dumps(entries, **compact)) for name, entries in sorted(table["ops"].items())
    )
    return '%s,"ops":{\n%s\n}}\n' % (head[:-1], lines)


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    columns = []
    for argument in sys.argv[1:]:
        if argument.endswith(".json"):  # a column that was asked before
            with open(argument) as stream:
                columns.append(json.load(stream))
        else:
            columns.append(ask(argument))
    with open(PATH, "w") as stream:
        stream.write(text(merge(columns)))
