"""torchgeo-bench: frozen timm backbones on ten sets of satellite and aerial images, linear and by neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..records import Observation
from ..tables import TableEntry
from .figures import parse
from .transfer import from_fraction, identified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ENTRY", "FIGURES", "NAMES", "SETS", "rows"]

FIGURES = """
model                    probe  benv2  m-bigearthnet m-so2sat m-eurosat eurosat-spatial m-forestnet m-brick-kiln m-pv4ger treesatai resisc45 aid
convnext_base            knn    .63348 .47792 .41886 .805 .84685 .38872 .91491 .96196 .42757 .83603 -
convnext_base            linear .78433 .65507 .62576 .942 .95148 .54582 .96296 .97197 .62803 -      -
convnext_large           knn    .63940 .49690 .41886 .820 .83741 .35549 .92392 .96096 .44804 .85476 .9075
convnext_large           linear .79326 .66690 .62982 .952 .94704 .50352 .96597 .97397 .64252 .93444 .9635
convnext_small           knn    .61906 .46092 .36207 .723 .82704 .36254 .90490 .95796 .40279 .79476 .8295
convnext_small           linear .76793 .62544 .58925 .911 .93593 .50252 .94995 .97698 .60097 .88968 .9335
convnextv2_base          knn    .63480 .47387 .41684 .832 .85241 .35146 .92893 .94995 .42255 .80270 .8735
convnextv2_base          linear .78597 .65438 .62069 .939 .94796 .50554 .96196 .97097 .61495 .90794 .9545
convnextv2_tiny          knn    .62225 .45977 .39655 .834 .87000 .34844 .92993 .96496 .39294 .76794 .8375
convnextv2_tiny          linear .77378 .63477 .60548 .934 .93870 .51057 .96697 .97197 .59506 .89476 .9400
deit_base_patch16_224    knn    .65148 .50065 .40568 .865 .84796 .38066 .94795 .95896 .41480 .81905 .8510
deit_base_patch16_224    linear .78614 .65684 .61460 .954 .94426 .55388 .97698 .96897 .59982 .90524 .9495
deit_small_patch16_224   knn    .64215 .49925 .42901 .882 .88000 .37362 .94895 .93894 .41286 .78730 .8435
deit_small_patch16_224   linear .76456 .61303 .61258 .941 .93741 .53072 .96997 .96196 .58090 .87556 .9170
deit_tiny_patch16_224    knn    .61972 .44284 .43408 .849 .85815 .34743 .88889 .93694 .40069 .70873 .7515
deit_tiny_patch16_224    linear .73276 .54878 .59635 .917 .92537 .49144 .93694 .95495 .56385 .81905 .8740
densenet121              knn    .63038 -      -      -    -      -      -      -      -      .78841 .8265
densenet121              linear -      -      -      -    -      -      -      -      -      .88810 .9295
maxvit_tiny_tf_224       knn    .60199 -      -      -    -      -      -      -      -      .69889 .7540
maxvit_tiny_tf_224       linear -      -      -      -    -      -      -      -      -      .86635 .9175
mobilenetv3_small_100    knn    .62595 .46531 .39047 .815 .84722 .35448 .96597 .95596 .37805 .77635 .8395
mobilenetv3_small_100    linear .76246 .60672 .58925 .928 .93370 .51158 .96496 .96296 .57540 .87857 .9160
swinv2_small_window8_256 knn    .60988 .43901 .41481 .738 .79833 .38570 .90490 .94895 .36969 .69730 .7830
swinv2_small_window8_256 linear .76076 .62123 .59432 .922 .93759 .54179 .97197 .96196 .58017 .87206 .9340
swinv2_tiny_window8_256  knn    .61983 .45359 .37221 .761 .77000 .38671 .90591 .95195 .40791 .73810 .7930
swinv2_tiny_window8_256  linear .76974 .64117 .56998 .928 .93907 .53072 .96296 .96496 .60015 .88762 .9370
"""
"""timm's name, the probe, and accuracy or micro mean average precision per set, to five digits."""

SETS = {
    # the study's name: our key, training images, evaluated images, what of the set
    "benv2": ("bigearthnet-v2", 20000, 4000, "GEO-Bench-2's sample"),
    "m-bigearthnet": ("bigearthnet-43", 20000, 1000, "GEO-Bench's sample"),
    "m-so2sat": ("so2sat", 19992, 986, "GEO-Bench's sample"),
    "m-eurosat": ("eurosat", 2000, 1000, "GEO-Bench's sample"),
    "eurosat-spatial": ("eurosat", 16200, 5400, "split by place"),
    "m-forestnet": ("forestnet", 6464, 993, "GEO-Bench's version"),
    "m-brick-kiln": ("brick-kiln", 15063, 999, "GEO-Bench's version"),
    "m-pv4ger": ("pv4ger", 11814, 999, "GEO-Bench's version"),
    "treesatai": ("treesatai", 4000, 2000, "GEO-Bench-2's sample"),
    "resisc45": ("resisc45", 18900, 6300, "torchgeo's split"),
    "aid": ("aid", 6000, 2000, "torchgeo's split"),
}
MULTILABEL = ("benv2", "m-bigearthnet", "treesatai")
NAMES: dict[str, str | None] = {
    # the study gives timm's bare names; the weights are timm's defaults for them in its releases of 2026
    "convnext_base": "convnext_base.fb_in22k_ft_in1k",
    "convnext_large": "convnext_large.fb_in22k_ft_in1k",
    "convnext_small": "convnext_small.in12k_ft_in1k",
    "convnextv2_base": "convnextv2_base.fcmae_ft_in22k_in1k",
    "convnextv2_tiny": "convnextv2_tiny.fcmae_ft_in22k_in1k",
    "deit_base_patch16_224": "deit_base_patch16_224.fb_in1k",
    "deit_small_patch16_224": "deit_small_patch16_224.fb_in1k",
    "deit_tiny_patch16_224": "deit_tiny_patch16_224.fb_in1k",
    "densenet121": "densenet121.ra_in1k",
    "maxvit_tiny_tf_224": "maxvit_tiny_tf_224.in1k",
    "mobilenetv3_small_100": "mobilenetv3_small_100.lamb_in1k",
    "swinv2_small_window8_256": "swinv2_small_window8_256.ms_in1k",
    "swinv2_tiny_window8_256": "swinv2_tiny_window8_256.ms_in1k",
}

ENTRY = TableEntry(
    table="torchgeo-bench",
    record="Observation",
    study="torchgeo-bench",
    title="torchgeo-bench: frozen backbones on satellite and aerial images",
    repository="torchgeo/torchgeo-bench",
    commit="1b89caba8b9392780cea83b05b689225a820431f",
    path="results/models/<model>.csv, rows with bands rgb and normalization bandspec_zscore (four of them as of 1b5c081bdf2c; convnext_base: docs/_static/_results_snapshots/2026-09-25.json @ 15528744e9f8)",
    licence="MIT",
    citation="torchgeo-bench contributors, https://github.com/torchgeo/torchgeo-bench; Lacoste et al.: GEO-Bench, NeurIPS 2023, arXiv:2306.03831",
    rows_are="probed backbones: one network on one set with one probe",
    notes=(
        "Red, green and blue only, standardised per band, resized to 224 pixels. Runs on all bands, with other normalisations and on segmentation are left out.",
        "13 of the study's timm backbones, of which there are more than forty: chosen for weights that no other study here had measured. For two the study has runs on red, green and blue on three sets only.",
        "linear: logistic regression, its strength chosen on the validation images, then fitted on training and validation images together; n_train counts the training images. knn: five neighbours.",
        "The study names timm's architectures; the weights are timm's defaults for them, checked against 1.0.31 by the size of the features. EfficientNet-B1, whose default changed within timm 1.0, is left out.",
        "BigEarthNet and TreeSatAI have several labels an image: micro mean average precision. GEO-Bench-2's copies of ForestNet and So2Sat hold the same images as GEO-Bench's and are left out. One run each.",
    ),
    built_by="archimeter.data.sources.torchgeo_bench",
)


def rows(raw: Path) -> Iterator[Observation]:  # noqa: ARG001
    """Yield one row per network, probe and set.

    Args:
        raw: not needed; the figures stand in this module.
    """
    for row in parse(FIGURES):
        for name, (dataset, n_train, n_eval, what) in SETS.items():
            if name in row:
                yield Observation(
                    study="torchgeo-bench",
                    dataset=dataset,
                    **identified(row, NAMES),
                    recipe="knn" if row["probe"] == "knn" else "linear-probe",
                    recipe_detail=f"frozen features, RGB, {what}",
                    resolution=224,
                    n_train=n_train,
                    error=from_fraction(row[name]),
                    metric="micro-mean-average-precision" if name in MULTILABEL else "top1",
                    n_eval=None if name in MULTILABEL else n_eval,
                )
