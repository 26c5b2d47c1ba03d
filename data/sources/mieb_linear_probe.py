"""MIEB's linear probes: 55 image and image-text encoders on 22 sets, 16 images per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..datasets import key
from ..records import Observation
from ..tables import TableEntry
from .rawfile import number, read_rows
from .transfer import backbone, from_fraction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["ENTRY", "rows"]

METRICS = {"accuracy": "top1", "lrap": "label-ranking-average-precision"}
CHANCE = "chance level in all five draws: the study's features carried nothing"

ENTRY = TableEntry(
    table="mieb-linear-probe",
    record="Observation",
    study="mieb-linear-probe",
    title="MIEB: Massive Image Embedding Benchmark, linear probes",
    repository="embeddings-benchmark/results",
    commit="f4cc6c8b365a3c779dbc708d6affe0b0355b2ddf",
    path="results/<model>/<revision>/<task>.json",
    licence="CC0-1.0",
    citation="Xiao et al.: MIEB: Massive Image Embedding Benchmark, ICCV 2025, arXiv:2504.10471; Muennighoff et al.: MTEB, arXiv:2210.07316",
    rows_are="probed encoders: mean over five draws of 16 images per class",
    notes=(
        "Logistic regression on frozen embeddings, for CLIP-like models behind the projection. n_train is 16 times the classes.",
        "Top-1, except Pascal VOC 2007 with label ranking average precision. error_sd is over the five draws; three rows state none.",
        "13 rows at chance level with no spread at all over the five draws are excluded: six models on up to five sets, EVA02-CLIP-B-16 most.",
        "26 of 55 encoders have no counterpart in timm: multi-modal language models, BLIP, ALIGN, Jina and others. MoCo v3 is matched by architecture, its weights are not in timm.",
        "The study gives no parameter counts: the mapping rests on the hub's names, checked one by one.",
    ),
    built_by="archimeter.data.sources.mieb_linear_probe",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield one row per encoder and data set.

    Args:
        raw: folder of raw files that holds `transfer/mieb_linear_probe.csv`.
    """
    for row in read_rows(raw / "transfer" / "mieb_linear_probe.csv"):
        n_train = number(row["n_train"])
        yield Observation(
            study="mieb-linear-probe",
            dataset=key(row["dataset"]),
            **backbone(row, {}, "self-supervised" if "moco" in row["model"] else "image-text"),
            recipe="linear-probe",
            recipe_detail=f"16-shot logistic regression, {row['split']} split",
            n_train=None if n_train is None else int(n_train),
            error=from_fraction(row["value"]),
            metric=METRICS[row["metric"]],
            n_replicates=5,
            error_sd=number(row["std_over_draws"]),
            **_outcome(row),
        )


def _outcome(row: Mapping[str, str]) -> dict[str, Any]:
    at_chance = float(row["value"]) < 2 / float(row["n_classes"])
    if at_chance and number(row["std_over_draws"]) == 0:
        return {"status": "excluded", "reason": CHANCE}
    return {"status": "ok"}
