"""Generate random steps: where the tape opens, pauses and is reset, what it watches; stops, functions, branches and loops.

A step is a list of plain instructions, so that a counterexample can be kept as text and made smaller.
"""

from __future__ import annotations

import random
from typing import Any, List, Tuple

import tensorflow as tf

from tests.against_tensorflow.steps.judge import variable

VARIABLES = 4
Instruction = Tuple[str, int, int]
_PLAIN = ("add", "mul", "stop", "round", "read", "nothing", "relu")
_LIVELY = ("add", "mul", "mul", "relu", "call", "loop")
_SCOPED = ("call", "cond", "loop", "pause")
_TAPE = ("open", "close", "watch", "watch_variable", "reset")


def recipe(seed: int) -> Tuple[Any, ...]:
    """The options of the tape, and the instructions: each with two numbers that pick what it is about."""
    chance = random.Random(seed)
    names = [chance.choice(_PLAIN + _SCOPED + _LIVELY) for _ in range(chance.randint(4, 12))]
    for name in chance.choices(_TAPE, k=chance.randint(0, 3)):
        names.insert(chance.randrange(len(names) + 1), name)
    listed = tuple((name, chance.randrange(100), chance.randrange(100)) for name in names)
    return chance.random() < 0.3, chance.random() < 0.75, chance.random() < 0.3, chance.random() < 0.3, listed


def nested(seed: int) -> Tuple[Any, ...]:
    """The same, with an inner function that runs the instructions from one place on and takes the gradients."""
    chance = random.Random("nested %d" % seed)
    made = recipe(seed)
    return (*made, (chance.randint(0, len(made[-1])), chance.random() < 0.3))


def build(made: Tuple[Any, ...]) -> Any:
    """The step of a recipe: it returns the gradients that it takes."""
    persistent, automatic, twice, early, listed = made[:5]
    cut, handed = made[5] if len(made) > 5 else (len(listed), False)
    variables = [variable(1.0 + index, "v%d" % index, trainable=index != VARIABLES - 1) for index in range(VARIABLES)]

    def step(x: Any) -> List[List[Any]]:
        values = [x, x * variables[0] if early else x * 0.5]
        tape = tf.GradientTape(persistent=persistent, watch_accessed_variables=automatic)
        recording = _run(listed, range(cut), values, variables, tape, False)

        def rest(*given: Any) -> List[List[Any]]:
            return _rest(made, list(given) or list(values), variables, tape, recording)

        return tf.function(rest)(*values if handed else ()) if len(made) > 5 else rest()

    return step


def _rest(made: Tuple[Any, ...], values: List[Any], variables: List[Any], tape: Any, recording: bool) -> List[List[Any]]:
    """The rest of a step, and the gradients that it takes."""
    persistent, _, twice, _, listed = made[:5]
    first = made[5][0] if len(made) > 5 else len(listed)
    recording = _run(listed, range(first, len(listed)), values, variables, tape, recording)
    loss = tf.add_n([tf.reduce_sum(value) for value in values[-3:]])
    if recording:
        tape.__exit__(None, None, None)
    sources = [*variables, values[0], values[1], values[len(values) // 2]]
    other = tf.GradientTape()
    with other:
        second = tf.reduce_sum(values[-1] * variables[1])
    found = [tape.gradient(loss, sources)]
    if persistent and twice:
        found.append(tape.gradient(values[-2], sources))
    if twice:
        found.append(other.gradient(second, sources))
    return found


def _run(listed: Any, places: Any, values: List[Any], variables: List[Any], tape: Any, recording: bool) -> bool:
    """Run the instructions at these places; return whether the tape still records."""
    start = [place for place, each in enumerate(listed) if each[0] == "open"][:1] or [0]
    for place in places:
        name, one, two = listed[place]
        if place == start[0]:
            tape.__enter__()
            recording = True
        if name == "close" and recording:
            tape.__exit__(None, None, None)
            recording = False
        elif name in _TAPE:
            _of_tape(name, one, values, variables, tape, recording)
        elif name == "pause" and recording:
            with tape.stop_recording():
                values.append(_plain("mul", one, two, values, variables))
        else:
            values.append(_value(name, one, two, values, variables))
    return recording


def _of_tape(name: str, one: int, values: List[Any], variables: List[Any], tape: Any, recording: bool) -> None:
    if not recording:
        return
    if name == "watch":
        tape.watch(values[one % len(values)])
    elif name == "watch_variable":
        tape.watch(variables[one % VARIABLES])
    elif name == "reset":
        tape.reset()


def _value(name: str, one: int, two: int, values: List[Any], variables: List[Any]) -> Any:
    """What an instruction computes."""
    if name not in _SCOPED:
        return _plain(name, one, two, values, variables)
    kinds = [_PLAIN[(one + index) % len(_PLAIN)] for index in (0, 3)]
    given = values[two % len(values)]
    if name == "call":
        return tf.function(lambda value: _both(kinds, one, two, value, variables))(given)[one % 2]
    if name == "cond":
        first, second = (lambda kind=kind: _plain(kind, one, two, values, variables) for kind in kinds)
        return tf.cond(tf.reduce_sum(given) > 3.0, first, second)
    if name == "loop":
        body = lambda index, value: (index + 1, _both(kinds, one, two, value, variables)[0])  # noqa: E731
        return tf.while_loop(lambda index, value: index < 2, body, (0, given))[1]
    return given


def _both(kinds: List[str], one: int, two: int, value: Any, variables: List[Any]) -> Tuple[Any, Any]:
    first = _plain(kinds[0], one, two, [value, value * 0.5], variables)
    return first, _plain(kinds[1], two, one, [first, value], variables)


def _plain(name: str, one: int, two: int, values: List[Any], variables: List[Any]) -> Any:
    """One op, or a few."""
    value, own = values[-1 - one % min(3, len(values))], variables[two % VARIABLES]
    if name == "add":
        return value + values[two % len(values)]
    if name == "mul":
        return value * own
    if name == "stop":
        return value + tf.stop_gradient(value * own)
    if name == "round":
        return tf.round(value * own)
    if name == "read":
        return value * 0.5 + tf.stop_gradient(own)
    return tf.nn.relu(value) if name == "relu" else tf.identity(value)
