"""The code that is suggested for the scenarios, the gallery and the broken models: applied to a copy of its file and run.

A copy is made of the file of the fixture; the diffs of one alternative are applied to it in their order; TensorFlow takes the
gradient of what the copy builds.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import os
import sys

import pytest
import tensorflow as tf

import graphcut
from fixtures import step_gradients
from fixtures.all_steps import ROWS
from fixtures.broken import inverted_vq_vae, late_tape, ppo, rounded_embedding, shared_fakes, two_heads
from fixtures.steps import named
from graphcut import GraphcutError, Verdict
from tests.against_tensorflow.scenarios import recorded
from tests.against_tensorflow.scenarios.judge import answer, said
from tests.against_tensorflow.scenarios.test_gallery import audited
from tests.against_tensorflow.share import between_share
from tests.patching import applied

VERSION = tuple(int(each) for each in tf.__version__.split(".")[:2])
pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8"),
    pytest.mark.skipif(VERSION < (2, 4), reason="Keras models take no part in tf.function before"),
]
BROKEN = [module.buggy for module in (two_heads, late_tape, ppo, inverted_vq_vae)]
ENTRIES = BROKEN + [entry for row in ROWS if row.since <= VERSION for entry in row.entries]
FIXTURES = [pytest.param(each, id=module + "." + each.__name__) for module, each in recorded.every_fixture()]
each_entry = pytest.mark.parametrize("entry", between_share(ENTRIES), ids=named)
each_broken = pytest.mark.parametrize("entry", between_share(BROKEN), ids=named)
in_gallery = pytest.mark.xdist_group("gallery")
GETS = (Verdict.FLOWS, Verdict.CONDITIONAL)


def alternatives(suggestions):
    """The diffs of each alternative that has any."""
    groups = itertools.groupby(suggestions, key=lambda each: each.alternative)
    found = ([each for each in group if each.diff] for _, group in groups)
    return [group for group in found if group]


def edited(function, suggestions, folder):
    """The same function in a copy of its file with the diffs applied; ``None`` where they are for another file."""
    path = inspect.getsourcefile(inspect.unwrap(function))
    if any("/" + os.path.relpath(path) not in each.diff.splitlines()[0] for each in suggestions):
        return None
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    for each in suggestions:
        text = applied(text, each.diff)
    copy = os.path.join(str(folder), os.path.basename(path))
    with open(copy, "w", encoding="utf-8") as stream:
        stream.write(text)
    spec = importlib.util.spec_from_file_location("edited_" + os.path.basename(path)[:-3], copy)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, function.__name__)


def suggested(audit, key):
    """Return the suggestions that bring a gradient back; empty if there is nothing to remove."""
    try:
        return audit.suggest_unblock(key)
    except GraphcutError:
        return ()


@in_gallery
@each_entry
def test_a_step_with_the_edit_takes_the_gradient(entry, tmp_path):
    for index, audit in enumerate(audited(entry)[1]):
        blocked = [place for place, each in enumerate(audit) if each.verdict in (Verdict.NONE, Verdict.ZERO)]
        for place in blocked[:1]:
            for group in alternatives(suggested(audit, audit.variables[place].name)):
                function = edited(entry, group, tmp_path)
                if function is not None:
                    assert step_gradients.traced(function()).gradients[index][place] == "gradient"


@pytest.mark.parametrize("fixture", FIXTURES)
def test_a_loss_with_the_edit_has_the_gradient(fixture, tmp_path):
    asked = fixture()
    audit = said(fixture).audit
    for name, key in asked.keys.items():
        if key in audit and audit[key].verdict in (Verdict.NONE, Verdict.ZERO) and not asked.source:
            for group in alternatives(suggested(audit, said(fixture).asked.keys[name])):
                function = edited(fixture, group, tmp_path)
                if function is not None:
                    assert answer(function, name) == "gradient", group[0].diff


@in_gallery
@each_broken
def test_the_first_suggestion_for_a_broken_model_is_confirmed(entry):
    (audit,) = audited(entry)[1]
    name = next(each.name for each in audit if each.verdict is Verdict.NONE)
    first = audit.suggest_unblock(name)[0]
    assert first.confirmed and first.diff and (str(first) + "\n").endswith(first.diff)


@pytest.mark.parametrize("module", [two_heads, late_tape, ppo, inverted_vq_vae])
def test_the_corrected_twin_trains_everything(module):
    step = module.fixed()
    assert all(each.verdict in GETS for audit in graphcut.audit_step(step.run, *step.inputs) for each in audit)


@in_gallery
def test_the_answer_that_keeps_the_codebook_s_stop_comes_first():
    (audit,) = audited(inverted_vq_vae.buggy)[1]
    found = audit.suggest_unblock(audit.variables[0].name)
    assert [each.alternative for each in found] == [0, 1, 2] and all(each.confirmed for each in found)
    assert "inverted straight-through" in found[0].note and "z + tf.stop_gradient(q - z)" in found[0].code
    kept = "this stop belongs to the codebook loss of a VQ-VAE; keep it"
    assert found[2].note.startswith(kept + "; with this change the gradient comes through 1 of 3 terms of the loss: ")


def test_fakes_that_another_tape_needs_are_computed_once_more_in_the_generator_s(tmp_path):
    step = shared_fakes.buggy()
    _, audit = graphcut.audit_step(step.run, *step.inputs)
    (found,) = audit.suggest_unblock(audit.variables[0].name)
    assert found.confirmed and found.code == "fakes = generator(noise)"
    function = edited(shared_fakes.buggy, [found], tmp_path)
    assert step_gradients.traced(function()).gradients[1] == ("gradient", "gradient")


def test_an_inverted_estimator_is_the_first_thing_to_mend():
    step = inverted_vq_vae.buggy()
    (audit,) = graphcut.audit_step(step.run, *step.inputs)
    assert "What to do: swap its two values: for a source z" in audit.explain(audit.variables[0].name)


def test_a_finished_graph_has_an_edit_that_is_not_confirmed():
    (found,) = graphcut.audit(rounded_embedding.buggy(), loss="data").suggest_unblock("embedding")
    assert not found.confirmed and str(found).startswith("not confirmed: ")
    assert "rounded = value + tf.stop_gradient(tf.round(value) - value)" in found.code
    assert graphcut.audit(rounded_embedding.fixed(), loss="data")["embedding"].verdict is Verdict.FLOWS
