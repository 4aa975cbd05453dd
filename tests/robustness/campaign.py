"""Whole audits, drawings and commands about damaged files, one after the other, and what they cover.

Each question ends in an answer, or in one of graphcut's own errors, of one to three lines and in time.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import graphcut
from graphcut import GraphcutError
from graphcut.cli import main
from tests.robustness.fuzzing import beside, graph_file

SECONDS = 10  # of CPU for all questions about one file
FAMILIES = {
    "v1 loop": {"Enter", "RefEnter", "LoopCond"},
    "v1 branch": {"Switch", "Merge"},
    "v2 loop": {"While", "StatelessWhile"},
    "v2 branch": {"If", "StatelessIf", "Case", "StatelessCase"},
    "call": {"PartitionedCall", "StatefulPartitionedCall", "SymbolicGradient"},
    "custom gradient": {"IdentityN"},
    "list or array": {"TensorListReserve", "TensorListStack", "TensorArrayV3", "TensorArrayReadV3", "TensorArrayGatherV3"},
    "sparse": {"ResourceGather", "GatherV2", "IndexedSlices", "Unique"},
    "update": {"ResourceApplyAdam", "ApplyAdam", "AssignVariableOp", "Assign", "ScatterSub"},
    "stop": {"StopGradient", "PreventGradient"},
}
DRAWN = (".dot", ".mmd", ".graphml", ".json", ".html")
# SOURCE, LOSS and KEY stand for the file, its loss and one of its variables or tensors, FOLDER for the folder to write into.
COMMANDS = (
    "audit SOURCE --loss LOSS --json -",
    "audit SOURCE --loss LOSS --variables *",
    "audit SOURCE --loss LOSS --stop-gradients KEY",
    "explain SOURCE KEY --loss LOSS",
    "suggest SOURCE --unblock KEY --loss LOSS",
    "suggest SOURCE --block KEY --loss LOSS",
    "table SOURCE SOURCE --loss LOSS",
    "draw SOURCE --loss LOSS -o FOLDER/drawn.html",
    "draw SOURCE --loss LOSS --of KEY -o FOLDER/drawn.dot",
    "snapshot --config FOLDER/graphcut.toml -o FOLDER/graphcut.lock",
    "check --config FOLDER/graphcut.toml",
    "diff SOURCE SOURCE --loss LOSS",
)
CONTRACT = """[[contract]]
name = "fuzz"
source = %s
loss = %s
must_reach = [%s]
"""


def ask_all(path, folder, dice, seen=None):
    """Ask every question about a file; an ``AssertionError`` or a foreign exception is a finding."""
    start, seen = time.process_time(), Counter() if seen is None else seen
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            _ask(path, folder, dice, seen)
    except GraphcutError as error:
        seen["refused"] += 1
        _check_error(error)
    assert time.process_time() - start < SECONDS, "it took too long"


def run_once(dice, folder, seen=None):
    """Make one file from ``dice`` in a folder and ask about it; return its path."""
    name, data = graph_file(dice)
    path = Path(str(folder)) / name
    path.write_bytes(data)
    if seen is not None:
        seen["file " + path.suffix] += 1
    others = beside(data, dice) if name == "saved_model.pb" else {}
    for other, content in others.items():
        (path.parent / other).parent.mkdir(exist_ok=True)
        (path.parent / other).write_bytes(content)
    try:
        ask_all(str(path.parent if others else path), str(folder), dice, seen)
    finally:
        for other in others:
            (path.parent / other).unlink()
    return path


def run_campaign(seconds, seed, folder, kept):
    """Ask about new files until the time is over; return what failed, by kind, and what was covered."""
    end, found, seen = time.monotonic() + seconds, {}, Counter()
    kept.mkdir(parents=True, exist_ok=True)
    while time.monotonic() < end:
        seed += 1
        seen["files"] += 1
        try:
            run_once(random.Random(seed), folder, seen)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            frame = traceback.extract_tb(error.__traceback__)[-1]
            key = "%s-%s-%s" % (type(error).__name__, Path(frame.filename).stem, frame.lineno)
            if key not in found:
                found[key] = "seed %d\n%s" % (seed, traceback.format_exc())
                name, data = graph_file(random.Random(seed))
                (kept / (key + "-" + name)).write_bytes(data)
                (kept / (key + ".txt")).write_text(found[key])
    return found, seen


def _check_error(error):
    assert 1 <= len(str(error).splitlines()) <= 3, str(error)
    assert "\x1b" not in str(error)


def _tolerate(call):
    try:
        return call()
    except GraphcutError as error:
        _check_error(error)
        return None


def _ask(path, folder, dice, seen):
    dag = graphcut.trace(path)
    types = {op["type"] for _, op in dag.nodes(data=True)}
    seen.update(family for family, members in FAMILIES.items() if not members.isdisjoint(types))
    floats = [name for name, op in dag.nodes(data=True) if op["dtypes"][:1] in (("float32",), ("float64",))]
    oracle = dice.choice(["1.15", "2.4", "2.11", "2.15", "2.21", None, None])
    loss = dice.choice([None, *floats[-3:], dice.choice(floats)]) if floats else None
    try:
        audit = graphcut.audit(path, loss=loss, oracle=oracle)
    except (TypeError, ValueError) as error:  # as TensorFlow writes a string or a complex number
        assert "loss" in str(error)
        return
    seen["judged"] += 1
    seen.update(each.verdict.value for each in audit.variables)
    if floats:
        _tolerate(lambda: graphcut.audit(path, loss=loss, variables=floats[:1], oracle=oracle))
    _question(audit, folder, dice, seen)
    if dice.randrange(3) == 0:
        keys = [each.name for each in audit.variables] or floats or ["nowhere"]
        _command({"SOURCE": path, "LOSS": audit.loss[0], "KEY": dice.choice(keys), "FOLDER": folder}, dice, seen)


def _command(values, dice, seen):
    """Run a command of the command line as a user does: no traceback, and one of the exit codes."""
    words = dice.choice(COMMANDS).split()
    named = [json.dumps(values[each]) for each in ("SOURCE", "LOSS", "KEY")]
    Path(values["FOLDER"], "graphcut.toml").write_text(CONTRACT % tuple(named), encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([values.get(word, word.replace("FOLDER", values["FOLDER"])) for word in words])
    seen["%s: exit code %d" % (words[0], code)] += 1
    assert code in (0, 1, 2) and "Traceback" not in err.getvalue() and "\x1b" not in out.getvalue(), err.getvalue()


def _question(audit, folder, dice, seen):
    said = [str(audit), audit.to_json(), str(audit.stops), str(audit.assumptions), str(audit.left_out), str(audit.summary())]
    said += [audit.explain(each.name) for each in _distinct(audit)[:6]]
    assert "\x1b" not in "".join(said)
    for each in _distinct(audit)[:3]:
        _tolerate(lambda: audit.suggest_unblock(each.name))  # noqa: B023
        _tolerate(lambda: audit.suggest_stops(block=each.name))  # noqa: B023
        _tolerate(lambda: audit.reaches(each.name))  # noqa: B023
        assert isinstance(each.path, tuple) and isinstance(each.only_through, tuple)
    edits = [{"remove": stop.op} for stop in audit.stops[:2]] + [{"stop": dice.choice(list(audit.graph))}]
    for edit in edits:
        edited = _tolerate(lambda: audit.what_if(**edit))  # noqa: B023
        if edited is not None:
            said = str(edited) + str(audit.compare(edited))
    suffix = dice.choice(DRAWN)
    seen["drawn as " + suffix] += 1
    _tolerate(lambda: audit.draw(os.path.join(folder, "cut" + suffix)))


def _distinct(audit):
    counts = Counter(each.name for each in audit.variables)
    return [each for each in audit.variables if counts[each.name] == 1]
