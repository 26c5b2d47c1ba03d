"""The report: one file that explains itself, works without a network, and is the same for the same input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..analysis.answer import Recommendation
from ..analysis.axes import with_axes
from ..data.errors import InputError
from ..data.tables import (
    TableEntry,
    load_benchmarks,
    load_datasets,
    load_observations,
    load_profiles,
    load_weights,
    manifest,
)
from .advice import advice_of
from .assets import asset, content_security_policy, vendored, write_page
from .heatmap import relate
from .measures import OF_RUNS, STATIC, Measure, available, with_speeds
from .palette import coloured_families
from .payload import PageData, page_data, to_script_json
from .provenance import Source, sources, study_notes
from .results import LEAST_MODELS, Results, ResultSet, collect
from .section import TEMPLATES, Section, environment
from .verdicts import claims_section

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ["Figure", "Report", "Tables", "assemble", "render", "report"]


@dataclass(frozen=True, slots=True)
class Tables:
    """What a report is made from: frames as `data.tables` loads them, and the manifest of their sources.

    answer: of `recommend`, where the page is to answer a question as well.
    """

    profiles: pd.DataFrame
    observations: pd.DataFrame
    benchmarks: pd.DataFrame | None = None
    weights: pd.DataFrame | None = None
    datasets: pd.DataFrame | None = None
    manifest: tuple[TableEntry, ...] = ()
    answer: Recommendation | None = None

    @classmethod
    def shipped(cls) -> Tables:
        """Load the tables that ship with the package."""
        return cls(
            profiles=load_profiles(),
            observations=load_observations(),
            benchmarks=load_benchmarks(),
            weights=load_weights(),
            datasets=load_datasets(),
            manifest=tuple(manifest()),
        )


SECTIONS: tuple[Callable[[Tables], Section | None], ...] = (advice_of, claims_section)
"""What stands between the charts and the table of models; one that has nothing to say returns None."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure of the first screen."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a page says, before it is HTML."""

    title: str
    lead: str
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    table_caption: str
    sources_note: str
    sources: tuple[Source, ...]
    footer: str
    data: PageData


def report(
    output: str | Path = "report.html",
    *,
    datasets: Sequence[str] = (),
    tables: Tables | None = None,
) -> Path:
    """Write the report as one HTML file that needs no network, and return its path.

    Args:
        output: where to; an existing file is replaced.
        datasets: keys or globs of data sets to show; when empty all with results of at least 20 backbones,
            and all of the user's own with at least 6.
        tables: other frames than the shipped ones.

    Raises:
        UnknownNameError: for a data set that has no results.
        InputError: if nothing is left to show, or the file cannot be written.
    """
    path = Path(output)
    if path.suffix.lower() not in {".html", ".htm"}:
        raise InputError(f"Cannot write {str(path)!r}: a report is a page, name it .html.")
    text = render(assemble(tables or Tables.shipped(), datasets=datasets))
    return write_page(path, text)


def assemble(given: Tables, *, datasets: Sequence[str] = ()) -> Report:
    """Compute everything a page shows.

    Args:
        given: the tables.
        datasets: keys or globs of data sets to show; all that are large enough when empty.
    """
    profiles, speeds = _profiles(given)
    published = {entry.study for entry in given.manifest}
    found = collect(
        given.observations,
        profiles,
        weights=given.weights,
        datasets=given.datasets,
        wanted=datasets,
        own=set(given.observations["study"]) - published,
    )
    everything = pd.concat([one.frame.assign(key=one.key) for one in found.sets])
    measures = available((*STATIC, *speeds, *OF_RUNS), everything)
    notes = study_notes(given.manifest)
    data = page_data(
        profiles,
        sets=found.sets,
        measures=measures,
        grids=relate(found),
        coloured=coloured_families(everything),
        words={
            one.key: {"about": _about(one), "gaps": notes.get(one.study, ("", ""))[1]} for one in found.sets
        },
    )
    return _report(given, found, profiles, data)


def _profiles(given: Tables) -> tuple[pd.DataFrame, tuple[Measure, ...]]:
    profiles = with_axes(given.profiles[given.profiles["status"] == "ok"].reset_index(drop=True))
    benchmarks = given.benchmarks
    if benchmarks is None:
        benchmarks = given.profiles.iloc[:0]
    return with_speeds(profiles, benchmarks)


def _about(one: ResultSet) -> str:
    """One paragraph on the chosen set: recipe, how many models, and how they were matched."""
    known = int(one.frame["joined_by"].eq("weights").sum())
    unsure = len(one.frame) - known
    parts = [
        f"{one.title}: {one.condition}. {len(one.frame):,} models, {one.summary}.",
        f"For {unsure:,} of them only the architecture is certain, not the weights." if unsure else "",
        f"Not shown, of models outside timm: {one.unmatched:,} more." if one.unmatched else "",
    ]
    return " ".join(part for part in parts if part)


def _report(given: Tables, found: Results, profiles: pd.DataFrame, data: PageData) -> Report:
    keys = {one.dataset for one in found.sets}
    studies = {one.study for one in found.sets}
    n_results = len(found.runs)
    left = sum(found.left_out.values())
    small = ", ".join(f"{study} {n}" for study, n in sorted(found.left_out.items()))
    note = (
        "Results of different studies are never mixed: metrics, recipes and scales differ. "
        "Open a line for its citation, commit, licence and traps."
    )
    if left:
        counted = "1 set" if left == 1 else f"{left} sets"
        note += (
            f" Without charts, for want of {LEAST_MODELS} backbones: {counted} ({small}); "
            "a data set that is asked for by name is shown all the same."
        )
    return Report(
        title="Which vision backbone is worth trying?",
        lead=(
            f"What {len(profiles):,} vision backbones are and cost, beside how well they did in "
            f"{n_results:,} {_whose(given, studies)}: pick a data set like yours, see what accuracy costs, "
            "and whether bigger really was better."
        ),
        figures=(
            Figure("backbones", f"{len(profiles):,}"),
            Figure("results", f"{n_results:,}"),
            Figure("data sets", f"{len(keys):,}"),
            Figure("studies", f"{len(studies):,}"),
        ),
        sections=tuple(found for found in (section(given) for section in SECTIONS) if found),
        table_caption=(
            f"n = {len(profiles):,} architectures. Counts: archimeter’s static profile at the default input "
            "size, exact, so without an interval. Times: timm’s published benchmarks at the same input size. "
            "Error: the lowest of any weights on the chosen data set."
        ),
        sources_note=note,
        sources=sources(given.manifest),
        footer=_footer(),
        data=data,
    )


def _whose(given: Tables, studies: Collection[str]) -> str:
    published = {entry.study for entry in given.manifest} & {*studies}
    if len(published) == len(studies) or not given.manifest:
        return "published results"
    return "results, your own among them" if published else "results of your own"


def _footer() -> str:
    parts = ", ".join(
        f"{about['npm']} {about['version']} ({about['licence']})" for about in vendored().values()
    )
    return f"Made by archimeter. This page holds all its data and loads nothing. Inside: {parts}."


def render(page: Report) -> str:
    """Turn a report into HTML; equal reports give equal bytes."""
    from markupsafe import Markup

    scripts = [asset("plotly-cartesian.min.js"), asset("dataTables.min.js"), _own("page.js")]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            report=page,
            policy=content_security_policy(scripts),
            styles=Markup(asset("dataTables.dataTables.min.css") + _own("page.css") + _own("advice.css")),  # noqa: S704  # our own files
            scripts=[Markup(script) for script in scripts],  # noqa: S704  # our own files
            payload=Markup(to_script_json(page.data)),  # noqa: S704  # every < in it is escaped
        )
    )


def _own(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
