"""timm's published speeds on two GPUs and two CPUs, as profiles of source `published`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..names import family, kind, split
from ..records import Profile
from ..renames import today
from ..tables import TableEntry
from .rawfile import number, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["CHANGED", "ENTRY", "REPARAMETERISED", "rows"]

FILE = re.compile(
    r"benchmark-(?P<mode>infer|train)-(?P<dtype>amp|fp32)-(?P<format>nchw|nhwc)-pt(?P<torch>\d+)-"
    r"(?P<device>.+?)(?P<compiled>-dynamo)?"
)
MODES = {"infer": "inference", "train": "training"}
DTYPES = {"amp": "amp-float16", "fp32": "float32"}
FORMATS = {"nchw": "contiguous", "nhwc": "channels_last"}
TORCHES = {
    "112": "1.12", "113": "1.13", "210": "2.1.0", "221": "2.2.1", "240": "2.4.0", "291": "2.9.1",
}  # fmt: skip
DEVICES = {
    "3090": "NVIDIA GeForce RTX 3090",
    "4090": "NVIDIA GeForce RTX 4090",
    "i9_10940x": "Intel Core i9-10940X",
    "i7_12700h": "Intel Core i7-12700H",
}
REPARAMETERISED = re.compile(
    r"(efficientvit_m\d|fastvit_|ghostnetv3_|levit_|mobileone_|nextvit_|repghostnet_|repvgg_|repvit_|shvit_|tiny_vit_).*"
)
"""Backbones whose branches timm can merge for inference; the 2.9.1 files measured them merged."""

CHANGED = {
    "convnext_nano_ols": 15.65,
    "ecaresnext50t_32x4d": 25.05,
    "hieradet_small": 34.73,
    "maxvit_xlarge_tf_224": 506.99,
    "regnety_2560": 1282.6,
    "tnt_b_patch16_224": 65.43,
    "tnt_s_patch16_224": 23.77,
    "vit_base_patch16_224_miil": 94.4,
    "vit_base_r50_s16_224": 97.89,
    "vit_huge_patch14_224": 630.76,
    "vit_large_patch32_224": 305.51,
    "vit_medium_patch16_reg4_gap_256": 38.88,
    "vitamin_small_224": 22.17,
}
"""Backbones that timm redefined since some file was made → today's parameters, in millions."""
TOLERANCE_M = 0.0051  # the files print hundredths of a million
COARSE = 0.005  # relative rounding of a printed throughput from which the step time says it better

ENTRY = TableEntry(
    table="benchmarks",
    record="Profile",
    title="timm inference and training speeds",
    repository="huggingface/pytorch-image-models",
    commit="aa4b5850c154",
    path="results/benchmark-*.csv",
    licence="Apache-2.0",
    citation="Ross Wightman: PyTorch Image Models, 2019, doi:10.5281/zenodo.4414861",
    rows_are="speed measurements: one published model name at one image size in one file (device, precision, memory format, torch version)",
    notes=(
        "Devices, precision, memory format, torch version and compilation are read from the file's name. Batch sizes differ from row to row: compare throughput, not step time.",
        "latencies_s holds one value, the published mean step of the whole batch. Where the printed throughput is rounded by more than 0.5 % it is replaced by batch ÷ step time; every other row's two figures agree within 3.2 %.",
        "macs_fvcore, activations and params are as published, to hundredths of G and M: fvcore's convention with norm layers, so not `macs`.",
        "The two torch 2.1.0 files do not count fused attention (their MACs are up to 37 % low), so their MACs and activations are left out.",
        "In the two torch 2.9.1 files, backbones with mergeable branches (RepVGG, MobileOne, FastViT, RepViT, GhostNetV3, LeViT …) were measured re-parameterised; those rows say so, and their counts are of the merged form.",
        "Names of 2022 stand under today's backbone; several weights names of one backbone give it several rows in a file. Rows measured before timm redefined a backbone say so.",
        "Two rows without a measurement are kept as failed.",
    ),
    built_by="archimeter.data.sources.timm_benchmarks",
)


def rows(raw: Path) -> Iterator[Profile]:
    """Yield every published row, file by file in alphabetical order.

    Args:
        raw: folder of raw files that holds `timm/benchmark-*.csv`.

    Raises:
        FileNotFoundError: if there is no such file.
        KeyError: for a file whose name speaks of an unknown device or version.
    """
    paths = sorted((raw / "timm").glob("benchmark-*.csv"))
    if not paths:
        raise FileNotFoundError(2, "no benchmark files", str(raw / "timm" / "benchmark-*.csv"))
    for path in paths:
        condition = _condition(path.stem)
        for row in read_rows(path):
            plain = {key.removeprefix("infer_").removeprefix("train_"): value for key, value in row.items()}
            yield _profile(plain, condition, path.name)


def _condition(stem: str) -> dict[str, Any]:
    found = FILE.fullmatch(stem)
    if not found:
        raise KeyError(f"{stem} does not say precision, format, version and device")
    device = next(name for key, name in DEVICES.items() if found["device"].endswith(key))
    torch = TORCHES[found["torch"]]
    return {
        "mode": MODES[found["mode"]],
        "dtype": DTYPES[found["dtype"]],
        "memory_format": FORMATS[found["format"]],
        "torch_version": torch,
        "device": device,
        "compiled": found["compiled"] is not None,
        # torch 1 has no fused attention; the missing MACs of 2.1.0 show that it was on; later files do not say
        "attention_fused": False if torch.startswith("1.") else True if torch == "2.1.0" else None,
    }


def _profile(row: Mapping[str, str], condition: Mapping[str, Any], file: str) -> Profile:
    backbone, _ = split(today(row["model"]))
    size = int(row["img_size"])
    counted = condition["torch_version"] != "2.1.0"
    return Profile(
        backbone=backbone,
        family=family(backbone),
        kind=kind(backbone),
        source="published",
        source_ref=f"{file}:{row['model']}",
        input_shapes=((3, size, size),),
        params=_scaled(row["param_count"], 1e6),
        macs_fvcore=_scaled(row.get("gmacs"), 1e9) if counted else None,
        activations=_scaled(row.get("macts"), 1e6) if counted else None,
        reason=_remark(backbone, row, condition),
        **condition,
        **_measurement(row),
    )


def _scaled(text: str | None, unit: float) -> int | None:
    value = number(text)
    return None if value is None else round(value * unit)


def _measurement(row: Mapping[str, str]) -> dict[str, Any]:
    batch, step_ms, throughput = (number(row[key]) for key in ("batch_size", "step_time", "samples_per_sec"))
    if batch is None or step_ms is None or throughput is None:
        return {"status": "failed"}
    if 0.005 / throughput > COARSE:
        throughput = batch / (step_ms / 1e3)
    return {"batch_size": round(batch), "latencies_s": (round(step_ms / 1e3, 9),), "throughput": throughput}


def _remark(backbone: str, row: Mapping[str, str], condition: Mapping[str, Any]) -> str | None:
    remarks = []
    if not row["step_time"]:
        remarks.append("published without a measurement")
    if condition["torch_version"] == "2.1.0":
        remarks.append("MACs and activations left out: fused attention was not counted")
    if condition["torch_version"] == "2.9.1" and REPARAMETERISED.fullmatch(backbone):
        remarks.append("re-parameterised: speed and counts are of the merged form")
    elif abs(CHANGED.get(backbone, float(row["param_count"])) - float(row["param_count"])) > TOLERANCE_M:
        remarks.append(f"timm redefined this backbone since: {CHANGED[backbone]:g} M parameters today")
    return "; ".join(remarks) or None
