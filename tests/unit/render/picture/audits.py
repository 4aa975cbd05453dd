"""Audits to draw: each small, each for what it shows."""

from __future__ import annotations

from functools import lru_cache
from typing import List, Set

from graphcut.results import BarrierKind, Condition, Role, Stop, VariableAudit, Verdict
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable

STOPPED = FakeAudit(
    graph=dag("""
        x = Placeholder
        w1 = VariableV2
        w1/read = Identity w1
        MatMul = MatMul x w1/read
        hidden = StopGradient MatMul
        w2 = VariableV2
        w2/read = Identity w2
        MatMul_1 = MatMul hidden w2/read
        shape = Const -> int32
        init = Assign w2 x
        loss = Mean MatMul_1 shape ^x
        unused = VariableV2
    """),
    variables=(
        variable("w1", Verdict.NONE, cut=(cut("hidden", where="/src/model.py:12"),)),
        variable("w2", path=("loss", "MatMul_1", "w2/read", "w2")),
        variable("unused", Verdict.NONE, unused=True),
    ),
    stops=(Stop("hidden", Role.CUTS, True, ("w1",)),),
    carrying=frozenset(["loss", "MatMul_1", "w2/read", "w2"]),
)

EVERY_VERDICT = FakeAudit(
    graph=dag("""
        x = Placeholder
        enc/kernel = VarHandleOp -> resource
        enc/Read = ReadVariableOp enc/kernel
        enc/MatMul = MatMul x enc/Read
        vq/Round = Round enc/MatMul
        vq/StopGradient = StopGradient vq/Round
        vq/add = AddV2 enc/MatMul vq/StopGradient
        gate = VarHandleOp -> resource
        cond!then!Read = ReadVariableOp gate
        cond!then!mul = Mul vq/add cond!then!Read
        cond!then!Identity = _Retval cond!then!mul
        cond!else!Identity = _Retval vq/add
        cond#0 = _Result cond!then!Identity cond!else!Identity
        table = VarHandleOp -> resource
        table/Read = ReadVariableOp table
        ArgMax = ArgMax table/Read -> int64
        Gather = GatherV2 cond#0 ArgMax
        scale = VarHandleOp -> resource
        scale/Read = ReadVariableOp scale
        mul = Mul scale/Read x
        odd = VarHandleOp -> resource
        odd/Read = ReadVariableOp odd
        Foo = NoGradOp odd/Read
        loss = AddN Gather mul Foo
    """),
    variables=(
        variable("enc/kernel"),
        variable(
            "gate",
            Verdict.CONDITIONAL,
            path=("loss", "Gather", "cond#0", "cond!then!Identity", "cond!then!mul", "cond!then!Read", "gate"),
            conditions=(Condition("cond", "pred:0", "then"),),
        ),
        variable("table", Verdict.NONE, cut=(cut("Gather", BarrierKind.INPUT, "GatherV2", input=1),)),
        variable("scale", Verdict.ZERO, cut=(cut("mul", BarrierKind.ZERO, "Mul"),)),
        variable("odd", Verdict.RAISES, cut=(cut("Foo", BarrierKind.NO_GRADIENT, "NoGradOp"),)),
    ),
    stops=(Stop("vq/StopGradient", Role.BYPASSED, False, ()),),
    carrying=frozenset(
        {"loss", "Gather", "cond#0", "cond!then!Identity", "cond!else!Identity", "cond!then!mul", "cond!then!Read"}
        | {"gate", "vq/add", "enc/MatMul", "enc/Read", "enc/kernel"}
    ),
)


@lru_cache(maxsize=None)
def beside(count: int, stopped: int) -> FakeAudit:
    """``count`` residual dense layers, every ``stopped``-th behind a stop beside the trunk."""
    lines, variables, live, last = ["x = Placeholder"], [], {"loss"}, "x"
    for at in range(count):
        scope, stop = f"block_{at}/", at % stopped == stopped - 1
        lines += [*_layer(scope, last), f"{scope}StopGradient = StopGradient {scope}Relu"][: 5 if stop else 4]
        last, out = f"{scope}add", f"{scope}StopGradient" if stop else f"{scope}Relu"
        lines.append(f"{last} = AddV2 {_before(at)} {out}")
        cuts = (cut(out, where=f"model.py:{at}"),) if stop else ()
        variables.append(variable(f"{scope}kernel", Verdict.NONE if stop else Verdict.FLOWS, cut=cuts))
        live.update([last] if stop else [last, *_ops(scope)])
    return _audit([*lines, f"loss = Mean {last}"], variables, live)


@lru_cache(maxsize=None)
def through(count: int, stopped: int) -> FakeAudit:
    """``count`` dense layers in a row, a stop after every ``stopped``-th: most variables are behind several."""
    lines, stops, last = ["x = Placeholder"], {}, "x"
    for at in range(count):
        lines += _layer(f"block_{at}/", last)
        last = f"block_{at}/Relu"
        if at % stopped == stopped - 1:
            lines.append(f"block_{at}/StopGradient = StopGradient {last}")
            last = stops[at] = f"block_{at}/StopGradient"
    variables, live = [], {"loss"}
    for at in range(count):
        cuts = tuple(cut(stops[each]) for each in sorted(stops, reverse=True) if each >= at)
        variables.append(variable(f"block_{at}/kernel", Verdict.NONE if cuts else Verdict.FLOWS, cut=cuts))
        live.update([] if cuts else _ops(f"block_{at}/"))
    return _audit([*lines, f"loss = Mean {last}"], variables, live)


def _layer(scope: str, last: str) -> List[str]:
    return [
        f"{scope}kernel = VarHandleOp -> resource",
        f"{scope}Read = ReadVariableOp {scope}kernel",
        f"{scope}MatMul = MatMul {last} {scope}Read",
        f"{scope}Relu = Relu {scope}MatMul",
    ]


def _ops(scope: str) -> List[str]:
    return [scope + each for each in ("kernel", "Read", "MatMul", "Relu")]


def _before(at: int) -> str:
    return f"block_{at - 1}/add" if at else "x"


def _audit(lines: List[str], variables: List[VariableAudit], live: Set[str]) -> FakeAudit:
    cutting = dict.fromkeys(each.op for told in variables for each in told.cut)
    stops = tuple(Stop(op, Role.CUTS, True, ()) for op in cutting)
    return FakeAudit(graph=dag("\n".join(lines)), variables=tuple(variables), stops=stops, carrying=frozenset(live))
