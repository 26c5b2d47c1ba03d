"""Results by definition are what torch's own meta kernels return: shape, strides and type."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archimeter.profilers import replay
from archimeter.profilers.shapes import known_result
from archimeter.profilers.static import profile

aten = torch.ops.aten
UNARY = [
    "relu",
    "silu",
    "mish",
    "hardswish",
    "hardsigmoid",
    "hardtanh",
    "relu6",
    "leaky_relu",
    "elu",
    "sigmoid",
]


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, device="meta", dtype=dtype)


IMAGES = {
    "contiguous": meta(2, 6, 5, 4),
    "channels last": meta(2, 6, 5, 4).to(memory_format=torch.channels_last),
    "permuted": meta(2, 5, 4, 6).permute(0, 3, 1, 2),
    "half": meta(2, 6, 5, 4, dtype=torch.float16),
    "flat": meta(3, 6),
}


def assert_alike(one: torch.Tensor, two: torch.Tensor) -> None:
    assert (one.shape, one.stride(), one.dtype) == (two.shape, two.stride(), two.dtype)


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES.keys())
@pytest.mark.parametrize("name", [*UNARY, "gelu", "tanh"])
def test_activations(name, image):
    assert_alike(known_result(f"aten::{name}", (image,)), getattr(aten, name).default(image))


@pytest.mark.parametrize("name", [f"{name}_" for name in UNARY])
def test_activations_in_place(name):
    image = IMAGES["contiguous"]
    assert known_result(f"aten::{name}", (image,)) is image
    assert getattr(aten, name).default(image) is image


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES.keys())
def test_norms(image):
    weight = meta(6, dtype=image.dtype)
    batch = (image, weight, weight, weight, weight, False, 0.1, 1e-5, False)
    assert_alike(known_result("aten::batch_norm", batch), torch.batch_norm(*batch))
    if image.dim() == 4:
        group = (image, 3, weight, weight)
        assert_alike(known_result("aten::group_norm", group), torch.group_norm(*group))
    last = image.shape[-1:]
    layer = (image, list(last), meta(*last, dtype=image.dtype), meta(*last, dtype=image.dtype))
    assert_alike(known_result("aten::layer_norm", layer), torch.layer_norm(*layer))


@pytest.mark.parametrize(
    "tokens", [meta(6), meta(3, 6), meta(2, 3, 6), meta(2, 6, 3).transpose(1, 2), meta(2, 3, 4, 6)]
)
@pytest.mark.parametrize("bias", [True, False])
def test_linear(tokens, bias):
    args = (tokens, meta(5, 6), meta(5)) if bias else (tokens, meta(5, 6))
    with torch.inference_mode():
        assert_alike(known_result("aten::linear", args), aten.linear.default(*args))


def test_attention_sums_and_products():
    query, key, value = meta(2, 3, 7, 8), meta(2, 3, 9, 8), meta(2, 3, 9, 4)
    args = (query, key, value)
    assert_alike(
        known_result("aten::scaled_dot_product_attention", args),
        nn.functional.scaled_dot_product_attention(*args),
    )
    for image in IMAGES.values():
        for name in ("add.Tensor", "mul.Tensor"):
            operator = getattr(aten, name[:3]).Tensor
            assert_alike(known_result(f"aten::{name}", (image, image)), operator(image, image))
            assert_alike(known_result(f"aten::{name}", (image, 2.0)), operator(image, 2.0))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("relu", (meta(3, dtype=torch.int64),)),
        ("linear", (meta(2, 5), meta(4, 6))),  # torch says what is wrong with it
        ("linear", (meta(2, 6, dtype=torch.float16), meta(4, 6))),
        ("batch_norm", (meta(2, 6, 3, 3), meta(5), meta(5), meta(5), meta(5), False, 0.1, 1e-5, False)),
        ("layer_norm", (meta(2, 6), [5], None, None)),
        ("group_norm", (meta(2, 6, 3), 4)),
        ("scaled_dot_product_attention", (meta(1, 4, 5, 8), meta(1, 2, 5, 8), meta(1, 2, 5, 8))),
        ("add.Tensor", (meta(2, 3), meta(3))),
        ("mul.Tensor", (meta(2, 3), meta(2, 3, dtype=torch.int64))),
        ("add.Tensor", (meta(3, dtype=torch.int64), 1.5)),
        ("softmax.int", (meta(3), 0)),
    ],
)
def test_anything_but_the_plain_case_is_left_to_torch(name, args):
    assert known_result(f"aten::{name}", args) is None


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "swin_tiny_patch4_window7_224",
        "efficientformerv2_s0",
        "mobilevitv2_050",
        "levit_128s",
        "convit_tiny",
    ],
)
def test_profiles_are_the_same_when_torch_is_asked_every_time(name, monkeypatch):
    quick = profile(name)
    monkeypatch.setattr(replay, "_memory", {})
    monkeypatch.setattr(replay, "known_result", lambda *_: None)
    assert profile(name).as_row() | {"date": None} == quick.as_row() | {"date": None}
