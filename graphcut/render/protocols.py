"""Protocols for the parts of an audit that pictures, reports and pages read.

``graphcut.Audit`` implements all of them, and tests have smaller implementations. A protocol that only one module needs is
defined in that module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, AbstractSet, Mapping, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from typing import Protocol

    import networkx

    from graphcut.analysis.reasons.reason import Reason
    from graphcut.graph.flat import FlatGraph, Shape
    from graphcut.render.page.inline_svg import Sketch
    from graphcut.results import Assumption, Disagreement, LeftOut, Stop, VariableAudit

    class LossFacts(Protocol):
        """The tensors that make the loss, and the keys of the outputs that they are."""

        @property
        def loss(self) -> Tuple[str, ...]: ...
        @property
        def loss_keys(self) -> Tuple[str, ...]: ...

    class HeadedFacts(LossFacts, Protocol):
        """The parts of an audit that its heading is made from."""

        @property
        def source(self) -> str: ...

    class VerdictFacts(LossFacts, Protocol):
        """The verdicts for one loss, and its stops."""

        @property
        def variables(self) -> Tuple[VariableAudit, ...]: ...
        @property
        def stops(self) -> Tuple[Stop, ...]: ...

    class PictureFacts(VerdictFacts, Protocol):
        """The plain results of one audit, for one loss.

        ``passing`` maps each op that a gradient passes on its way from the loss to a variable to the ops where it continues;
        ``reached`` are all ops that a gradient reaches, even to no use.
        ``left_out_ops`` are the ops of the variables in ``left_out``. ``shapes`` are those of an op's outputs; ``place`` is
        the ``file:line`` of an op and whether a library made it. ``idioms`` maps the name of a stop that cuts to its idiom, in
        a few words.
        """

        @property
        def flat(self) -> FlatGraph: ...
        @property
        def passing(self) -> Mapping[int, Tuple[int, ...]]: ...
        @property
        def reached(self) -> AbstractSet[int]: ...
        @property
        def left_out_ops(self) -> Mapping[int, LeftOut]: ...
        @property
        def idioms(self) -> Mapping[str, str]: ...
        def shapes(self, op: int) -> Sequence[Shape]: ...
        def place(self, op: int) -> Tuple[Optional[str], bool]: ...

    class ReportFacts(VerdictFacts, Protocol):
        """The plain results of one audit, for one loss. ``place_of`` is the ``file:line`` of an op by its name.

        ``code_names`` are the expressions in the user's code for variables without a name of their own.
        """

        @property
        def code_names(self) -> Mapping[str, str]: ...
        @property
        def loss_dtypes(self) -> Tuple[str, ...]: ...
        @property
        def loss_source(self) -> str: ...
        @property
        def hypothesis(self) -> str: ...
        @property
        def assumptions(self) -> Tuple[Assumption, ...]: ...
        @property
        def recorded(self) -> Tuple[Optional[bool], ...]: ...
        @property
        def disagreements(self) -> Tuple[Disagreement, ...]: ...
        @property
        def is_recorded(self) -> bool: ...
        @property
        def raised(self) -> str: ...
        @property
        def left_out(self) -> Tuple[LeftOut, ...]: ...
        @property
        def graph(self) -> networkx.DiGraph: ...
        def reason(self, variable: VariableAudit) -> Reason: ...
        def place_of(self, op: str) -> Optional[str]: ...

    class PageFacts(PictureFacts, ReportFacts, HeadedFacts, Protocol):
        """The parts of an audit that a page shows: the picture, the text, and the name of the audit."""

    class NotebookFacts(PageFacts, Protocol):
        """An audit that caches its picture, because a notebook asks for every format."""

        @property
        def _sketch(self) -> Sketch: ...
