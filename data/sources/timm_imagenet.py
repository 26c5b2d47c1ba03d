"""timm's published validation results: ImageNet-1k and its shifted relatives, with the weights' own head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..names import split
from ..records import Observation
from ..tables import TableEntry
from .rawfile import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["ENTRY", "FILES", "rows"]

FILES = {
    "imagenet-1k": "results-imagenet.csv",
    "imagenet-real": "results-imagenet-real.csv",
    "imagenet-v2": "results-imagenetv2-matched-frequency.csv",
    "imagenet-sketch": "results-sketch.csv",
    "imagenet-a": "results-imagenet-a.csv",
    "imagenet-a-clean": "results-imagenet-a-clean.csv",
    "imagenet-r": "results-imagenet-r.csv",
    "imagenet-r-clean": "results-imagenet-r-clean.csv",
}
HEADLESS = {
    "resmlp_24_224.fb_dino": "self-supervised weights without a classifier: the published figure is chance"
}

ENTRY = TableEntry(
    table="timm-imagenet",
    record="Observation",
    study="timm-imagenet",
    title="timm validation results on ImageNet-1k, ReaL, V2, Sketch, A and R",
    repository="huggingface/pytorch-image-models",
    commit="aa4b5850c154",
    path="results/results-*.csv",
    licence="Apache-2.0",
    citation="Ross Wightman: PyTorch Image Models, 2019, doi:10.5281/zenodo.4414861",
    rows_are="evaluations: one weights name at one image size and crop on one test set",
    notes=(
        "Nothing is fine-tuned here: the weights' own ImageNet-1k head is evaluated (recipe `pretraining-task`). 1,556 evaluations of 1,266 weights on each of 8 sets; 290 weights stand at two image sizes.",
        "error is 1 − top-1, published to a thousandth of a percent; top-5 is left out.",
        "imagenet-a-clean and imagenet-r-clean are ImageNet-1k validation images of the classes of A and R: the reference for the drop.",
        "On imagenet-a, resnet50.tv_in1k has no result (the set was selected against such a network), and resmlp_24_224.fb_dino has no classifier and is excluded.",
    ),
    built_by="archimeter.data.sources.timm_imagenet",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield every evaluation, set by set, in the published order.

    Args:
        raw: folder of raw files that holds `timm/results-*.csv`.
    """
    for dataset, file in FILES.items():
        for row in read_rows(raw / "timm" / file):
            yield _observation(dataset, row)


def _observation(dataset: str, row: Mapping[str, str]) -> Observation:
    weights = row["model"]
    return Observation(
        study="timm-imagenet",
        dataset=dataset,
        backbone=split(weights)[0],
        weights=weights,
        published_name=weights,
        match="exact",
        recipe="pretraining-task",
        recipe_detail=f"centre crop {float(row['crop_pct']):g}, {row['interpolation']}",
        resolution=int(row["img_size"]),
        metric="top1",
        **_outcome(weights, row["top1"]),
    )


def _outcome(weights: str, top1: str) -> dict[str, Any]:
    if weights in HEADLESS:
        return {"status": "excluded", "reason": HEADLESS[weights]}
    return {"error": round(1 - float(top1) / 100, 5), "status": "ok"}
