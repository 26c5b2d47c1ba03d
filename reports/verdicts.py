"""The sources' claims as a section: each with its verdict, estimate, interval, n and the data behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..analysis.claims import changed_conclusions, claims
from ..analysis.claims.record import evidence_of
from .section import Section, part

if TYPE_CHECKING:
    import pandas as pd

    from .page import Tables

__all__ = ["Change", "Topic", "Verdict", "changes", "claims_section", "verdicts"]

TOPICS = {
    2: "The fast.ai sweep: size, leaders, bargains",
    5: "Pretraining with text",
    7: "What tells latency, what tells transfer, and Visual Transformers",
    8: "EfficientNet’s compound scaling",
    9: "Foundation models, frozen or fine-tuned",
}
"""System of the sources → what its claims are about."""
SHORT = {
    "r of": "r",
    "mean r": "r",
    "random-effects mean r": "r",
    "slope": "slope",
    "change of": "slope",
    "mean logit error": "logit",
    "mean difference in logit error": "logit",
    "mean Fisher z": "z",
    "mean log2 MACs": "log2 MACs",
    "R²": "ΔR²",
    "rank": "rank",
    "exponent": "exponent",
    "factor": "factor",
}
"""How a measure begins → what stands before its number."""
UNSIGNED = ("rank", "exponent", "factor")
"""Those whose numbers are not differences from zero."""
SIZES = {"params": "parameters", "macs": "MACs", "activations": "activations"}


CAPTION = (
    "Supported: the whole interval lies where the claim says; not supported: where it denies; undecided: it "
    "reaches both sides, or no data can judge. Intervals are 95 %, each claim by itself; n says what was "
    "drawn again or left out in turn: data sets where there are several, else models or architectures. The "
    "same as rows, with every field: archimeter claims --json."
)


class Verdict(NamedTuple):
    """One claim in words: `found` is estimate, interval and n; `facts` says how, on what and why."""

    statement: str
    verdict: str
    found: str
    facts: tuple[tuple[str, str], ...]


class Topic(NamedTuple):
    """Claims about one thing."""

    title: str
    verdicts: tuple[Verdict, ...]


class Change(NamedTuple):
    """A family of which the published method and ours say different things, or the same."""

    dataset: str
    family: str
    n: int
    published: str
    on_params: str
    ours: tuple[str, ...]
    changed: bool


def claims_section(tables: Tables) -> Section | None:
    """Judge every claim on the tables; None where there is nothing that could be judged."""
    if tables.benchmarks is None or tables.weights is None:
        return None
    evidence = evidence_of(
        tables.observations, tables.profiles, tables.benchmarks, tables.weights, tables.datasets
    )
    judged = claims(evidence)
    if not (judged["studies"].str.len() > 0).any():
        return None
    compared = changes(changed_conclusions(evidence))
    return Section(
        key="claims",
        title="What the sources claim, put to the test",
        finding=_finding(judged),
        body=part(
            "claims.html.j2",
            topics=verdicts(judged),
            changes=compared,
            sizes=tuple(SIZES.values()),
            examples=_told(compared),
            n_changed=sum(change.changed for change in compared),
        ),
        caption=CAPTION,
    )


def _finding(judged: pd.DataFrame) -> str:
    n = judged["verdict"].value_counts()
    missing, undecided = int(judged["estimate"].isna().sum()), int(n.get("undecided", 0))
    return (
        f"Of {len(judged)} claims {n.get('supported', 0)} are supported, {n.get('not supported', 0)} are "
        f"not, and {undecided} stay undecided: {undecided - missing} because the interval reaches both "
        f"sides, {missing} for want of data. Open a claim for how it was measured, and on what."
    )


def verdicts(judged: pd.DataFrame) -> tuple[Topic, ...]:
    """Put claims (rows of `analysis.claims.claims`) into words, by what they are about."""
    rows = judged.to_dict("records")
    return tuple(
        Topic(
            TOPICS.get(system, "Further claims"),
            tuple(_verdict(row) for row in rows if row["system"] == system),
        )
        for system in dict.fromkeys(row["system"] for row in rows)
    )


def _verdict(row: dict[Any, Any]) -> Verdict:
    facts = {
        "Measured": row["measure"],
        "Verdict": row["reason"],
        "On": row["condition"],
        "Studies": ", ".join(row["studies"]) or "shipped profiles, weights and speeds",
        "Data sets": ", ".join(row["datasets"]),
        "Who says so": row["source"],
    }
    return Verdict(
        statement=row["statement"],
        verdict=row["verdict"],
        found=_found(row),
        facts=tuple((term, text) for term, text in facts.items() if text),
    )


def _found(row: dict[Any, Any]) -> str:
    if row["estimate"] is None or row["estimate"] != row["estimate"]:  # NaN
        return "no data"
    what = next((short for begin, short in SHORT.items() if str(row["measure"]).startswith(begin)), "")
    write = _plain if what in UNSIGNED else _signed
    ends = f" ({write(row['low'])} to {write(row['high'])})" if row["low"] == row["low"] else ""
    return f"{what} {write(row['estimate'])}{ends}, n = {row['n']:,} {row['n_of']}".strip()


def _plain(value: float) -> str:
    return f"{value:.3g}"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def changes(compared: pd.DataFrame) -> tuple[Change, ...]:
    """One line per data set and family of `analysis.claims.changed_conclusions`, those that change first."""
    found = []
    for (dataset, family), rows in compared.groupby(["dataset", "family"], sort=False):
        by_size = {row["statistic"]: row for row in rows.to_dict("records")}
        first = rows.iloc[0]
        found.append(
            Change(
                dataset=str(dataset),
                family=str(family),
                n=int(first["n"]),
                published=f"{first['published_r2']:.2f}",
                on_params=f"{first['published_r2_params']:.2f}",
                ours=tuple(_ours(by_size[size]) if size in by_size else "–" for size in SIZES),
                changed=bool(rows["changed"].any()),
            )
        )
    return tuple(sorted(found, key=lambda change: (not change.changed, change.dataset, change.family)))


def _ours(row: dict[Any, Any]) -> str:
    star = " *" if row["verdict"] in {"error falls", "error rises"} else ""
    return f"{_signed(row['pearson'])} ({_signed(row['low'])} to {_signed(row['high'])}){star}"


def _told(compared: tuple[Change, ...]) -> tuple[Change, ...]:
    """Two examples to open with: of the families that change, those whose R² falls most on another axis."""
    changed = [change for change in compared if change.changed]
    return tuple(sorted(changed, key=lambda change: float(change.on_params) - float(change.published))[:2])
