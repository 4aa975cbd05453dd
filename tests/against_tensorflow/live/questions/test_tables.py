"""The tables of the scenarios: a GAN, an actor and its critic, a network with two heads."""

from __future__ import annotations

import tensorflow as tf

import graphcut
from fixtures.documents.document_002 import Gan
from fixtures.scenarios.making import dense, given, weights

v1 = tf.compat.v1


def cells(table):
    """Each row's label and the verdicts in it."""
    return {row.label: [cell[0].verdict.value if cell else None for cell in row.cells] for row in table.rows}


def graph_of(build):
    with tf.Graph().as_default() as graph:
        return graph, build()


def actor_critic():
    actor, critic, states = weights("actor", 4, 3), weights("critic", 4, 1), given("states", 6, 4)
    advantage = given("returns", 6, 1) - tf.matmul(states, critic)
    chosen = tf.nn.log_softmax(tf.matmul(states, actor))[:, :1]
    return [
        -tf.reduce_mean(chosen * tf.stop_gradient(advantage), name="policy_loss"),
        tf.reduce_mean(tf.square(advantage), name="value_loss"),
    ]


def test_the_actor_and_the_critic_learn_from_a_loss_each():
    graph, losses = graph_of(actor_critic)
    table = graphcut.table([graphcut.audit(graph, loss=loss) for loss in losses])
    assert [head.rpartition("/")[0] or head for head in table.losses] == [each.op.name.rpartition("/")[0] or each.op.name
                                                                          for each in losses]  # fmt: skip
    assert cells(table) == {"actor": ["flows", "none"], "critic": ["none", "flows"]}


def two_heads():
    encoder, head, projection = weights("encoder", 4, 5), weights("head", 5, 3), weights("projection", 5, 2)
    features = dense(given("x", 6, 4), encoder, "features")
    vectors = tf.nn.l2_normalize(tf.matmul(features, projection), 1)
    logits = tf.matmul(tf.stop_gradient(features), head)
    return {
        "contrastive": tf.reduce_mean(tf.matmul(vectors, vectors, transpose_b=True)),
        "supervised": tf.reduce_mean(tf.nn.log_softmax(logits)[:, 0]),
    }


def test_the_head_s_loss_leaves_the_encoder_alone():
    graph, losses = graph_of(two_heads)
    table = graphcut.table({name: graphcut.audit(graph, loss=loss) for name, loss in losses.items()})
    assert table.losses == ("contrastive", "supervised")
    assert cells(table) == {"encoder": ["flows", "none"], "head": ["none", "flows"], "projection": ["flows", "none"]}


def gan_audits():
    gan = Gan()
    noise, reals = tf.TensorSpec([4, 5]), tf.TensorSpec([4, 8])
    asked = {"variables": list(gan.variables.values())}

    def generator_loss(noise):
        return -tf.reduce_mean(tf.math.log(gan.discriminate(gan.generate(noise))))

    def discriminator_loss(noise, reals):
        fakes = tf.stop_gradient(gan.generate(noise))
        return tf.reduce_mean(tf.math.log(gan.discriminate(fakes)) - tf.math.log(gan.discriminate(reals)))

    return [
        graphcut.audit(tf.function(generator_loss), noise, **asked),
        graphcut.audit(tf.function(discriminator_loss), noise, reals, **asked),
    ]


def test_a_gan_has_the_functions_for_headings_and_its_variables_once():
    if tf.executing_eagerly():
        table = graphcut.table(gan_audits())
    else:
        with tf.Graph().as_default():
            table = graphcut.table(gan_audits())
    assert table.losses == ("generator_loss", "discriminator_loss")
    assert cells(table) == {"generator": ["flows", "none"], "discriminator": ["flows", "flows"]}
    assert str(table).splitlines()[1].split() == ["generator", "flows", "none:", "stop-gradient"]
