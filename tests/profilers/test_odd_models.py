"""Twenty-odd models that break counters: each counted by hand beside its layers, or clearly refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archimeter.data.errors import TargetError
from archimeter.profilers.static import profile


def test_convolutions_of_one_two_and_three_dimensions():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Conv1d(2, 4, 3, padding=1)  # on 10 positions
            self.three = nn.Conv3d(1, 2, (1, 2, 3))  # on 4x5x6 -> 4x4x4

        def forward(self, line, volume):
            return self.one(line).sum() + self.three(volume).sum()

    row = profile(Net(), inputs=(torch.zeros(1, 2, 10), torch.zeros(1, 1, 4, 5, 6)))
    assert row.macs == 10 * 4 * 2 * 3 + 4 * 4 * 4 * 2 * 1 * 2 * 3
    assert row.activations == 4 * 10 + 2 * 4 * 4 * 4
    assert row.input_shapes == ((2, 10), (1, 4, 5, 6))
    assert row.params == (4 * 2 * 3 + 4) + (2 * 6 + 2)


def test_grouped_depthwise_and_transposed_convolutions_are_kinds_of_their_own():
    net = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding="same", bias=False),  # 8x8
        nn.Conv2d(8, 8, 3, padding=1, groups=2, bias=False),
        nn.Conv2d(8, 16, 3, padding=1, groups=8, bias=False),
        nn.ConvTranspose2d(16, 2, 2, stride=2, bias=False),  # every input position meets every weight
    )
    row = profile(net, input_size=(4, 8, 8))
    assert row.macs_by_kind == {
        "convolution": 64 * 4 * 8 * 9,
        "grouped": 64 * 8 * 4 * 9,
        "depthwise": 64 * 16 * 1 * 9,
        "transposed": 64 * 16 * 2 * 4,
    }
    assert row.activations == 64 * (8 + 8 + 16) + 256 * 2
    assert (row.depth, row.width_max) == (4, 16)


def test_nested_inputs_and_outputs():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.image = nn.Linear(6, 5)
            self.text = nn.Embedding(10, 4)
            self.join = nn.Linear(9, 3)

        def forward(self, batch, *, scale):
            text = self.text(batch["tokens"]).mean(1)
            joined = self.join(torch.cat([self.image(batch["views"][0]), text], -1))
            return {"logits": joined * scale, "parts": [text, (joined,)]}

    inputs = {
        "batch": {"views": [torch.zeros(1, 6)], "tokens": torch.zeros(1, 7, dtype=torch.int64)},
        "scale": 2.0,
    }
    row = profile(Net(), inputs=inputs)
    assert row.macs == 6 * 5 + 9 * 3
    assert row.params == 6 * 5 + 5 + 10 * 4 + 9 * 3 + 3
    assert row.depth == 2


def test_a_shared_layer_counts_its_parameters_once_and_its_work_twice():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 8, bias=False)
            self.second = self.first
            self.tied = nn.Linear(8, 8, bias=False)
            self.tied.weight = self.first.weight

        def forward(self, x):
            return self.tied(self.second(self.first(x)))

    row = profile(Net(), inputs=torch.zeros(1, 8))
    assert (row.params, row.macs, row.depth) == (64, 3 * 64, 3)


def test_bare_parameters():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(5, 4))
            self.scale = nn.Parameter(torch.zeros(4), requires_grad=False)

        def forward(self, x):
            return (x @ self.weight) * self.scale

    row = profile(Net(), inputs=torch.zeros(3, 5))
    assert row.macs_by_kind == {"linear": 3 * 5 * 4}
    assert (row.params, row.params_trainable) == (24, 20)
    assert (row.depth, row.width_max, row.feature_dim) == (1, 4, 5)


def test_parameters_that_no_forward_uses():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.idle = nn.Parameter(torch.zeros(7))

        def forward(self, x):
            return x + 1

    row = profile(Net(), inputs=torch.zeros(1, 3))
    assert (row.params, row.macs, row.depth, row.elementwise_ops) == (7, 0, 0, 3)
    assert row.width_max is None
    assert row.attention_share is None


@pytest.mark.parametrize(("cls", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
@pytest.mark.parametrize("batch_first", [True, False])
def test_recurrent_layers(cls, gates, batch_first):
    net = nn.Sequential(cls(6, 5, num_layers=2, bidirectional=True, batch_first=batch_first))
    row = profile(net, inputs=torch.zeros((1, 9, 6) if batch_first else (9, 1, 6)))
    per_step = 2 * gates * 5 * (6 + 5) + 2 * gates * 5 * (10 + 5)
    assert row.macs_by_kind == {"recurrent": 9 * per_step}
    assert row.activations == 9 * 2 * 2 * (gates * 5 + gates * 5)
    assert (row.depth, row.width_max) == (2, 10)


def test_a_projected_lstm_and_its_output_shape():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(4, 8, proj_size=3, batch_first=True)
            self.head = nn.Linear(3, 2)

        def forward(self, x):
            return self.head(self.lstm(x)[0][:, -1])

    row = profile(Net(), inputs=torch.zeros(1, 5, 4))
    assert row.macs_by_kind == {"recurrent": 5 * (32 * 4 + 32 * 3 + 3 * 8), "linear": 3 * 2}
    assert row.depth == 2


def test_recurrent_cells_in_a_loop_do_not_deepen_the_network():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.GRUCell(4, 6)
            self.head = nn.Linear(6, 2)

        def forward(self, x):
            state = x.new_zeros(1, 6)
            for step in x.unbind(1):
                state = self.cell(step, state)
            return self.head(state)

    row = profile(Net(), inputs=torch.zeros(1, 7, 4))
    assert row.macs == 7 * (18 * 4 + 18 * 6) + 12
    assert row.depth == 2


def test_packed_sequences_fall_back_to_the_cpu_and_count_only_real_steps():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3, 2, batch_first=True)

        def forward(self, x):
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 2]), batch_first=True)
            return nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]

    row = profile(Net(), inputs=torch.zeros(2, 5, 3))
    assert row.macs == (5 + 2) * 8 * (3 + 2)


def test_custom_autograd_functions():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            ctx.save_for_backward(x, weight)
            return x @ weight

        @staticmethod
        def backward(ctx, grad):
            x, weight = ctx.saved_tensors
            return grad @ weight.T, x.T @ grad

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, 3))

        def forward(self, x):
            return Double.apply(x, self.weight)

    assert profile(Net(), inputs=torch.zeros(2, 4)).macs == 2 * 4 * 3


def test_a_complex_product_is_four_real_ones():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, 3, dtype=torch.complex64))

        def forward(self, x):
            return (torch.view_as_complex(x) @ self.weight.conj()).abs()

    row = profile(Net(), inputs=torch.zeros(2, 4, 2))
    assert row.macs == 4 * 2 * 4 * 3


def test_an_operator_without_a_rule_is_listed():
    class Net(nn.Module):
        def forward(self, x):
            return torch.fft.rfft2(x).real

    row = profile(Net(), inputs=torch.zeros(1, 1, 8, 8))
    assert row.macs == 0
    assert sum(row.uncounted_ops.values()) == 1
    assert "fft" in next(iter(row.uncounted_ops))


def test_channels_last_counts_like_contiguous():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    plain = profile(net, input_size=(3, 16, 16))
    moved = net.to(memory_format=torch.channels_last)
    image = torch.zeros(1, 3, 16, 16).to(memory_format=torch.channels_last)
    last = profile(moved, inputs=image)
    assert plain.macs == last.macs == 256 * 8 * 27
    assert plain.macs_fvcore == plain.macs + 2 * 8 * 256 + 8 * 256  # batch norm, adaptive pooling
    assert plain.elementwise_ops == last.elementwise_ops == 8 * 256 + 8 * 256 + 8


def test_einsum_and_bilinear():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3, 4, 5))
            self.bilinear = nn.Bilinear(5, 6, 2, bias=False)

        def forward(self, x, y):
            return self.bilinear(torch.einsum("bhi,hij->bhj", x, self.weight).mean(1), y)

    row = profile(Net(), inputs=(torch.zeros(1, 3, 4), torch.zeros(1, 6)))
    assert row.macs == 3 * 4 * 5 + (2 * 5 * 6 + 2 * 6)


def test_scripted_and_traced_modules():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))
    macs = 36 * 4 * 27 + 4 * 36 * 5
    scripted = torch.jit.script(net)
    traced = torch.jit.trace(net.eval(), torch.zeros(1, 3, 8, 8))
    for module in (scripted, traced):
        row = profile(module, input_size=(3, 8, 8))
        assert (row.macs, row.params, row.depth) == (macs, sum(p.numel() for p in net.parameters()), 2)


def test_files_of_torchscript_and_torch_export(tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).eval()
    macs = 36 * 4 * 27 + 4 * 36 * 5
    torch.jit.save(torch.jit.script(net), tmp_path / "scripted.pt")
    program = torch.export.export(net, (torch.zeros(1, 3, 8, 8),))
    torch.export.save(program, tmp_path / "exported.pt2")
    scripted = profile(str(tmp_path / "scripted.pt"), input_size=(3, 8, 8))
    exported = profile(str(tmp_path / "exported.pt2"))  # the file knows its inputs
    assert scripted.macs == exported.macs == macs
    assert scripted.params == exported.params
    assert (scripted.source, scripted.backbone) == ("file", "scripted")


def test_constants_made_in_the_forward_keep_their_values():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 4)

        def forward(self, x):
            for _ in range(int(torch.tensor([3]).item())):
                x = self.head(x)
            positions = torch.arange(4)
            return x + positions + torch.linspace(0, 1, 4)

    row = profile(Net(), inputs=torch.zeros(1, 4))
    assert row.macs == 3 * 16
    assert row.reason is None


def test_a_model_that_reads_values_is_run_on_the_cpu_and_says_so():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 4)

        def forward(self, x):
            return self.head(x) if x.sum().item() == 0 else x

    row = profile(Net(), inputs=torch.zeros(1, 4))
    assert row.macs == 16
    assert "on the CPU" in row.reason


def test_a_constructor_that_reads_values(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(
        "import torch\n"
        "def build(width=4):\n"
        "    rates = [round(r.item(), 2) for r in torch.linspace(0, 1, 3)]\n"
        "    return torch.nn.Sequential(*(torch.nn.Linear(width, width) for _ in rates))\n"
    )
    assert profile(f"{file}:build?width=6", inputs=torch.zeros(1, 6)).macs == 3 * 36


def test_a_hard_coded_device_in_the_forward():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            return self.head(x.to("cpu")).cpu()

    assert profile(Net(), inputs=torch.zeros(1, 4)).macs == 8


def test_weight_norm_by_hook_and_by_parametrization():
    old = nn.Sequential(nn.Linear(4, 3))
    with pytest.warns(FutureWarning, match="weight_norm"):
        nn.utils.weight_norm(old[0])
    new = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)))
    for net in (old, new):
        row = profile(net, inputs=torch.zeros(1, 4))
        assert (row.macs, row.params, row.depth) == (12, 12 + 3 + 3, 1)


def test_lazy_modules():
    row = profile(nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(2)), inputs=torch.zeros(1, 5))
    assert (row.macs, row.params) == (5 * 3 + 3 * 2, 5 * 3 + 3 + 3 * 2 + 2)


def test_a_checkpointed_forward():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 4)

        def forward(self, x):
            return torch.utils.checkpoint.checkpoint(self.head, x, use_reentrant=False)

    assert profile(Net(), inputs=torch.zeros(1, 4)).macs == 16


def test_a_forward_that_differentiates():
    class Force(nn.Module):
        def __init__(self):
            super().__init__()
            self.energy = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))

        def forward(self, x):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                return torch.autograd.grad(self.energy(x).sum(), x)[0]

    row = profile(Force(), inputs=torch.zeros(1, 4))
    assert row.macs == 2 * (4 * 6 + 6)  # forward, and the same products transposed on the way back
    assert row.depth == 4


def test_a_pickled_module_and_bare_weights_are_refused(tmp_path):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "weights.pt")
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(TargetError, match=r"holds weights only .* Give the `file\.py:factory`"):
        profile(str(tmp_path / "weights.pt"))
    with pytest.raises(TargetError, match="A pickled module runs code when it is read and is refused"):
        profile(str(tmp_path / "module.pt"))


def test_a_forward_that_raises_gives_one_clear_message():
    class Net(nn.Module):
        def forward(self, x):
            raise ValueError("only square images\nmore text")

    with pytest.raises(
        TargetError, match=r"Net raised ValueError in its forward: only square images \(inputs"
    ):
        profile(Net())
