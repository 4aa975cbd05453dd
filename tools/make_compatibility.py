"""Write docs/compatibility.md: what differs between the versions of TensorFlow, from what was recorded in each of them.

Run from the project's root, in any environment; no TensorFlow is needed: ``python tools/make_compatibility.py``.

The records are the gradient table (``tools/make_gradient_table.py`` asks each TensorFlow about each op type) and
``fixtures/explanations`` (``tests.against_tensorflow.scenarios.recorded`` audits each fixture in each TensorFlow, and asks
TensorFlow too), and ``fixtures/step_verdicts.json`` (``tests.against_tensorflow.steps.step_records``, the same for training
steps). ``tests/repository/test_compatibility.py`` holds the page against them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from graphcut.analysis.rules import gradient_table
from graphcut.api.op_gradients import op_gradients, op_types, words_of

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "compatibility.md"
RECORDS = ROOT / "fixtures" / "explanations"
STEPS = ROOT / "fixtures" / "step_verdicts.json"
VERSIONS = [".".join(each.split(".")[:2]) for each in gradient_table.versions()]
SORTS = {
    "function": "a gradient function",
    "none": "not differentiable: `None`",
    "unregistered": "not registered: TensorFlow raises",
    "rule": "computed from what surrounds it",
}
# Why what is registered for an op changed: what was registered before, and since.
WHY_REGISTERED = {
    ("unregistered", "function"): "TensorFlow added a gradient function",
    ("none", "function"): "TensorFlow added a gradient function where it answered `None`",
    ("unregistered", "none"): "TensorFlow declared the op not differentiable",
    ("function", "unregistered"): "TensorFlow removed the gradient function",
    ("none", "unregistered"): "TensorFlow removed the declaration",
}
BEHAVIORS = {
    "fills_branches": ("`If` and `Case`: the gradient of an input to which no branch gives one is", "zeros", "`None`"),
    "empty_calls_raise": ("a function that gives none of its arguments a gradient", "makes TensorFlow raise", "gives `None`"),
    "inert_counts": ("the elements of a variant decide whether it gets a gradient", "yes", "no"),
    "rebuilds_cases": ("functions called in the branches of a `Case` are differentiated", "again", "by their own gradient"),
}


def main():
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page():
    """The page as Markdown."""
    parts = [HEAD % ", ".join(VERSIONS), *_fixtures(), *_steps(), *_behaviors(), *_registered(), *_answers(), *_since()]
    return "\n".join(parts) + "\n"


HEAD = """# Compatibility

<!-- Written by tools/make_compatibility.py: change the records, not this page. -->

This page lists what differs between the versions of TensorFlow. The gradients of op types were recorded in TensorFlow
%s. The fixtures are small graphs with known answers, in the folder
`fixtures/` of the repository. Their verdicts were recorded in the versions that their table lists. Versions between these were
not tried: "since 2.11" means that 2.11 does it, and the version recorded before it does not. Continuous integration compares
the records with TensorFlow 1.15, 2.15 and 2.21; `tox -m full` runs the tests in eleven versions.
"""


def _table(*head):
    return ["| %s |" % " | ".join(head), "|%s" % ("---|" * len(head))]


def _row(*cells):
    return "| %s |" % " | ".join(cells)


STEPS_HEAD = """The steps of the [gallery](gallery.md), and small ones modelled on TensorFlow's own tests of tapes, control
flow, lists, maps and sparse matrices (`tests/against_tensorflow/steps/small.py`), are traced and audited in each version,
and the verdicts are compared with the tape's answers. A step that uses something a version lacks is left out there."""
# Fixtures


def _records():
    """For each fixture and variable its reason, and for each version TensorFlow's answer, graphcut's verdict and the text."""
    for path in sorted(RECORDS.glob("*.txt")):
        for section in re.split(r"^== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            title, _, rest = section.partition("\n")
            why, *blocks = re.split(r"^-- TensorFlow ", rest, flags=re.MULTILINE)
            yield path.stem, title, why.strip(), dict(each for block in blocks for each in _by_version(block))


def _by_version(block):
    head, _, text = block.partition("\n")
    listed, _, answer = head.partition(": ")
    verdict = re.search(r"\((raises|none|zero|conditional|flows)[):,;]", text).group(1)
    return [(version, (answer, verdict, text)) for version in listed.split(", ")]


def _fixtures():
    records = list(_records())
    recorded = [version for version in VERSIONS if any(version in found for *_, found in records)]
    counts = [Counter(found[version][1] for *_, found in records if version in found) for version in recorded]
    verdicts = [each for each in ("flows", "conditional", "zero", "none", "raises") if any(count[each] for count in counts)]
    lines = ["## Verdicts of the fixtures", "", "How many variables of the fixtures have each verdict:", ""]
    lines += [
        *_table("TensorFlow", *verdicts),
        *(_row(v, *(str(c[each]) for each in verdicts)) for v, c in zip(recorded, counts)),
    ]
    differ = [each for each in records if len({found[:2] for found in each[3].values()}) > 1]
    lines += ["", "%s:" % _count(len(differ), "verdict differs", "verdicts differ"), ""]
    lines += _table("fixture", "variable", "verdict (TensorFlow's answer)", "reason")
    for module, title, why, found in differ:
        fixture, _, name = title.partition(": ")
        lines.append(_row("`%s.%s`" % (module, fixture), "`%s`" % name, _by_answer(found), _needed(why, title)))
    words = Counter(_needed(why, title) for _, title, why, found in records if len({each[2] for each in found.values()}) > 1)
    lines += ["", "For all other variables, at most names and wording of the explanations differ:", ""]
    lines += [*_table("explanations", "reason"), *(_row(str(count), why) for why, count in words.most_common())]
    return [*lines, ""]


def _steps():
    known = json.loads(STEPS.read_text(encoding="utf-8"))
    counts = Counter(
        version for each in known.values() for versions in each["found"].values() for version in versions.split(", ")
    )
    recorded = [version for version in VERSIONS if counts[version]]
    lines = ["## Verdicts of training steps", "", STEPS_HEAD, "", *_table("TensorFlow", *recorded)]
    lines += [_row("steps", *(str(counts[version]) for version in recorded)), ""]
    differ = {name: each for name, each in known.items() if len(each["found"]) > 1}
    lines += ["%s, of %d:" % (_count(len(differ), "step differs", "steps differ"), len(known)), ""]
    lines += _table("step", "verdicts (TensorFlow's answers)", "reason")
    for name, each in sorted(differ.items()):
        found = sorted(each["found"].items(), key=lambda item: VERSIONS.index(item[1].split(", ")[0]))
        lines.append(_row("`%s`" % name, "<br>".join("%s: %s" % (v, text) for text, v in found), _needed(each["why"], name)))
    return [*lines, ""]


def _by_answer(found):
    groups = {}
    for version in VERSIONS:
        if version in found:
            groups.setdefault(found[version][:2], []).append(version)
    return "; ".join(
        "%s: `%s` (%s)" % (", ".join(each), verdict, {"none": "`None`"}.get(answer, answer))
        for (answer, verdict), each in groups.items()
    )


def _needed(why, title):
    if not why:
        raise SystemExit(
            "%s differs between versions, and no reason is recorded: see WHY in recorded.py and step_records.py" % title
        )
    return why


def _count(number, one, several):
    return "One %s" % one if number == 1 else "%d %s" % (number, several)


# Behavior


def _behaviors():
    found = gradient_table.data()["behavior"]
    lines = ["## Control flow and functions", "", *_table("what", *VERSIONS)]
    for key, (what, yes, no) in BEHAVIORS.items():
        lines.append(_row(what, *(yes if each[key] else no for each in found)))
    return [*lines, ""]


# Ops


def _changes(pick):
    """Each op type, a version, and what it answers before and since, where ``pick`` tells them apart."""
    for name in op_types():
        answers = {".".join(v.split(".")[:2]): each for each in op_gradients(name) for v in each.versions}
        present = [version for version in VERSIONS if version in answers]
        for before, since in zip(present, present[1:]):
            old, new = answers[before], answers[since]
            if pick(old, new):
                yield name, since, old, new


def _registered():
    lines = ["## Ops whose gradient is registered differently", ""]
    lines += _table("op", "since", "before", "now", "reason")
    for name, since, old, new in _changes(lambda old, new: old.gradient != new.gradient):
        why = WHY_REGISTERED[old.gradient, new.gradient]
        lines.append(_row("`%s`" % name, since, SORTS[old.gradient], SORTS[new.gradient], why))
    return [*lines, ""]


def _answers():
    lines = ["## Ops whose gradient function answers differently", ""]
    lines += ["`depends`: the answer depends on dtypes, attributes or shapes; an audit uses those of your graph.", ""]
    lines += _table("op", "since", "before", "now", "reason")
    for name, since, old, new in _changes(lambda old, new: old.gradient == new.gradient and old.inputs != new.inputs):
        keys = [key for key in new.inputs if old.inputs.get(key) != new.inputs[key]]
        lines.append(_row("`%s`" % name, since, _inputs(old, keys), _inputs(new, keys), _why_answered(name, old, new, keys)))
    return [*lines, ""]


def _inputs(answer, keys):
    words = [answer.inputs.get(key, "absent") for key in keys]
    alike = len(set(words)) == 1 and len(words) > 1
    return "all %s" % words[0] if alike else ", ".join("`%s` %s" % pair for pair in zip(keys, words))


def _why_answered(name, old, new, keys):
    """What the answer depends on, before and since; or that the function returns other gradients."""
    answers = [{answer.inputs.get(key) for key in keys} for answer in (old, new)]
    if "depends" in answers[1]:
        return "the answer depends on %s" % _deciding(name, new)
    if "depends" in answers[0]:
        return "the answer depended on %s" % (_deciding(name, old) or "shapes (TensorFlow raised for all that were tried)")
    given, ended = (["`%s`" % key for key in keys if new.inputs[key] == answer] for answer in ("yes", "no"))
    parts = ["returns a gradient for %s" % ", ".join(given)] if given else []
    parts += ["returns `None` for %s" % ", ".join(ended)] if ended else []
    return "the function %s" % " and ".join(parts)


def _deciding(name, answer):
    """The attributes, or the shapes, for which the function of an op answers differently or TensorFlow raises."""
    entry = gradient_table.entry_of(name, gradient_table.versions().index(answer.versions[0]))
    rows = [(row["when"], words) for row in entry["rows"] for words in words_of(row["reply"]) if set(words) != {"-"}]
    found = {}
    for when, words in rows:
        for key, allowed in when.items():
            found.setdefault(key, {}).setdefault(" ".join(words), set()).update(map(str, allowed))
    keys = ["`%s`" % key for key, by_words in found.items() if len({frozenset(each) for each in by_words.values()}) > 1]
    alike = [row for row in entry["rows"] if len({" ".join(words) for words in words_of(row["reply"])}) > 1]
    return ", ".join(keys + (["shapes"] if alike else [])) + (
        " (for some values, TensorFlow raises)" if any(words[0] in "?!" for _, words in rows) and (keys or alike) else ""
    )


def _since():
    lines = ["## Op types by version", "", "How many op types each version registers:", ""]
    known = {version: {name: op_gradients(name, version)[0].gradient for name in op_types(version)} for version in VERSIONS}
    lines += _table("TensorFlow", "op types", *SORTS.values())
    for version in VERSIONS:
        counts = Counter(known[version].values())
        lines.append(_row(version, str(len(known[version])), *(str(counts[sort]) for sort in SORTS)))
    for before, since in zip(VERSIONS, VERSIONS[1:]):
        new = [name for name in known[since] if name not in known[before]]
        gone = [name for name in known[before] if name not in known[since]]
        lines += ["", "### Since %s" % since, ""]
        parts = (
            "%d op type%s new" % (len(new), " is" if len(new) == 1 else "s are"),
            "%d %s gone" % (len(gone), "is" if len(gone) == 1 else "are"),
        )
        lines.append("Compared with %s, %s and %s." % (before, *parts))
        lines.append(_listed("New with a gradient function", [name for name in new if known[since][name] == "function"]))
        lines.append(_listed("Gone with a gradient function", [name for name in gone if known[before][name] == "function"]))
    return [line for line in lines if line is not None]


def _listed(what, names):
    return "%s: %s." % (what, ", ".join("`%s`" % name for name in names)) if names else None


if __name__ == "__main__":
    main()
