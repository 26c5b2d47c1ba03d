"""Where in a backbone the work sits: its module tree as nested bars, and a page of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..data.errors import InputError
from .assets import asset, content_security_policy, write_page
from .look import CONFIG, base_figure
from .palette import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import plotly.graph_objects as go

__all__ = ["Bar", "BreakdownInfo", "breakdown_info", "plot_breakdown", "write_breakdown"]

TEMPLATES = Path(__file__).parent / "templates"
LABELS = {"macs": "multiply-accumulates", "params": "parameters", "activations": "activations"}


class Bar(NamedTuple):
    """One module: its path, depth in the tree (the root is 0), where its bar starts, and how long it is.

    `start` and `value` are in the measure's own unit; `value` holds the module and everything inside it.
    `branch` numbers the child of the root it belongs to, −1 for the root itself.
    """

    path: str
    depth: int
    start: float
    value: float
    branch: int


class BreakdownInfo(NamedTuple):
    """Exactly what the chart shows; `deepest` is the depth below which modules are not drawn apart."""

    title: str
    measure: str
    bars: tuple[Bar, ...]
    deepest: int


def breakdown_info(
    rows: Iterable[Mapping[str, Any]], *, title: str, measure: str = "macs", deepest: int = 4
) -> BreakdownInfo:
    """Stack modules beside each other inside their parents, in the order in which they come.

    Args:
        rows: one per module: `module` (dotted path, "" for the root) and `measure`, its own share without
            that of the modules inside it. A path may come more than once; its shares add up.
        title: of the backbone.
        measure: which share to draw.
        deepest: levels below the root to draw; what lies deeper counts towards the module at that level.

    Raises:
        InputError: if no row has any of the measure.
    """
    inside: dict[tuple[str, ...], float] = {}
    for row in rows:
        value = float(row[measure] or 0)
        parts = tuple(part for part in str(row["module"]).split(".") if part)[:deepest]
        for depth in range(len(parts) + 1):
            inside[parts[:depth]] = inside.get(parts[:depth], 0.0) + value
    if not inside.get(()):
        raise InputError(f"No module of {title} has any {LABELS.get(measure, measure)}: nothing to draw.")
    branches = [(path[0],) for path in inside if len(path) == 1]
    starts: dict[tuple[str, ...], float] = {(): 0.0}
    filled, bars = dict.fromkeys(inside, 0.0), []
    for path in sorted(inside, key=len):  # parents first; equal lengths keep their order
        if path:
            parent = path[:-1]
            starts[path] = starts[parent] + filled[parent]
            filled[parent] += inside[path]
        if inside[path] > 0:
            branch = branches.index((path[0],)) if path else -1
            bars.append(Bar(".".join(path), len(path), starts[path], inside[path], branch))
    return BreakdownInfo(title=title, measure=measure, bars=tuple(bars), deepest=deepest)


def plot_breakdown(
    rows: Iterable[Mapping[str, Any]], *, title: str, measure: str = "macs", deepest: int = 4
) -> go.Figure:
    """Draw a backbone's module tree: a row a level, a bar a module, as long as its share.

    Args:
        rows: see `breakdown_info`.
        title: of the backbone.
        measure: which share to draw.
        deepest: levels below the root to draw.
    """
    return _plot(breakdown_info(rows, title=title, measure=measure, deepest=deepest))


def _plot(info: BreakdownInfo) -> go.Figure:
    import plotly.graph_objects as go

    total = info.bars[0].value
    name = LABELS.get(info.measure, info.measure)
    figure = base_figure(x_label=f"{name}, by module", y_label=info.title)
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=[bar.depth for bar in info.bars],
            x=[bar.value for bar in info.bars],
            base=[bar.start for bar in info.bars],
            text=[bar.path.rpartition(".")[2] or info.title for bar in info.bars],
            hovertext=[
                f"<b>{_plain(bar.path or info.title)}</b><br>{bar.value:,.0f} {name}, {bar.value / total:.1%}"
                for bar in info.bars
            ],
            hovertemplate="%{hovertext}<extra></extra>",
            textposition="inside",
            insidetextanchor="middle",
            constraintext="both",
            textangle=0,
            insidetextfont={"color": [_ink(_colour(bar)) for bar in info.bars]},
            opacity=0.85,
            marker={
                "color": [_colour(bar) for bar in info.bars],
                "line": {"color": "#ffffff", "width": 1},
            },
            width=0.96,
        )
    )
    figure.update_layout(
        yaxis={"autorange": "reversed", "showticklabels": False, "showgrid": False, "tickformat": ""},
        xaxis={"tickformat": "~s", "range": [0, total]},
        height=150 + 62 * (1 + max(bar.depth for bar in info.bars)),
        bargap=0,
        uniformtext={"minsize": 12, "mode": "hide"},  # a label that cannot be read is none
    )
    return figure


def _plain(text: str) -> str:
    """Plotly reads a little HTML in its texts: a name is no HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _colour(bar: Bar) -> str:
    return "#8a9199" if bar.branch < 0 else MARKS[bar.branch % (len(MARKS) - 1)].light


def _ink(colour: str) -> str:
    """White where it is read well on a colour, else near black: WCAG 2.2's relative luminance."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in parts)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#ffffff" if 1.05 / (luminance + 0.05) >= 4.5 else "#1b1f24"


def write_breakdown(
    rows: Sequence[Mapping[str, Any]],
    output: str | Path,
    *,
    title: str,
    measures: Sequence[str] = ("macs", "params"),
    deepest: int = 4,
) -> Path:
    """Write a page, without any network, that draws each measure's module tree and lists its modules.

    Args:
        rows: see `breakdown_info`.
        output: where to, ending in .html.
        title: of the backbone.
        measures: what to draw; a measure that no module has is left out.
        deepest: levels below the root to draw.

    Raises:
        InputError: if no measure can be drawn, or the file cannot be written.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    path = Path(output)
    drawn = [measure for measure in measures if any(row.get(measure) for row in rows)]
    if not drawn:
        raise InputError(f"No module of {title} has any of {', '.join(measures)}: nothing to draw.")
    infos = [breakdown_info(rows, title=title, measure=measure, deepest=deepest) for measure in drawn]
    figures = [json.loads(_plot(info).to_json() or "{}") for info in infos]
    payload = json.dumps({"figures": figures, "config": CONFIG}, sort_keys=True).replace("<", "\\u003c")
    scripts = [asset("plotly-cartesian.min.js"), (TEMPLATES / "breakdown.js").read_text(encoding="utf-8")]
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    text = environment.get_template("breakdown.html.j2").render(
        title=title,
        charts=[(LABELS.get(info.measure, info.measure), info.bars) for info in infos],
        deepest=deepest,
        policy=content_security_policy(scripts),
        styles=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),  # noqa: S704  # our own file
        scripts=[Markup(script) for script in scripts],  # noqa: S704  # our own files
        payload=Markup(payload),  # noqa: S704  # every < in it is escaped
    )
    return write_page(path, text)
