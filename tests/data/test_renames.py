"""Names of 2022 and the weights they mean today."""

import csv
from pathlib import Path

import pytest
import timm
from timm.models import _registry

from archimeter.data.renames import today

RAW = Path(__file__).parents[2].parent / "shared" / "data" / "fastai" / "model_names_timm.csv"
WEIGHTS = set(timm.list_pretrained())
ARCHITECTURES = set(timm.list_models())

# What timm's map of deprecated names gets wrong, and the right name.
CORRECTED = {
    "vit_base_patch16_224_sam": "vit_base_patch16_224.sam_in1k",
    "vit_base_patch32_224_sam": "vit_base_patch32_224.sam_in1k",
    "ig_resnext101_32x16d": "resnext101_32x16d.fb_wsl_ig1b_ft_in1k",
    "ig_resnext101_32x32d": "resnext101_32x32d.fb_wsl_ig1b_ft_in1k",
    "mixer_b16_224_in21k": "mixer_b16_224.goog_in21k",
    "mixer_l16_224_in21k": "mixer_l16_224.goog_in21k",
    "resmlp_12_224_dino": "resmlp_12_224.fb_dino",
    "resmlp_24_224_dino": "resmlp_24_224.fb_dino",
}
# No architecture of today's timm has this width.
GONE = {"ig_resnext101_32x48d"}


@pytest.mark.skipif(not RAW.exists(), reason="the raw names of the fast.ai sweep are not here")
def test_all_92_names_of_the_sweep_mean_the_weights_of_2022():
    with RAW.open() as file:
        names = {row["model_name"]: row["pretrained_name_1_0_31"] for row in csv.DictReader(file)}
    assert len(names) == 92
    assert {name: today(name) for name in names} == names
    assert set(names.values()) <= WEIGHTS


def test_every_deprecated_name_of_timm_resolves():
    for old, new in _registry._deprecated_models.items():
        if old in GONE:
            assert today(old) == old
        elif old in CORRECTED:
            assert today(old) == CORRECTED[old]
            assert CORRECTED[old] in WEIGHTS
        elif "." in new:
            assert today(old) == new
        else:
            assert today(old).partition(".")[0] == new


def test_every_current_architecture_stays_itself_and_gets_only_tags_that_exist():
    for name in ARCHITECTURES:
        meant = today(name)
        assert meant == name or (meant in WEIGHTS and meant.startswith(f"{name}."))


def test_a_tagged_or_unknown_name_comes_back_as_it_is():
    assert today("resnet50.tv_in1k") == "resnet50.tv_in1k"
    assert today("my_net") == "my_net"
