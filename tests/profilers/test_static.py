"""Counts of real architectures against hand arithmetic, torch's own counter and timm's published values."""

from __future__ import annotations

import pickle
from collections import OrderedDict

import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.layers import set_fused_attn
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archimeter
from archimeter.data.errors import InputError, TargetError, UnknownNameError
from archimeter.data.tables import load_profiles
from archimeter.profilers.meta import build_on_meta
from archimeter.profilers.static import profile
from archimeter.profilers.targets import known_backbones

SAMPLE = known_backbones()[::14]


@pytest.fixture
def unfused():
    set_fused_attn(enable=False)
    yield
    set_fused_attn(enable=True)


def test_resnet50_by_hand():
    row = profile("resnet50")
    stem = 112 * 112 * 64 * 3 * 49
    macs = stem
    activations = 64 * 112 * 112
    normalised = 64 * 112 * 112
    channels = 64
    for blocks, width, side in [(3, 64, 56), (4, 128, 28), (6, 256, 14), (3, 512, 7)]:
        for block in range(blocks):
            before = side * (2 if block == 0 and width > 64 else 1)
            outputs = [(before, width), (side, width), (side, 4 * width)]
            macs += before**2 * channels * width + side**2 * width * width * 9 + side**2 * width * 4 * width
            if block == 0:
                macs += side**2 * channels * 4 * width
                outputs.append((side, 4 * width))
            activations += sum(n * n * c for n, c in outputs)
            normalised += sum(n * n * c for n, c in outputs)
            channels = 4 * width
    assert macs + 2048 * 1000 == row.macs == 4_089_184_256
    assert row.macs_by_kind == {"convolution": macs, "linear": 2_048_000}
    assert row.activations == activations + 1000 == 11_114_984
    assert row.macs_fvcore == row.macs + 2 * normalised + 2048 * 49  # batch norms, the final average
    assert (row.params, row.depth, row.blocks, row.stages) == (25_557_032, 50, 16, 4)
    assert (row.feature_dim, row.width_residual, row.reduction, row.attention_share) == (2048, 2048, 32, 0)


def vit_base_macs() -> dict[str, int]:
    n, d, heads = 197, 768, 12
    products = 12 * 2 * heads * n * n * (d // heads)
    linear = 12 * (n * d * 3 * d + n * d * d + 2 * n * d * 4 * d) + d * 1000
    return {"linear": linear, "product": products, "convolution": 196 * d * 3 * 16 * 16}


def test_vit_base_by_hand():
    row = profile("vit_base_patch16_224")
    assert row.macs_by_kind == vit_base_macs()
    assert row.macs == sum(vit_base_macs().values()) == 17_563_828_224
    assert row.macs_fvcore == row.macs + 25 * 197 * 768 * 5
    assert row.attention_share == vit_base_macs()["product"] / row.macs
    assert (row.depth, row.blocks, row.stages, row.width_residual, row.reduction) == (50, 12, 1, 768, 16)
    assert row.attention_fused is True


@pytest.mark.usefixtures("unfused")
def test_vit_base_by_hand_without_fused_attention():
    row = profile("vit_base_patch16_224")
    assert row.macs_by_kind == vit_base_macs()
    assert row.attention_fused is False
    assert row.activations == profile(timm.create_model("vit_base_patch16_224")).activations


def test_fused_and_unfused_attention_count_the_same():
    names = ["swin_tiny_patch4_window7_224", "pit_ti_224", "mobilevit_xxs", "deit_tiny_patch16_224"]
    fused = [profile(name) for name in names]
    set_fused_attn(enable=False)
    try:
        apart = [profile(name) for name in names]
    finally:
        set_fused_attn(enable=True)
    assert [(row.macs, row.activations) for row in fused] == [(row.macs, row.activations) for row in apart]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_macs_equal_torchs_own_counter_on_meta(part):
    """All 1,371 are compared by benchmarks/flop_counter.py; here, one of every fourteen."""
    for name in SAMPLE[part::4]:
        model = build_on_meta(lambda name=name: timm.create_model(name)).eval().requires_grad_(False)
        image = torch.empty(1, *model.default_cfg["input_size"], device="meta")
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(image)
        assert profile(name).macs == counter.get_total_flops() // 2, name


def test_the_shipped_table_is_what_the_profiler_says_today():
    shipped = load_profiles().set_index("backbone")
    assert sorted(shipped.index) == sorted(known_backbones())
    assert set(shipped.status) == {"ok"}
    for name in known_backbones()[::97]:
        fresh = profile(name).as_row()
        for key in ("params", "macs", "macs_fvcore", "activations", "elementwise_ops", "depth", "blocks"):
            assert shipped.loc[name, key] == fresh[key], (name, key)
        for key in ("stages", "width_max", "width_mean", "width_macs", "feature_dim", "reduction"):
            assert shipped.loc[name, key] == pytest.approx(fresh[key], nan_ok=True), (name, key)


def test_no_architecture_has_an_operator_without_a_rule():
    assert set(load_profiles().uncounted_ops) == {"{}"}


def test_kinds_sum_to_macs_everywhere():
    table = load_profiles()
    sums = table.macs_by_kind.map(lambda text: sum(__import__("json").loads(text).values()))
    assert (sums == table.macs).all()


def test_any_input_size():
    assert profile("resnet18", input_size=448).macs_by_kind["convolution"] == 4 * 1_813_561_344
    assert profile("vit_base_patch16_224", input_size=384).macs == profile("vit_base_patch16_384").macs
    assert profile("resnet18", input_size=(3, 64, 96)).input_shapes == ((3, 64, 96),)


def test_name_and_target_forms_agree(tmp_path, monkeypatch):
    file = tmp_path / "net.py"
    file.write_text(
        "import torch\n"
        "class Net(torch.nn.Sequential):\n"
        "    def __init__(self, width=4):\n"
        "        super().__init__(torch.nn.Conv2d(3, width, 1))\n"
        "def with_inputs():\n"
        "    return Net(), {'input': torch.zeros(1, 3, 5, 5)}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert profile(f"{file}:Net?width=8", input_size=10).macs == 100 * 3 * 8
    assert profile("net:Net?width=8", input_size=10).macs == 100 * 3 * 8
    assert profile("net.py:with_inputs").macs == 25 * 3 * 4
    row = profile("net.py:Net?width=2", input_size=4)
    assert (row.backbone, row.source, row.source_ref) == ("net:Net?width=2", "file", "net.py:Net?width=2")


def test_public_door():
    assert archimeter.profile("resnet18").macs == 1_814_073_344


def test_profiles_travel():
    row = profile("resnet18")
    assert pickle.loads(pickle.dumps(row)) == row  # noqa: S301  # our own bytes
    assert type(row).from_row(row.as_row()) == row


@pytest.mark.parametrize(
    ("target", "options", "error", "message"),
    [
        ("resnet5O", {}, UnknownNameError, "Did you mean"),
        ("resnet1*", {}, InputError, "names .* architectures"),
        ("nowhere.py:build", {}, InputError, "There is no file 'nowhere.py'"),
        ("nowhere.pt", {}, InputError, "There is no file 'nowhere.pt'"),
        ("no.such.module:Net", {}, TargetError, "There is no module"),
        ("timm.models:resnet5", {}, TargetError, "has no 'resnet5'. Did you mean"),
        ("resnet18", {"input_size": 0}, InputError, "positive whole numbers"),
        ("resnet18", {"input_size": (3, -1, 4)}, InputError, "positive whole numbers"),
        ("resnet18", {"input_size": 224, "inputs": torch.zeros(1)}, InputError, "contradict"),
        (
            "resnet18",
            {"inputs": torch.zeros(1, 4, 32, 32)},
            TargetError,
            "resnet18 raised RuntimeError in its forward",
        ),
        ("resnet18?depth", {}, InputError, "Cannot read the argument"),
        ("resnet18?no_such_argument=1", {}, TargetError, "timm could not build resnet18: TypeError"),
    ],
)
def test_bad_targets_say_what_is_wrong(target, options, error, message):
    with pytest.raises(error, match=message):
        profile(target, **options)


# the caller's module -----------------------------------------------------------------------------------


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.ReLU(inplace=True)
        )
        self.head = nn.Linear(4, 2)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.table = torch.arange(6.0)  # neither parameter nor buffer

    def forward(self, x):
        self.steps += 1
        self.seen = x.shape
        return self.head(self.body(x).mean((2, 3))) + self.table[:2]


def state_of(net: nn.Module) -> dict:
    return {
        "training": [part.training for part in net.modules()],
        "grad": [(p.requires_grad, p.grad is None) for p in net.parameters()],
        "where": [(t.device, t.dtype, t.stride(), t.data_ptr()) for t in net.state_dict().values()],
        "values": OrderedDict((k, v.clone()) for k, v in net.state_dict().items()),
        "versions": [t._version for t in net.state_dict().values()],
        "hooks": [
            (list(p._forward_hooks), list(p._forward_pre_hooks), list(p._backward_hooks))
            for p in net.modules()
        ],
        "names": [sorted(vars(part)) for part in net.modules()],
        "storages": [vars(t.untyped_storage()) for t in net.state_dict().values()],
    }


def assert_untouched(net: nn.Module, before: dict) -> None:
    after = state_of(net)
    values, now = before.pop("values"), after.pop("values")
    assert after == before
    assert all(torch.equal(values[key], now[key]) for key in values)


@settings(max_examples=15, deadline=None)
@given(
    modes=st.lists(st.booleans(), min_size=7, max_size=7),
    grads=st.lists(st.booleans(), min_size=6, max_size=6),
    hooked=st.booleans(),
    training_hook=st.booleans(),
)
def test_the_callers_module_comes_back_untouched(modes, grads, hooked, training_hook):
    net = Hooked()
    for part, mode in zip(net.modules(), modes, strict=False):
        part.training = mode
    for parameter, grad in zip(net.parameters(), grads, strict=False):
        parameter.requires_grad_(grad)
    if hooked:
        net.body[0].register_forward_hook(lambda *_: None)
    if training_hook:
        net.head.register_full_backward_hook(lambda *_: None)
    before = state_of(net)
    image = torch.zeros(1, 3, 8, 8)
    row = profile(net, inputs=image)
    assert row.macs == 36 * 4 * 27 + 4 * 2
    assert row.params_trainable == sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert_untouched(net, before)
    assert not vars(image.untyped_storage())
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_a_module_is_untouched_when_its_forward_fails_or_needs_the_cpu():
    class Reads(Hooked):
        def forward(self, x):
            if x.sum().item() > 100:
                raise ValueError("too bright")
            return super().forward(x)

    net = Reads().train()
    before = state_of(net)
    assert profile(net, inputs=torch.zeros(1, 3, 8, 8)).reason
    assert_untouched(net, before)
    before = state_of(net)
    with pytest.raises(TargetError, match="too bright"):
        profile(net, inputs=torch.ones(1, 3, 8, 8))
    assert_untouched(net, before)
    assert not torch.nn.modules.module._global_forward_hooks
