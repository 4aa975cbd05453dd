"""Transformers of Hugging Face from small random configs: nothing is downloaded.

Half of the encoder's layers are frozen as their users do it, ``layer.trainable = False``, and one ``tf.stop_gradient``
is put in at the output of a layer, as for the models of Keras.
"""

from __future__ import annotations

from typing import Any, Mapping

import tensorflow as tf

from .keras_models import stop_at
from .subject import Model, Subject

BATCH, LENGTH, WORDS, LABELS = 2, 8, 50, 3
IDS = tf.TensorSpec([BATCH, LENGTH], tf.int32)


def bert() -> Mapping[str, Subject]:
    """BERT with a head for sentences, as a masked language model, and bare: its pooler is unused there."""
    import transformers

    config = transformers.BertConfig(
        vocab_size=WORDS,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        num_labels=LABELS,
    )
    sentences = _built(transformers.TFBertForSequenceClassification(config))
    bare = _built(transformers.TFBertModel(config))
    masked = _built(transformers.TFBertForMaskedLM(config))
    return {
        "sequence classification, training": _subject(sentences, sentences.bert, [BATCH], True),
        "masked language model, inference": _subject(masked, masked.bert, [BATCH, LENGTH], False),
        "hidden states": Subject(lambda ids: _one_sided(bare(ids)), tuple(bare.variables), specs=(IDS,), below=WORDS),
    }


def _one_sided(output: Any) -> Any:
    """A loss that no normalization makes constant."""
    return tf.reduce_mean(output.last_hidden_state[..., 0])


def t5() -> Mapping[str, Subject]:
    """T5, its decoder fed with the shifted labels."""
    import transformers

    config = transformers.T5Config(
        vocab_size=WORDS, d_model=16, d_kv=8, d_ff=32, num_layers=4, num_heads=2, decoder_start_token_id=0, dropout_rate=0.1
    )
    model = _built(transformers.TFT5ForConditionalGeneration(config))
    for block in model.encoder.block[:2]:
        block.trainable = False
    stop_at(model.encoder.block[1].layer[1])
    gated = _built(transformers.TFT5ForConditionalGeneration(_gated(config)))
    labels = tf.TensorSpec([BATCH, LENGTH], tf.int32)
    return {
        "training, one stop": Subject(_loss(model, True), tuple(model.variables), specs=(IDS, labels), below=WORDS),
        "inference, gated GELU": Subject(_loss(gated, False), tuple(gated.variables), specs=(IDS, labels), below=WORDS),
    }


def _gated(config: Any) -> Any:
    changed = config.to_dict()
    changed.update(feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    return type(config)(**changed)


def _built(model: Any) -> Any:
    model(model.dummy_inputs)
    return model


def _subject(model: Any, body: Any, labels: Any, training: bool) -> Subject:
    for layer in body.encoder.layer[:2]:
        layer.trainable = False
    stop_at(body.encoder.layer[1].attention.dense_output.dense)
    return Subject(_loss(model, training), tuple(model.variables), specs=(IDS, tf.TensorSpec(labels, tf.int32)), below=LABELS)


def _loss(model: Any, training: bool) -> Any:
    return lambda ids, labels: tf.reduce_sum(model(input_ids=ids, labels=labels, training=training).loss)


MODELS = (
    Model("BERT", bert, package="transformers", needs=("transformers",)),
    Model("T5", t5, package="transformers", needs=("transformers",)),
)
