"""What can be asked with ``what_if``, and what ``compare`` says of it."""

from __future__ import annotations

import pytest
import tensorflow as tf

import graphcut
from fixtures.scenarios.making import given, weights
from graphcut import GraphcutError, Verdict
from tests.against_tensorflow.live.questions.asked import audited, called_twice, rounded_choice, two_layers


def verdicts(audit):
    return {each.name: each.verdict.value for each in audit}


def test_without_the_stop_both_layers_learn():
    audit = audited(two_layers)
    assert verdicts(audit.what_if(remove="hidden")) == {"first": "flows", "second": "flows"}


@pytest.mark.parametrize("asked", [lambda audit: audit.stops, lambda audit: audit.stops[0], lambda audit: "hidden:0",
                                   lambda audit: audit["first"].cut])  # fmt: skip
def test_a_stop_is_named_by_whatever_names_it(asked):
    audit = audited(two_layers)
    assert audit.what_if(remove=asked(audit))["first"].verdict is Verdict.FLOWS


def test_the_audit_itself_stays_what_it_was():
    audit = audited(two_layers)
    before = audit.to_json()
    audit.what_if(remove="hidden", stop="second")
    assert audit.to_json() == before


def test_a_removed_stop_is_an_identity_in_the_graph():
    graph = audited(two_layers).what_if(remove="hidden").graph
    assert graph.nodes["hidden"]["type"] == "Identity"


def test_a_stopped_tensor_has_a_stop_behind_it():
    audit = audited(two_layers).what_if(remove="hidden", stop="features")
    assert [each.op for each in audit.stops] == ["features/stop_gradient#0"]
    assert audit["first"].cut[0].op == "features/stop_gradient#0"


def test_a_variable_is_stopped_wherever_it_is_read():
    assert verdicts(audited(two_layers).what_if(stop="second")) == {"first": "none", "second": "none"}


def test_a_stopped_loss_trains_nothing():
    audit = audited(two_layers).what_if(remove="hidden", stop="loss")
    assert verdicts(audit) == {"first": "none", "second": "none"}


def test_an_edit_of_an_edit_can_be_taken_back():
    audit = audited(two_layers)
    edited = audit.what_if(stop="scores")
    assert verdicts(edited.what_if(remove="scores/stop_gradient#0")) == verdicts(audit)


def test_one_tensor_can_be_stopped_twice():
    audit = audited(two_layers).what_if(stop="scores").what_if(stop="scores")
    assert len([each for each in audit.stops if each.op.startswith("scores")]) == 2


def test_a_rounding_taken_out_hands_the_gradient_on():
    audit = audited(rounded_choice)
    assert verdicts(audit) == {"scale": "none", "logits": "none", "w": "flows"}
    assert verdicts(audit.what_if(remove="rounded")) == {"scale": "flows", "logits": "none", "w": "flows"}


def test_a_choice_made_soft_hands_it_on_through_the_cast():
    assert audited(rounded_choice).what_if(remove="choice")["logits"].verdict is Verdict.FLOWS


def test_a_name_in_a_body_means_all_its_copies():
    assert verdicts(audited(called_twice).what_if(remove="inner")) == {"a": "flows", "b": "flows"}


def test_a_full_name_means_one_copy():
    audit = audited(called_twice)
    assert list(verdicts(audit.what_if(remove=audit.stops[0])).values()).count("flows") == 1


def test_a_stop_argument_can_be_taken_out():
    audit = audited(two_layers, stop_gradients="scores")
    assert verdicts(audit.what_if(remove="scores")) == {"first": "none", "second": "flows"}


def test_a_stop_that_is_not_there_is_an_error_with_near_names():
    with pytest.raises(GraphcutError, match="did you mean 'hidden'"):
        audited(two_layers).what_if(remove="hiden")


def test_an_op_that_stops_nothing_cannot_be_taken_out():
    with pytest.raises(GraphcutError, match="stops no gradient"):
        audited(two_layers).what_if(remove="scores")


def test_a_change_names_the_stop_that_was_taken_out():
    audit = audited(two_layers)
    (change,) = audit.compare(audit.what_if(remove="hidden"))
    assert (change.name, change.before, change.after, change.op) == ("first", Verdict.NONE, Verdict.FLOWS, "hidden")


def test_a_change_names_the_stop_that_was_added():
    audit = audited(two_layers)
    (change,) = audit.compare(audit.what_if(stop="scores"))
    assert (change.name, change.after, change.op) == ("second", Verdict.NONE, "scores/stop_gradient#0")


def test_audits_of_two_graphs_can_be_compared():
    (change,) = audited(two_layers).compare(audited(two_layers, variables=["first"]))
    assert (change.name, change.before, change.after) == ("second", Verdict.FLOWS, None)


def test_twins_are_compared_by_the_names_of_their_variables():
    def fixed():
        hidden = tf.matmul(given("x", 2, 3), weights("first", 3, 4), name="hidden")
        return tf.reduce_sum(tf.matmul(hidden, weights("second", 4, 1)))

    (change,) = audited(two_layers).compare(audited(fixed))
    assert (change.name, change.after, change.op) == ("first", Verdict.FLOWS, "hidden")


def flagged():
    """Example 3 of document 000: the same layer behind a stop or not."""
    kernel = tf.Variable(tf.ones([4, 3]), name="kernel")

    def loss(x, flag):
        y = tf.matmul(x, kernel)
        return tf.reduce_sum(tf.stop_gradient(y) if flag else y)

    return [graphcut.audit(lambda x, flag=flag: loss(x, flag), tf.TensorSpec([2, 4])) for flag in (True, False)]


def test_the_flag_on_and_off_differ_by_the_stop():
    with tf.init_scope() if tf.executing_eagerly() else tf.Graph().as_default():
        on, off = flagged()
    (change,) = on.compare(off)
    assert (change.before, change.after, change.op) == (Verdict.NONE, Verdict.FLOWS, on.stops[0].op)
