"""Attention in every form that torch has: each product counted, fused or not."""

from __future__ import annotations

import torch
from torch import nn

from archimeter.profilers.static import profile


def test_multihead_attention_in_all_its_forms():
    n, d = 10, 8
    products, projections = 2 * n * n * d, 4 * n * d * d
    net = nn.MultiheadAttention(d, 2, batch_first=True)

    class Net(nn.Module):
        def __init__(self, weights):
            super().__init__()
            self.attention = net
            self.weights = weights

        def forward(self, x):
            return self.attention(x, x, x, need_weights=self.weights)[0]

    for weights in (True, False):
        row = profile(Net(weights), inputs=torch.zeros(1, n, d))
        assert row.macs_by_kind == {"linear": projections, "product": products}
        assert row.attention_share == products / (products + projections)
        assert row.depth == 2
    assert torch.backends.mha.get_fastpath_enabled()


def test_transformer_encoder_layer_despite_its_fused_shortcut():
    n, d = 6, 8
    layer = nn.TransformerEncoderLayer(d, 2, dim_feedforward=16, batch_first=True)
    row = profile(nn.TransformerEncoder(layer, 3, enable_nested_tensor=False), inputs=torch.zeros(1, n, d))
    assert row.macs == 3 * (4 * n * d * d + 2 * n * n * d + 2 * n * d * 16)
    assert (row.depth, row.blocks) == (12, 3)


def test_grouped_query_attention():
    class Net(nn.Module):
        def forward(self, q, k):
            return nn.functional.scaled_dot_product_attention(q, k, k, enable_gqa=True)

    row = profile(Net(), inputs=(torch.zeros(1, 8, 5, 4), torch.zeros(1, 2, 7, 4)))
    assert row.macs == 2 * 8 * 5 * 7 * 4
    assert row.attention_fused is True
