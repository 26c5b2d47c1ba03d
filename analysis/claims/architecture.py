"""The claims about what a network is: latency, compound scaling, visual transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..axes import published_latency
from ..bootstrap import expanded_percentile
from ..scaling import exponents
from .record import (
    NOTHING,
    Claim,
    Estimate,
    Evidence,
    Stated,
    clustered,
    judged,
    says_negative,
    says_positive,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["judge_architecture", "left_out_misses"]

PYCLS = "Radosavovic et al. 2020; Dollár et al. 2021, Fast and accurate model scaling"
TAN = "Tan and Le 2019, EfficientNet"
VT = "Wu et al. 2020, Visual Transformers, arXiv 2006.03677, and its reproduction"
COMPOUND = {
    0: (1.0, 1.0),
    1: (1.1, 1.0),
    2: (1.2, 1.1),
    3: (1.4, 1.2),
    4: (1.8, 1.4),
    5: (2.2, 1.6),
    6: (2.6, 1.8),
    7: (3.1, 2.0),
}
"""Published depth and width multipliers of EfficientNet-B0 to B7."""
DRAWS = 1000


def judge_architecture(evidence: Evidence) -> Iterator[Claim]:
    """Judge the claims about architectures."""
    yield from _latency(evidence)
    yield _compound_law(evidence)
    yield _doubling(evidence)
    yield from _visual_transformers(evidence)


def _latency(evidence: Evidence) -> Iterator[Claim]:
    speeds = published_latency(evidence.benchmarks) if len(evidence.benchmarks) else pd.DataFrame()
    for column in [name for name in speeds.columns if name.startswith("latency_")]:
        device = column.removeprefix("latency_").replace("_", " ").replace("rtx", "RTX")
        gpu = "RTX" in device
        found, words = _which_tells(evidence, speeds, column)
        better = "better than" if gpu else "no better than"
        yield judged(
            Stated(
                f"activations-{column.removeprefix('latency_')}",
                7,
                f"Activations tell the latency on a {'GPU' if gpu else 'CPU'} {better} MACs ({device}).",
                PYCLS,
            ),
            found,
            says_positive if gpu else says_negative,
            measure="R² of log latency on log activations minus on log MACs, families left out in turn",
            n_of="architectures",
            condition=f"published time per image on {device}, in batches",
            reason=words,
        )


def left_out_misses(x: np.ndarray, y: np.ndarray, families: np.ndarray) -> np.ndarray:
    """Squared misses `[n]` of lines fitted without each model's own family."""
    out = np.empty(len(y))
    for family in np.unique(families):
        own = families == family
        slope, start = np.polyfit(x[~own], y[~own], 1)
        out[own] = (y[own] - start - slope * x[own]) ** 2
    return out


def _which_tells(evidence: Evidence, speeds: pd.DataFrame, column: str) -> tuple[Estimate, str]:
    facts = evidence.profiles.drop_duplicates("backbone")[["backbone", "family", "macs", "activations"]]
    rows = speeds[["backbone", column]].merge(facts, on="backbone").dropna()
    rows = rows[(rows["macs"] > 0) & (rows["activations"] > 0)]
    families = pd.factorize(rows["family"])[0]
    if len(set(families)) < 12:
        return NOTHING, ""
    y = np.log(rows[column].to_numpy(float))
    misses = {
        name: left_out_misses(np.log(rows[name].to_numpy(float)), y, families)
        for name in ("macs", "activations")
    }
    spread = (y - y.mean()) ** 2
    sums = np.column_stack(
        [np.bincount(families, v) for v in (spread, misses["macs"], misses["activations"])]
    )
    m = len(sums)
    counts = evidence.rng(column).multinomial(m, np.full(m, 1 / m), size=DRAWS)
    drawn = counts @ sums
    gain = (sums[:, 1].sum() - sums[:, 2].sum()) / sums[:, 0].sum()
    ends = expanded_percentile(((drawn[:, 1] - drawn[:, 2]) / drawn[:, 0])[:, None], m)
    r2 = 1 - sums[:, 1:].sum(0) / sums[:, 0].sum()
    words = f"R² {r2[1]:.2f} by activations, {r2[0]:.2f} by MACs, over {m} families"
    return Estimate(float(gain), float(ends.low[0]), float(ends.high[0]), len(rows)), words


def _efficientnets(evidence: Evidence) -> pd.DataFrame:
    """B0 to B7 with depth · width² · resolution² at the size they were profiled at."""
    profiles = evidence.profiles.drop_duplicates("backbone")
    parts = profiles["backbone"].str.extract(r"^(tf_)?efficientnet_b([0-7])$")
    own = profiles.assign(phi=pd.to_numeric(parts[1]), tf=parts[0].notna()).dropna(subset=["phi"])
    # TensorFlow's names carry the published sizes
    own = own.sort_values("tf", ascending=False).drop_duplicates("phi").sort_values("phi")
    shapes = own["input_shapes"].astype(str).str.findall(r"\d+")
    resolution = pd.Series([float(min(int(side) for side in sides[-2:])) for sides in shapes], own.index)
    depth, width = (own["phi"].map({phi: m[i] for phi, m in COMPOUND.items()}) for i in (0, 1))
    return own[["backbone", "phi", "macs"]].assign(law=depth * width**2 * resolution**2)


def _compound_law(evidence: Evidence) -> Claim:
    rows = _efficientnets(evidence)
    found = NOTHING
    if len(rows) >= 4:
        row = exponents(rows, factors=["law"], responses=["macs"]).iloc[0]
        found = Estimate(row["exponent"], row["low"], row["high"], len(rows))
    return judged(
        Stated("compound-macs", 8, "EfficientNet's MACs grow as depth · width² · resolution².", TAN),
        found,
        lambda e: (
            "supported"
            if e.low > 0.9 and e.high < 1.1
            else "not supported"
            if e.low > 1.1 or e.high < 0.9
            else "undecided"
        ),
        measure="exponent of MACs in d · w² · r² over B0 to B7 (holds: between 0.9 and 1.1)",
        n_of="models",
        condition="counted on meta at the published sizes",
        why_not="fewer than four of B0 to B7 are profiled",
    )


def _doubling(evidence: Evidence) -> Claim:
    rows = _efficientnets(evidence)
    found = NOTHING
    if len(rows) >= 4:
        row = exponents(rows.assign(step=np.exp(rows["phi"])), factors=["step"], responses=["macs"]).iloc[0]
        ends = (float(np.exp(row[key])) for key in ("exponent", "low", "high"))
        found = Estimate(*ends, n=len(rows))
    return judged(
        Stated(
            "compound-doubling", 8, "One step of compound scaling doubles the MACs (α · β² · γ² ≈ 2).", TAN
        ),
        found,
        lambda e: (
            "supported"
            if e.low > 1.8 and e.high < 2.2
            else "not supported"
            if e.low > 2.2 or e.high < 1.8
            else "undecided"
        ),
        measure="factor of the MACs from one of B0 to B7 to the next (doubles: between 1.8 and 2.2)",
        n_of="models",
        condition="counted on meta at the published sizes; B1 to B7 are steps of a whole number only in name",
        why_not="fewer than four of B0 to B7 are profiled",
    )


def _visual_transformers(evidence: Evidence) -> Iterator[Claim]:
    models = evidence.models
    mine = (
        models["backbone"].astype(str).str.contains(r"^vt_?resnet", case=False)
        if len(models)
        else pd.Series(dtype=bool)
    )
    rows = models[mine]
    missing = "no shipped study has a result of a VT-ResNet; `archimeter import` of one's own decides it"
    plain = models[models["backbone"].isin(["resnet18", "resnet34", "resnet50", "resnet101"])]
    gaps = _against_plain(rows, plain)
    yield judged(
        Stated("vt-beats-resnet", 7, "VT-ResNet is more accurate than the ResNet it is made of.", VT),
        clustered(gaps["z"], gaps["dataset"], evidence.rng("vt"), evidence.draws),
        says_negative,
        measure="mean logit error, VT-ResNet minus ResNet of the same depth (below 0: better)",
        n_of="data sets",
        rows=gaps,
        condition="one study, data set and recipe",
        why_not=missing,
    )
    for key, words, first, second in (
        (
            "vt-filter-tokens",
            "Filter-based tokens are as good as or better than pooled ones.",
            "filter",
            "pool",
        ),
        ("vt-more-tokens", "32 tokens are no better than 16.", "16", "32"),
    ):
        pairs = _by_detail(rows, first, second)
        yield judged(
            Stated(key, 7, words, VT),
            clustered(pairs["z"], pairs["dataset"], evidence.rng(key), evidence.draws),
            says_negative,
            measure=f"mean logit error, {first} minus {second} (below 0: the first is better)",
            n_of="data sets",
            rows=pairs,
            condition="VT-ResNet of the same depth, data set and study",
            why_not=missing,
        )


def _against_plain(rows: pd.DataFrame, plain: pd.DataFrame) -> pd.DataFrame:
    keys = ["study", "dataset", "recipe", "layers"]
    sides = []
    for part in (rows, plain):
        layers = part["backbone"].astype(str).str.extract(r"resnet_?(\d+)", expand=False)
        sides.append(part.assign(layers=layers).groupby(keys)["y"].mean())
    return (sides[0] - sides[1]).dropna().rename("z").reset_index()


def _by_detail(rows: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Differences between two settings that the model's or the recipe's name tells apart."""
    text = rows["model"].astype(str) + " " + rows["recipe"].astype(str)
    told = {
        word: text.str.contains(rf"(?<![\d]){word}(?:\w* ?token|s?\b)", case=False)
        for word in (first, second)
    }
    keys = ["study", "dataset"]
    a, b = (rows[told[word].to_numpy(bool)].groupby(keys)["y"].mean() for word in (first, second))
    return (a - b).dropna().rename("z").reset_index()
