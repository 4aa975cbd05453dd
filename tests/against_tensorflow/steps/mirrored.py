"""Audit a step on two CPUs under a strategy, and print the result beside what TensorFlow answers.

Run ``python -m tests.against_tensorflow.steps.mirrored``.

A process of its own, for devices must be set up before TensorFlow does anything.
"""

from __future__ import annotations

import json

import tensorflow as tf

import graphcut

DEVICES = tf.config.list_physical_devices("CPU")
CONFIGURATION = getattr(tf.config, "LogicalDeviceConfiguration", tf.config.experimental.VirtualDeviceConfiguration)


def main():
    """The audits of a step in two replicas, and the answers that the tape of the first replica gives."""
    tf.config.experimental.set_virtual_device_configuration(DEVICES[0], [CONFIGURATION()] * 2)
    strategy = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    with strategy.scope():
        layers = [tf.keras.layers.Dense(4), tf.keras.layers.Lambda(tf.stop_gradient), tf.keras.layers.Dense(1)]
        model = tf.keras.Sequential(layers)
        model.build((None, 3))
        optimizer = tf.keras.optimizers.SGD(0.1)
        model.compile(tf.keras.optimizers.SGD(0.1), "mse")
    answers = []

    def replica(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x)))
        gradients = tape.gradient(loss, model.trainable_variables)
        answers.append([each is not None for each in gradients])
        optimizer.apply_gradients([pair for pair in zip(gradients, model.trainable_variables) if pair[0] is not None])

    def step(x):
        strategy.run(replica, args=(x,))

    told = [_told(graphcut.audit_step(step, tf.TensorSpec([2, 3])))]
    told.append(_told(graphcut.audit_step(model, tf.TensorSpec([2, 3]), tf.TensorSpec([2, 1]))))
    print(json.dumps({"replicas": strategy.num_replicas_in_sync, "answers": answers, "audits": told}))


def _told(audits):
    return [
        [[each.name, each.verdict.value, each.is_updated, each.optimizer_got_gradient] for each in audit] for audit in audits
    ]


if __name__ == "__main__":
    main()
