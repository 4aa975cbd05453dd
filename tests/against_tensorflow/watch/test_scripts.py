"""Typical scripts under ``graphcut run``: the result of each gradient, and the scripts' own behavior."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import tensorflow as tf

from graphcut.cli import main

FOLDER = Path(__file__).parents[3] / "fixtures" / "scripts"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
HELPERS = {"layers_beside"}
GRAPHS = {"compute_gradients", "no_gradient", "old_style", "session_minimize"}
VERSION = [int(part) for part in tf.__version__.split(".")[:2]]
needs_eager = pytest.mark.skipif(not tf.executing_eagerly(), reason="the script executes eagerly")
too_old = pytest.mark.skip(reason="the script overrides what this version of Keras does not have")


def marks(name):
    """Say why a script is skipped: it needs eager execution, or a later version of TensorFlow."""
    return [too_old] * (EXPECTED[name].get("since", VERSION) > VERSION) + [needs_eager] * (name not in GRAPHS)


SCRIPTS = [pytest.param(name, marks=marks(name)) for name in sorted(EXPECTED)]


def described(variable):
    """The verdict, and the first barrier with the file and line it is at."""
    first = variable["cut"][0] if variable["cut"] else {}
    return " ".join([variable["verdict"], first.get("kind", ""), str(first.get("where"))])


def matches(actual, expected):
    """Return whether a variable has the expected verdict and, if they are listed, barrier and line."""
    return all(
        own == word if index < 2 else own.endswith(word)
        for index, (own, word) in enumerate(zip(actual.split(" "), expected.split(" ")))
    )


def run(name, expected, path, capfd):
    """The exit code, standard output and standard error of a script."""
    arguments = ["run", "--json", str(path), *expected.get("options", ()), str(FOLDER / (name + ".py"))]
    arguments += expected.get("arguments", ())
    if not expected.get("process"):
        code = main(arguments)
        return (code, *capfd.readouterr())
    done = subprocess.run(
        [sys.executable, "-m", "graphcut", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_gradient_of_a_script_is_audited(name, tmp_path, capfd):
    expected, path = EXPECTED[name], tmp_path / "audits.json"
    code, out, err = run(name, expected, path, capfd)
    audits = json.loads(path.read_text())
    assert len(audits) == len(expected["gradients"]), (audits, err)
    for audit, wanted in zip(audits, expected["gradients"]):
        assert audit["disagreements"] == []
        assert audit["assumptions"] == []
        actual = {each["name"]: described(each) for each in audit["variables"]}
        for pattern, words in wanted.items():
            (own,) = [each for variable, each in actual.items() if fnmatch(variable, pattern)]
            assert matches(own, words), (pattern, own)
    assert code == expected.get("exit", 0), err
    assert expected.get("prints", "") in out
    assert expected.get("errors", "") in err
    assert os.path.join("graphcut", "backend") not in err


def test_every_script_is_expected_something():
    assert {each.stem for each in FOLDER.glob("*.py")} - HELPERS == set(EXPECTED)


@needs_eager
def test_a_script_ends_after_the_gradients_that_were_asked_for(tmp_path, capfd):
    path = tmp_path / "audits.json"
    assert main(["run", "--stop-after", "1", "--json", str(path), str(FOLDER / "persistent_tape.py")]) == 0
    assert len(json.loads(path.read_text())) == 1


def test_a_file_that_cannot_be_written_is_refused_before_the_script_runs(tmp_path, capfd):
    assert main(["run", "--json", str(tmp_path / "nowhere" / "audits.json"), str(FOLDER / "persistent_tape.py")]) == 2
    out, err = capfd.readouterr()
    assert out == "" and "cannot write" in err and "No such file or directory" in err


@needs_eager
def test_a_script_ends_when_a_gradient_call_repeats(tmp_path, capfd):
    path = tmp_path / "audits.json"
    assert main(["run", "--once", "--json", str(path), str(FOLDER / "eager_loop.py")]) == 0
    assert "done" not in capfd.readouterr().out
    assert len(json.loads(path.read_text())) == 1


TRAINED_THEN_ANOTHER = """
import tensorflow as tf

w = tf.Variable([1.0, 2.0], name="w")
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(w * w)
    w.assign_sub(0.1 * tape.gradient(loss, w))
print("trained")
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(tf.round(w))
tape.gradient(loss, w)
print("never reached")
"""


@needs_eager
@pytest.mark.parametrize("option, last", [(["--stop-after", "2"], "trained"), (["--once"], "")])
def test_the_update_of_a_variable_makes_no_other_gradient_of_a_call(option, last, tmp_path, capfd):
    script = tmp_path / "loop.py"
    script.write_text(TRAINED_THEN_ANOTHER)
    assert main(["run", *option, str(script)]) == 0
    out, _ = capfd.readouterr()
    assert out.partition("\ngradient 1 of")[0].strip() == last
    assert ("gradient 2 of 2" in out) == bool(last)


FROZEN_DISCRIMINATOR = """
import numpy as np
from tensorflow import keras

discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid", name="d")])
discriminator.compile("sgd", "binary_crossentropy")
generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="g")])
discriminator.trainable = False
noise = keras.Input((3,))
gan = keras.Model(noise, discriminator(generator(noise)))
gan.compile("sgd", "binary_crossentropy")
before = discriminator.get_weights()[0].copy()
discriminator.train_on_batch(np.ones((4, 2)), np.ones((4, 1)))
gan.train_on_batch(np.ones((4, 3)), np.ones((4, 1)))
print("moved" if np.any(discriminator.get_weights()[0] != before) else "stands still")
"""


@needs_eager
@pytest.mark.skipif(VERSION < [2, 2], reason="a model has a train_function from 2.2 on")
def test_a_model_that_was_frozen_after_compile_is_named_if_fit_does_not_train_it(tmp_path, capfd):
    script = tmp_path / "gan.py"
    script.write_text(FROZEN_DISCRIMINATOR)
    assert main(["run", str(script)]) == 0
    out, err = capfd.readouterr()
    assert ("discriminator.trainable is False" in err) == ("stands still" in out)


FROZEN_AFTER_COMPILE = """
import sys
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="first"), keras.layers.Dense(1, name="second")])
model.compile("sgd", "mse", run_eagerly="eagerly" in sys.argv)
first = model.get_layer("first")
first.trainable = False
before = first.get_weights()[0].copy()
for _ in range(2):
    model.fit(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"), verbose=0)
print("moved" if np.any(first.get_weights()[0] != before) else "stands still")
"""


@needs_eager
@pytest.mark.skipif(VERSION < [2, 2], reason="Keras trains what was trainable at compile from 2.2 on")
@pytest.mark.parametrize("arguments", [[], ["eagerly"]])
def test_a_layer_that_was_frozen_after_compile_is_named_if_fit_trains_it(arguments, tmp_path, capfd):
    script = tmp_path / "frozen.py"
    script.write_text(FROZEN_AFTER_COMPILE)
    assert main(["run", str(script), *arguments]) == 0
    out, _ = capfd.readouterr()
    assert ("is False now, but fit trains it until compile() is called again" in out) == ("moved" in out)
    assert ("frozen: " in out) == ("stands still" in out)


MOVES_BETWEEN_STATES = """
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="first"), keras.layers.Dense(1, name="second")])
for flag in (False, True):
    model.get_layer("first").trainable = flag
    model.compile("sgd", "mse")
    for _ in range(2):
        model.fit(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"), verbose=0)
model.trainable = False
"""


@needs_eager
def test_nothing_is_said_of_a_change_with_effect_or_after_training(tmp_path, capfd):
    script = tmp_path / "stages.py"
    script.write_text(MOVES_BETWEEN_STATES)
    assert main(["run", str(script)]) == 0
    assert "`trainable`" not in capfd.readouterr().out


ERROR_IN_FUNCTION = """
import tensorflow as tf

v = tf.Variable([1.0], name="v")
optimizer = tf.keras.optimizers.SGD(0.1)


@tf.function
def step():
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.round(v))
    optimizer.apply_gradients([(tape.gradient(loss, v), v)])


step()
"""


@needs_eager
def test_an_error_in_converted_code_names_no_file_of_graphcut(tmp_path, capfd):
    script = tmp_path / "fails.py"
    script.write_text(ERROR_IN_FUNCTION)
    assert main(["run", str(script)]) == 2
    err = capfd.readouterr().err
    assert "in user code" in err and "No gradients provided" in err
    assert os.path.join("graphcut", "backend") not in err
