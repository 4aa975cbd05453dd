"""Models of the Keras that belongs to the installed TensorFlow: random weights, half of the layers frozen, one stop.

The frozen half still hands gradients to its variables; in training, its batch norms use their moving averages, which
therefore get one too. The stop sits at the output of a named layer: in the trunk of the network it cuts off all that
stands before, in a residual branch that branch alone.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping

import tensorflow as tf

from .subject import VERSION, Model, Subject, v1

CLASSES, BATCH = 5, 2
layers = tf.keras.layers


def application(name: str, stopped: str, size: int = 32) -> Callable[[], Mapping[str, Subject]]:
    """A network of ``tf.keras.applications``, with a stop at the output of the layer ``stopped``."""

    def make() -> Any:
        model = getattr(tf.keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=CLASSES)
        return frozen(model, stopped)

    return lambda: subjects(make, (tf.float32, [BATCH, size, size, 3]))


def frozen(model: Any, stopped: str) -> Any:
    """The model with the first half of its layers frozen, and a stop at the output of one."""
    for layer in model.layers[: len(model.layers) // 2]:
        layer.trainable = False
    stop_at(model.get_layer(stopped))
    return model


def stop_at(layer: Any) -> None:
    """Put ``tf.stop_gradient`` at what a layer returns."""
    call = layer.call
    layer.call = lambda *args, **kwargs: tf.stop_gradient(call(*args, **kwargs))


def subjects(make: Callable[[], Any], example: Any) -> Mapping[str, Subject]:
    """The model that ``make`` gives, training and not, for an input of the given dtype and shape."""
    modes = {"training": True, "inference": False}
    if VERSION < (2, 0):
        return {name: in_graph(make, example, training) for name, training in modes.items()}
    return {name: in_function(make(), example, training) for name, training in modes.items()}


def in_function(model: Any, example: Any, training: bool) -> Subject:
    """A loss as users write it: a function of examples and labels."""
    loss = tf.keras.losses.SparseCategoricalCrossentropy()
    specs = tf.TensorSpec(example[1], example[0]), tf.TensorSpec([BATCH], tf.int32)
    source = lambda x, y: loss(y, model(x, training=training))  # noqa: E731 - what the README tells users to write
    return Subject(source, tuple(model.variables), specs=specs, below=CLASSES, stop=__file__)


def in_graph(make: Callable[[], Any], example: Any, training: bool) -> Subject:
    """The same as a placeholder graph."""
    with tf.Graph().as_default() as graph:
        model = make()
        x, y = v1.placeholder(*example), v1.placeholder(tf.int32, [BATCH])
        loss = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(y, model(x, training=training)))
        return Subject(graph, tuple(model.variables), loss=loss, below=CLASSES, stop=__file__)


def lstm() -> Any:
    """Words, two layers of LSTM of which one reads both ways, a stop after the first."""
    words = tf.keras.Input([6], dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True, name="words")(words)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both")(x)
    x = layers.LSTM(4, name="last")(x)
    return frozen(tf.keras.Model(words, layers.Dense(CLASSES, activation="softmax", name="head")(x)), "both")


def attention() -> Any:
    """Words and one block of a transformer, a stop at what its attention returns: the residual route goes round it."""
    words = tf.keras.Input([6], dtype="int32")
    x = layers.Embedding(20, 8, name="words")(words)
    attended = layers.MultiHeadAttention(2, 4, dropout=0.1, name="attention")(x, x)
    x = layers.LayerNormalization(name="norm")(layers.Add()([x, attended]))
    x = layers.Add()([x, layers.Dense(8, activation=tf.nn.gelu, name="wide")(x)])
    x = layers.GlobalAveragePooling1D()(layers.Dropout(0.1)(x))
    return frozen(tf.keras.Model(words, layers.Dense(CLASSES, activation="softmax", name="head")(x)), "attention")


WORDS = (tf.int32, [BATCH, 6])
MODELS = (
    Model("MobileNetV2", application("MobileNetV2", "block_4_project_BN")),
    Model("ResNet50", application("ResNet50", "conv4_block3_out")),
    Model("EfficientNetB0", application("EfficientNetB0", "block4a_se_expand"), since=(2, 3)),
    Model("LSTM", lambda: subjects(lstm, WORDS)),
    Model("MultiHeadAttention", lambda: subjects(attention, WORDS), since=(2, 4)),
)
