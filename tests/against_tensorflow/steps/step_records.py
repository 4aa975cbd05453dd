"""Record graphcut's findings for each gradient of the small steps and the gallery, in each version of TensorFlow.

``python -m tests.against_tensorflow.steps.step_records`` audits them in the installed TensorFlow and writes what it found
into ``fixtures/step_verdicts.json``: for each step, what was found, and the versions in which it was. ``2 none (None)``
stands for two variables with the verdict ``none`` for which TensorFlow answered ``None``; each gradient that the step takes
is a part of the text.
"""

from __future__ import annotations

import json
import os
from collections import Counter

import tensorflow as tf

import graphcut
from graphcut import Verdict

VERSION = ".".join(tf.__version__.split(".")[:2])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PATH = os.path.join(ROOT, "fixtures", "step_verdicts.json")
NOT_TRACED = "TensorFlow raises while it builds the step"
TAPE_RECORDS = 'up to TensorFlow 2.4 a tape cannot take a jacobian in its own scope: it raises, "Tape is still recording"'
WHY = {
    "small.batch_jac_in_own_scope": TAPE_RECORDS,
    "small.batch_jac_in_tape2": TAPE_RECORDS,
    "small.batch_jac_nonpers": TAPE_RECORDS,
    "small.jac_nonpers_scope": TAPE_RECORDS,
    "small.jac_cond_fn": "up to TensorFlow 2.1 a jacobian through a `tf.cond` cannot be vectorized: TensorFlow raises",
    "small.csr_dense": "TensorFlow 2.4 added the gradient functions of sparse matrices",
    "small.csr_matmul": "TensorFlow 2.4 added the gradient functions of sparse matrices",
    "small.csr_sparsemul": "TensorFlow 2.4 added the gradient functions of sparse matrices",
    "small.csr_transpose": "TensorFlow 2.4 added the gradient functions of sparse matrices",
    "small.csr_from_sparse": "TensorFlow 2.5 added the gradient function of this conversion of a sparse matrix",
    "small.csr_to_sparse": "TensorFlow 2.5 added the gradient function of this conversion of a sparse matrix",
    "small.gather_int": "up to TensorFlow 2.11 `tf.gather` of a variable ends in an `Identity`; tapes record none of integers",
    "small.loop_int": "TensorFlow 1.15 builds a v1 loop, whose gradient is `None` where that of a v2 loop is zeros",
}
ORDER = [each.value for each in Verdict]


def describe(audits):
    """The verdicts of a step's audits as one line, each with TensorFlow's own answer."""
    return "; ".join(_gradient(audit) for audit in audits)


def _gradient(audit):
    answers = audit.recorded or [None] * len(audit)
    found = Counter((each.verdict.value, _answer(each, answer)) for each, answer in zip(audit, answers))
    rows = sorted(found.items(), key=lambda item: (ORDER.index(item[0][0]), item[0][1]))
    return ", ".join("%d %s (%s)" % (count, verdict, answer) for (verdict, answer), count in rows) or "nothing asked"


def _answer(row, answer):
    return "error" if row.verdict is Verdict.RAISES else "a tensor" if answer else "None"


def read():
    """For each step the texts, each with the versions that it was found in."""
    with open(PATH, encoding="utf-8") as stream:
        known = json.load(stream)
    return {name: {text: versions.split(", ") for text, versions in each["found"].items()} for name, each in known.items()}


def recorded(name):
    """What was recorded for a step in the installed version; ``None`` where nothing was."""
    return next((text for text, versions in read().get(name, {}).items() if VERSION in versions), None)


def found_now():
    """What is found for each step in the installed TensorFlow."""
    from tests.against_tensorflow.scenarios.test_gallery import ENTRIES, audited, named
    from tests.against_tensorflow.steps.judge import as_traced
    from tests.against_tensorflow.steps.small import STEPS
    from tests.against_tensorflow.steps.test_small import bound

    for made in STEPS:
        yield "small." + made.__name__, _audited(as_traced(bound(made)[0]))
    for entry in ENTRIES:
        yield named(entry), describe(audited(entry)[1])


def _audited(step):
    try:
        return describe(graphcut.audit_step(step, tf.TensorSpec([3])))
    except graphcut.GraphcutError:
        return NOT_TRACED


def main():
    """Replace the record of the installed version by its present answer."""
    known = read() if os.path.exists(PATH) else {}
    for found in known.values():
        for text in list(found):
            found[text] = [version for version in found[text] if version != VERSION]
    for name, text in found_now():
        found = known.setdefault(name, {})
        found[text] = sorted([*found.get(text, []), VERSION], key=_number)
    with open(PATH, "w", encoding="utf-8") as stream:
        json.dump({name: _entry(name, found) for name, found in known.items()}, stream, indent=1, sort_keys=True)
        stream.write("\n")


def _entry(name, found):
    kept = {text: ", ".join(versions) for text, versions in found.items() if versions}
    return {"found": kept, "why": WHY.get(name, "")} if len(kept) > 1 else {"found": kept}


def _number(version):
    return [int(part) for part in version.split(".")]


if __name__ == "__main__":
    main()
