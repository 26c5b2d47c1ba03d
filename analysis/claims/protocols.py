"""The claims about how a backbone is used: frozen or fine-tuned, with how many images, how large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .record import (
    NOTHING,
    Claim,
    Evidence,
    Stated,
    clustered,
    judged,
    says_negative,
    says_positive,
)
from .sweep import welch
from .transfer import slope_over_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["judge_protocols", "tuning_gain"]

GUIDE = "the guide to foundation models"
VT = "the reproduction of Visual Transformers, arXiv 2006.03677"
FOUNDATION = ("image-text", "self-supervised", "masked-image", "segmentation")
FEW = 20


def judge_protocols(evidence: Evidence) -> Iterator[Claim]:
    """Judge the claims about protocols."""
    yield from _frozen(evidence)
    yield _foundation_less_accurate(evidence)
    yield _foundation_larger(evidence)
    yield _ten_images(evidence)
    yield _resolution(evidence)


def tuning_gain(models: pd.DataFrame, frozen: str) -> pd.DataFrame:
    """Logit error fine-tuned minus frozen, of one model on one data set under one setting.

    Args:
        models: rows of `Evidence.models`.
        frozen: the other protocol, `linear-probe` or `knn`.

    Returns:
        One row per study, data set, setting and model: `z` (below 0: fine-tuning wins), `images` (log10).
    """
    rows = models[models["protocol"].isin(["fine-tune", frozen])]
    if rows.empty:
        return pd.DataFrame(columns=["study", "dataset", "model", "z", "images"])
    rows = rows.assign(setting=_setting(rows["recipe"]))
    keys = ["study", "dataset", "metric", "setting", "model"]
    wide = rows.pivot_table(index=keys, columns="protocol", values="y")
    images = rows.groupby(keys)["n_images"].first()
    if len(wide.columns) < 2:
        return pd.DataFrame(columns=["study", "dataset", "model", "z", "images"])
    out = wide.assign(z=wide["fine-tune"] - wide[frozen], images=np.log10(images.reindex(wide.index)))
    return out.dropna(subset=["z"]).reset_index()


def _setting(recipe: pd.Series) -> pd.Series:
    """What a recipe's name says beside the protocol itself: the pixels of the images and their number."""
    return recipe.str.findall(r"\d[\d,]* (?:px|images)").map(" ".join)


def _frozen(evidence: Evidence) -> Iterator[Claim]:
    for frozen in ("linear-probe", "knn"):
        pairs = tuning_gain(evidence.models, frozen)
        common = {
            "n_of": "data sets",
            "rows": pairs,
            "condition": f"the same model, data set, metric and image size, fine-tuned and {frozen}",
            "why_not": f"no study has both fine-tune and {frozen}",
        }
        name = "a linear probe" if frozen == "linear-probe" else "nearest neighbours"
        yield judged(
            Stated(f"fine-tune-beats-{frozen}", 9, f"Fine-tuning beats {name} on frozen features.", GUIDE),
            clustered(pairs["z"], pairs["dataset"], evidence.rng(f"tuned-{frozen}"), evidence.draws),
            says_negative,
            measure=f"mean logit error, fine-tuned minus {frozen} (below 0: fine-tuning wins)",
            **common,
        )
        known = pairs.dropna(subset=["images"])
        # one number a data set and study: its models share the images
        cells = known.groupby(["study", "dataset"])[["z", "images"]].mean().reset_index()
        found = slope_over_tasks(cells["images"], cells["z"], cells["dataset"], evidence, f"gain-{frozen}")
        yield judged(
            Stated(
                f"fine-tune-gain-grows-{frozen}",
                9,
                f"The more training images, the more fine-tuning gains over {name}: frozen for few images.",
                GUIDE,
            ),
            found,
            says_negative,
            measure=f"change of (fine-tuned minus {frozen}) logit error per tenfold images",
            reason=_crossing(cells, found.value),
            **common,
        )


def _crossing(cells: pd.DataFrame, slope: float) -> str:
    """Say at how many images the two protocols are equal, where the line crosses inside the data."""
    if cells.empty or not np.isfinite(slope) or slope == 0:
        return ""
    at = float(cells["images"].mean() - cells["z"].mean() / slope)
    low, high = float(cells["images"].min()), float(cells["images"].max())
    span = f"{10**low:,.0f} to {10**high:,.0f} images"
    wins = "fine-tuning" if cells["z"].mean() < 0 else "the frozen backbone"
    if low < at < high:
        return f"the line crosses zero near {10**at:,.0f} images (data: {span})"
    return f"{wins} is ahead over the whole range of {span}"


def _foundation_less_accurate(evidence: Evidence) -> Claim:
    models = evidence.models
    kind = models["pretraining"].astype(object).where(models["pretraining"].notna(), "")
    foundation = models[kind.isin(FOUNDATION) & (models["protocol"] == "linear-probe")]
    tuned = models[kind.str.startswith("supervised") & (models["protocol"] == "fine-tune")]
    key = ["study", "dataset", "metric"]
    a = foundation.assign(setting=_setting(foundation["recipe"])).groupby([*key, "setting"])["y"].mean()
    b = tuned.assign(setting=_setting(tuned["recipe"])).groupby([*key, "setting"])["y"].mean()
    gaps = (a - b).dropna().rename("z").reset_index()
    return judged(
        Stated(
            "foundation-less-accurate",
            9,
            "A frozen foundation model is less accurate than a tuned ordinary model.",
            GUIDE,
        ),
        clustered(gaps["z"], gaps["dataset"], evidence.rng("foundation"), evidence.draws),
        says_positive,
        measure="mean logit error, frozen foundation minus fine-tuned supervised (above 0: less accurate)",
        n_of="data sets",
        rows=gaps,
        condition=f"one study, data set and image size; foundation: {', '.join(FOUNDATION)}",
        why_not="no study has both on one data set",
    )


def _foundation_larger(evidence: Evidence) -> Claim:
    sizes = evidence.profiles.drop_duplicates("backbone").set_index("backbone")["macs"]
    weights = evidence.weights.assign(size=np.log2(pd.to_numeric(evidence.weights["backbone"].map(sizes))))
    # each architecture once on each side: its many weights are no more evidence of its size
    each = weights.dropna(subset=["size"]).drop_duplicates(["backbone", "pretraining"])
    big = each[each["pretraining"].isin(FOUNDATION)].drop_duplicates("backbone")["size"]
    plain = each[each["pretraining"] == "supervised-in1k"].drop_duplicates("backbone")["size"]
    found = welch(big.to_numpy(float), plain.to_numpy(float))
    times = f"{2**found.value:.1f} times the MACs" if np.isfinite(found.value) else ""
    return judged(
        Stated("foundation-larger", 9, "Foundation models are larger and slower than ordinary ones.", GUIDE),
        found,
        says_positive,
        measure="mean log2 MACs, foundation minus supervised ImageNet-1k weights (above 0: larger)",
        n_of="architectures",
        condition="all weights that timm lists, each architecture once, at its default size",
        reason=times,
        why_not="no profile is shipped",
    )


def _ten_images(evidence: Evidence) -> Claim:
    stated = Stated(
        "ten-images-enough", 9, "With a foundation model's embedding ten images are enough.", GUIDE
    )
    frozen = evidence.models[evidence.models["protocol"].isin(["linear-probe", "knn"])]
    counts = frozen.groupby(["study", "dataset", "model"])["n_images"].agg(["min", "max"])
    both = counts[(counts["min"] <= FEW) & (counts["max"] > 10 * counts["min"])].reset_index()
    found, rows = NOTHING, None
    if len(both):
        rows = frozen.merge(both, on=["study", "dataset", "model"])
        few = rows[rows["n_images"] == rows["min"]].groupby(["study", "dataset", "model"])["error"].mean()
        most = rows[rows["n_images"] == rows["max"]].groupby(["study", "dataset", "model"])["error"].mean()
        loss = (few - most).reset_index()
        found = clustered(loss["error"], loss["dataset"], evidence.rng("ten"), evidence.draws)
    return judged(
        stated,
        found,
        lambda e: "supported" if e.high < 0.01 else "not supported" if e.low > 0.01 else "undecided",
        measure=f"error with at most {FEW} images minus error with all (enough: below one point)",
        n_of="data sets",
        rows=rows,
        condition="frozen embedding, the same model and data set",
        why_not=f"no shipped study has frozen embeddings with at most {FEW} and with many images of a set",
    )


def _resolution(evidence: Evidence) -> Claim:
    stated = Stated("resolution-helps", 7, "Images of 224 pixels beat images of 64.", VT)
    models = evidence.models
    pixels = (
        models["recipe"].str.extract(r"(\d+) px", expand=False).astype(float) if len(models) else pd.Series()
    )
    rows = models[pixels.isin([64, 224])].assign(px=pixels)
    keys = ["study", "dataset", "metric", "protocol", "model"]
    wide = rows.pivot_table(index=keys, columns="px", values="y") if len(rows) else pd.DataFrame()
    gaps = pd.DataFrame(columns=["study", "dataset", "z"])
    if len(wide.columns) == 2:
        gaps = (wide[224.0] - wide[64.0]).dropna().rename("z").reset_index()
    return judged(
        stated,
        clustered(gaps["z"], gaps["dataset"], evidence.rng(stated.key), evidence.draws),
        says_negative,
        measure="mean logit error, 224 minus 64 pixels (below 0: helps)",
        n_of="data sets",
        rows=gaps,
        condition="the same model, protocol and data set; not the source's own data sets",
        why_not="no study has one model at both sizes",
    )
