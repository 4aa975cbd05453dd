"""The audits of the sources that contracts name.

Each module is executed once. However many contracts, losses and variables there are, each source is traced once as a step, and
once more if it takes no gradient.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any, Dict, Hashable, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from graphcut.api.audit import Audit, audit, audit_same_graph
from graphcut.api.audit_step import NoGradientError, audit_step
from graphcut.api.import_source import load_source, modules_by_file
from graphcut.api.known_variables import known_variables
from graphcut.api.select.resolve_variables import Scopes, as_tuple, is_group
from graphcut.api.tensor_spec import parse_spec
from graphcut.contracts.definition import Contract
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.formats import keras_files
from graphcut.render.text.headings import headings
from graphcut.results import VariableAudit
from graphcut.util.text import join_first


class StepRaisesError(GraphcutError):
    """Raised for a gradient that a step never takes, because it raises after an earlier one that is ``None``."""


class SourceAudits:
    """Audits by contract, shared by contracts with the same source.

    Args:
        modules: imported modules; a source in the file of one of them is not executed again.
        ops: files that ``graphcut ops --record`` wrote, for the sources that are files.
    """

    def __init__(self, modules: Iterable[ModuleType] = (), ops: Sequence[str] = ()) -> None:
        self._modules, self._ops = modules_by_file(modules), tuple(ops)
        self._things: Dict[Hashable, Tuple[Any, Sequence[Any]]] = {}
        self._steps: Dict[Hashable, Tuple[Audit, ...]] = {}
        self._losses: Dict[Hashable, Audit] = {}
        self._traced: Dict[Hashable, Audit] = {}

    def of_contract(self, contract: Contract) -> Tuple[Audit, ...]:
        """Return the audits for a contract: one for a loss, or those of the gradients of a step.

        Raises:
            GraphcutError: the source cannot be loaded or traced, or takes no such gradient.
        """
        steps = self.of_step(contract)
        if not steps:
            if contract.gradient is not None:
                raise GraphcutError(
                    'gradient = %r names a gradient of a step, and %s takes none\nName the loss with loss = "...".'
                    % (contract.gradient, printable(contract.source))
                )
            return (self.of_loss(contract, contract.variables or None),)
        if contract.gradient is not None:
            return (select_gradient(steps, contract.gradient),)
        named = [each for each, head in zip(steps, headings(steps)) if head in contract.loss]
        if contract.loss and not named:
            return (self._other_loss(contract, headings(steps)),)
        return tuple(named) or steps

    def _other_loss(self, contract: Contract, heads: Sequence[str]) -> Audit:
        """Return the audit of a loss that is not the target of any gradient of the step."""
        try:
            return self.of_loss(contract, contract.variables or None)
        except GraphcutError as error:
            near = "".join(near_names(each, heads) for each in contract.loss)
            raise GraphcutError(
                "%s%s\nThe step takes gradients of: %s. A term of a loss is named by its op or by tf.identity(term, name=...)."
                % (error, near, ", ".join(heads))
            ) from None

    def of_loss(self, contract: Contract, variables: Optional[Tuple[str, ...]]) -> Audit:
        """Return the audit of a loss for these variables; for the trainable ones by default."""
        source = (contract.source, contract.spec)
        key = (*source, contract.loss, variables)
        if key not in self._losses:
            thing, arguments = self._load_source(contract)
            loss = contract.loss or None
            if source in self._traced:
                self._losses[key] = audit_same_graph(self._traced[source], thing, arguments, loss, variables)
            else:
                self._losses[key] = audit(thing, *arguments, loss=loss, variables=variables, **self._judge(thing))
                self._traced[source] = self._losses[key]
        return self._losses[key]

    def _judge(self, thing: Any) -> Mapping[str, Any]:
        """Return the oracle: the installed TensorFlow, or the gradient table for a file that holds a graph."""
        if not isinstance(thing, str):
            return {}
        is_keras_file = os.path.isfile(thing) and keras_files.may_be(thing)
        return {"oracle": "installed"} if is_keras_file else {"ops": self._ops}

    def of_step(self, contract: Contract) -> Tuple[Audit, ...]:
        """Return the audits of all gradients of a step; none for a loss."""
        key = (contract.source, contract.spec)
        if key not in self._steps:
            thing, arguments = self._load_source(contract)
            try:
                self._steps[key] = audit_step(thing, *arguments) if callable(thing) else ()
            except NoGradientError:
                self._steps[key] = ()
        return self._steps[key]

    def known_variables(self, contract: Contract, audits: Sequence[Audit]) -> Mapping[str, Optional[bool]]:
        """Return the names of all variables of the program around a source, and whether each is trainable."""
        return known_variables(audits, self.source_of(contract))

    def source_of(self, contract: Contract) -> Any:
        """Return what the source of a contract names: a function, a model, or the path of a file."""
        return self._load_source(contract)[0]

    def _load_source(self, contract: Contract) -> Tuple[Any, Sequence[Any]]:
        key = (contract.source, contract.spec)
        if key not in self._things:
            self._things[key] = load_source(contract.source, tuple(map(parse_spec, contract.spec)), self._modules)
        return self._things[key]


def contract_key(contract: Contract) -> str:
    """Return the source of a contract with everything that determines its audits: arguments, loss or gradient, variables."""
    parts: List[str] = [contract.source, *("--spec %s" % each for each in contract.spec)]
    parts += ["--loss %s" % each for each in contract.loss]
    parts += [] if contract.gradient is None else ["gradient %s" % contract.gradient]
    parts += ["--variables %s" % each for each in contract.variables]
    return " ".join(parts)


def select_gradient(steps: Sequence[Audit], wanted: Union[int, str]) -> Audit:
    """Return the audit of one gradient of a step, by its number or by the name of its target in the code.

    Raises:
        StepRaisesError: there is none because the step raises before, after a gradient that is ``None``.
        GraphcutError: there is none; the message lists those there are.
    """
    heads = headings(steps)
    if isinstance(wanted, int) and wanted < len(steps):
        return steps[wanted]
    if wanted in heads:
        return steps[heads.index(wanted)]
    listed = ", ".join("%d (%s, of %s)" % (place, *each) for place, each in enumerate(zip(heads, map(_asked, steps))))
    near = near_names(wanted, heads) if isinstance(wanted, str) else ""
    shown = printable(wanted) if isinstance(wanted, str) else wanted
    last = steps[-1]
    if last.raised and not all(last.recorded):  # after a None, the step raises when it runs, too
        raise StepRaisesError(
            "the step takes no gradient %s, because it raises before\nIt takes: %s. Then it raises %s\nFix that first: %s"
            % (shown, listed, last.raised, "graphcut audit shows what gets no gradient.")
        )
    ends = "\nThen it raises %s" % last.raised if last.raised else ""
    raise GraphcutError("the step takes no gradient %s%s\nIt takes: %s.%s" % (shown, near, listed, ends))


def _asked(step: Audit) -> str:
    """Return the first variables that a gradient was asked for."""
    return join_first([each.name for each in step], 2) or "no variable"


def matching_names(names: Sequence[str], pattern: str) -> List[str]:
    """Return the names that a pattern, a name with or without ``:0``, or a name scope matches.

    >>> matching_names(["encoder/dense/kernel", "head/kernel"], "dense")
    ['encoder/dense/kernel']
    """
    bare = pattern[:-2] if pattern.endswith(":0") else pattern
    result = [name for name in names if name == bare or fnmatchcase(name, pattern)]
    return result or [names[place] for place in Scopes(names).inside(pattern)]


def variables_of(audit: Audit, key: Any) -> List[VariableAudit]:
    """Return the variables of an audit that objects, names, patterns, layers, name scopes, or a list of these match."""
    if isinstance(key, str):
        names = matching_names([each.name for each in audit], key)
        if names:
            return [audit[name] for name in names]
    if is_group(key) and as_tuple(key):
        return [variable for each in as_tuple(key) for variable in variables_of(audit, each)]
    return list(audit.select(key)) or [audit[key]]


def op_numbers(audited: Audit) -> Mapping[str, int]:
    """Return the number of each op by its name."""
    return {name: number for number, name in enumerate(audited.flat.names)}
