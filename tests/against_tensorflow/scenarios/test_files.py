"""Audits of fixtures that are files agree with audits of the functions from which they were made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

import graphcut
from fixtures import make
from fixtures.documents import document_003
from fixtures.graphs import flow
from graphcut import Verdict
from tests.against_tensorflow.scenarios.judge import said

FIXTURES = Path(make.__file__).parent
needs_v2 = pytest.mark.skipif(
    not tf.executing_eagerly(), reason="TensorFlow 1.15 builds a v1 conditional, and fills in zeros for an If"
)
TRAINING = ["documents/003.meta", "documents/003.pb", "documents/003.pbtxt"]
FILES = [(each, document_003.stopped, {}) for each in TRAINING] + [
    ("graphs/loop_v1.meta", flow.loop, {"loss": "loss"}),
    pytest.param("graphs/conditional_v2.pb", flow.conditional, {"loss": "loss"}, marks=needs_v2),
    ("graphs/saved_model", flow.whole, {}),
    ("graphs/saved_model", flow.head_only, {"signature": "head_only"}),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The files, written afresh by the TensorFlow that is installed."""
    folder = tmp_path_factory.mktemp("fixtures")
    make.main(folder)
    return folder


def verdicts(path, fixture, kwargs):
    names = list(said(fixture).asked.variables)
    found = graphcut.audit(str(path), variables=names, **kwargs)
    return {name: found[name].verdict for name in names}


@pytest.mark.parametrize("name, fixture, kwargs", FILES)
def test_a_file_is_judged_as_the_live_graph(name, fixture, kwargs):
    live = {key: said(fixture).verdict(key) for key in said(fixture).asked.variables}
    assert verdicts(FIXTURES / name, fixture, kwargs) == live


@pytest.mark.skipif(not tf.executing_eagerly(), reason="a SavedModel of a module is saved eagerly")
@pytest.mark.parametrize("name, fixture, kwargs", FILES)
def test_files_written_afresh_say_the_same(made, name, fixture, kwargs):
    assert verdicts(made / name, fixture, kwargs) == verdicts(FIXTURES / name, fixture, kwargs)


class Customized(tf.Module):
    """Variables behind custom gradients that answer a gradient, ``None``, zeros, and a variable's gradient."""

    def __init__(self):
        super().__init__(name="customized")
        names = ("passed", "dropped", "zeroed", "inside", "silu")
        self.passed, self.dropped, self.zeroed, self.inside, self.silu = (
            tf.Variable(tf.ones([3]), name=each) for each in names
        )

    @tf.function(input_signature=[tf.TensorSpec([3])])
    def loss(self, x):
        @tf.custom_gradient
        def product(one, other):
            gate = tf.sigmoid(one)
            return gate * other, lambda dy: (dy * gate, None)

        @tf.custom_gradient
        def zeros(one):
            return one * 1.0, tf.zeros_like

        @tf.custom_gradient
        def with_variable(one):
            def grad(dy, variables=None):
                return tf.zeros_like(dy), [dy for _ in variables]

            return one * self.inside, grad

        parts = product(self.passed * x, self.dropped), zeros(self.zeroed), with_variable(x), tf.nn.silu(self.silu)
        return sum(tf.reduce_sum(each) for each in parts)


@pytest.mark.skipif(not make.without_custom_gradients(), reason="this TensorFlow saves no custom gradient")
def test_custom_gradients_that_were_saved_are_read(tmp_path):
    tf.saved_model.save(Customized(), str(tmp_path), options=tf.saved_model.SaveOptions(experimental_custom_gradients=True))
    loaded, audit = tf.saved_model.load(str(tmp_path)), graphcut.audit(str(tmp_path))
    with tf.GradientTape() as tape:
        loss = loaded.loss(tf.ones([3]))
    asked = {each.name: getattr(loaded, each.name) for each in audit}
    answers = dict(zip(asked, tape.gradient(loss, list(asked.values()))))
    kinds = {
        name: "none" if each is None else "flows" if tf.reduce_any(each != 0) else "zero" for name, each in answers.items()
    }
    assert {each.name: each.verdict.value for each in audit} == kinds
    assert {"none", "zero", "flows"} == set(kinds.values())
    assert all("is assumed to have its saved gradient: TensorFlow traced" in str(each) for each in audit.assumptions)


@pytest.mark.skipif(not tf.__version__.startswith("2.15."), reason="the files in the repository are TensorFlow 2.15's")
def test_the_script_writes_the_same_bytes_again(tmp_path):
    subprocess.run([sys.executable, "-m", "fixtures.make", str(tmp_path)], cwd=str(FIXTURES.parent), check=True)
    again = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {path for path, data in again.items() if data != (FIXTURES / path.relative_to(tmp_path)).read_bytes()} == set()


@pytest.mark.parametrize("name", TRAINING)
def test_a_training_graph_needs_no_further_argument(name):
    found = graphcut.audit(str(FIXTURES / name))
    assert {each.name: each.verdict for each in found} == {"w1": Verdict.NONE, "w2": Verdict.FLOWS}


@pytest.mark.parametrize("name", TRAINING)
def test_a_training_graph_s_loss_is_the_forward_one(name):
    assert graphcut.audit(str(FIXTURES / name)).loss == ("loss:0",)
