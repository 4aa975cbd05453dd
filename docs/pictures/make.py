#!/usr/bin/env python
"""Draw the pictures of this folder, the tutorial's and the README's: ``python docs/pictures/make.py [NAME …]``.

``keras`` is the README's. ``--png`` draws PNGs, too; ``page`` takes the picture of the tutorial's page (needs playwright and
Chromium).

Needs TensorFlow 2.16 or later with its Keras. Each model is small in width and real in depth; nothing of it runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import tensorflow as tf  # noqa: E402

import graphcut  # noqa: E402
from benchmarks.graphs import chain  # noqa: E402
from fixtures import asking  # noqa: E402
from fixtures.documents import document_003 as documented  # noqa: E402
from fixtures.drawn import without_paths  # noqa: E402
from fixtures.gallery import actor_critic as agents  # noqa: E402
from fixtures.gallery import dcgan as images  # noqa: E402
from fixtures.gallery import vq_vae as codes  # noqa: E402
from fixtures.graphs import flow as loops  # noqa: E402
from tests.readme.blocks import blocks, text_of  # noqa: E402
from tests.readme.pages import blocks_of  # noqa: E402

v1 = tf.compat.v1
LAYERS, WIDTH, WORDS = 12, 768, 30522


def document_003():
    """The hidden layer is stopped: w1 stays as it is."""
    return asking.audit(documented.stopped())


def dcgan():
    """The generator's loss, the fakes detached: right for the discriminator's loss, a mistake in this one."""
    generator, discriminator = images._networks()

    def loss(noise):
        fakes = tf.stop_gradient(generator(noise, training=True))
        return images._entropy(1.0, discriminator(fakes, training=True))

    variables = [each.value for each in generator.trainable_variables + discriminator.trainable_variables]
    return graphcut.audit(loss, images.NOISE, variables=variables)


def actor_critic():
    """The policy's loss, the advantage stopped."""
    return _step(agents.fixed(), 0)


def vq_vae():
    """A codebook that is only used inside of stops."""
    return _step(codes.forgotten(), 0)


def resnet50():
    """ResNet50 with a stop where its second half begins, fine-tuned."""
    model = tf.keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=10)
    half = model.get_layer("conv3_block4_out")
    call = half.call
    half.call = lambda *args, **kwargs: tf.stop_gradient(call(*args, **kwargs))
    entropy = tf.keras.losses.SparseCategoricalCrossentropy()

    def loss(x, y):
        return entropy(y, model(x, training=True))

    specs = tf.TensorSpec([8, 64, 64, 3], tf.float32), tf.TensorSpec([8], tf.int32)
    return graphcut.audit(loss, *specs, variables=[each.value for each in model.trainable_variables])


def bert():
    """An encoder of BERT's size, stopped below its seventh layer, whose pooler is not used."""
    with tf.Graph().as_default() as graph:
        words = v1.placeholder(tf.int32, [8, 128], "words")
        with v1.variable_scope("bert"):
            hidden = _normed(tf.gather(_weight("embeddings/word", WORDS), words) + _weight("embeddings/position", 128))
            for layer in range(LAYERS):
                if layer == LAYERS // 2:
                    hidden = tf.stop_gradient(hidden, name="frozen")
                with v1.variable_scope(f"encoder/layer_{layer}"):
                    hidden = _layer(hidden)
            with v1.variable_scope("pooler"):
                _dense(hidden[:, 0], WIDTH, "dense")
        with v1.variable_scope("classifier"):
            logits = _dense(hidden[:, 0], 2, "dense")
        label = v1.placeholder(tf.int32, [8], "label")
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits), name="loss")
        return graphcut.audit(graph, loss=loss)


def while_loop_v1():
    """w is multiplied in at each turn; bound is read by the condition alone."""
    return asking.audit(loops.loop())


def million():
    """A chain of a million ops, a stop in every ten thousand."""
    graph_def, loss = chain(1000000)
    return graphcut.audit(graph_def, loss=loss)


def example():
    """The tutorial's example, run as it stands there, in a folder of its own; its picture lies one folder up."""
    os.chdir(tempfile.mkdtemp())
    code, known = Path("example.py"), {}
    code.write_text(blocks_of(text_of("docs/tutorial.md"))[0].text.split("audit = ")[0], encoding="utf-8")
    exec(compile(code.read_text(encoding="utf-8"), str(code), "exec"), known)
    return graphcut.audit(known["loss"], tf.TensorSpec([None, 4]))


MODELS = (document_003, dcgan, actor_critic, vq_vae, resnet50, bert, while_loop_v1, million, example)


def _step(step, which):
    return graphcut.audit_step(step.run, *step.inputs)[which]


def _weight(name, *shape):
    return v1.get_variable(name, shape + (WIDTH,) if len(shape) == 1 else shape)


def _dense(x, width, name):
    with v1.variable_scope(name):
        kernel, bias = v1.get_variable("kernel", [x.shape[-1], width]), v1.get_variable("bias", [width])
        return tf.tensordot(x, kernel, 1) + bias


def _normed(x):
    with v1.variable_scope("norm"):
        scale, offset = v1.get_variable("scale", [WIDTH]), v1.get_variable("offset", [WIDTH])
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-6)


def _layer(x):
    with v1.variable_scope("attention"):
        query, key, value = (_dense(x, WIDTH, name) for name in ("query", "key", "value"))
        weights = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) / WIDTH**0.5)
        x = _normed(x + _dense(tf.matmul(weights, value), WIDTH, "output"))
    with v1.variable_scope("feed_forward"):
        inner = tf.nn.relu(_dense(x, 4 * WIDTH, "inner"))
        return _normed(x + _dense(inner, WIDTH, "output"))


def main(arguments):
    """Draw all, or those named."""
    wanted = [each for each in arguments if not each.startswith("-")]
    for model in (each for each in MODELS if not wanted or each.__name__ in wanted):
        start = time.perf_counter()
        audit = model()
        audited = time.perf_counter()
        drawn = (FOLDER.parent if model is example else FOLDER) / f"{model.__name__}.svg"
        audit.draw(drawn, engine="wasm")
        without_paths(drawn)
        print(f"{model.__name__}: {len(audit.flat.names)} ops, audited {audited - start:.1f} s, drawn", end=" ")
        print(f"{time.perf_counter() - audited:.1f} s")
        if "--png" in arguments:
            audit.draw(FOLDER / f"{model.__name__}.png", engine="wasm")
    if not wanted or "keras" in wanted:
        draw_keras_example(FOLDER.parent / "keras.svg")
    if "page" in wanted:
        photograph(example(), FOLDER.parent / "page.png")


def draw_keras_example(path):
    """Draw the picture of the README as its Keras example draws it: by running that in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(os.path.realpath(folder), "example.py")
        Path(script).write_text(blocks("Keras", "python")[0], encoding="utf-8")
        subprocess.run(
            [sys.executable, script], cwd=folder, check=True, env={**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}
        )
        text = (Path(folder) / "cut.svg").read_text(encoding="utf-8")
    for root in (os.path.dirname(script), os.path.dirname(script).replace("-", "&#45;")):
        text = text.replace(root + os.sep, "")
    path.write_text(text, encoding="utf-8")
    without_paths(path)


def photograph(audit, path):
    """The page of an audit with the second variable chosen, as Chromium shows it; needs playwright."""
    from tests.browser.browsers import chromium

    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        audit.draw(Path(folder) / "cut.html", engine="wasm")
        page = browser.new_page(viewport={"width": 1120, "height": 700})
        page.goto((Path(folder) / "cut.html").as_uri())
        page.get_by_role("button", name=audit.variables[1].name).first.click()
        page.screenshot(path=str(path))


if __name__ == "__main__":
    main(sys.argv[1:])
