"""What a user may write under ``mypy --strict``, with every public name: checked against the wheel by ``tox -e package``."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import graphcut
from graphcut import (
    Assumption,
    Audit,
    Barrier,
    BarrierKind,
    Change,
    CheckReport,
    Condition,
    Diff,
    Disagreement,
    FileAudit,
    GraphcutError,
    LeftOut,
    LeftOutReason,
    Reach,
    Role,
    Stop,
    Suggestion,
    Survey,
    Table,
    VariableAudit,
    Verdict,
)


def asked(path: str) -> Iterator[object]:
    dag = graphcut.trace(path, signature=None)
    audit: Audit = graphcut.audit(dag, loss="loss", variables=["*"], stop_gradients=())
    rows: Tuple[VariableAudit, ...] = (*audit, *audit.variables, *audit.select("encoder/*"), audit["w"])
    verdict: Verdict = rows[0].verdict
    shape: Optional[Tuple[Optional[int], ...]] = rows[0].shape
    conditions: Tuple[Condition, ...] = rows[0].conditions
    cut: Barrier = rows[0].cut[0]
    kind: BarrierKind = cut.kind
    stop: Stop = audit.stops[0]
    role: Role = stop.role
    assumed: Tuple[Assumption, ...] = audit.assumptions
    forgotten: Tuple[LeftOut, ...] = tuple(each for each in audit.left_out if each.reason is LeftOutReason.FORGOTTEN)
    wrong: Tuple[Disagreement, ...] = audit.disagreements + audit.verify(numbers=True)
    reach: Reach = audit.reaches("w", through="output", avoiding=None)
    other: Audit = audit.what_if(remove=[cut, stop, "hidden"], stop=())
    changes: Tuple[Change, ...] = audit.compare(other)
    suggested: Tuple[Suggestion, ...] = audit.suggest_stops(block="w", keep=None) + audit.suggest_unblock("w")
    table: Table = graphcut.table({"one": audit, "other": other})
    text: str = audit.explain("w") + str(table) + table.to_html() + table.to_json() + audit.to_json() + audit.to_dot(hops=2)
    data: Dict[str, Any] = audit.to_dict()
    yield from (verdict.value, shape, conditions, kind.deliberate, role, assumed, wrong, reach.paths, bool(reach), changes)
    yield from (forgotten, suggested, text, data, audit.loss, audit.recorded, audit.graph, len(audit), table.to_dict())


def checked() -> int:
    report: CheckReport = graphcut.check("graphcut.toml", names=["only w2 moves"])
    return report.exit_code + len(report.to_json()) + len(report.contracts[0].findings)


def compared(audit: Audit) -> Tuple[str, ...]:
    found: Diff = graphcut.diff("HEAD:model.py:loss", audit, spec=["float32[2,4]"])
    directions: Tuple[str, ...] = tuple(change.direction for change in found.changes)
    return (*directions, *found.draw("diff.svg")) if found else ()


def drawn(audits: Tuple[Audit, ...]) -> None:
    audits[0].draw("cut.svg", engine=None, around="logits", hops=2)
    graphcut.page(audits, "losses.html")


def stepped(model: object) -> Tuple[Audit, ...]:
    try:
        return graphcut.audit_step(model, [1.0], y=[2.0])
    except GraphcutError:
        return ()


def surveyed() -> Tuple[str, ...]:
    found: Survey = graphcut.survey(["models/**/*.meta"], "out", loss=["loss"], jobs=2)
    files: Tuple[FileAudit, ...] = found.files
    return tuple(each.path for each in files if each.missing)


def installed(train: Callable[[], None]) -> None:
    graphcut.install()
    train()
    graphcut.uninstall()


def callback() -> object:
    from graphcut.keras import AuditCallback

    return AuditCallback(must_train="head", frozen=["backbone"], on_problem="log")


def watched(step: object) -> Tuple[graphcut.Audit, ...]:
    with graphcut.watch() as watched:
        print(step)
    return watched.audits
