"""Depth, width, blocks, stages: names that state their depth, and toy nets whose paths can be drawn."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from archimeter.data.tables import load_profiles
from archimeter.profilers.static import profile
from archimeter.profilers.topology import block_paths

CANONICAL = re.compile(
    r"vgg(\d+)(?:_bn)?|resnet(18|26|34|50|101|152|200)|resnext(\d+)_\d+x\d+d|wide_resnet(\d+)_2|seresnet(\d+)|"
    r"seresnext(\d+)_\d+x\d+d|densenet(\d+)|dpn(\d+)b?|legacy_seresnet(\d+)|legacy_seresnext(\d+)_\d+x\d+d|"
    r"resnetv2_(\d+)(?:x\d+_bit)?"
)


def test_depth_is_the_number_in_the_name_of_plain_networks():
    depths = load_profiles().set_index("backbone").depth
    named = {name: CANONICAL.fullmatch(name) for name in depths.index}
    stated = {name: int(next(filter(None, m.groups()))) for name, m in named.items() if m}
    wrong = {name: depths[name] for name, depth in stated.items() if depths[name] != depth}
    assert len(stated) >= 47
    assert wrong == {"dpn48b": 50}  # its published description has 50 layers on the path as well


@pytest.mark.parametrize(
    ("name", "depth", "blocks"),
    [
        ("resnet18", 18, 8),
        ("resnet152", 152, 50),
        ("vgg19", 19, 0),
        ("densenet121", 121, 58),
        ("densenet201", 201, 98),
        ("seresnet50", 50, 16),
        ("resnetblur50", 50, 16),  # its blur kernels are buffers
        ("inception_v3", 48, 9),
        ("dla34", 34, 12),
        ("dpn92", 92, 30),
        ("mobilenetv2_100", 53, 17),
        ("vit_base_patch16_224", 1 + 12 * 4 + 1, 12),
        ("swin_tiny_patch4_window7_224", 53, 12),
        ("convnext_tiny", 59, 18),
        ("efficientnet_b0", 50, 16),
        ("regnetx_002", 3 * 13 + 2, 13),
        ("regnety_040", 3 * 22 + 2, 22),
    ],
)
def test_depth_and_blocks_of_known_networks(name, depth, blocks):
    row = profile(name)
    assert (row.depth, row.blocks) == (depth, blocks)


class Gated(nn.Module):
    """A convolution whose output two more layers only scale or shift."""

    def __init__(self, how: str):
        super().__init__()
        self.body = nn.Conv2d(4, 4, 3, padding=1)
        self.squeeze = nn.Conv2d(4, 2, 1)
        self.excite = nn.Conv2d(2, 4, 1)
        self.how = how

    def forward(self, x):
        x = self.body(x)
        gate = self.excite(self.squeeze(x.mean((2, 3), keepdim=True)))
        if self.how == "expand":
            return x * gate.expand_as(x)
        if self.how == "in place":
            return x.mul_(gate)
        return x + gate if self.how == "add" else x * gate


@pytest.mark.parametrize("how", ["multiply", "add", "expand", "in place"])
def test_a_gate_does_not_lengthen_the_path(how):
    assert profile(Gated(how), input_size=(4, 8, 8)).depth == 1


def test_a_kernel_mixed_for_each_image_lies_beside_the_path():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.experts = nn.Parameter(torch.zeros(3, 5 * 4 * 3 * 3))
            self.route = nn.Linear(4, 3)

        def forward(self, x):
            weight = (self.route(x.mean((2, 3))) @ self.experts).view(5, 4, 3, 3)
            return nn.functional.conv2d(x, weight, padding=1)

    row = profile(Mixed(), input_size=(4, 6, 6))
    assert row.macs == 4 * 3 + 3 * 180 + 36 * 180
    assert (row.depth, row.width_max) == (1, 5)


def test_fixed_kernels_are_no_layers():
    class Blurred(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("kernel", torch.ones(4, 1, 3, 3))
            self.body = nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return self.body(nn.functional.conv2d(x, self.kernel, groups=4))

    row = profile(Blurred(), input_size=(4, 8, 8))
    assert row.macs_by_kind == {"depthwise": 36 * 4 * 9, "convolution": 36 * 16}
    assert row.depth == 1


def test_residual_sums_and_the_longest_of_two_branches():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3, padding=1)
            self.long = nn.Sequential(nn.Conv2d(8, 16, 1), nn.ReLU(), nn.Conv2d(16, 8, 1))
            self.short = nn.Conv2d(8, 8, 1)

        def forward(self, x):
            x = self.stem(x)
            return x + self.long(x) + self.short(x)

    row = profile(Branches(), input_size=(3, 8, 8))
    assert (row.depth, row.width_residual, row.width_max) == (3, 8, 16)
    assert row.width_mean == (8 + 16 + 8 + 8) / 4
    macs = [3 * 8 * 9, 8 * 16, 16 * 8, 8 * 8]
    assert row.width_macs == pytest.approx(
        sum(w * m for w, m in zip([8, 16, 8, 8], macs, strict=True)) / sum(macs)
    )


def test_work_on_weights_alone_is_on_no_path():
    class Factored(nn.Module):
        def __init__(self):
            super().__init__()
            self.left = nn.Parameter(torch.zeros(6, 2))
            self.right = nn.Parameter(torch.zeros(2, 5))

        def forward(self, x):
            return x @ (self.left @ self.right)

    row = profile(Factored(), inputs=torch.zeros(1, 6))
    assert (row.macs, row.depth) == (6 * 2 * 5 + 6 * 5, 1)


def test_writing_into_a_slice_carries_the_path_on():
    class Sliced(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Linear(4, 4)
            self.two = nn.Linear(8, 2)

        def forward(self, x):
            canvas = torch.zeros(1, 8)
            canvas[:, 2:6] = self.one(x)
            return self.two(canvas)

    assert profile(Sliced(), inputs=torch.zeros(1, 4)).depth == 2


@pytest.mark.parametrize(
    ("name", "reduction", "stages"),
    [
        ("resnet50", 32, 4),
        ("vgg16", 32, 5),
        ("vit_base_patch16_224", 16, 1),
        ("deit_tiny_distilled_patch16_224", 16, 1),
        ("vit_small_patch14_reg4_dinov2", 14, 1),
        ("swin_tiny_patch4_window7_224", 32, 4),
        ("efficientnet_b0", 32, 5),
        ("mixer_b16_224", 16, 1),
    ],
)
def test_reduction_and_stages(name, reduction, stages):
    row = profile(name)
    assert (row.reduction, row.stages) == (reduction, stages)


def test_blocks_are_the_innermost_repeated_units():
    def block() -> nn.Module:
        return nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))

    class Unit(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(2, 2), nn.Linear(2, 2)

    staged = nn.Sequential(nn.Sequential(Unit(), Unit()), nn.Sequential(Unit()))
    assert block_paths(staged) == ["0.0", "0.1", "1.0"]
    named = nn.Module()
    named.a, named.b, named.c = Unit(), Unit(), nn.Linear(2, 2)
    assert block_paths(named) == ["a", "b"]
    assert block_paths(block()) == []
