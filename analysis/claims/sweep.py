"""The claims of the fast.ai sweep: who leads, who is the bargain, and whether size matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from ..correlate import ALL_FAMILIES, correlate
from ..meta import random_effects
from ..pareto import front_probability, utility
from ..pooling import within_family
from .record import (
    LITTLE,
    NOTHING,
    Claim,
    Estimate,
    Evidence,
    Stated,
    judged,
    says_little,
    says_negative,
    says_positive,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["judge_sweep", "size_grid"]

STUDY, PETS, PLANET = "fastai", "pets", "planet"
SOURCE = "Howard and Capelle 2022, The best vision models for fine-tuning"
EXCEPTIONS = {"regnetx": "RegNetX", "vit": "ViT"}
OTHERS = ("convnext", "levit", "resnet", "swin")
LEADERS = {
    PETS: {"convnext": "ConvNeXt", "swin": "Swin", "vit": "ViT"},
    PLANET: {"vit": "ViT", "swin": "Swin"},
}
BARGAINS = {"convnext_tiny": "convnext_tiny", "vit_small_patch16_224": "vit_small_patch16"}
SCORE = "error * (fit_time_s + 80)"
BEST_SHARE = 0.1
DRAWS = 300
ABSENT = f"no shipped table holds the study {STUDY}"


def size_grid(evidence: Evidence) -> pd.DataFrame:
    """Return the grid of the sweep's error against its sizes; empty where the sweep is not there."""
    if "grid" not in evidence.memory:
        frame = evidence.frame[evidence.frame["study"] == STUDY]
        evidence.memory["grid"] = (
            pd.DataFrame()
            if frame.empty
            else correlate(
                frame,
                statistics=[s for s in ("params", "macs", "activations", "fit_time_s") if s in frame],
            )
        )
    return evidence.memory["grid"]


def judge_sweep(evidence: Evidence) -> Iterator[Claim]:
    """Judge the claims of the sweep."""
    yield _little_on_planet(evidence)
    yield _less_than_on_pets(evidence)
    for family, name in EXCEPTIONS.items():
        yield _exception(evidence, family, name)
    yield _others(evidence)
    for dataset, families in LEADERS.items():
        for family, name in families.items():
            yield _leads(evidence, dataset, family, name)
    for backbone, name in BARGAINS.items():
        yield _bargain(evidence, backbone, name)


def _row(evidence: Evidence, dataset: str, family: str, level: str, statistic: str = "macs") -> Estimate:
    grid = size_grid(evidence)
    if grid.empty:
        return NOTHING
    found = grid[
        (grid["dataset"] == dataset)
        & (grid["family"] == family)
        & (grid["level"] == level)
        & (grid["statistic"] == statistic)
    ]
    if found.empty:
        return NOTHING
    row = found.iloc[0]
    return Estimate(
        float(row["pearson"]), float(row["pearson_low"]), float(row["pearson_high"]), int(row["n"])
    )


def _little_on_planet(evidence: Evidence) -> Claim:
    stated = Stated("planet-size-little", 2, "On Planet the size of a model matters little.", SOURCE)
    return judged(
        stated,
        _row(evidence, PLANET, ALL_FAMILIES, "family-adjusted"),
        says_little,
        measure=f"r of log MACs with logit error within families (little: nearer to 0 than {LITTLE})",
        n_of="models",
        rows=evidence.of(STUDY, dataset=PLANET),
        condition="mean over runs at learning rate 0.008",
        why_not=ABSENT,
    )


def _less_than_on_pets(evidence: Evidence) -> Claim:
    stated = Stated("planet-size-less-than-pets", 2, "Size matters less on Planet than on Pets.", SOURCE)
    rows = evidence.of(STUDY)
    wide = rows.pivot_table(index="model", columns="dataset", values="y") if len(rows) else pd.DataFrame()
    found = NOTHING
    if {PETS, PLANET} <= set(wide):
        facts = rows.drop_duplicates("model").set_index("model")
        both = wide.join(facts[["size", "family", "backbone"]]).dropna(subset=[PETS, PLANET, "size"])
        found = _slope_within(both["size"], both[PLANET] - both[PETS], both["family"], both["backbone"])
    return judged(
        stated,
        found,
        says_positive,
        measure="slope of logit error on log2 MACs within families, Planet minus Pets (above 0: flatter)",
        n_of="models",
        rows=rows[rows["dataset"].isin([PETS, PLANET])],
        condition="the same models on both; mean over runs at learning rate 0.008",
        why_not=ABSENT,
    )


def _slope_within(x: pd.Series, y: pd.Series, families: pd.Series, backbones: pd.Series) -> Estimate:
    """Common slope within families with Student's interval, architectures counted once."""
    found = within_family(
        x.to_numpy(float), y.to_numpy(float), pd.factorize(families)[0], pd.factorize(backbones)[0]
    )
    degrees = found.n_backbones - found.n_families - 1
    slope, r = float(found.slope), float(found.pearson)
    if degrees < 1 or not np.isfinite(slope) or r == 0:
        return NOTHING
    error = abs(slope / r) * np.sqrt((1 - r**2) / degrees)
    half = float(stdtrit(degrees, 0.975)) * error
    return Estimate(slope, slope - half, slope + half, found.n)


def _exception(evidence: Evidence, family: str, name: str) -> Claim:
    stated = Stated(
        f"planet-exception-{family}", 2, f"On Planet {name} is a family where larger is better.", SOURCE
    )
    on_time = _row(evidence, PLANET, family, "family", "fit_time_s")
    found = _row(evidence, PLANET, family, "family")
    verdict = says_negative(found)
    span = f"{found.low:+.2f} to {found.high:+.2f}"
    words = f"r {found.value:+.2f} on MACs ({span}), {on_time.value:+.2f} on fit time"
    zero = "the interval leaves 0 out" if verdict != "undecided" else "the interval holds 0"
    return judged(
        stated,
        found,
        says_negative,
        measure="r of log MACs with logit error in the family (below 0: the larger, the better)",
        n_of="models",
        rows=evidence.of(STUDY, dataset=PLANET),
        condition="mean over runs at learning rate 0.008",
        reason=f"{words}; {zero}",
        why_not=ABSENT,
    )


def _others(evidence: Evidence) -> Claim:
    stated = Stated(
        "planet-no-other-exception", 2, "On Planet no other family's error goes with its size.", SOURCE
    )
    each = {family: _row(evidence, PLANET, family, "family") for family in OTHERS}
    enough = [e for e in each.values() if e.n >= 6 and np.isfinite(e.value)]
    z = np.array([np.arctanh(np.clip(e.value, -0.999, 0.999)) for e in enough])
    mean = random_effects(z, np.array([1 / (e.n - 3) for e in enough]))
    ends = (float(np.tanh(v)) for v in (mean.mean, mean.low, mean.high))
    found = Estimate(*ends, n=sum(e.n for e in enough))
    words = ", ".join(f"{family} {e.value:+.2f}" for family, e in each.items())
    return judged(
        stated,
        found,
        says_little,
        measure=f"random-effects mean r of log MACs with logit error (little: within ±{LITTLE})",
        n_of="models",
        rows=evidence.of(STUDY, dataset=PLANET),
        condition="mean over runs at learning rate 0.008",
        reason=f"r by family: {words}",
        why_not=ABSENT,
    )


def _leads(evidence: Evidence, dataset: str, family: str, name: str) -> Claim:
    stated = Stated(
        f"{dataset}-leader-{family}", 2, f"{name} is among the leading families on {dataset.title()}.", SOURCE
    )
    rows = evidence.of(STUDY, dataset=dataset)
    means = rows.groupby(["family", "backbone"])["y"].mean().reset_index()
    inside, outside = means[means["family"] == family]["y"], means[means["family"] != family]["y"]
    order = means.groupby("family")["y"].agg(["mean", "size"]).query("size >= 3")["mean"].sort_values()
    place = list(order.index).index(family) + 1 if family in order else 0
    return judged(
        stated,
        welch(inside.to_numpy(), outside.to_numpy()),
        says_negative,
        measure="mean logit error, the family minus all others (below 0: better than the rest)",
        n_of="architectures",
        rows=rows,
        condition="mean over runs at learning rate 0.008",
        reason=f"rank {place} of {len(order)} families of at least three by mean logit error"
        if place
        else "",
        why_not=ABSENT,
    )


def welch(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Difference of two means with Welch's interval; n counts both.

    Source: Welch 1947; agrees with scipy.stats.ttest_ind(equal_var=False).
    """
    n, m = len(first), len(second)
    if n < 2 or m < 2:
        return NOTHING
    a, b = float(np.var(first, ddof=1)) / n, float(np.var(second, ddof=1)) / m
    difference = float(np.mean(first) - np.mean(second))
    if a + b == 0:
        return Estimate(difference, difference, difference, n + m)
    degrees = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
    half = float(stdtrit(degrees, 0.975)) * float(np.sqrt(a + b))
    return Estimate(difference, difference - half, difference + half, n + m)


def _bargain(evidence: Evidence, backbone: str, name: str) -> Claim:
    stated = Stated(
        f"bargain-{backbone}", 2, f"{name} is a bargain: accurate for its fine-tuning time.", SOURCE
    )
    rows = evidence.of(STUDY, dataset=PETS)
    rows = rows.dropna(subset=["fit_time_s"]) if "fit_time_s" in rows else rows.iloc[:0]
    own = rows["backbone"] == backbone
    found, words = NOTHING, ""
    if own.any():
        ranks, chance = _score_ranks(rows, own.to_numpy(), evidence)
        low, mid, high = (float(q) for q in np.quantile(ranks, [0.025, 0.5, 0.975]))
        found = Estimate(mid, low, high, len(rows))
        words = (
            f"rank {mid:g} ({low:g} to {high:g}) of {len(rows)} by error × (fit time + 80 s); on the Pareto "
            f"front of error and fit time with probability {chance:.2f}"
        )
    limit = BEST_SHARE * len(rows)
    return judged(
        stated,
        found,
        lambda e: "supported" if e.high <= limit else "not supported" if e.low > limit else "undecided",
        measure=f"rank by {SCORE} of its best weights, over replicate noise (a bargain: in the best tenth)",
        n_of="models",
        rows=rows,
        condition="mean over runs at learning rate 0.008, median fit time",
        reason=words,
        why_not=f"{ABSENT}, or not this backbone with its fit time",
    )


def _score_ranks(rows: pd.DataFrame, own: np.ndarray, evidence: Evidence) -> tuple[np.ndarray, float]:
    """Ranks `[draws]` of the best own row by the score, and its probability of being on the front."""
    noise = rows["error_sd"].fillna(rows["error_sd"].median()).fillna(0) / np.sqrt(rows["n_runs"])
    known = rows[["error", "fit_time_s", "n_runs"]].assign(noise=noise)
    fronts = front_probability(
        known, ["error", "fit_time_s"], noise={"error": "noise"}, rng=evidence.rng("front"), draws=DRAWS
    )
    rng, n = evidence.rng("score"), len(known)
    shift = noise.to_numpy(float) * rng.standard_normal((DRAWS, n))
    drawn = pd.DataFrame(
        {
            "error": (known["error"].to_numpy(float) + shift).ravel(),
            "fit_time_s": np.tile(known["fit_time_s"].to_numpy(float), DRAWS),
        }
    )
    score = utility(drawn, SCORE).to_numpy().reshape(DRAWS, n)
    ranks = 1 + (score < score[:, own].min(1, keepdims=True)).sum(1)
    return ranks, float(fronts.loc[own, "front_probability"].max())
