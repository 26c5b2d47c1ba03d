"""Families and kinds of every architecture, against the sweep's labels and what the networks do."""

import csv
import math
from collections import defaultdict
from pathlib import Path

import pytest
import timm
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from archimeter.data.families import KINDS, OTHER_KINDS, family, kind
from archimeter.data.renames import today

RAW = Path(__file__).parents[2].parent / "shared" / "data" / "fastai" / "v1_runs.csv"
ARCHITECTURES = timm.list_models()


def test_every_architecture_has_a_family():
    assert [name for name in ARCHITECTURES if family(name) == "other"] == []


def test_the_kind_other_is_a_written_list_with_reasons():
    other = {family(name) for name in ARCHITECTURES if kind(name) == "other"}
    assert other == set(OTHER_KINDS)


def test_an_unknown_name_is_other():
    assert (family("nobody_knows_it"), kind("nobody_knows_it")) == ("other", "other")


@pytest.mark.skipif(not RAW.exists(), reason="the raw files of the fast.ai sweep are not here")
def test_the_families_of_the_sweep_are_as_published():
    with RAW.open() as file:
        published = {row["model_name"]: row["family"] for row in csv.DictReader(file)}
    assert len(published) == 92
    for name, label in published.items():
        assert family(name) == label
        assert family(today(name).partition(".")[0]) == label
    with RAW.open() as file:
        results = {family(row["model_name"]) for row in csv.DictReader(file) if row["status"] == "ok"}
    assert len(results) == 14


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("swinv2_base_window8_256", "swin"),
        ("convnextv2_tiny", "convnextv2"),
        ("tf_efficientnetv2_s", "efficientnetv2"),
        ("tf_efficientnet_b0", "efficientnet"),
        ("seresnextaa101d_32x8d", "seresnext"),
        ("resnext50_32x4d", "resnext"),
        ("wide_resnet50_2", "wide_resnet"),
        ("efficientvit_b1", "efficientvit_mit"),
        ("efficientvit_m1", "efficientvit_msra"),
        ("eca_botnext26ts_256", "botnet"),
        ("haloregnetz_b", "halonet"),
        ("dm_nfnet_f0", "nfnet"),
        ("deit3_base_patch16_224", "deit"),
        ("naflexvit_base_patch16_gap", "vit"),
        ("levit_conv_128", "levit"),
        ("inception_next_tiny", "inception_next"),
        ("inception_resnet_v2", "inception"),
        ("test_vit", "test"),
    ],
)
def test_doubtful_names(name, expected):
    assert family(name) == expected


# Attention networks with overlapping convolutions, and what these do instead of mixing positions in a block.
CONVOLUTION_BESIDE = {
    "crossvit": "embed the patches",
    "gcvit": "merge patches and make the global queries",
    "hiera": "embed the patches",
    "samvit": "the neck",
    "mvitv2": "pool queries, keys and values",
    "nest": "merge patches",
    "pit": "merge patches",
    "davit": "code the position and merge patches",
    "twins": "code the position",
    "tnt": "embed the pixels",
}
# Additive attention: element-wise products only.
NO_MATRIX_PRODUCT = {"mobilevitv2", "swiftformer"}
SMALL = (
    "zepto",
    "atto",
    "femto",
    "pico",
    "nano",
    "xxtiny",
    "xxs",
    "tiny",
    "xs",
    "mini",
    "small",
    "_s0",
    "_s",
)


class Work(TorchDispatchMode):
    """Counts multiply-accumulates by what they do: products of activations, overlapping convolutions, all."""

    def __init__(self):
        super().__init__()
        self.products = self.overlapping = self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in {"bmm", "baddbmm"}:
            work = math.prod(args[-2].shape) * args[-1].shape[2]
            self.products += work
        elif "scaled_dot_product" in name:
            work = 2 * math.prod(args[0].shape) * args[1].shape[2]
            self.products += work
        elif name == "convolution":
            weight, stride = args[1], args[3]
            work = out.numel() * weight[0].numel()
            if any(k > s and k > 1 for k, s in zip(weight.shape[2:], stride, strict=False)):
                self.overlapping += work
        elif name in {"mm", "addmm"}:
            work = math.prod(args[-2].shape) * args[-1].shape[1]
        else:
            work = 0
        self.total += work
        return out


def work_of(name):
    with torch.device("meta"):
        model = timm.create_model(name).eval()
        image = torch.empty(1, *model.pretrained_cfg["input_size"])
    with torch.no_grad(), Work() as work:
        model(image)
    return work


def representatives():
    """One small architecture for each family and kind; what is `other` is neither."""
    groups = defaultdict(list)
    for name in ARCHITECTURES:
        if kind(name) != "other":
            groups[family(name), kind(name)].append(name)
    for members in groups.values():
        yield min(members, key=lambda n: (next((i for i, s in enumerate(SMALL) if s in n), 99), len(n), n))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*representatives(), "mobilevitv2_050", "coatnext_nano_rw_224"])
def test_the_kind_is_what_the_network_does(name):
    work = work_of(name)
    attends, convolves = work.products / work.total, work.overlapping / work.total
    additive = name.startswith(tuple(NO_MATRIX_PRODUCT))
    match kind(name):
        case "convolutional":
            assert attends < 0.01
            assert convolves > 0 or family(name) == "poolformer"
        case "attention":
            assert attends > 0.005
            assert convolves == 0 or family(name) in CONVOLUTION_BESIDE
        case "hybrid":
            assert attends > 0 or additive
            assert convolves > 0.002
        case "mlp":
            assert attends == 0
            assert convolves == 0
        case unexpected:
            pytest.fail(f"{unexpected} is not one of {KINDS[:-1]}")
