import pandas as pd
import pytest
import timm

from archimeter.analysis.scaling import exponents
from archimeter.data.errors import InputError
from archimeter.profilers.scaling import scale, variation

OWN = """
from torch import nn

def build(layers=1, channels=8):
    stages = [nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(layers)]
    return nn.Sequential(*stages)
"""


def frame(members):
    return pd.DataFrame(
        [
            {"depth": m.depth, "width": m.width, "resolution": m.resolution, "macs": m.profile.macs}
            for m in members
        ]
    )


def test_a_factory_of_one_s_own_scales_as_its_arithmetic_says(tmp_path):
    """A stack of equal convolutions: macs = layers · channels² · 9 · side²; the input has 3 channels."""
    path = tmp_path / "net.py"
    path.write_text(OWN.replace("nn.Conv2d(channels, channels,", "nn.Conv2d(3, 3,"), encoding="utf-8")
    found = frame(scale(f"{path}:build", depth=variation("layers=1,2,4"), resolutions=(32, 64)))
    assert found["macs"].tolist() == [n * 81 * side**2 for n in (1, 2, 4) for side in (32, 64)]
    law = exponents(found, responses=["macs"]).set_index("factor")["exponent"]
    assert law[["depth", "resolution"]].tolist() == pytest.approx([1, 2])


def test_efficientnets_compound_step_is_timms_own_next_model():
    """B1 is B0 at depth 1.1 and width 1.0, counted apart by timm's own definition of B1."""
    (member,) = scale("efficientnet_b0", depth=variation("1.1"), width=variation("1.0"), resolutions=(240,))
    known = sum(p.numel() for p in timm.create_model("efficientnet_b1").parameters())
    assert member.profile.params == known


def test_a_vision_transformer_grows_into_the_next_one():
    """ViT-Tiny with twice the heads is ViT-Small, with twice the blocks a ViT of 24."""
    (member,) = scale("vit_tiny_patch16_224", depth=variation("1"), width=variation("2"), resolutions=(224,))
    known = sum(p.numel() for p in timm.create_model("vit_small_patch16_224").parameters())
    assert (member.depth, member.width, member.profile.params) == (1, 2, known)


@pytest.mark.parametrize(
    ("small", "depth", "width", "large"),
    [
        ("convnext_nano", "1", "1.2", "wider"),
        ("resnet18", "2", "1", "deeper"),
        ("swin_tiny_patch4_window7_224", "1", "1.3333", "more heads"),
    ],
)
def test_stages_are_multiplied(small, depth, width, large):
    base, wide = (
        next(iter(scale(small, depth=variation(d), width=variation(w), resolutions=(224,))))
        for d, w in (("1", "1"), (depth, width))
    )
    assert (base.depth, base.width) == (1, 1)
    assert base.profile.params == sum(p.numel() for p in timm.create_model(small).parameters())
    assert wide.profile.macs > 1.2 * base.profile.macs, large
    assert (wide.depth, wide.width) == (float(depth), pytest.approx(float(width), abs=0.01))


def test_the_published_law_of_efficientnet_holds_within_a_tenth():
    found = exponents(frame(scale("efficientnet_b0", resolutions=(160, 320)))).set_index("factor")
    assert found["exponent"].tolist() == pytest.approx([1, 2, 2], abs=0.1)


def test_what_cannot_be_varied_says_what_can():
    with pytest.raises(InputError, match="cannot be varied; known families: convnext"):
        list(scale("levit_128"))
    with pytest.raises(InputError, match="give multipliers such as 1,2"):
        list(scale("resnet18", depth=variation("layers=1,2")))
    with pytest.raises(InputError, match="scaling takes one"):
        list(scale("resnet*"))
    with pytest.raises(InputError, match="Cannot read 'a,b'"):
        variation("a,b")
    with pytest.raises(InputError, match="Cannot read '0,1'"):
        variation("0,1")


def test_a_factory_must_say_which_argument_is_which(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(OWN, encoding="utf-8")
    with pytest.raises(InputError, match=r"Which argument of .* is its depth"):
        list(scale(f"{path}:build", depth=variation("1,2")))
