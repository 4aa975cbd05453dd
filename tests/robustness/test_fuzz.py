"""Whole audits and drawings of graphs that are damaged in ways that know what a graph is made of.

By default the same few hundred files each time. ``GRAPHCUT_FUZZ_SECONDS=7200`` makes it a campaign of new ones; what fails
is kept in ``GRAPHCUT_FUZZ_FOLDER``, to be put into ``findings/``, whose files are asked about in each run.
"""

from __future__ import annotations

import os
import random
import time
import traceback
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import graphcut
from graphcut import GraphcutError
from tests.robustness.fuzzing import graph_file

FINDINGS = Path(__file__).parent / "findings"
CAMPAIGN = float(os.environ.get("GRAPHCUT_FUZZ_SECONDS", "0"))
SECONDS = 10  # of CPU for all questions about one file
KNOWN = (".pb", ".meta")


def asked(path, folder, dice):
    """Every question about a file; errors are graphcut's own, in one to three lines, and come in time."""
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            ask(path, folder, dice)
    except GraphcutError as error:
        assert 1 <= len(str(error).splitlines()) <= 3, str(error)
        assert "\x1b" not in str(error)
    assert time.process_time() - start < SECONDS


def ask(path, folder, dice):
    dag = graphcut.trace(path)
    floats = [name for name, op in dag.nodes(data=True) if op["dtypes"][:1] in (("float32",), ("float64",))]
    oracle = dice.choice(["1.15", "2.4", "2.11", "2.15", "2.21", None, None])
    loss = dice.choice([None, *floats[-3:], dice.choice(floats)]) if floats else None
    try:
        audit = graphcut.audit(path, loss=loss, oracle=oracle)
    except (TypeError, ValueError) as error:  # as TensorFlow has it for a string or a complex number
        assert "loss" in str(error)
        return
    for name in floats[:1]:
        tolerated(lambda: graphcut.audit(path, loss=loss, variables=[name], oracle=oracle))  # noqa: B023
    questions(audit, folder, dice)


def questions(audit, folder, dice):
    said = [str(audit), audit.to_json(), str(audit.stops), str(audit.assumptions), str(audit.left_out)]
    for each in audit.variables[:6]:
        said.append(audit.explain(each.op if hasattr(each, "op") else each.name))
    assert "\x1b" not in "".join(said)
    for each in audit.variables[:3]:
        tolerated(lambda: audit.suggest_unblock(each.name))  # noqa: B023
        tolerated(lambda: audit.suggest_stops(block=each.name))  # noqa: B023
        tolerated(lambda: audit.reaches(each.name))  # noqa: B023
    for stop in audit.stops[:2]:
        tolerated(lambda: str(audit.what_if(remove=stop.op)))  # noqa: B023
    name = os.path.join(folder, "cut" + dice.choice([".dot", ".mmd", ".graphml", ".json", ".html"]))
    tolerated(lambda: audit.draw(name))


def tolerated(call):
    try:
        call()
    except GraphcutError as error:
        assert 1 <= len(str(error).splitlines()) <= 3, str(error)


def run(dice, folder):
    name, data = graph_file(dice)
    path = os.path.join(str(folder), name)
    Path(path).write_bytes(data)
    asked(path, str(folder), dice)


@pytest.mark.skipif(CAMPAIGN > 0, reason="a campaign takes its place")
@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_graph_is_judged_or_refused(tmp_path, seed):
    run(random.Random(seed), tmp_path)


@pytest.mark.parametrize("path", sorted(FINDINGS.glob("*")), ids=lambda path: path.name)
def test_what_a_campaign_found_stays_mended(path, tmp_path):
    for seed in range(3):
        asked(str(path), str(tmp_path), random.Random(seed))


@pytest.mark.skipif(not CAMPAIGN, reason="a campaign is asked for with GRAPHCUT_FUZZ_SECONDS")
def test_a_campaign_finds_nothing(tmp_path):
    kept = Path(os.environ.get("GRAPHCUT_FUZZ_FOLDER", str(tmp_path / "findings")))
    kept.mkdir(parents=True, exist_ok=True)
    end, seed, found = time.monotonic() + CAMPAIGN, random.randrange(2**40), {}
    while time.monotonic() < end:
        seed += 1
        try:
            run(random.Random(seed), tmp_path)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            frame = traceback.extract_tb(error.__traceback__)[-1]
            key = "%s-%s-%s" % (type(error).__name__, Path(frame.filename).stem, frame.lineno)
            if key not in found:
                found[key] = "seed %d\n%s" % (seed, traceback.format_exc())
                (kept / (key + ".pb")).write_bytes((tmp_path / "graph.pb").read_bytes())
                (kept / (key + ".txt")).write_text(found[key])
    assert not found, "\n".join(found.values())
