"""Rules that rewrite an expression without a gradient as one that has a gradient, with the same names.

Each rule takes one expression of the user's code and returns the types of the ops that it stands for, and possible replacement
texts, the likeliest first. An audit of the edited source decides which of them is right.

The soft forms are from the literature: a steep sigmoid for a comparison, a softmax for the choice of the largest, the
Gumbel softmax for a sample (Jang, Gu, Poole 2017), SoftSort for an argsort (Prillo and Eisenschlos 2020), the straight-through
estimator for a rounding (Bengio, Leonard, Courville 2013).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Callable, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from graphcut.api.suggest.source_edit import Replacement, Source, argument, function_name, is_named

STEEPNESS = "10.0"
_STEPS = {"Round": "round", "Rint": "rint", "Floor": "floor", "Ceil": "ceil", "Sign": "sign"}
_ORDER = {ast.Gt: (0, 1), ast.GtE: (0, 1), ast.Lt: (1, 0), ast.LtE: (1, 0)}
_ORDER_CALLS = {"greater": (0, 1), "greater_equal": (0, 1), "less": (1, 0), "less_equal": (1, 0)}
_ORDERS = frozenset(["Greater", "GreaterEqual", "Less", "LessEqual"])
_SAMPLES = ("categorical", "multinomial", "stateless_categorical", "stateless_multinomial")
_POISSONS = frozenset(["RandomPoisson", "RandomPoissonV2", "StatelessRandomPoisson"])
_BINOMIALS = frozenset(["StatelessRandomBinomial", "StatefulRandomBinomial"])
_SAMPLE_TYPES = frozenset(["Multinomial", "StatelessMultinomial"])
_DEFERRED = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp, ast.BoolOp)
_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr)
_PLAIN = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant)
_PURE = (
    ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop,
    ast.expr_context, ast.Tuple, ast.Slice, getattr(ast, "Index", ast.Slice),
)  # fmt: skip


@dataclass(frozen=True)
class Rewrite:
    """The result of a rule: the op types of the expression, possible replacements, and lines to insert before it."""

    types: FrozenSet[str]
    texts: Tuple[str, ...]
    before: Tuple[Replacement, ...] = ()


@dataclass(frozen=True)
class Context:
    """What the rules know about the expression's source.

    These are the source, the name of TensorFlow in it, the types of the barriers to remove, and whether the stop to remove
    belongs to an inverted straight-through estimator. ``rank`` is the rank of the argument of ``tf.argmax``, if it is known.
    ``inlined`` collects the expressions that replaced a name: ``choice = tf.argmax(p, 1)`` stays unchanged, because other code
    may read it.
    """

    source: Source
    tf: str
    types: FrozenSet[str]
    inverted: bool = False
    rank: Optional[int] = None
    inlined: List[ast.AST] = field(default_factory=list)

    def assigned_value(self, node: ast.AST) -> ast.AST:
        """Return the expression assigned to a name, if it is assigned once in its function; else the node itself."""
        value = self.source.value_of(node) if isinstance(node, ast.Name) else None
        if value is None:
            return node
        self.inlined.append(value)
        return value

    def place_of(self, axis: Optional[ast.AST], default: float) -> Optional[float]:
        """Return an axis, counted from the end if the rank is known; ``None`` if its number is not in the source."""
        number = default if axis is None else _number(axis)
        return number if number is None or number < 0 or self.rank is None else number - self.rank

    def text(self, node: ast.AST) -> str:
        """Return the source of a node."""
        return self.source.of(node)

    def named_before(self, node: ast.AST) -> Optional[Tuple[str, Replacement]]:
        """Return a new name for the value of an expression, and the line that assigns it before the statement.

        ``None`` if the statement does not compute the expression exactly once.
        """
        statement = next((each for each in self.source.parents(node) if isinstance(each, ast.stmt)), None)
        deferred = [each for each in self.source.parents(node) if isinstance(each, _DEFERRED)]
        if not isinstance(statement, _SIMPLE) or any(statement in self.source.parents(each) for each in deferred):
            return None
        start, names = self.source.lines(statement)[0], self.source.names
        name = next(each for each in ("value", *["value_%d" % at for at in range(2, 100)]) if each not in names)
        if self.source.data[start : start + statement.col_offset].strip():
            return None  # another statement precedes it in the line
        indent = " " * statement.col_offset
        return name, Replacement(start, start, f"{indent}{name} = {self.text(node)}\n")

    def operand(self, node: ast.AST) -> str:
        """Return the text, in brackets if it is needed next to an operator."""
        return self.text(node) if isinstance(node, _PLAIN) else "(%s)" % self.text(node)


Rule = Callable[[Context, ast.AST], Optional[Rewrite]]


def rewritings(context: Context, roots: Sequence[ast.AST]) -> Iterator[Tuple[ast.AST, Rewrite]]:
    """Yield the largest expressions below some nodes that a rule for one of the barriers applies to."""
    waiting = list(roots)
    while waiting:
        node = waiting.pop(0)
        result = next((each for rule in _RULES for each in [rule(context, node)] if each and each.types & context.types), None)
        if result is None:
            waiting = list(ast.iter_child_nodes(node)) + waiting
        else:
            yield node, result


def replacements(context: Context, roots: Sequence[ast.AST], wanted: int) -> Tuple[List[List[Replacement]], FrozenSet[str]]:
    """Return the candidates for an edit, and the types of barriers that it removes.

    If more expressions could be edited than barriers are ``wanted`` to be removed, edits of a single expression come first:
    ``tf.stop_gradient(a) - tf.stop_gradient(b)``.
    """
    result = list(rewritings(context, roots))
    covered = frozenset(each for _, rewriting in result for each in rewriting.types)
    candidates = (
        [[*each.before, _replacement(context, node, each.texts[0])] for node, each in result] if len(result) > wanted else []
    )
    for turn in range(max((len(each.texts) for _, each in result), default=0)):
        chosen = [(node, each.texts[min(turn, len(each.texts) - 1)]) for node, each in result]
        before = [line for _, each in result for line in each.before]
        candidates.append([*before, *[_replacement(context, node, text) for node, text in chosen]])
    if 1 < len(result) <= wanted:
        candidates += [[*each.before, _replacement(context, node, each.texts[0])] for node, each in result]
    return candidates, covered


def _replacement(context: Context, node: ast.AST, text: str) -> Replacement:
    """Return the replacement, in brackets if it is next to an operator or a dot and no longer simple."""
    start, end = context.source.span(node)
    parent = next(context.source.parents(node), None)
    inside = (ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Subscript, ast.Compare, ast.Starred)
    base = isinstance(parent, inside) and not (isinstance(parent, ast.Subscript) and parent.value is not node)
    written = ast.parse(text, mode="eval").body if "\n" not in text else None
    around = context.source.data[start - 1 : start], context.source.data[end : end + 1]
    if base and around != (b"(", b")") and not isinstance(written, _PLAIN):
        text = "(%s)" % text
    return Replacement(start, end, text)


def _stop(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite ``tf.stop_gradient(x)``, and a Keras ``Lambda`` layer of it, as ``x``."""
    if not isinstance(node, ast.Call):
        return None
    x = argument(node, 0, "input", "variables", "variable")
    inner = node.func
    if is_named(inner, "Lambda") and getattr(argument(inner, 0, "function"), "attr", "") == "stop_gradient":  # type: ignore[arg-type]
        return Rewrite(frozenset(["StopGradient"]), (context.operand(node.args[0]),)) if node.args else None
    if function_name(node) != "stop_gradient" or x is None:
        return None
    return Rewrite(frozenset(["StopGradient"]), (context.text(x),))


def _swap(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite ``q + tf.stop_gradient(z - q)``, which passes the gradient to the wrong side."""
    if not context.inverted or not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)):
        return None
    for other, stop in ((node.left, node.right), (node.right, node.left)):
        inside = argument(stop, 0, "input") if is_named(stop, "stop_gradient") else None  # type: ignore[arg-type]
        if isinstance(inside, ast.BinOp) and isinstance(inside.op, ast.Sub) and _same(inside.right, other):
            q, z = context.operand(other), context.operand(inside.left)
            function = context.text(stop.func)  # type: ignore[attr-defined]
            return Rewrite(frozenset(["StopGradient"]), (f"{z} + {function}({q} - {z})",))
    return None


def _step(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite a rounding or a sign as a straight-through estimator: the value stays, the gradient passes."""
    types = frozenset(kind for kind, name in _STEPS.items() if is_named(node, name))
    if not types and isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        ratio, whole = f"{context.operand(node.left)} / {context.operand(node.right)}", f"({context.text(node)})"
        return _straight_through_expression(context, frozenset(["FloorDiv"]), node, ratio, f"({ratio})", whole)
    x = argument(node, 0, "x", "input") if types else None  # type: ignore[arg-type]
    if x is None:
        return None
    return _straight_through_expression(context, types, x, context.operand(x), context.operand(x), context.text(node))


def _straight_through_expression(
    context: Context, types: FrozenSet[str], x: ast.AST, first: str, again: str, whole: str
) -> Optional[Rewrite]:
    """Return ``x + tf.stop_gradient(f(x) - x)``; nothing if computing ``x`` twice could give two values."""
    if is_pure(x):
        return Rewrite(types, (f"{first} + {context.tf}.stop_gradient({whole} - {again})",))
    named = context.named_before(x)
    if named is None or context.text(x) not in whole:
        return None
    name, line = named
    once = whole.replace(context.text(x), name, 1)
    return Rewrite(types, (f"{name} + {context.tf}.stop_gradient({once} - {name})",), (line,))


def _where(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite ``tf.where(p > 0., a, b)`` as a weighted sum of both sides."""
    if not is_named(node, "where", "where_v2") or not isinstance(node, ast.Call):
        return None
    condition, one, other = (argument(node, at, *names) for at, names in enumerate((("condition",), ("x",), ("y",))))
    if condition is None or one is None or other is None:
        return None
    soft = _soft_condition(context, context.assigned_value(condition))
    if soft is None:
        return None
    weight, types = _factor(soft.texts[0]), soft.types
    if (_number(one), _number(other)) == (1.0, 0.0):
        text = soft.texts[0]
    else:
        text = f"{weight} * {context.operand(one)} + (1.0 - {weight}) * {context.operand(other)}"
    return Rewrite(types | {"Select", "SelectV2"}, (text,))


def _cast(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite a cast to floats together with the op without a gradient that is cast."""
    if not isinstance(node, ast.Call) or function_name(node) not in ("cast", "to_float"):
        return None
    inner, dtype = argument(node, 0, "x"), argument(node, 1, "dtype")
    if inner is None:
        return None
    soft = next((each for rule in _CASTABLE for each in [rule(context, inner)] if each), None)
    if soft is not None:
        floats = function_name(node) == "to_float" or (dtype is not None and _is_float32(dtype))
        texts = soft.texts if floats else tuple(f"{context.tf}.cast({text}, {context.text(dtype)})" for text in soft.texts)  # type: ignore[arg-type]
        return Rewrite(soft.types, texts)
    x = argument(inner, 0, "x") if is_named(inner, "cast") else None  # type: ignore[arg-type]
    if x is None:
        return None
    return _straight_through_expression(
        context, frozenset(["Cast"]), x, context.operand(x), context.operand(x), context.text(node)
    )


def _keep_floats(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite a cast to integers whose value is used elsewhere: the same numbers as floats."""
    x = argument(node, 0, "x") if is_named(node, "cast", "to_int32", "to_int64") else None  # type: ignore[arg-type]
    if x is None:
        return None
    again = f"{context.tf}.cast({context.text(node)}, {context.operand(x)}.dtype)"
    return _straight_through_expression(context, frozenset(["Cast"]), x, context.operand(x), context.operand(x), again)


def _soft_condition(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite a comparison by order, or a logical op on such comparisons, as a steep sigmoid."""
    sides = _sides(node)
    if sides is not None:
        large, small = (context.operand(each) for each in sides)
        difference = large if _number(sides[1]) == 0.0 else f"({large} - {small})"
        text = f"{context.tf}.sigmoid({STEEPNESS} * {difference})"
        return Rewrite(_ORDERS, (text,))
    if isinstance(node, ast.Call) and function_name(node) in ("logical_and", "logical_or", "logical_not"):
        parts = [_soft_condition(context, context.assigned_value(each)) for each in node.args[:2]]
        if None in parts:
            return None
        texts = [_factor(each.texts[0]) for each in parts if each]
        types = frozenset(kind for each in parts if each for kind in each.types)
        if function_name(node) == "logical_not" and len(texts) == 1:
            return Rewrite(types | {"LogicalNot"}, (f"1.0 - {texts[0]}",))
        if len(texts) == 2:
            product = f"{texts[0]} * {texts[1]}"
            both = function_name(node) == "logical_and"
            text = product if both else f"{texts[0]} + {texts[1]} - {product}"
            return Rewrite(types | {"LogicalAnd" if both else "LogicalOr"}, (text,))
    return None


def _factor(text: str) -> str:
    """Return an expression for use in a product or after a minus sign: put a sum in brackets."""
    body = ast.parse(text, mode="eval").body
    return f"({text})" if isinstance(body, ast.BinOp) and isinstance(body.op, (ast.Add, ast.Sub)) else text


def _sides(node: ast.AST) -> Optional[Tuple[ast.expr, ast.expr]]:
    """Return the side of a comparison that has to be larger, and the other side."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _ORDER:
        both, order = (node.left, node.comparators[0]), _ORDER[type(node.ops[0])]
        return both[order[0]], both[order[1]]
    if isinstance(node, ast.Call) and function_name(node) in _ORDER_CALLS:
        x, y = argument(node, 0, "x"), argument(node, 1, "y")
        if x is not None and y is not None:
            order = _ORDER_CALLS[function_name(node)]
            return (x, y)[order[0]], (x, y)[order[1]]
    return None


def _equality(node: ast.AST) -> Optional[Tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
        return node.left, node.comparators[0]
    if isinstance(node, ast.Call) and function_name(node) in ("equal", "not_equal"):
        x, y = argument(node, 0, "x"), argument(node, 1, "y")
        return (x, y) if x is not None and y is not None else None
    return None


def _match(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite ``tf.equal(tf.argmax(p, 1), y)`` as the expected accuracy; for other numbers, as a bell around equality."""
    sides = _equality(node)
    if sides is None:
        return None
    unequal = is_named(node, "not_equal") or (isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotEq))
    texts: List[str] = []
    for choice, label in (sides, sides[::-1]):
        soft = _choice(context, choice)
        if soft is not None:
            weights, x, axis, _ = soft
            labels = f"{context.tf}.one_hot({context.text(label)}, {context.tf}.shape({context.text(x)})[{axis}], axis={axis})"
            texts.append(f"{context.tf}.reduce_sum({weights} * {labels}, axis={axis})")
    types = frozenset(["ArgMax", "ArgMin", "Equal", "NotEqual"])
    if not texts:
        one, other = (context.operand(each) for each in sides)
        texts, types = (
            [f"{context.tf}.exp(-{STEEPNESS} * {context.tf}.square({one} - {other}))"],
            frozenset(["Equal", "NotEqual"]),
        )
    return Rewrite(types, tuple(f"1.0 - {text}" if unequal else text for text in texts))


class _Choice(NamedTuple):
    """The choice ``tf.argmax(logits, axis)``: its weights and axis as code, and the axis as ``Context.place_of`` counts."""

    weights: str
    logits: ast.expr
    axis: str
    place: Optional[float]


def _choice(context: Context, node: ast.AST) -> Optional[_Choice]:
    """Return the choice that an expression is, without casts and stops."""
    node = context.assigned_value(node)
    while is_named(node, "cast", "stop_gradient") and argument(node, 0, "x", "input") is not None:  # type: ignore[arg-type]
        node = argument(node, 0, "x", "input")  # type: ignore[arg-type,assignment]
    if not is_named(node, "argmax", "argmin", "arg_max", "arg_min") or not isinstance(node, ast.Call):
        return None
    x, axis = argument(node, 0, "input"), argument(node, 1, "axis", "dimension")
    if x is None or not is_pure(x, calls=True):
        return None
    along = context.text(axis) if axis is not None else "0"
    sign = "" if function_name(node) in ("argmax", "arg_max") else "-"
    weights = f"{context.tf}.nn.softmax({sign}{STEEPNESS} * {context.operand(x)}, axis={along})"
    return _Choice(weights, x, along, context.place_of(axis, 0.0))


def _position(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite ``tf.argmax(x, -1)``, or a sample, as a number: the expected index."""
    soft, types = _choice(context, node), frozenset(["ArgMax", "ArgMin"])
    if soft is None:
        sample, types = _sample(context, node), _SAMPLE_TYPES
        soft = None if sample is None else _Choice(sample.weights, sample.logits, "-1", -1.0)
    if soft is None:
        return None
    weights, x, axis, place = soft
    places = f"{context.tf}.range({context.tf}.cast({context.tf}.shape({context.text(x)})[{axis}], {context.tf}.float32))"
    if place != -1.0:
        return Rewrite(types, (f"{context.tf}.tensordot({places}, {weights}, [[0], [{axis}]])",))
    return Rewrite(types, (f"{context.tf}.reduce_sum({weights} * {places}, axis={axis})",))


def _weights(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite ``tf.argmax`` if later code computes with its weights; this or a sample if it computes with the number."""
    if isinstance(node, (ast.Call, ast.Subscript)) and _sample(context, node) is not None:
        return _position(context, node)
    soft, place = (_choice(context, node), _position(context, node)) if is_named(node, "argmax", "argmin") else (None, None)
    return None if soft is None or place is None else Rewrite(place.types, (soft.weights, *place.texts))


def _one_hot(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite ``tf.one_hot`` of a choice or a sample as the weights, if they have their classes along the same axis."""
    index = argument(node, 0, "indices") if is_named(node, "one_hot") else None  # type: ignore[arg-type]
    if index is None or not isinstance(node, ast.Call):
        return None
    soft, sample = _choice(context, index), _sample(context, index)
    place = context.place_of(argument(node, 4, "axis"), -1.0)
    if soft is not None and place is not None and place == soft.place:
        return Rewrite(frozenset(["OneHot", "ArgMax", "ArgMin"]), (_scaled(context, node, soft.weights),))
    if soft is None and sample is not None and place == -1.0:
        return Rewrite(_SAMPLE_TYPES | {"OneHot"}, (_scaled(context, node, sample.weights),))
    return None


def _scaled(context: Context, one_hot: ast.Call, weights: str) -> str:
    """Return the weights between the ``off_value`` and the ``on_value`` of a ``tf.one_hot``."""
    on, off = argument(one_hot, 2, "on_value"), argument(one_hot, 3, "off_value")
    high = weights if on is None else f"{weights} * {context.operand(on)}"
    return high if off is None else f"{high} + (1.0 - {weights}) * {context.operand(off)}"


class _Sample(NamedTuple):
    """A sample from ``logits``: its Gumbel softmax as code, and whether the samples of a row have an axis of their own."""

    weights: str
    logits: ast.expr
    is_several: bool


def _sample(context: Context, node: ast.AST) -> Optional[_Sample]:
    """Return the Gumbel softmax of ``tf.random.categorical(logits, n)``, or of the one sample that is taken out of each row.

    One sample is taken out as in ``tf.random.categorical(logits, 1)[:, 0]``, or squeezed.
    """
    node = context.assigned_value(node)
    if is_named(node, "cast"):
        inner = argument(node, 0, "x")  # type: ignore[arg-type]
        return None if inner is None else _sample(context, inner)
    call = node.value if isinstance(node, ast.Subscript) else node
    call = argument(node, 0, "input") if is_named(node, "squeeze") else call  # type: ignore[arg-type,assignment]
    call = context.assigned_value(call) if call is not None and call is not node else node
    if not is_named(call, *_SAMPLES) or not isinstance(call, ast.Call):
        return None
    logits, count = argument(call, 0, "logits"), argument(call, 1, "num_samples")
    if logits is None or count is None or (call is not node and _number(count) != 1.0):
        return None
    tf, shape = context.tf, f"{context.tf}.shape({context.text(logits)})"
    scores = context.operand(logits)
    if call is node:
        scores, shape = f"{scores}[:, None]", f"[{shape}[0], {context.text(count)}, {shape}[1]]"
    seed = argument(call, 2, "seed") if function_name(call).startswith("stateless") else None
    uniform = f"stateless_uniform({shape}, {context.text(seed)}, " if seed is not None else f"uniform({shape}, "
    noise = f"{tf}.math.log(-{tf}.math.log({tf}.random.{uniform}1e-20, 1.0)))"
    return _Sample(f"{tf}.nn.softmax({scores} - {noise}, axis=-1)", logits, call is node)


def _count(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite a Poisson or binomial sample as a normal one of the same mean and variance."""
    tf = context.tf
    if is_named(node, "stateless_binomial", "binomial") and isinstance(node, ast.Call):
        number, chance = argument(node, 2, "counts"), argument(node, 3, "probs")
        if number is None or chance is None or not (is_pure(number, calls=True) and is_pure(chance, calls=True)):
            return None
        mean = f"{context.operand(number)} * {context.operand(chance)}"
        variance, types = f"{mean} * (1.0 - {context.operand(chance)})", _BINOMIALS
    else:
        at = {"poisson": 1, "random_poisson": 1, "stateless_poisson": 2}.get(
            function_name(node) if isinstance(node, ast.Call) else ""
        )
        rate = argument(node, at, "lam") if at else None  # type: ignore[arg-type]
        if rate is None or not is_pure(rate, calls=True):
            return None
        mean, variance, types = context.operand(rate), context.text(rate), _POISSONS
    shape = argument(node, 0, "shape")  # type: ignore[arg-type]
    if shape is None:
        return None
    size = context.text(shape)
    if not function_name(node).startswith("stateless"):  # type: ignore[arg-type]
        own = f"{tf}.shape({variance})"
        is_empty = isinstance(shape, (ast.List, ast.Tuple)) and not shape.elts
        size = own if is_empty else f"{tf}.concat([{size}, {own}], 0)"
    seed = argument(node, 1, "seed") if function_name(node).startswith("stateless") else None  # type: ignore[arg-type]
    noise = f"normal({size})" if seed is None else f"stateless_normal({size}, {context.text(seed)})"
    return Rewrite(types, (f"{mean} + {tf}.sqrt({variance}) * {tf}.random.{noise}",))


def _gather(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite ``tf.gather(table, choice)`` as a weighted sum of all rows, with ``batch_dims=1`` of the numbers of each row."""
    if not is_named(node, "gather", "embedding_lookup") or not isinstance(node, ast.Call):
        return None
    table, index = argument(node, 0, "params"), argument(node, 1, "indices", "ids")
    batch = [each.value for each in node.keywords if each.arg == "batch_dims"]
    if table is None or index is None or len(node.args) > 3 or any(each.arg == "axis" for each in node.keywords):
        return None
    soft, sample, types = _choice(context, index), _sample(context, index), frozenset(["GatherV2", "ResourceGather"])
    axes = "1"
    if soft is not None:
        weights, types = soft.weights, types | {"ArgMax", "ArgMin"}
        axes = "1" if soft.place == -1.0 else f"[[{soft.axis}], [0]]"
    elif sample is not None:
        weights, types = sample.weights, types | _SAMPLE_TYPES
    else:
        return None
    if not batch:
        return Rewrite(types, (f"{context.tf}.tensordot({weights}, {context.text(table)}, {axes})",))
    if _number(batch[0]) != 1.0 or (soft is not None and soft.axis not in ("1", "-1")):
        return None
    rows = context.operand(table) + ("[:, None]" if sample is not None and sample.is_several else "")
    return Rewrite(types, (f"{context.tf}.reduce_sum({weights} * {rows}, axis=-1)",))


def _sort(context: Context, node: ast.AST) -> Optional[Rewrite]:
    """Rewrite ``tf.argsort(x)`` along the last axis."""
    if not is_named(node, "argsort") or not isinstance(node, ast.Call):
        return None
    x, axis = argument(node, 0, "values"), argument(node, 1, "axis")
    if x is None or not is_pure(x) or (axis is not None and _number(axis) != -1.0):
        return None
    direction = argument(node, 2, "direction")
    order = f", direction={context.text(direction)}" if direction is not None else ""
    tf, value = context.tf, context.operand(x)
    weights = (
        f"{tf}.nn.softmax(-{STEEPNESS} * {tf}.abs({tf}.sort({context.text(x)}{order})[..., None] - {value}[..., None, :]))"
    )
    places = f"{tf}.range({tf}.cast({tf}.shape({context.text(x)})[-1], {tf}.float32))"
    return Rewrite(frozenset(["TopKV2"]), (f"{tf}.reduce_sum({weights} * {places}, axis=-1)",))


def is_pure(node: ast.AST, calls: bool = False) -> bool:
    """Return whether an expression may be computed twice: names and arithmetic, or with ``calls`` anything but lambdas."""
    allowed = _PURE + (ast.Call, ast.keyword) if calls else _PURE
    return all(isinstance(each, allowed) for each in ast.walk(node))


def _same(one: ast.AST, other: ast.AST) -> bool:
    return ast.dump(one) == ast.dump(other)


def _number(node: ast.AST) -> Optional[float]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return None if value is None else -value
    value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _is_float32(node: ast.AST) -> bool:
    return getattr(node, "attr", getattr(node, "value", getattr(node, "id", None))) in ("float32", "float")


_CASTABLE: Tuple[Rule, ...] = (_soft_condition, _match, _position, _sort, _count)
_RULES: Tuple[Rule, ...] = (
    _swap, _stop, _step, _where, _cast, _match, _one_hot, _gather, _soft_condition, _sort, _count, _weights, _keep_floats,
)  # fmt: skip
