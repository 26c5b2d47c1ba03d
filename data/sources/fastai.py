"""The June 2022 fine-tuning sweep of Jeremy Howard and Thomas Capelle, run by run.

One row per run: 86 timm backbones (and six MobileNetV3 that never gave a result) on Oxford-IIIT Pet and
on a sample of the Planet satellite images, at one or two learning rates, three times each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..records import Observation
from ..tables import TableEntry
from .rawfile import number, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["ENTRY", "RECIPE", "rows"]

RECIPE = "1 frozen + 5 epochs, batch 32, squish, fp16, AdamW, 1cycle"
METRICS = {"pets": "top1", "planet": "label-accuracy"}
GIB = 2**30

ENTRY = TableEntry(
    table="fastai",
    record="Observation",
    study="fastai",
    title="The best vision models for fine-tuning",
    repository="tcapelle/fastai_timm",
    commit="fc5034c27dd7",
    path="fastai_timm.csv",
    licence="none stated; facts only",
    citation="Jeremy Howard and Thomas Capelle: The best vision models for fine-tuning (June 2022)",
    rows_are="fine-tuning runs: one backbone, data set, learning rate and replicate",
    notes=(
        "849 of 894 runs are ok. 8 are incomplete: they ended early, and their mid-training error stands in the reason only. 37 failed and left no metric: every MobileNetV3 run (36), and one of regnetx_120.",
        "Weights are those of 2022: 16 names that timm still has load other weights today, so the bare name is never the key.",
        "timm's own renaming of the two vit …_sam names leads nowhere; they are …sam_in1k.",
        "Learning rate and replicate are reconstructed from the order of the runs and verified against eight independently published rows.",
        "57 backbones have 6 runs (learning rates 0.008 and 0.002), 29 have 3 (0.008): a minimum over unequal budgets is biased; prefer the mean at 0.008.",
        "Peak memory is the allocator's reserve and inflated in replicates 2 and 3: take the minimum. Times are from mixed machines, up to 1.82 times apart in one cell.",
        "Planet's error is 1 − label-wise accuracy over 200 images × 17 labels; no accuracy per image is known.",
        "Gaps: no result for MobileNetV3; BEiT and the large ConvNeXt and ViT did not fit the GPU; EfficientNetV2 ran with a recipe its authors call unsuitable.",
    ),
    built_by="archimeter.data.sources.fastai",
)


def rows(raw: Path) -> Iterator[Observation]:
    """Yield every run of the sweep in the study's order, also those that gave nothing.

    Args:
        raw: folder of raw files that holds `fastai/v1_runs.csv` and `fastai/model_names_timm.csv`.
    """
    names = {row["model_name"]: row for row in read_rows(raw / "fastai" / "model_names_timm.csv")}
    for run in read_rows(raw / "fastai" / "v1_runs.csv"):
        yield _observation(run, names[run["model_name"]])


def _observation(run: Mapping[str, str], name: Mapping[str, str]) -> Observation:
    return Observation(
        study="fastai",
        dataset=run["dataset"],
        backbone=name["arch_1_0_31"],
        weights=name["pretrained_name_1_0_31"],
        published_name=run["model_name"],
        match="exact",
        recipe="fine-tune",
        recipe_detail=RECIPE,
        epochs=5,
        learning_rate=float(run["learning_rate"]),
        pooling=run["pool"],
        resolution=224,
        metric=METRICS[run["dataset"]],
        n_eval=int(run["n_eval"]),
        replicate=int(run["num_experiments"]),
        fit_time_s=number(run["fit_time_s"]),
        peak_memory_bytes=round(memory * GIB) if (memory := number(run["gpu_mem_gib"])) else None,
        **_outcome(run),
    )


def _outcome(run: Mapping[str, str]) -> dict[str, Any]:
    if run["status"] == "ok":
        return {"error": float(run["error_rate"]), "status": "ok"}
    if run["status"] == "incomplete":
        reason = f"ended before the last epoch, at an error of {float(run['error_rate']):.4f}"
        return {"status": "incomplete", "reason": reason}
    return {"status": "failed", "reason": "the run left no metric"}
