"""Find the backward part of a graph: its calls of ``tf.gradients``, the loss of each, and what the gradients reach.

``tf.gradients`` creates its ops in the scope ``gradients/``, and the gradient of op ``NAME`` in ``gradients/NAME_grad/``. The
seed of each loss is a ``Fill`` (``gradients/grad_ys_0``; ``gradients/Fill`` of ``gradients/grad_ys_0``, before TensorFlow 1.6
of ``gradients/Const``), or an ``Identity`` of the value of ``grad_ys=``. The seed reads the loss's shape, or the gradient ops
of the loss's op read the seed. If the gradient of the loss's op is the seed itself, the readers of the seed belong to the
gradient of an earlier op (see ``loss_sums``).

If a graph was imported under a scope, all names begin with it: ``PREFIX/gradients/NAME_grad/…`` is then the gradient of
``PREFIX/NAME``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import (
    AbstractSet,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
)

from graphcut.graph.dtypes import REAL_FLOATS, RESOURCE, base_dtype
from graphcut.graph.flat import SEPARATOR, FlatGraph, ops_of_kinds
from graphcut.graph.float_walks import consumers, reachable_ops, upstream
from graphcut.graph.loss_scaling import without_scale
from graphcut.graph.loss_sums import LossSums
from graphcut.graph.names import Names
from graphcut.graph.op_types import OPTIMIZERS, VARIABLES
from graphcut.graph.variables import root
from graphcut.graph.writing_ops import writes
from graphcut.util.caching import cached_weakly

_SEED = re.compile(r"^(?P<scope>.*)grad_ys_\d+$|^(?P<old>(.*[/!])?gradients(_\d+)?/)Const$")
_SCOPE = re.compile(r"(^|.*[/!])gradients(_\d+)?/$")
_GRADIENT = "_grad/"
_GATED = "_grad/tuple/"


@dataclass(frozen=True, eq=False)
class BackwardCall:
    """One call of ``tf.gradients`` that a graph holds.

    ``loss`` are the tensors that were differentiated, without a scale for half precision; ``reached`` the ops of its scope and
    all ops that depend on its gradients through floats; ``differentiated`` the forward ops whose gradients it computes.
    ``prefix`` is the scope that the graph was imported under: the names of forward ops begin with it.
    """

    scope: str
    prefix: str
    loss: Tuple[int, ...]
    reached: FrozenSet[int]
    differentiated: FrozenSet[int]


@dataclass(frozen=True)
class BackwardPart:
    """All calls of ``tf.gradients`` in a graph.

    ``inside`` holds the ops in their scopes, ``forward`` the ops that compute the losses and the inputs of differentiated ops.
    """

    calls: Tuple[BackwardCall, ...] = ()
    inside: FrozenSet[int] = frozenset()
    forward: FrozenSet[int] = frozenset()

    @property
    def reached(self) -> FrozenSet[int]:
        """Return the ops of the backward part, and all ops that depend on its gradients."""
        return self.inside.union(*(call.reached for call in self.calls))


@cached_weakly
def backward_part(flat: FlatGraph, names: Names) -> BackwardPart:
    """Return the backward part of a graph; it is computed once per graph."""
    return _backward_part(flat, names)


def differentiated_losses(flat: FlatGraph, names: Names) -> Tuple[Tuple[int, ...], ...]:
    """Return the tensors of each loss that is trained; if there is none, those of losses whose gradients Python fetches.

    Losses that only serve another loss are left out: the inner loss of a gradient penalty, of a product with a second
    derivative, or of a gradient that another gradient starts from. So are tensors from which the gradient of a loss goes on.
    """
    part = backward_part(flat, names)
    calls = [call for call in part.calls if call.loss]
    trained = _without_continuation(flat, _without_preparation(flat, [call for call in calls if trains(flat, call)]))
    losses = trained or [call for call in calls if not _sums_for_data(flat, part, call)]
    if len(losses) > 1:
        losses = _without_curvature(flat, part, _outermost(flat, losses)) if trained else _without_products(flat, part, losses)
    return tuple(dict.fromkeys(call.loss for call in losses))


def trains(flat: FlatGraph, call: BackwardCall) -> bool:
    """Return whether gradients reach an op that writes: an optimizer's op, an assignment, or an accumulator's op."""
    return any(write.op in call.reached for write in writes(flat))


# --- calls ----------------------------------------------------------------------------------------------------------


def _backward_part(flat: FlatGraph, names: Names) -> BackwardPart:
    scopes = _scopes(flat, names)
    if not scopes:
        return BackwardPart()
    members = _members(flat, scopes)
    inside = frozenset(op for ops in members.values() for op in ops)
    calls = []
    prefixes = {scope: _import_prefix(flat, names, scope, ops) for scope, ops in members.items()}
    differentiated = {scope: _differentiated_ops(flat, names, scope, prefixes[scope], ops) for scope, ops in members.items()}
    for scope, ops in members.items():
        ahead = differentiated[scope]
        others = [each.keys() for other, each in differentiated.items() if other != scope]
        loss = _loss(
            flat, names, scope, ops, ahead, LossSums(flat, ops, ahead.keys(), others, inside, _copies_gradients(flat, ops))
        )
        reached = frozenset(reachable_ops(flat, ops))
        loss = without_scale(flat, loss, reached)
        calls.append(BackwardCall(scope, prefixes[scope], loss, reached, frozenset(ahead)))
    ends = {op for call in calls for op in call.differentiated}
    ends.update(flat.producer[tensor] for call in calls for tensor in call.loss)
    tensors = [tensor for op in ends - inside for tensor in flat.outputs(op)]
    return BackwardPart(tuple(calls), inside, frozenset(upstream(flat, tensors, inside)))


def _scopes(flat: FlatGraph, names: Names) -> Dict[str, List[int]]:
    """Return the outermost scopes of calls, with their seeds; gradient functions may take gradients themselves."""
    scopes: Dict[str, List[int]] = {}
    for op, scope in _seeds(flat):
        scopes.setdefault(scope, []).append(op)
    prefixes = dict.fromkeys(name.rpartition(_GRADIENT)[0] for name in flat.names if _GRADIENT in name and "gradients" in name)
    for unseeded in (_scope_of(names, prefix) for prefix in prefixes):
        if unseeded is not None:
            scopes.setdefault(unseeded, [])
    return {scope: seeds for scope, seeds in scopes.items() if not any(map(scopes.__contains__, _scopes_around(scope)))}


def _scopes_around(scope: str) -> Iterator[str]:
    """Yield the scopes and bodies that a scope lies in."""
    for index, letter in enumerate(scope[:-1]):
        if letter in "/" + SEPARATOR:
            yield scope[: index + 1]


def _scope_of(names: Names, prefix: str) -> Optional[str]:
    """Return the scope of the call in a name such as ``gradients/dense/MatMul``: the part before the longest name of an op."""
    for index, letter in enumerate(prefix):
        scope = prefix[: index + 1]
        if letter in "/" + SEPARATOR and _SCOPE.match(scope):
            forward = (_forward_op(names, prefix, index + 1, each) for each in _possible_prefixes(scope))
            if any(op is not None for op in forward):
                return scope
    return None


def _possible_prefixes(scope: str) -> Iterator[str]:
    """Yield the scopes that a graph with this scope of a call may have been imported under; first none."""
    yield ""
    around = scope.rpartition(SEPARATOR)[2]
    yield from (around[: index + 1] for index, letter in enumerate(around[:-1]) if letter == "/")


def _import_prefix(flat: FlatGraph, names: Names, scope: str, ops: Sequence[int]) -> str:
    """Return the scope under which most names in the scope of a call are names of ops."""
    possible = tuple(_possible_prefixes(scope))
    if len(possible) == 1:
        return possible[0]
    texts = dict.fromkeys(flat.names[op].partition(_GRADIENT)[0] for op in ops if _GRADIENT in flat.names[op])
    return max(possible, key=lambda each: sum(_forward_op(names, text, len(scope), each) is not None for text in texts))


def _forward_op(names: Names, text: str, start: int, prefix: str) -> Optional[int]:
    """Return the op that ``text`` names from ``start`` on: in the same body, or in one around it.

    The op's name begins with ``prefix``.
    """
    body = text[:start].rpartition(SEPARATOR)[0]
    while True:
        op = names.op((body + SEPARATOR if body else "") + prefix + text[start:])
        if op is not None or not body:
            return op
        body = body.rpartition(SEPARATOR)[0]


def _seeds(flat: FlatGraph) -> Iterator[Tuple[int, str]]:
    kinds = {kind: each.type for kind, each in enumerate(flat.kind_table) if each.type in ("Fill", "Identity")}
    for op in ops_of_kinds(flat, kinds):
        names = [flat.names[op]]
        if kinds[flat.kinds[op]] == "Fill":
            names += [flat.names[flat.producer[tensor]] for tensor in flat.inputs[op][1:]]
        match = next((each for each in map(_SEED.match, names) if each), None)
        if match:
            yield op, match.group("scope") or match.group("old") or ""


def _members(flat: FlatGraph, scopes: Dict[str, List[int]]) -> Dict[str, List[int]]:
    """Return the ops of each scope."""
    starts = tuple(scopes)
    members: Dict[str, List[int]] = {scope: [] for scope in scopes}
    for op, name in enumerate(flat.names):
        if name.startswith(starts):
            members[next(scope for scope in (*_scopes_around(name), name) if scope in members)].append(op)
    return members


def _differentiated_ops(flat: FlatGraph, names: Names, scope: str, prefix: str, ops: Sequence[int]) -> Dict[int, List[int]]:
    """Return the forward ops whose gradients are computed, each with the ops that compute them."""
    ops_by_call: Dict[int, List[int]] = {}
    memo: Dict[str, Optional[int]] = {}
    for op in ops:
        pieces = flat.names[op][len(scope) :].split(_GRADIENT)
        for count in range(1, len(pieces)):
            text = _GRADIENT.join(pieces[:count])
            if text not in memo:
                memo[text] = _forward_op(names, scope + text, len(scope), prefix)
            ahead = memo[text]
            if ahead is not None:
                ops_by_call.setdefault(ahead, []).append(op)
                break
    return ops_by_call


# --- the loss of a call ---------------------------------------------------------------------------------------------


def _loss(
    flat: FlatGraph, names: Names, scope: str, ops: Sequence[int], ahead: Dict[int, List[int]], sums: LossSums
) -> Tuple[int, ...]:
    seeds = [op for op, own in _seeds(flat) if own == scope]
    used = {tensor for op in ops for tensor in flat.inputs[op]}
    losses: List[int] = []
    for seed in seeds:
        free = _is_read_by_others(flat, seed, ahead)
        losses += _shape_of(flat, seed) or sums.loss_of(_read_by(flat, names, seed, ahead, used), free)
    losses = losses or sums.loss_of(_last(flat, names, ahead, used), False)
    for seed in () if losses else seeds:
        losses += sums.loss_of(_variable_of(flat, seed, sums.backward), False)
    return tuple(dict.fromkeys(losses))


def _copies_gradients(flat: FlatGraph, ops: Iterable[int]) -> bool:
    """Return whether the call copies the gradients of each op that answers more than one."""
    return any(_GATED in flat.names[op] for op in ops)


def _is_read_by_others(flat: FlatGraph, seed: int, ahead: Dict[int, List[int]]) -> bool:
    """Return whether a seed is itself added to gradients or written, not only read by the gradient functions of ops."""
    readers = set(consumers(flat).get(seed, ()))
    return not readers.issubset(op for ops in ahead.values() for op in ops) if readers else False


def _shape_of(flat: FlatGraph, op: int) -> List[int]:
    """Return the tensor whose shape the seed is filled to."""
    shape = flat.producer[flat.inputs[op][0]] if flat.inputs[op] else op
    return [flat.inputs[shape][0]] if flat.type(shape) == "Shape" else []


def _read_by(flat: FlatGraph, names: Names, seed: int, ahead: Dict[int, List[int]], used: AbstractSet[int]) -> List[int]:
    """Return the outputs of the forward ops whose gradient ops read the seed."""
    seeds, waiting = {flat.first_output[seed]}, [seed]
    for op in waiting:  # in a conditional or a loop the seed comes by a switch or an entrance
        for reader in consumers(flat).get(op, ()):
            if flat.type(reader) in ("Switch", "Enter") and seeds.isdisjoint(flat.outputs(reader)):
                seeds.update(flat.outputs(reader))
                waiting.append(reader)
    forward = [op for op, backward in ahead.items() if any(seeds.intersection(flat.inputs[each]) for each in backward)]
    tensors = [tensor for op in forward for tensor in _only_float(flat, _outputs(flat, names, op), used)]
    before = upstream(flat, [each for op in forward for each in flat.inputs[op]]) if len(tensors) > 1 else ()
    return [tensor for tensor in tensors if flat.producer[tensor] not in before]


def _last(flat: FlatGraph, names: Names, ahead: Dict[int, List[int]], used: AbstractSet[int]) -> List[int]:
    """Return the outputs of the differentiated ops that no other differentiated op reads."""
    before = upstream(flat, [tensor for op in ahead for tensor in flat.inputs[op]])
    last = [op for op in ahead if op not in before]
    return [tensor for op in last for tensor in _only_float(flat, _outputs(flat, names, op), used)]


def _variable_of(flat: FlatGraph, seed: int, inside: AbstractSet[int]) -> List[int]:
    """Return the value of the variable that the seed itself updates: the loss is the variable."""
    near = reachable_ops(flat, [seed])
    handles = {write.handle for write in writes(flat) if write.op in near}
    readers = (op for op, kind in enumerate(flat.kinds) if flat.kind_table[kind].type in ("ReadVariableOp", "Identity"))
    aside = near.union(inside)
    values = [flat.first_output[op] for op in readers if op not in aside and root(flat, flat.inputs[op][0]) in handles]
    unread = {tensor for tensor in values if aside.issuperset(consumers(flat).get(flat.producer[tensor], ()))}
    return sorted(values, key=lambda tensor: (tensor in unread, flat.tensor_name(tensor)))[:1]


def _outputs(flat: FlatGraph, names: Names, op: int) -> Tuple[int, ...]:
    return names.tensors(flat.names[op])


def _only_float(flat: FlatGraph, tensors: Tuple[int, ...], used: AbstractSet[int]) -> List[int]:
    """Return an op's only float output.

    If it has several, return the one that no gradient uses: the others exist for the gradients.
    """
    floats = [tensor for tensor in tensors if flat.dtypes[tensor] in REAL_FLOATS]
    if len(floats) > 1:
        floats = [tensor for tensor in floats if tensor not in used]
    if len(floats) > 1:
        read = {tensor for inputs in flat.inputs for tensor in inputs}
        floats = [tensor for tensor in floats if tensor in read] or floats
    return floats if len(floats) == 1 else []


# --- losses that serve others ---------------------------------------------------------------------------------------


def _sums_for_data(flat: FlatGraph, part: BackwardPart, call: BackwardCall) -> bool:
    """Return whether gradients that nobody trains with are added to a value computed from data and variables: a penalty."""
    for op in call.reached - part.inside:
        inputs = [tensor for tensor in flat.inputs[op] if base_dtype(flat.dtypes[tensor]) in REAL_FLOATS]
        other = [tensor for tensor in inputs if flat.producer[tensor] not in call.reached]
        if other and len(other) < len(inputs) and _is_computed(flat, other, part.inside):
            return True
    return False


_NO_DATA = VARIABLES.union(("Const", "NoOp"))


def _is_computed(flat: FlatGraph, tensors: Sequence[int], stop: AbstractSet[int]) -> bool:
    """Return whether tensors are computed from both data and a variable."""
    sources = {flat.type(op) for op in upstream(flat, tensors, stop) if not flat.inputs[op]}
    return bool(sources.intersection(VARIABLES)) and bool(sources - _NO_DATA)


def _without_preparation(flat: FlatGraph, calls: List[BackwardCall]) -> List[BackwardCall]:
    """Return the calls, except those whose gradients only prepare what another call trains.

    They are its ``grad_ys`` (a policy that follows the gradient of a critic), or are kept in variables that its loss reads
    and theirs does not (a Fisher information).
    """
    if len(calls) < 2:
        return calls
    seeds = _seeds_by_scope(flat)
    writes_by_call = {call: [write for write in writes(flat) if write.op in call.reached] for call in calls}
    above = {call: upstream(flat, call.loss) for call in calls}

    def starts(call: BackwardCall, other: BackwardCall) -> bool:
        return writes_by_call[call] == writes_by_call[other] and not call.reached.isdisjoint(seeds.get(other.scope, ()))

    def is_kept_for(call: BackwardCall, other: BackwardCall) -> bool:
        held = {flat.producer[write.handle] for write in writes_by_call[call]}
        applied = any(flat.type(write.op).startswith(OPTIMIZERS) for write in writes_by_call[call])
        return not applied and held.isdisjoint(above[call]) and held <= above[other]

    def prepares(call: BackwardCall) -> bool:
        return any(starts(call, other) or is_kept_for(call, other) for other in calls if other is not call)

    return [call for call in calls if not prepares(call)] or calls


def _without_continuation(flat: FlatGraph, calls: List[BackwardCall]) -> List[BackwardCall]:
    """Return the calls, except those that start from the gradient of another call at a tensor its loss is computed from.

    The gradient of one loss is taken in pieces to save memory (checkpoints), or to change it on its way.
    """
    if len(calls) < 2:
        return calls
    seeds, above = _seeds_by_scope(flat), {call: upstream(flat, call.loss) for call in calls}

    def continues(call: BackwardCall, other: BackwardCall) -> bool:
        is_below = above[other].issuperset(flat.producer[tensor] for tensor in call.loss)
        return is_below and not other.reached.isdisjoint(seeds.get(call.scope, ()))

    return [call for call in calls if not any(continues(call, other) for other in calls if other is not call)] or calls


def _seeds_by_scope(flat: FlatGraph) -> Dict[str, List[int]]:
    seeds: Dict[str, List[int]] = {}
    for seed, scope in _seeds(flat):
        seeds.setdefault(scope, []).append(seed)
    return seeds


def _outermost(flat: FlatGraph, calls: List[BackwardCall]) -> List[BackwardCall]:
    """Return the calls, except those whose gradients feed the loss of another call."""
    above = {call: upstream(flat, call.loss) for call in calls}
    return [call for call in calls if not any(_is_in(flat, call, above[other]) for other in calls if other is not call)]


def _without_products(flat: FlatGraph, part: BackwardPart, calls: List[BackwardCall]) -> List[BackwardCall]:
    """Return the outermost calls, except those whose loss is computed from a derivative only (a product with a Hessian)."""
    first = [call for call in calls if _reads_a_variable(flat, call.loss, part.inside)]
    outer = _outermost(flat, calls)
    return [call for call in outer if call in first] or _outermost(flat, first) or outer


def _without_curvature(flat: FlatGraph, part: BackwardPart, calls: List[BackwardCall]) -> List[BackwardCall]:
    """Return the calls, except those that differentiate a gradient of a loss that another call trains (Newton's method)."""
    result = []
    for call in calls:
        above = upstream(flat, call.loss)
        losses = {each.loss for each in part.calls if _is_in(flat, each, above)}
        if not any(other.loss in losses for other in calls if other is not call) or _reads_a_variable(
            flat, call.loss, part.inside
        ):
            result.append(call)
    return result or calls


def _is_in(flat: FlatGraph, call: BackwardCall, ops: Iterable[int]) -> bool:
    return any(flat.names[op].startswith(call.scope) for op in ops)


def _reads_a_variable(flat: FlatGraph, tensors: Sequence[int], stop: AbstractSet[int]) -> bool:
    """Return whether tensors are computed from a variable by a path outside the backward part."""
    sources = (op for op in upstream(flat, tensors, stop) if not flat.inputs[op] and flat.outputs(op))
    return any(flat.type(op) in VARIABLES or flat.dtypes[flat.first_output[op]] == RESOURCE for op in sources)
