"""fvcore's counts beside hand arithmetic, and the reason of every difference."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from archimeter.data.errors import TargetError
from archimeter.data.records import Profile
from archimeter.profilers.second_opinion import _attention, ask_fvcore, compare_with_fvcore, count_with_fvcore
from archimeter.profilers.static import profile
from archimeter.profilers.targets import resolve_targets

IMAGE = (torch.randn(1, 3, 16, 16),)
CONV = 3 * 8 * 9 * 16 * 16


def _profile(activations=None, **macs):
    return Profile(backbone="net", macs=sum(macs.values()), macs_by_kind=macs, activations=activations)


def test_convolution_agrees_with_hand_arithmetic_and_nothing_differs():
    opinion = count_with_fvcore(nn.Conv2d(3, 8, 3, padding=1), IMAGE)
    assert opinion.macs == CONV
    assert compare_with_fvcore(_profile(convolution=CONV, activations=8 * 256), opinion) == []


def test_norms_are_a_difference_of_definition():
    opinion = count_with_fvcore(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)), IMAGE)
    [norms] = compare_with_fvcore(_profile(convolution=CONV, activations=8 * 256), opinion)
    assert (norms.what, norms.ours, norms.known) == ("norms and pooling", 0, True)
    assert norms.theirs == opinion.macs - CONV
    assert "batch_norm" in norms.reason


def test_padding_same_is_named():
    opinion = count_with_fvcore(nn.Conv2d(3, 8, 3, padding="same"), IMAGE)
    first, second = compare_with_fvcore(_profile(convolution=CONV, activations=8 * 256), opinion)
    assert (first.what, first.ours, first.theirs) == ("convolutions", CONV, 0)
    assert first.reason == second.reason == "fvcore does not see convolutions with padding='same' (1 calls)"
    assert second.what == "activations"


def test_recurrent_layers_are_named():
    opinion = count_with_fvcore(nn.LSTM(4, 5, batch_first=True), (torch.randn(1, 7, 4),))
    [lstm] = compare_with_fvcore(_profile(recurrent=7 * 4 * 5 * (4 + 5)), opinion)
    assert (lstm.what, lstm.ours, lstm.theirs) == ("recurrent layers", 1260, 0)
    assert lstm.reason == "fvcore has no rule for LSTM layers (1)"


class _Attention(nn.Module):
    def forward(self, x):
        return functional.scaled_dot_product_attention(x, x, x)


def test_fused_attention_is_taken_apart_and_counted():
    opinion = count_with_fvcore(_Attention(), (torch.randn(1, 2, 10, 4),))
    assert opinion.macs == 2 * 2 * 10 * 10 * 4
    assert opinion.activations == 2 * 10 * (10 + 4)


def test_multihead_attention_is_counted_although_torch_has_a_fast_path():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    opinion = count_with_fvcore(layer, (torch.randn(1, 10, 8),))
    linear = 10 * (8 * 24 + 8 * 8 + 8 * 16 + 16 * 8)
    differences = compare_with_fvcore(_profile(linear=linear, product=2 * 10 * 10 * 8), opinion)
    assert [difference.what for difference in differences] == ["norms and pooling"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"is_causal": True},
        {"scale": 0.3},
        {"attn_mask": torch.ones(6, 6).tril().bool()},
        {"attn_mask": torch.randn(6, 6)},
    ],
)
def test_attention_taken_apart_computes_the_same(options):
    q, k, v = torch.randn(3, 2, 3, 6, 4)
    expected = functional.scaled_dot_product_attention(q, k, v, **options)
    torch.testing.assert_close(_attention(q, k, v, **options), expected)


def test_grouped_queries_compute_the_same():
    q, k, v = torch.randn(1, 4, 6, 8), torch.randn(1, 2, 6, 8), torch.randn(1, 2, 6, 8)
    expected = functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    torch.testing.assert_close(_attention(q, k, v, enable_gqa=True), expected)


def test_wrong_count_is_not_explained_away():
    opinion = count_with_fvcore(nn.Conv2d(3, 8, 3, padding=1), IMAGE)
    [difference] = compare_with_fvcore(_profile(convolution=CONV + 1, activations=8 * 256), opinion)
    assert not difference.known
    assert "please report" in difference.reason


def test_what_cannot_be_traced_is_said():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("no head")

    with pytest.raises(TargetError, match=r"fvcore cannot trace it \(KeyError: 'no head'\)"):
        count_with_fvcore(Broken(), IMAGE)


@pytest.mark.parametrize(
    ("name", "what", "reason"),
    [
        ("test_vit", ["norms and pooling"], "layer_norm"),
        ("test_resnet", ["norms and pooling"], "batch_norm"),
        ("convmixer_768_32", ["convolutions", "norms and pooling", "activations"], "padding='same'"),
    ],
)
def test_every_difference_of_a_timm_backbone_is_known(name, what, reason):
    ours = profile(name, input_size=64)
    counts, differences = ask_fvcore(*resolve_targets(name), ours, 64)
    assert [difference.what for difference in differences] == what
    assert all(difference.known for difference in differences)
    assert any(reason in difference.reason for difference in differences)
    assert sum(d.ours - d.theirs for d in differences if d.what != "activations") == ours.macs - counts.macs


def test_named_inputs_are_given_by_name(tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.a, self.b = torch.nn.Linear(4, 5), torch.nn.Linear(6, 7)\n"
        "    def forward(self, *, x, y):\n"
        "        return self.a(x), self.b(y)\n"
        "def build():\n"
        "    return Net(), {'y': torch.zeros(1, 6), 'x': torch.zeros(1, 4)}\n"
    )
    [target] = resolve_targets(f"{tmp_path / 'net.py'}:build")
    counts, differences = ask_fvcore(target, profile(target))
    assert counts.macs == 4 * 5 + 6 * 7
    assert differences == ()


def test_attention_is_fused_again_afterwards():
    fused = functional.scaled_dot_product_attention
    count_with_fvcore(_Attention(), (torch.randn(1, 2, 10, 4),))
    assert functional.scaled_dot_product_attention is fused
