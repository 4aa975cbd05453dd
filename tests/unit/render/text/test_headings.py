"""The headings of audits that are shown side by side."""

from __future__ import annotations

from typing import NamedTuple, Tuple

import pytest

from graphcut.render.text.headings import headings


class Told(NamedTuple):
    source: str
    loss: Tuple[str, ...] = ("AddV2:0",)
    loss_keys: Tuple[str, ...] = ("", "")


@pytest.fixture
def places(tmp_path):
    """Places in a file that holds these lines."""

    def written(*lines):
        path = tmp_path / "train.py"
        path.write_text("\n".join(lines) + "\n")
        return ["tape.gradient at %s:%d" % (path, number + 1) for number in range(len(lines))]

    return written


@pytest.mark.parametrize(
    "line, name",
    [
        ("gradients = tape.gradient(policy_loss, actor.weights)", "policy_loss"),
        ("tape.gradient(target=losses.value, sources=w)", "losses.value"),
        ("optimizer.minimize(cost)", "cost"),
        ("return tf.gradients(energy, x)[0]", "energy"),
        ("gradients = tape.gradient(a + b, weights)", "train.py:1"),
        ("gradients = tape.gradient(", "train.py:1"),
    ],
)
def test_a_gradient_is_called_what_the_code_calls_its_target(places, line, name):
    assert headings([Told(each) for each in places(line)]) == (name,)


def test_the_target_may_stand_in_a_line_below_the_call(places):
    place, *_ = places("gradients = tape.gradient(", "    actor_loss,", "    weights,", ")")
    assert headings([Told(place)]) == ("actor_loss",)


def test_two_calls_in_one_line_are_told_apart(places):
    (place,) = places("return tape.gradient(actor_loss, one), tape.gradient(critic_loss, two)")
    assert headings([Told(place), Told(place)]) == ("actor_loss", "critic_loss")


@pytest.mark.parametrize(
    "line, names",
    [
        ("return tape.gradient(a + b, one), tape.gradient(critic_loss, two)", ("train.py:1", "critic_loss")),
        ("return tape.gradient(actor_loss, one), tape.gradient(a[0], two)", ("actor_loss", "train.py:1")),
        ("return outer.gradient(tf.norm(inner.gradient(energy, x)), w)", ("energy", "train.py:1")),
        ("return outer.gradient(loss, w, inner.gradient(energy, x))", ("energy", "loss")),
    ],
)
def test_calls_in_one_line_are_named_in_the_order_of_running(places, line, names):
    (place,) = places(line)
    assert headings([Told(place), Told(place)]) == names


def test_where_two_targets_share_a_name_the_lines_tell_them_apart(places):
    told = [Told(each) for each in places("one.gradient(loss, w)", "two.gradient(loss, v)", "tape.gradient(other, v)")]
    assert headings(told) == ("train.py:1", "train.py:2", "other")


def test_what_no_line_is_known_of_is_called_by_its_tensor():
    assert headings([Told("tape.gradient at None"), Told("tape.gradient at None", ("Mean:1",))]) == ("AddV2", "Mean:1")


def test_a_function_gives_its_name_and_a_file_its_loss():
    told = [Told("function actor_loss"), Told("model.meta", ("loss:0", "penalty:0"))]
    assert headings(told) == ("actor_loss", "loss + penalty")


def test_an_output_gives_its_key():
    assert headings([Told("saved", ("StatefulPartitionedCall:1",), ("note",)), Told("saved", ("a:0",))]) == ("note", "a")
