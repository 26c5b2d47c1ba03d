"""Parts add up to the whole, shared modules count once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archimeter
from archimeter.data.errors import InputError
from archimeter.profilers.breakdown import breakdown, own_shares
from archimeter.profilers.static import profile


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.first = nn.Linear(4, 4, bias=False)
        self.again = nn.ModuleList([self.first, nn.ReLU()])
        self.idle = nn.Linear(3, 3)

    def forward(self, x):
        return self.again[1](self.again[0](self.first(x * self.scale)))


def test_a_shared_module_is_one_part_that_ran_twice():
    parts = {part.path: part for part in breakdown(Shared(), inputs=torch.zeros(1, 4))}
    assert list(parts) == ["", "first", "again", "again.1", "idle"]
    whole = parts[""]
    assert (whole.params, whole.macs, whole.parent) == (4 + 16 + 12, 2 * 16, None)
    first = parts["first"]
    assert (first.params, first.macs, first.calls, first.macs_share) == (16, 32, 2, 1.0)
    assert (parts["idle"].params, parts["idle"].macs, parts["idle"].calls) == (12, 0, 0)
    assert parts["again.1"].elementwise_ops == 4
    assert whole.elementwise_ops == 8
    assert whole.output_bytes == 4 * (4 + 4 + 4 + 4)
    assert whole.activations == 8


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224"])
def test_children_and_own_work_add_up_to_the_whole(name):
    row = profile(name)
    parts = archimeter.breakdown(name)
    whole = parts[0]
    assert (whole.params, whole.macs, whole.activations) == (row.params, row.macs, row.activations)
    assert whole.elementwise_ops == row.elementwise_ops
    for part in parts:
        children = [other for other in parts if other.parent == part.path]
        assert sum(child.macs for child in children) <= part.macs
        assert sum(child.params for child in children) <= part.params
    leaves = [part for part in parts if part.type in {"Conv2d", "Linear"}]
    products = row.macs_by_kind.get("product", 0)
    assert sum(leaf.macs for leaf in leaves) == row.macs - products
    attention = [part for part in parts if part.type == "Attention"]
    inside = sum(leaf.macs for leaf in leaves if ".attn." in leaf.path)
    assert sum(part.macs for part in attention) == inside + products


def test_resnet18_by_hand():
    parts = {part.path: part for part in breakdown("resnet18", depth=1)}
    assert parts["conv1"].macs == 112 * 112 * 64 * 3 * 49
    assert parts["layer1"].macs == 4 * 56 * 56 * 64 * 64 * 9
    assert parts["fc"].params == 512 * 1000 + 1000
    assert max(part.depth for part in parts.values()) == 1
    assert [part.path for part in breakdown("resnet18", depth=0)] == [""]


def test_own_shares_add_up_to_the_whole():
    parts = breakdown("vit_tiny_patch16_224")
    shares = own_shares(parts)
    for key in ("params", "macs", "activations"):
        assert sum(share[key] for share in shares) == getattr(parts[0], key)
        assert min(share[key] for share in shares) >= 0


def test_kinds_sum_to_the_whole():
    row = profile("vit_tiny_patch16_224")
    parts = breakdown("vit_tiny_patch16_224", by="kind")
    assert {part.path: part.macs for part in parts if part.macs} == row.macs_by_kind
    assert sum(part.elementwise_ops for part in parts) == row.elementwise_ops
    assert parts[-1].path == "element-wise"


def test_bad_requests():
    with pytest.raises(InputError, match="write 'module' or 'kind'"):
        breakdown("resnet18", by="layer")
    with pytest.raises(InputError, match="depth is -1"):
        breakdown("resnet18", depth=-1)
