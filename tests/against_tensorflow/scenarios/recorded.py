"""The explanations of every fixture as text, beside what TensorFlow answers.

``python -m tests.against_tensorflow.scenarios.recorded`` writes those of the installed TensorFlow into
``fixtures/explanations``.

A file holds the fixtures of one module. Under ``== fixture: variable`` stands a block for each text, headed by the versions
of TensorFlow that say it and by TensorFlow's own answer; where there are several blocks a line says why. Line numbers are
left out: the line itself is quoted. A scope that is a number (TensorFlow 2.4 counts the moving averages of a process) is N.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from typing import NamedTuple, Tuple

import tensorflow as tf

import fixtures.documents
import fixtures.graphs
import fixtures.scenarios
from tests.against_tensorflow.scenarios.judge import answer, said

VERSION = ".".join(tf.__version__.split(".")[:2])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
FOLDER = os.path.join(ROOT, "fixtures", "explanations")
KERAS = "Keras names its scopes, layers and losses, and what they are made of, differently in Keras 3"
BODY = "TensorFlow 1.15 names calls and the ops inside of branches, loops and functions differently"
FILLED = "TensorFlow 1.15 answers zeros for what no branch gives a gradient"
CONTROL_FLOW = "in TensorFlow 1.15 a cond of a plain graph is made of Switch and Merge"
WHY = {
    "document_000": KERAS,
    "frozen": KERAS,
    "stopped": KERAS,
    "averages": KERAS,
    "averages_read": KERAS,
    "lambda_layer": KERAS,
    "lambda_layer_fixed": KERAS,
    "branches_of_tf2: swallowed": FILLED,
    "saved_branch: stopped": FILLED,
    "branches_of_tf2": BODY,
    "branches_fixed": BODY,
    "loop_variable_of_tf2": BODY,
    "loop_variable_fixed": BODY,
    "head_only": BODY,
    "document_001": BODY,
    "flow": CONTROL_FLOW,
    "counted": "from TensorFlow 2.15 on tf.math.count_nonzero counts booleans without comparing them to False",
}


class Block(NamedTuple):
    """One text, the versions that say it, and TensorFlow's answer."""

    versions: Tuple[str, ...]
    answer: str
    text: str


def every_fixture():
    """The fixtures of every module, each with the module's name."""
    for package in (fixtures.documents, fixtures.graphs, fixtures.scenarios):
        for _, name, _ in pkgutil.iter_modules(package.__path__):
            for each in vars(importlib.import_module(package.__name__ + "." + name)).values():
                if getattr(each, "is_fixture", False):
                    yield name, each


def explained(fixture, name):
    """The explanation of one variable, files named from the root of the project."""
    found = said(fixture)
    text = found.audit.explain(found.asked.keys[name]).replace(ROOT + os.sep, "")
    text = re.sub(r"(?<=\.py):[0-9]+", "", text)
    return re.sub(r"(?<=/)[0-9]+\b", "N", text)


def read(module):
    """What is recorded for a module: for each ``fixture: variable`` the reason and the blocks."""
    path = os.path.join(FOLDER, module + ".txt")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as stream:
        sections = re.split(r"^== ", stream.read(), flags=re.MULTILINE)[1:]
    return dict(_section(each) for each in sections)


def _section(text):
    title, _, rest = text.partition("\n")
    head, *blocks = re.split(r"^-- TensorFlow ", rest, flags=re.MULTILINE)
    return title, (head.strip(), [_block(each) for each in blocks])


def _block(text):
    head, _, rest = text.partition("\n")
    versions, _, known = head.partition(": ")
    return Block(tuple(versions.split(", ")), known, rest.strip("\n"))


def recorded(module, fixture, name):
    """The block of the installed version, or ``None``."""
    _, blocks = read(module).get("%s: %s" % (fixture.__name__, name), ("", []))
    return next((each for each in blocks if VERSION in each.versions), None)


def main():
    """Replace the record of the installed version by its present answer."""
    modules = {}
    for module, fixture in every_fixture():
        known = read(module)
        for name in fixture().variables:
            title = "%s: %s" % (fixture.__name__, name)
            _, blocks = known.get(title, ("", []))
            why = next((WHY[key] for key in (title, fixture.__name__, module) if key in WHY), "")
            mine = Block((VERSION,), answer(fixture, name), explained(fixture, name))
            modules.setdefault(module, {})[title] = (why, _merged(blocks, mine))
    for module, sections in modules.items():
        _write(module, sections)


def _merged(blocks, mine):
    others = [each._replace(versions=tuple(v for v in each.versions if v != VERSION)) for each in blocks]
    alike = [each for each in others if each[1:] == mine[1:]]
    versions = sorted({v for each in alike for v in each.versions} | {VERSION}, key=_number)
    rest = [each for each in others if each.versions and each[1:] != mine[1:]]
    return sorted(rest + [mine._replace(versions=tuple(versions))], key=lambda each: _number(each.versions[0]))


def _number(version):
    return [int(part) for part in version.split(".")]


def _write(module, sections):
    os.makedirs(FOLDER, exist_ok=True)
    lines = []
    for title, (why, blocks) in sections.items():
        lines += ["== " + title] + ([why] if why and len(blocks) > 1 else [])
        for block in blocks:
            lines += ["-- TensorFlow %s: %s" % (", ".join(block.versions), block.answer), block.text]
        lines.append("")
    with open(os.path.join(FOLDER, module + ".txt"), "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines))


if __name__ == "__main__":
    main()
