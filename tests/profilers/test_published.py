"""fvcore-compatible MACs and activations against every value that timm has published.

Published by timm are MACs by fvcore's convention, rounded to 0.01 G and 0.01 M. A row is one architecture at
one size; several runs published it, and the nearest is compared: some were re-parameterised, and the pt210
files are left out because they do not count fused attention.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from archimeter.data.tables import load_profiles
from archimeter.profilers.static import profile
from archimeter.profilers.targets import Target, known_backbones

RAW = Path(__file__).parents[2].parent / "shared" / "data" / "timm"
SKIPS_SAME = "fvcore skips convolutions with padding='same': all but the stem go uncounted"
SKIPS_LSTM = "fvcore skips LSTM layers"
TWICE = "differential attention: timm's fused path forms the product with V twice, the published run once"
MERGED = "published re-parameterised only (its parameters are fewer, too)"
OTHER_CODE = "published from another definition: its parameters differ"
OTHER_ROPE = "published from other code: fvcore today gives our activations"

KNOWN = {
    "convmixer_1024_20_ks9_p14": SKIPS_SAME,
    "convmixer_1536_20": SKIPS_SAME,
    "convmixer_768_32": SKIPS_SAME,
    "sequencer2d_l": SKIPS_LSTM,
    "sequencer2d_m": SKIPS_LSTM,
    "sequencer2d_s": SKIPS_LSTM,
    "vit_dlittle_patch16_reg1_gap_256": TWICE,
    "vit_dpwee_patch16_reg1_gap_256": TWICE,
    "vit_dwee_patch16_reg1_gap_256": TWICE,
    "ghostnetv3_050": MERGED,
    "ghostnetv3_100": MERGED,
    "ghostnetv3_130": MERGED,
    "ghostnetv3_160": MERGED,
    "ecaresnext50t_32x4d": OTHER_CODE,
}
KNOWN_ACTIVATIONS = KNOWN | {
    "fastvit_mci3": MERGED,
    "fastvit_mci4": MERGED,
    "regnety_2560": OTHER_CODE,
    "vit_base_patch16_rope_mixed_224": OTHER_ROPE,
    "vit_base_patch16_rope_mixed_ape_224": OTHER_ROPE,
    "vit_large_patch16_rope_mixed_224": OTHER_ROPE,
    "vit_large_patch16_rope_mixed_ape_224": OTHER_ROPE,
    "vit_small_patch16_rope_mixed_224": OTHER_ROPE,
    "vit_small_patch16_rope_mixed_ape_224": OTHER_ROPE,
}

needs_raw = pytest.mark.skipif(
    not RAW.is_dir(), reason="timm's raw benchmark files are not beside this checkout"
)


def published() -> dict[tuple[str, int], list[tuple[float, float]]]:
    """(architecture, size) → (MACs in G, activations in M) of each run that states them."""
    found = defaultdict(list)
    known = set(known_backbones())
    for file in sorted(RAW.glob("benchmark-infer-*.csv")):
        if "pt210" in file.name:
            continue
        for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
            name = row["model"].partition(".")[0]
            if name in known and row.get("infer_gmacs"):
                size = int(row["infer_img_size"])
                found[name, size].append((float(row["infer_gmacs"]), float(row["infer_macts"])))
    return dict(found)


def error(ours: float, theirs: float) -> float:
    """Relative distance beyond what rounding to two decimals explains."""
    return max(0.0, abs(ours - theirs) - 0.005) / theirs if theirs else 0.0


def counts(rows: dict[tuple[str, int], list]) -> dict[tuple[str, int], tuple[float, float]]:
    """Our (fvcore-compatible MACs in G, activations in M): from the shipped table at the default size."""
    table = load_profiles().set_index("backbone")
    ours = {}
    for name, size in rows:
        shipped = table.loc[name]
        if shipped.input_shapes in (f"[[3, {size}, {size}]]", f"[[3,{size},{size}]]"):
            ours[name, size] = shipped.macs_fvcore / 1e9, shipped.activations / 1e6
        else:
            row = profile(Target(form="timm", ref=name), input_size=size)
            ours[name, size] = row.macs_fvcore / 1e9, row.activations / 1e6
    return ours


@needs_raw
@pytest.mark.slow
def test_every_published_row():
    rows = published()
    ours = counts(rows)
    macs, activations = (
        {key: min(error(ours[key][which], run[which]) for run in runs) for key, runs in rows.items()}
        for which in (0, 1)
    )
    assert len(rows) > 1600
    for errors, known, share in [(macs, KNOWN, 0.01), (activations, KNOWN_ACTIVATIONS, 0.015)]:
        ordered = sorted(errors.values())
        far = {name for (name, _), value in errors.items() if value > 0.01}
        assert ordered[int(0.95 * len(ordered))] <= 0.001
        assert sum(value > 0.01 for value in ordered) < share * len(ordered)
        assert far - set(known) == set()
        assert set(known) - far == set(), "explained although it agrees"


@pytest.mark.parametrize(("name", "params", "gmacs", "mactivations"), [("ghostnetv3_100", 6.15, 0.17, 4.55)])
def test_re_parameterised_it_is_what_was_published(name, params, gmacs, mactivations):
    import timm
    from timm.utils.model import reparameterize_model

    row = profile(reparameterize_model(timm.create_model(name)), input_size=224)
    assert round(row.params / 1e6, 2) == params
    assert round(row.macs_fvcore / 1e9, 2) == gmacs
    assert round(row.activations / 1e6, 2) == mactivations
