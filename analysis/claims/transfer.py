"""The claims about unfamiliar data: size there, ImageNet's word, and what pretraining with text does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..association import logit, pearson
from .record import (
    FAMILIAR,
    LITTLE,
    MEDICAL,
    NOTHING,
    Claim,
    Estimate,
    Evidence,
    Stated,
    clustered,
    judged,
    says_little,
    says_negative,
    says_positive,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["judge_transfer", "slope_over_tasks", "text_advantage"]

SWEEP = "Howard and Capelle 2022, The best vision models for fine-tuning"
FEWEST = 6
FROZEN = ("linear-probe", "knn")
TRAINED = ("fine-tune", "unstated")
"""Medical fine-tunes of which no source says whether they began from pretrained weights count as such."""


def judge_transfer(evidence: Evidence) -> Iterator[Claim]:
    """Judge the claims about transfer."""
    yield from _unfamiliar(evidence)
    yield from _imagenet(evidence)
    yield from _with_text(evidence)


def _unfamiliar(evidence: Evidence) -> Iterator[Claim]:
    tasks = _correlations(evidence.of(protocol="fine-tune"), "size")
    familiar = tasks["domain"].isin(FAMILIAR)
    strange = ~familiar & (tasks["domain"] != "unknown")
    measure = "mean r of log MACs with logit error over fine-tuned tasks"
    common = {"n_of": "data sets", "condition": f"fine-tuned, at least {FEWEST} architectures a task"}
    yield judged(
        Stated("unfamiliar-size-little", 2, "On unfamiliar data a larger model gains little.", SWEEP),
        _mean_r(tasks[strange], evidence, "unfamiliar"),
        says_little,
        measure=f"{measure}, domains unlike ImageNet (little: within ±{LITTLE})",
        rows=tasks[strange],
        **common,
    )
    yield judged(
        Stated("familiar-size-helps", 2, "On images like ImageNet's a larger model is better.", SWEEP),
        _mean_r(tasks[familiar], evidence, "familiar"),
        says_negative,
        measure=f"{measure}, domains {', '.join(FAMILIAR)} (below 0: the larger, the better)",
        rows=tasks[familiar],
        **common,
    )
    yield judged(
        Stated(
            "unfamiliar-less-than-familiar",
            2,
            "Size matters less on unfamiliar than on familiar data.",
            SWEEP,
        ),
        _difference(tasks, strange, familiar, evidence, "unfamiliar-familiar"),
        says_positive,
        measure="mean Fisher z of log MACs with logit error, unfamiliar minus familiar (above 0: less)",
        rows=tasks[strange | familiar],
        **common,
    )
    known = tasks[tasks["images"].notna()]
    yield judged(
        Stated("few-images-small-models", 2, "With few training images consider small models.", SWEEP),
        slope_over_tasks(known["images"], known["z"], known["dataset"], evidence, "few-images"),
        says_negative,
        measure="change of Fisher's z of log MACs with logit error per tenfold images (below 0: pays)",
        rows=known,
        **common,
    )


def _correlations(models: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row per task: Fisher's z of a column with the logit error over architectures, and its weight."""
    columns = ["study", "dataset", "domain", "unit", "images", "n", "z"]
    facts = models.groupby("unit").agg(
        study=("study", "first"),
        dataset=("dataset", "first"),
        domain=("domain", "first"),
        images=("n_images", "median"),
    )
    means = models.groupby(["unit", "backbone"])[[column, "y"]].mean().dropna()
    found = {}
    for unit, part in means.groupby(level="unit"):
        if len(part) >= FEWEST:
            r = float(pearson(part[column].to_numpy(float), part["y"].to_numpy(float)))
            found[unit] = {"n": len(part), "z": np.arctanh(np.clip(r, -0.999, 0.999))}
    if not found:
        return pd.DataFrame(columns=columns)
    tasks = pd.DataFrame.from_dict(found, orient="index").join(facts).rename_axis("unit").reset_index()
    return tasks.assign(images=np.log10(tasks["images"].to_numpy(float)))[columns]


def _mean_r(tasks: pd.DataFrame, evidence: Evidence, key: str) -> Estimate:
    found = clustered(tasks["z"], tasks["dataset"], evidence.rng(key), evidence.draws)
    value, low, high = (float(np.tanh(v)) for v in found[:3])
    return Estimate(value, low, high, found.n)


def _difference(
    tasks: pd.DataFrame, first: pd.Series, second: pd.Series, evidence: Evidence, key: str
) -> Estimate:
    """Difference of two means, each data set a cluster (their standard errors add)."""
    a, b = (
        clustered(tasks.loc[mask, "z"], tasks.loc[mask, "dataset"], evidence.rng(key), evidence.draws)
        for mask in (first, second)
    )
    if not np.isfinite([a.low, b.low]).all():
        return NOTHING
    value = a.value - b.value
    # each half-width keeps its own asymmetry (Zou 2007)
    low = value - np.hypot(a.value - a.low, b.high - b.value)
    high = value + np.hypot(a.high - a.value, b.value - b.low)
    return Estimate(value, float(low), float(high), a.n + b.n)


def slope_over_tasks(
    x: pd.Series, y: pd.Series, clusters: pd.Series, evidence: Evidence, key: str
) -> Estimate:
    """Slope over tasks, data sets drawn again whole."""
    from ..bootstrap import bootstrap

    codes, names = pd.factorize(clusters)
    known = np.isfinite(x.to_numpy(float)) & np.isfinite(y.to_numpy(float))
    if known.sum() < 3 or len(set(codes[known])) < 4 or np.ptp(x.to_numpy(float)[known]) == 0:
        return NOTHING
    sums = np.zeros((len(names), 5))
    a, b = x.to_numpy(float)[known], y.to_numpy(float)[known]
    a, b = a - a.mean(), b - b.mean()
    np.add.at(sums, codes[known], np.column_stack([np.ones(len(a)), a, b, a * a, a * b]))

    def slope(*columns: np.ndarray) -> np.ndarray:
        n, sa, sb, saa, sab = (c.sum(-1) for c in columns)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (sab - sa * sb / n) / (saa - sa * sa / n)

    used = sums[sums[:, 0] > 0]
    ends = bootstrap(*used.T, statistic=slope, rng=evidence.rng(key), draws=evidence.draws)
    return Estimate(float(slope(*used.T)), float(ends.low[0]), float(ends.high[0]), len(used))


def _imagenet(evidence: Evidence) -> Iterator[Claim]:
    models = evidence.models
    source = "Kornblith et al. 2019; Fang et al. 2023; Chaves et al. 2024"
    trained = models[models["protocol"].isin(TRAINED)].assign(
        imagenet=lambda rows: _imagenet_logit(evidence, rows)
    )
    tasks = _correlations(trained, "imagenet")
    natural, medical = tasks["domain"].isin(FAMILIAR), tasks["domain"].isin(MEDICAL)
    common = {
        "n_of": "data sets",
        "condition": "fine-tuned; ImageNet error of the same weights, else the median of the architecture's "
        "supervised ImageNet-1k weights",
    }
    measure = "mean r of ImageNet's logit error with the transfer's"
    yield judged(
        Stated(
            "imagenet-predicts-natural", 7, "ImageNet accuracy predicts transfer to natural images.", source
        ),
        _mean_r(tasks[natural], evidence, "imagenet-natural"),
        says_positive,
        measure=f"{measure}, domains {', '.join(FAMILIAR)} (above 0: predicts)",
        rows=tasks[natural],
        **common,
    )
    yield judged(
        Stated(
            "imagenet-not-medical",
            7,
            "ImageNet accuracy does not predict transfer to medical images.",
            source,
        ),
        _mean_r(tasks[medical], evidence, "imagenet-medical"),
        says_little,
        measure=f"{measure}, domains {', '.join(MEDICAL)} (little: within ±{LITTLE})",
        rows=tasks[medical],
        **common,
    )
    yield judged(
        Stated(
            "imagenet-natural-beats-medical",
            7,
            "ImageNet accuracy says more of natural than of medical sets.",
            source,
        ),
        _difference(tasks, natural, medical, evidence, "imagenet-difference"),
        says_positive,
        measure="mean Fisher z of ImageNet's with the transfer's logit error, natural minus medical",
        rows=tasks[natural | medical],
        **common,
    )


def _imagenet_logit(evidence: Evidence, rows: pd.DataFrame) -> pd.Series:
    """ImageNet-1k logit error of each row's weights, else of its architecture's supervised weights."""
    own = evidence.models
    own = own[(own["study"] == "timm-imagenet") & (own["dataset"] == "imagenet-1k")]
    exact = own.dropna(subset=["weights"]).groupby("weights")["error"].mean()
    plain = own[own["pretraining"] == "supervised-in1k"].groupby("backbone")["error"].median()
    found = rows["weights"].map(exact)
    error = pd.to_numeric(found.where(rows["weights"].notna(), rows["backbone"].map(plain)))
    values = error.to_numpy(float)
    return pd.Series(np.where(np.isfinite(values), logit(np.nan_to_num(values, nan=0.5)), np.nan), rows.index)


def text_advantage(models: pd.DataFrame, against: str) -> pd.DataFrame:
    """One row per task: logit error of image-text weights minus the others', at equal MACs.

    Args:
        models: rows of `Evidence.models`.
        against: how the other weights' pretraining begins (`supervised`, `self-supervised`).
    """
    kind = models["pretraining"].astype(object).where(models["pretraining"].notna(), "")
    text = kind == "image-text"
    columns = ["study", "dataset", "domain", "unit", "y", "size"]
    rows = models.assign(text=text.astype(float)).loc[text | kind.str.startswith(against), [*columns, "text"]]
    rows = rows.dropna(subset=["y", "size"])
    out = []
    for _, part in rows.groupby("unit", sort=True):
        if min((part["text"] == 1).sum(), (part["text"] == 0).sum()) < 3:
            continue
        design = np.column_stack([np.ones(len(part)), part["text"], part["size"] - part["size"].mean()])
        beta = np.linalg.lstsq(design, part["y"].to_numpy(float), rcond=None)[0]
        first = part.iloc[0]
        out.append(
            {**{k: first[k] for k in ("study", "dataset", "domain")}, "n": len(part), "z": float(beta[1])}
        )
    return pd.DataFrame(out, columns=["study", "dataset", "domain", "n", "z"])


def _with_text(evidence: Evidence) -> Iterator[Claim]:
    frozen = evidence.models[evidence.models["protocol"].isin(FROZEN)]
    common = {
        "n_of": "data sets",
        "condition": "frozen features, at equal MACs, 3 or more models on each side",
    }
    why_not = "no frozen task has three models of both kinds"
    for against in ("supervised", "self-supervised"):
        tasks = text_advantage(frozen, against)
        yield judged(
            Stated(
                f"text-helps-against-{against}",
                5,
                f"Pretraining with text (CLIP and its kin) beats {against} pretraining.",
                "the modern contenders: CoCa, PaLI, Florence, EVA; Goldblum et al. 2023",
            ),
            clustered(tasks["z"], tasks["dataset"], evidence.rng(f"text-{against}"), evidence.draws),
            says_negative,
            measure=f"mean difference in logit error, image-text minus {against} weights (below 0: helps)",
            rows=tasks,
            why_not=why_not,
            **common,
        )
    tasks = text_advantage(frozen, "supervised")
    familiar = tasks["domain"].isin(FAMILIAR)
    yield judged(
        Stated(
            "foundation-weak-unfamiliar",
            9,
            "Foundation models lose their lead on unfamiliar domains.",
            "the guide to foundation models",
        ),
        _difference(tasks, ~familiar, familiar, evidence, "foundation-weak"),
        says_positive,
        measure="image-text minus supervised logit error, unfamiliar minus familiar (above 0: weaker)",
        rows=tasks,
        why_not="frozen tasks of both kinds of domain are needed, three data sets each",
        **common,
    )
