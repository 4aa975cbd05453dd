"""Write a picture as DOT text. This needs no layout engine.

Nodes have generated ids, and names appear in labels only. Every label is escaped for DOT's quotes, backslashes and HTML
entities, and is never an HTML label.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple
from typing import Counter as Counts

import graphviz
import networkx

from graphcut.analysis.idioms import MEANT
from graphcut.errors import printable
from graphcut.graph.flat import SEPARATOR
from graphcut.render.palette import FAINT, GREY, WHITE
from graphcut.render.picture import ops as numbered
from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Box, Line, Link, Role
from graphcut.render.picture.select_ops import MISSING
from graphcut.render.picture.style import box_style, link_style
from graphcut.render.picture.view import DEFAULT_OPTIONS, PictureOptions, select_variables
from graphcut.render.picture.writers.edge_labels import SIZE, label_nodes, lines, look, scope_of_both
from graphcut.render.picture.writers.font_metrics import FONT, box_size, text_width
from graphcut.render.picture.writers.hyperlinks import target
from graphcut.render.picture.writers.legend_samples import add_legend
from graphcut.render.picture.writers.svg_frame_titles import TITLE
from graphcut.results import WITH_GRADIENT, Barrier, BarrierKind, LeftOutReason, VariableAudit, Verdict
from graphcut.results.words import is_condition
from graphcut.util.source_lines import file_and_line, nearby
from graphcut.util.text import every

if TYPE_CHECKING:
    from graphcut.render.protocols import PictureFacts

_SIZE, _LARGE = 11.0, 14.0
_WIDTH, _TIP = 48, 200
_LINES, _CAUSES = 12, 2
_NOTES = {Verdict.RAISES: "{} by an error", Verdict.ZERO: "{} always zeros"}
# Kinds that explain more than the type of the op, which need not be special.
_CAUSES_OF_KINDS = {
    BarrierKind.STOP_GRADIENT: "stop_gradient",
    BarrierKind.STOP_ARGUMENT: "stop_gradients=",
    BarrierKind.STATE: "assignment",
    BarrierKind.PYTHON: "Python call",
    BarrierKind.CUSTOM_GRADIENT: "custom gradient",
    BarrierKind.OUTSIDE_TAPE: "outside the tape",
    BarrierKind.NOT_WATCHED: "not watched",
}
Node = Tuple[str, Tuple[str, ...], Dict[str, Any]]
Titles = Mapping[str, str]
NO_TITLES: Titles = {}


def to_dot(facts: PictureFacts, options: PictureOptions = DEFAULT_OPTIONS) -> str:
    """Return the picture of an audit as DOT text; the same audit gives the same text."""
    return write(picture(facts, options), heading_of(facts, options))


def heading_of(facts: PictureFacts, options: PictureOptions) -> str:
    """Return the heading from the options, else the title of the drawn variables (those in ``of``, if it is set)."""
    if options.heading:
        return options.heading
    return title(select_variables(facts, numbered.ops(facts), options.of) if options.of else facts)


def title(facts: PictureFacts) -> str:
    """Return a title such as ``2 of 6 variables get no gradient: ArgMax, model.py:18``, with names escaped."""
    count, missing = len(facts.variables), [each for each in facts.variables if each.verdict not in WITH_GRADIENT]
    if not count:
        return "no variables"
    if not missing:
        info = (f"{every(count)} variables get" if count > 1 else "the variable gets") + " a gradient"
        some = sum(each.verdict is Verdict.CONDITIONAL for each in facts.variables)
        info += (", in some runs only" if some == count else f", {some} in some runs only") if some else ""
        return info + _forgotten_words(facts)
    verdicts = Counter(each.verdict for each in missing)
    notes = [words.format(verdicts[verdict]) for verdict, words in _NOTES.items() if verdicts[verdict]]
    info = _none_of(len(missing), count) + (f" ({', '.join(notes)})" if notes else "")
    causes = _causes(facts, missing)
    more = [f"{len(causes) - _CAUSES} more causes"] if len(causes) > _CAUSES + 1 else causes[_CAUSES:]
    return f"{info}: {'; '.join(causes[:_CAUSES] + more)}{_forgotten_words(facts)}"


def _forgotten_words(facts: PictureFacts) -> str:
    """Return the end of a title: the number of variables that the gradient call forgot."""
    count = len({each.name for each in facts.left_out_ops.values() if each.reason is LeftOutReason.FORGOTTEN})
    return f"; {count} more {'was' if count == 1 else 'were'} not asked for" if count else ""


def _none_of(missing: int, count: int) -> str:
    """Return a count such as ``1 of 2 variables gets no gradient``."""
    if missing == count:
        return "the variable gets no gradient" if count == 1 else f"none of the {count} variables gets a gradient"
    return f"{missing} of {count} variables {'gets' if missing == 1 else 'get'} no gradient"


def _causes(facts: PictureFacts, missing: Sequence[VariableAudit]) -> List[str]:
    """Return the causes that cut off the most variables first, such as ``stop_gradient, model.py:12``.

    If a file has no source lines, the text names the op (``stop_gradient enc/stop``) or counts several ops of one type.
    """
    counts: Counts[str] = Counter()
    ops: Dict[str, Dict[str, str]] = {}
    rank = {op: 1 if label in MEANT else -1 for op, label in facts.idioms.items()}
    for variable in missing:
        for cause, op, named in _causes_of(variable, rank):
            counts[cause] += 1
            ops.setdefault(cause, {})[op] = named
    causes = ((cause, list(ops[cause].values())) for cause, _ in counts.most_common())
    return [named[0] if len(named) == 1 else f"{len(named)} × {cause}" for cause, named in causes]


def _causes_of(variable: VariableAudit, rank: Mapping[str, int]) -> Iterator[Tuple[str, str, str]]:
    """Yield the first barrier of a variable's cut with its place, or with the op and its name if no place is known.

    If that barrier is a stop, a few other stops of the cut with known lines follow, because any of them may be the mistake.
    ``rank`` is lower for a stop of a mistaken idiom, which comes first, and higher for a stop to keep, which is named only if
    it is alone.
    """
    if not variable.cut:
        cause = "unused" if variable.unused else variable.verdict.value
        yield cause, "", cause
        return
    first = min(variable.cut, key=lambda each: rank.get(each.op, 0))
    rest = [each for each in variable.cut if each is not first and rank.get(each.op, 0) < 1 and each.kind is first.kind]
    others = [each for each in rest if each.where]
    are_told = first.kind is BarrierKind.STOP_GRADIENT and len(others) <= _CAUSES
    yield from map(_cause, [first, *others] if are_told else [first])


def _cause(first: Barrier) -> Tuple[str, str, str]:
    """Return the text for a barrier with its place, or with the op and its name if no place is known."""
    name = "condition" if is_condition(first) else _CAUSES_OF_KINDS.get(first.kind)
    name = name or printable(first.type, _WIDTH)[1:-1] or first.kind.value
    if first.where:
        cause = f"{name}, {printable(file_and_line(first.where), _WIDTH)[1:-1]}"
        return cause, "", cause
    op = printable(first.op.rpartition(SEPARATOR)[2], _WIDTH)[1:-1]
    return name, first.op, op if first.type.lower() in op.lower() else f"{name} {op}"


def write(drawn: networkx.MultiDiGraph, heading: str, link: Optional[str] = None) -> str:
    """Return the picture as DOT text; ``link`` is a template for links to the user's code, ``vscode://file/{file}:{line}``."""
    dot = _dot(drawn, heading, link)
    add_legend(dot, drawn)
    return str(dot.source)


def write_bare(drawn: networkx.MultiDiGraph, link: Optional[str] = None, beside: Titles = NO_TITLES) -> str:
    """Return the picture as DOT text without heading and legend.

    The title of each frame in ``beside`` is a node on the rank of the box that ``beside`` maps it to.
    """
    return str(_dot(drawn, "", link, beside).source)


def members(drawn: networkx.MultiDiGraph) -> List[Tuple[str, str]]:
    """Return pairs of a frame, by its name in DOT, and a box inside it."""
    scopes = dict(drawn.nodes(data="box"))
    first: Dict[Tuple[str, ...], str] = {}
    for node, box in scopes.items():
        for depth in range(len(box.scope)):
            first.setdefault(box.scope[: depth + 1], node)
    return [
        (f"cluster_{first[box.scope[: depth + 1]]}_{depth}", node)
        for node, box in scopes.items()
        for depth in range(len(box.scope))
    ]


def write_inside(drawn: networkx.MultiDiGraph) -> str:
    """Return the contents of an opened box as DOT text, without heading, legend and links; unconnected boxes form columns."""
    dot, alone = _dot(drawn, "", None), list(networkx.isolates(drawn))
    rows = math.ceil(math.sqrt(2 * len(alone)))
    for at, (above, below) in enumerate(zip(alone, alone[1:]), start=1):
        if at % rows:
            dot.edge(above, below, style="invis")
    return str(dot.source)


def _dot(drawn: networkx.MultiDiGraph, heading: str, link: Optional[str], beside: Titles = NO_TITLES) -> graphviz.Digraph:
    dot = graphviz.Digraph("cut", node_attr={"fontname": FONT, "fontsize": f"{_SIZE:g}", "margin": "0"})
    dot.attr("graph", label=_quote_lines([heading]), labelloc="t", fontname=FONT, fontsize="14", bgcolor=WHITE, pad="0.15")
    dot.attr("graph", rankdir="TB", nodesep="0.3", ranksep="0.46", compound="true", newrank="true")
    dot.attr("edge", fontname=FONT, fontsize=f"{SIZE:g}")
    result = [(node, box.scope, _box_attributes(box, link)) for node, box in drawn.nodes(data="box")]
    _add_nodes(dot, result + list(_labels(drawn, link)), 0, beside)
    for loss, below in _below_the_loss(drawn):
        dot.edge(loss, below, style="invis")
    ends = label_nodes(drawn)
    for at, (consumer, producer, each) in enumerate(drawn.edges(data="link")):
        back = {"constraint": "false"} if each.line is Line.BEHIND and drawn.has_edge(producer, consumer, Line.CUT) else {}
        if f"e{at}" in ends:
            dot.edge(consumer, f"e{at}", **{**link_style(each), "arrowhead": "none", "weight": "2"})
            dot.edge(f"e{at}", producer, **link_style(each), weight="2")
        else:
            dot.edge(consumer, producer, **link_style(each), **_at_the_end(each), **back)
    return dot


def _below_the_loss(drawn: networkx.MultiDiGraph) -> Iterator[Tuple[str, str]]:
    """Yield the loss with each box to which at most a loop leads, which would be laid out above the loss."""
    losses = [node for node, box in drawn.nodes(data="box") if box.role is Role.LOSS]
    led = {producer for _, producer, link in drawn.edges(data="link") if not link.loop}
    yield from ((loss, node) for loss in losses[:1] for node in drawn if node not in led and node not in losses)


def _labels(drawn: networkx.MultiDiGraph, link: Optional[str]) -> Iterator[Node]:
    """Yield the labels of the lines, each in the innermost scope that holds both ends."""
    boxes = dict(drawn.nodes(data="box"))
    for at, (consumer, producer, each) in enumerate(drawn.edges(data="link")):
        if each.labels and not each.loop:
            shown = _show_lines(lines(each))
            tips = {"tooltip": _tips(each), **_address(link, next(iter(each.wheres), None))}
            scope = scope_of_both(boxes[consumer].scope, boxes[producer].scope)
            yield f"e{at}", scope, {"label": _quote_lines(shown), **look(each, shown), **tips}


def _at_the_end(info: Link) -> Dict[str, Any]:
    """Return the attributes of the label at the end of a loop back-edge."""
    return {"taillabel": _text(["loop", *lines(info)]), "labeltooltip": _tips(info)} if info.loop else {}


def _tips(info: Link) -> Any:
    return _quote_lines([printable(line, _TIP)[1:-1] for line in (*info.labels, *map(nearby, info.wheres))][:_LINES])


def _add_nodes(dot: graphviz.Digraph, result: Sequence[Node], depth: int, beside: Titles) -> None:
    """Add the nodes of this scope first, then each scope inside it as a cluster."""
    inner: Dict[str, List[Node]] = {}
    for node, scope, attributes in result:
        if len(scope) == depth:
            dot.node(node, **attributes)
        else:
            inner.setdefault(scope[depth], []).append((node, scope, attributes))
    for name, held in inner.items():
        frame = "cluster_" + held[0][0] + f"_{depth}"
        with dot.subgraph(name=frame) as cluster:
            cluster.attr(style="rounded", color=GREY, fontsize="11", fontcolor=FAINT, labeljust="l")
            if frame in beside:
                _add_title(cluster, frame, name, beside[frame])
            else:
                _make_room(held, name)
                cluster.attr(label=_text([name]))
            _add_nodes(cluster, held, depth + 1, beside)


def _add_title(cluster: graphviz.Digraph, frame: str, name: str, box: str) -> None:
    """Add the title as a node on the rank of a box, so lines are routed around it."""
    width, title = text_width(_show_lines([name])[0], _SIZE) + 6, TITLE + frame
    cluster.attr(label="")
    with cluster.subgraph() as rank:
        rank.attr(rank="same")
        looks = {"shape": "plaintext", "fontcolor": FAINT, "height": "0.2", "width": f"{width / 72:.3f}", "fixedsize": "true"}
        rank.node(title, label=_text([name]), **looks)
        rank.edge(title, box, style="invis", weight="0")


def _make_room(members: Sequence[Node], name: str) -> None:
    """Widen the label of a line in a scope, else its widest box, until the frame's title fits.

    The title is measured as if its font were a fifth wider than ours, so no font widens the frame.
    """
    needed = text_width(_show_lines([name])[0], _SIZE) * 1.2 / 72
    wide = max((attributes for *_, attributes in members), key=lambda each: float(each["width"]))
    if float(wide["width"]) < needed:
        written_first = [attributes for *_, attributes in members if attributes["shape"] == "plaintext"]
        (written_first or [wide])[0]["width"] = f"{needed:.3f}"


def _box_attributes(box: Box, link: Optional[str]) -> Dict[str, Any]:
    looks, info = box_style(box), _show_lines((box.title,) + box.lines)
    tips = [printable(line, _TIP)[1:-1] for line in box.tips]
    size = _LARGE if box.role is Role.BARRIER or box.verdict in MISSING else _SIZE
    looks.update({"fontsize": f"{size:g}"} if size != _SIZE else {})
    room = box_size(looks["shape"], info, size)
    return {"label": _quote_lines(info), "tooltip": _quote_lines(tips), **looks, **room, **_address(link, box.where)}


def _address(link: Optional[str], where: Optional[str]) -> Dict[str, Any]:
    result = target(link, where)
    return {"URL": _quote_lines([result]), "target": "_top"} if result else {}


def _show_lines(lines: Iterable[str]) -> List[str]:
    """Return the lines of a label, shortened and with control characters escaped."""
    return [printable(line, _WIDTH)[1:-1] or " " for line in lines]


def _text(lines: Iterable[str]) -> Any:
    return _quote_lines(_show_lines(lines))


def _quote_lines(lines: Iterable[str]) -> Any:
    """Return the lines of a label for DOT, with backslashes and HTML entities escaped."""
    return graphviz.nohtml("\\n".join(graphviz.escape(line.replace("&", "&amp;")) for line in lines))
