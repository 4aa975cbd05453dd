"""The code of the five documents, as docs/claims.md quotes it, does in TensorFlow what that page says."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tests.readme.blocks import text_of
from tests.readme.pages import blocks_of

pytestmark = pytest.mark.skipif(
    not getattr(tf.keras, "__version__", "2").startswith("3"), reason="the page says what Keras 3 does"
)
SECTIONS = dict(each.split("\n", 1) for each in text_of("docs/claims.md").split("\n## ")[1:])
NO_GRADIENTS = (ValueError, "No gradients provided for any variable")
RAISES = {
    "Document 000, example 1: a dense layer in a wrapper that stops": NO_GRADIENTS,
    "Document 000, example 2: a convolution in the same wrapper": NO_GRADIENTS,
    "Document 000, example 3: a flag": NO_GRADIENTS,
    "Document 001, example 2: a stopped product": (RuntimeError, "non-persistent"),
    "Document 002, example 3: an actor and its critic": NO_GRADIENTS,
    "Document 004: a tape that opens too late": (AttributeError, "'NoneType' object has no attribute 'numpy'"),
}
PRINTS = {
    "Document 002, example 1: one stopped factor": "7.0",
    "Document 003: a training script of TensorFlow 1": "w1---\n [[1. 1. 1.]\n [1. 1. 1.]]",
}
RUN = [heading for heading in SECTIONS if "import torch" not in SECTIONS[heading]]


def dense(width, activation=None):
    layers = tf.keras.layers
    return tf.keras.Sequential([layers.Flatten(), layers.Dense(width, activation=activation)])


def assumed():
    """The networks that the documents only speak of."""
    generator, discriminator, actor, critic = dense(28 * 28), dense(1), dense(2, "softmax"), dense(1)
    generator.add(tf.keras.layers.Reshape([28, 28, 1]))
    names = ("generator_optimizer", "discriminator_optimizer", "actor_optimizer", "critic_optimizer")
    return {
        **{name: tf.keras.optimizers.SGD() for name in names},
        "generator": generator,
        "discriminator": discriminator,
        "actor": actor,
        "critic": critic,
        "noise": tf.ones([10, 2]),
        "discriminator_loss_function": lambda real, fake: tf.reduce_mean(discriminator(fake) - discriminator(real)),
        "generator_loss_function": lambda judged, images: tf.reduce_mean(judged) + 0 * tf.reduce_sum(images),
    }


def run(heading):
    (block,) = blocks_of(SECTIONS[heading])
    if "placeholder" in block.text:
        with tf.Graph().as_default():
            exec(compile(block.text.replace("tensorflow as tf", "tensorflow.compat.v1 as tf"), heading, "exec"), {})
    else:
        exec(compile(block.text, heading, "exec"), assumed())


def test_every_error_and_output_is_of_a_document():
    assert set(RAISES) | set(PRINTS) <= set(RUN)


@pytest.mark.parametrize("heading", RUN)
def test_the_code_does_what_the_page_says(heading, capsys):
    if heading in RAISES:
        error, message = RAISES[heading]
        with pytest.raises(error, match=message):
            run(heading)
    else:
        run(heading)
        assert PRINTS.get(heading, "") in capsys.readouterr().out.split("after gradient descent")[-1]
