"""A recipe becomes a graph, in the manner of TensorFlow 1, under whatever TensorFlow is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Tuple

from .operations import OPERATIONS
from .recipes import Recipe, Step

Shape = Tuple[int, ...]
SHAPES = {"s": (), "v": (4,), "m": (2, 2), "t": (5, 4), "i": (4,), "V": (4,), "M": (2, 2), "R": (4,), "W": (4,)}
SOURCE_SHAPES = {"table": (5, 4), "ref_table": (5, 4), "scalar": (), "matrix": (2, 2)}


class Item(NamedTuple):
    """A tensor (or a variable) and the shape it has when it runs, which the graph may not know."""

    value: Any
    shape: Shape
    integer: bool = False


Scope = Dict[str, Item]


@dataclass(frozen=True)
class Built:
    """A graph and the question. ``variables`` and ``feeds`` are ``(object, shape)``; the names of both are the recipe's."""

    graph: Any
    losses: List[Any]
    targets: Dict[str, Any]
    stops: List[Any]
    variables: List[Tuple[Any, Shape]]
    feeds: List[Tuple[Any, Shape]]


class CannotBuild(Exception):
    """TensorFlow refuses this combination; it says nothing about gradients."""


def build(recipe: Recipe, tf: Any) -> Built:
    """The graph of ``recipe``; ``tf`` is ``tensorflow.compat.v1``. Sets the process's control flow version.

    Raises ``CannotBuild`` where TensorFlow does not take the recipe.
    """
    (tf.enable_control_flow_v2 if recipe.control_flow == 2 else tf.disable_control_flow_v2)()
    graph = tf.Graph()
    with graph.as_default():
        scope = {name: source(tf, name, kind) for name, kind in recipe.sources}
        feeds = [
            (each.value, each.shape)
            for each in scope.values()
            if not is_variable(each.value) and each.value.op.type == "Placeholder"
        ]
        variables = [(each.value, each.shape) for each in scope.values() if is_variable(each.value)]
        scope["flag"] = Item(tf.placeholder(tf.bool, [], name="flag"), (), integer=True)
        feeds.append((scope["flag"].value, ()))
        try:
            for step in recipe.steps:
                take(tf, step, scope)
        except (ValueError, TypeError) as error:
            raise CannotBuild(f"{type(error).__name__}: {error}") from error
        losses = [tensor(tf, found(scope, name)) for name in recipe.losses]
        if len(losses) > 1:
            losses = [tf.identity(loss) if loss.op.type == "Exit" else loss for loss in losses]
        return Built(
            graph,
            losses,
            {name: found(scope, name).value for name in recipe.targets},
            [tensor(tf, found(scope, name)) for name in recipe.stops],
            variables,
            feeds,
        )


def source(tf: Any, name: str, kind: str) -> Item:
    shape = SOURCE_SHAPES.get(kind, (4,))
    if kind == "int":
        return Item(tf.placeholder(tf.int32, [4], name=name), shape, integer=True)
    if kind == "constant":
        return Item(tf.constant([0.5, -1.0, 2.0, 0.25], name=name), shape)
    if kind in ("placeholder", "partial", "unknown"):
        static = {"placeholder": [4], "partial": [None], "unknown": None}[kind]
        return Item(tf.placeholder(tf.float32, static, name=name), shape)
    if kind == "double":
        return Item(tf.cast(tf.Variable(tf.zeros([4], tf.float64), use_resource=True, name=name), tf.float32), shape)
    return Item(
        tf.Variable(
            tf.zeros(shape),
            name=name,
            trainable=kind != "frozen",
            use_resource=kind in ("resource", "table", "frozen", "scalar"),
        ),
        shape,
    )


def found(scope: Scope, name: str) -> Item:
    """The item of that name; where it is missing, the newest float one."""
    return scope.get(name) or [each for each in scope.values() if not each.integer][-1]


def is_variable(value: Any) -> bool:
    """A variable of any class: no single base is common to all of them in every version."""
    return hasattr(value, "initializer")


def tensor(tf: Any, item: Item) -> Any:
    return tf.convert_to_tensor(item.value)


def floating(tf: Any, item: Item) -> Any:
    value = tensor(tf, item)
    return tf.cast(value, tf.float32) if item.integer else value


def brought(tf: Any, item: Item, shape: Shape) -> Any:
    """The float tensor of ``item`` in another shape, by ops that a gradient passes."""
    value = floating(tf, item)
    if item.shape == shape:
        return value
    if shape == ():
        return tf.reduce_sum(value)
    if item.shape == ():
        return tf.broadcast_to(value, shape)
    if item.shape == (5, 4):
        return tf.reshape(tf.reduce_sum(value, axis=0), shape)
    if shape == (5, 4):
        return tf.tile(tf.reshape(value, [1, 4]), [5, 1])
    return tf.reshape(value, shape)


def known(tf: Any, item: Item, shape: Shape) -> Any:
    """As ``brought``, and the graph knows the shape."""
    value = brought(tf, item, shape)
    return value if value.shape.is_fully_defined() else tf.reshape(value, shape)


def integers(tf: Any, item: Item) -> Any:
    return tensor(tf, item) if item.integer else tf.cast(brought(tf, item, (4,)), tf.int32)


def prepared(tf: Any, letter: str, item: Item, first: Shape) -> Any:
    """The input that a signature's letter asks for."""
    if letter in "RW":
        return item.value
    if letter == "i":
        return integers(tf, item)
    if letter == "f":
        return floating(tf, item)
    if letter == "e":
        return brought(tf, item, first)
    return (known if letter in "VM" else brought)(tf, item, SHAPES[letter])


def take(tf: Any, step: Step, scope: Scope) -> None:
    """Build one step; its results join the scope."""
    name, operation, inputs, *blocks = step
    if blocks:
        items = CONSTRUCTS[operation](tf, name, [found(scope, each) for each in inputs], blocks, scope)
    else:
        items = plain(tf, operation, inputs, scope)
    scope.update({name if not place else f"{name}.{place}": item for place, item in enumerate(items)})


def plain(tf: Any, operation: str, inputs: Tuple[str, ...], scope: Scope) -> List[Item]:
    takes, gives, make, _ = OPERATIONS[operation]
    found_items = [
        variable(scope, name, letter) if letter in "RW" else found(scope, name) for name, letter in zip(inputs, takes)
    ]
    first = SHAPES.get(takes[0], found_items[0].shape)
    results = make(tf, *[prepared(tf, letter, item, first) for letter, item in zip(takes, found_items)])
    results = results if len(gives) > 1 else (results,)
    return [
        Item(value, first if letter == "=" else SHAPES[letter], integer=letter == "i") for value, letter in zip(results, gives)
    ]


def variable(scope: Scope, name: str, letter: str) -> Item:
    """The variable of that name, or the oldest that the letter allows."""
    fitting = {
        key: item
        for key, item in scope.items()
        if is_variable(item.value) and item.shape == (4,) and (letter == "W" or hasattr(item.value, "handle"))
    }
    return fitting.get(name) or next(iter(fitting.values()), None) or found(scope, name)


def inner(tf: Any, block: Any, scope: Scope, arguments: Dict[str, Item]) -> List[Item]:
    """Build a block in a scope of its own; its results."""
    steps, results = block
    own = {**scope, **arguments}
    for step in steps:
        take(tf, step, own)
    return [found(own, name) for name in results]


def named(name: str, values: Any, shapes: List[Shape]) -> Dict[str, Item]:
    return {f"{name}.in{place}": Item(value, shape) for place, (value, shape) in enumerate(zip(values, shapes))}


def called(wrap: Any) -> Any:
    """A block as a function that ``wrap`` makes of a Python function; results keep their shapes."""

    def construct(tf, name, items, blocks, scope):
        shapes, given = [], [floating(tf, item) for item in items]

        def body(*arguments):
            results = inner(tf, blocks[0], scope, named(name, arguments, [item.shape for item in items]))
            shapes[:] = [item.shape for item in results]
            values = tuple(tf.identity(floating(tf, item)) for item in results)
            return values if len(values) > 1 else values[0]

        values = wrap(tf, body, len(items))(*given)
        values = values if isinstance(values, (tuple, list)) else [values]
        return [Item(value, shape) for value, shape in zip(values, shapes)]

    return construct


def as_function(tf: Any, body: Any, arguments: int) -> Any:
    return tf.function(body, autograph=False)


def as_defun(tf: Any, body: Any, arguments: int) -> Any:
    from tensorflow.python.framework import function

    return function.Defun(*[tf.float32] * arguments)(body)


def as_recomputed(tf: Any, body: Any, arguments: int) -> Any:
    def call(*given):
        with tf.variable_scope(tf.get_variable_scope(), use_resource=True):
            return tf.recompute_grad(body)(*given)

    return call


def recomputed(tf, name, items, blocks, scope):
    """``tf.recompute_grad`` cannot watch ref variables: the block sees what was read of them before."""
    seen = {
        key: item
        if hasattr(item.value, "handle") or not is_variable(item.value)
        else Item(tf.identity(item.value), item.shape)
        for key, item in scope.items()
    }
    return called(as_recomputed)(tf, name, items, blocks, seen)


def vectors(tf: Any, items: List[Item]) -> List[Any]:
    return [known(tf, item, (4,)) for item in items]


def items_of(values: Any) -> List[Item]:
    return [Item(value, (4,)) for value in values]


def cond(tf, name, items, blocks, scope):
    predicate = tf.greater(brought(tf, items[0], ()), 0.0)
    return branches(tf, predicate, blocks, scope)


def cond_flag(tf, name, items, blocks, scope):
    return branches(tf, scope["flag"].value, blocks, scope)


def branches(tf: Any, predicate: Any, blocks: Any, scope: Scope) -> List[Item]:
    def branch(block):
        return lambda: [tf.identity(each) for each in vectors(tf, inner(tf, block, scope, {}))]

    values = tf.cond(predicate, branch(blocks[0]), branch(blocks[1]), strict=True)
    return items_of(values)


def case(tf, name, items, blocks, scope):
    def branch(block):
        return lambda: [tf.identity(each) for each in vectors(tf, inner(tf, block, scope, {}))]

    index = tf.floormod(tf.cast(brought(tf, items[0], ()), tf.int32), 3)
    values = tf.switch_case(index, [branch(block) for block in blocks])
    return items_of(values if isinstance(values, (list, tuple)) else [values])


def loop(tf: Any, name: str, items: List[Item], block: Any, scope: Scope, going_on: Any) -> List[Item]:
    def body(i, *state):
        arguments = named(name, state, [(4,)] * len(items))
        return [i + 1] + [tf.tanh(each) for each in vectors(tf, inner(tf, block, scope, arguments))]

    _, *values = tf.while_loop(going_on, body, [tf.constant(0)] + vectors(tf, items))
    return items_of(values)


def while_counted(tf, name, items, blocks, scope):
    return loop(tf, name, items, blocks[0], scope, lambda i, *state: i < 3)


def while_trips(tf, name, items, blocks, scope):
    trips = tf.floormod(tf.cast(tf.abs(brought(tf, items[0], ())), tf.int32), 4)
    return loop(tf, name, items[1:], blocks[0], scope, lambda i, *state: i < trips)


def while_state(tf, name, items, blocks, scope):
    return loop(tf, name, items, blocks[0], scope, lambda i, *state: tf.logical_and(i < 4, tf.reduce_sum(state[0]) < 2.0))


CONSTRUCTS = {
    "function": called(as_function),
    "defun": called(as_defun),
    "recompute": recomputed,
    "cond": cond,
    "cond_flag": cond_flag,
    "case": case,
    "while": while_counted,
    "while_trips": while_trips,
    "while_state": while_state,
}
