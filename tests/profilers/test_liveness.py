import pytest
import torch
from torch import nn

from archimeter.profilers.liveness import Liveness, fused_attention

MIB = 1 << 20


def empty(*shape, **kwargs):
    return torch.empty(*shape, device="meta", **kwargs)


def test_a_chain_holds_two_tensors_at_a_time():
    x = empty(MIB // 4)  # 1 MiB
    with Liveness([x]) as live:
        y = x + 1  # 1 alive
        y = y * 2  # 2 alive while it is made, then 1
        y = y * 3
    assert live.peak_bytes == 2 * MIB
    assert live.bytes == MIB
    assert y.shape == x.shape


def test_views_and_in_place_operators_cost_nothing():
    x = empty(MIB // 4)
    with Liveness([x]) as live:
        x.view(1024, -1).t().add_(1)
    assert live.peak_bytes == 0


def test_an_allocators_granularity_rounds_up():
    with Liveness(granularity=512) as live:
        kept = [empty(1), empty(129)]  # 4 and 516 bytes
    assert live.bytes == 512 + 1024
    assert len(kept) == 2


def test_a_storage_freed_and_made_again_is_counted_each_time():
    with Liveness() as live:
        for _ in range(50):
            empty(256)
    assert live.bytes == 0
    assert live.peak_bytes <= 2 * 1024


def test_restart_keeps_what_is_alive():
    with Liveness() as live:
        kept = empty(256)
        empty(4096)
        live.restart_peak()
    assert live.peak_bytes == kept.nbytes == 1024


def test_what_is_saved_for_backward_stays_alive():
    weight = empty(64, 64, requires_grad=True)
    x = empty(64, 64)
    with Liveness([weight, x]) as live:
        y = (x @ weight).relu().sum()  # relu's output is kept for its backward; the product is not
    alive = 64 * 64 * 4 + 4
    assert live.bytes == alive
    del y
    assert live.bytes == 0


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_fused_attention_never_holds_the_attention_matrix(device):
    tokens, width = 512, 32
    query = empty(1, 1, tokens, width)
    with torch.no_grad(), Liveness([query]) as apart:
        nn.functional.scaled_dot_product_attention(query, query, query)
    with torch.no_grad(), fused_attention(device), Liveness([query]) as fused:
        nn.functional.scaled_dot_product_attention(query, query, query)
    assert apart.peak_bytes > tokens * tokens * 4
    output = tokens * width * 4
    assert (
        output <= fused.peak_bytes <= output + 2 * tokens * 4 + 1024
    )  # the output and a number or two a row


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("mask", [None, "bool", "float", "learned"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_attention_keeps_its_shape_and_its_gradient_with_every_mask(device, mask, dtype):
    query = empty(2, 3, 16, 8, dtype=dtype, requires_grad=True)
    bias = {
        None: None,
        "bool": empty(16, 16, dtype=torch.bool),
        "float": empty(1, 3, 16, 16, dtype=dtype),
        "learned": empty(1, 3, 16, 16, dtype=dtype, requires_grad=True),
    }[mask]
    with fused_attention(device):
        out = nn.functional.scaled_dot_product_attention(query, query, query, attn_mask=bias)
        out.sum().backward()
    assert out.shape == query.shape == query.grad.shape
    if mask == "learned":
        assert bias.grad.shape == bias.shape


def test_fused_attention_ends_with_its_context():
    query = empty(1, 1, 64, 8)
    with fused_attention("cpu"):
        pass
    with Liveness([query]) as live:
        nn.functional.scaled_dot_product_attention(query, query, query)
    assert live.peak_bytes >= 64 * 64 * 4


def test_multihead_attention_is_reached_as_well():
    layer = nn.MultiheadAttention(32, 1, batch_first=True, device="meta").eval()
    x = empty(1, 512, 32)
    with torch.no_grad(), fused_attention("cpu"), Liveness([x, *layer.parameters()]) as live:
        layer(x, x, x, need_weights=False)
    assert live.peak_bytes < 512 * 512 * 4


def test_a_move_from_the_host_is_a_copy_only_where_memories_differ():
    def move():
        return torch.zeros(1024).to("meta")

    with Liveness(host_is_device=True) as same:
        one = move()
    with Liveness(host_is_device=False) as apart:
        other = move()
    assert same.bytes == same.peak_bytes == 4096  # one tensor, never two
    assert apart.bytes == apart.peak_bytes == 4096
    del one, other
    assert same.bytes == apart.bytes == 0
