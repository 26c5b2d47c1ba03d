"""What a backbone's name says of it: its family and its kind, by rules over the name alone.

Family is the word a person uses ("a ConvNeXt", "a RegNetY"). Rules, first match wins:

- The 15 families of the fast.ai sweep of 2022 come out as its notebook printed them (14 have results;
  `mobilenetv` has none). That settles the doubtful ones: every Swin is `swin` (Swin, S3, V2, V2-CR), every
  ViT-ResNet is `vit`, while ConvNeXt's V2, EfficientNet's V2 and ResNet's V2 keep apart, and so do RegNet's
  X, Y, Z and V. All of MobileNetV1 to V5 is `mobilenetv`.
- A publisher's prefix (`tf_`, `dm_`, `legacy_`) does not make a family; a changed block does (`seresnet`,
  `ecaresnet`, `resnext`, `res2net`). A change of training, tokens or position code does not: `vit` holds
  CLIP, SigLIP, DINO, FlexiViT, NaFlexViT and RoPE towers. DeiT, BEiT and EVA have names of their own.
- Where one name means two designs (EfficientViT of MIT and of Microsoft), the family says which.
- timm's own miniature fixtures (`test_*`) are the family `test`, so that they never enter a comparison.

Kind says what mixes information across positions in the repeated blocks:

- `convolutional`: convolutions with a kernel above 1 × 1 or fixed pooling, no product of two activations.
  Channel gates (SE, ECA) and an attention pool at the head do not change it.
- `attention`: attention over positions, where convolutions only cut the image into patches, merge or pool
  them, or code the position.
- `hybrid`: both, in the same block, in different stages, or as a convolutional stem of several layers. The
  additive attention of MobileViTV2 and SwiftFormer counts, though it multiplies no two matrices.
- `mlp`: linear layers across positions. `other`: none of these (the reasons are in OTHER_KINDS).
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["KINDS", "OTHER_KINDS", "family", "kind"]

KINDS = ("convolutional", "attention", "hybrid", "mlp", "other")

OTHER_KINDS = {
    "efficientvim": "a state-space mixer of hidden states beside depthwise convolutions",
    "sequencer2d": "two-dimensional LSTMs mix the positions",
}

_CONV, _ATTN, _BOTH, _MLP, _OTHER = KINDS

# pattern over the start of the name, family, kind
_RULES: tuple[tuple[str, str, str], ...] = (
    # transformers
    (r"vit_\w+_(r\d+|resnet\d+d?|r)_", "vit", _BOTH),
    (r"vit_base_mci", "vit", _BOTH),
    (r"(flexi|naflex)?vit\d?(_|$)", "vit", _ATTN),
    (r"deit3?_", "deit", _ATTN),
    (r"beit(v2|3)?_", "beit", _ATTN),
    (r"eva(02)?_", "eva", _ATTN),
    (r"aimv2_", "aimv2", _ATTN),
    (r"(qwen3|gemma4|deepseek)_vit", r"\1_vit", _ATTN),
    (r"samvit_", "samvit", _ATTN),
    (r"swin(v2|_|$)", "swin", _ATTN),
    (r"(sam2_hiera|hieradet)", "hiera", _ATTN),
    (r"(hiera|cait|convit|davit|crossvit|mvitv2|nest|pit|tnt|twins|gcvit)(_|$)", r"\1", _ATTN),
    # attention and convolution
    (r"(coatnet|maxvit|coat|xcit|volo|levit|visformer|vitamin)(_|$)", r"\1", _BOTH),
    (r"coatnext", "coatnet", _BOTH),
    (r"maxxvit", "maxxvit", _BOTH),
    (r"pvt_v2", "pvt_v2", _BOTH),
    (r"tiny_vit", "tiny_vit", _BOTH),
    (r"mobilevit(v2)?_", "mobilevit", _BOTH),
    (r"efficientvit_[bl]\d", "efficientvit_mit", _BOTH),
    (r"efficientvit_m\d", "efficientvit_msra", _BOTH),
    (r"efficientformer", "efficientformer", _BOTH),
    (r"(caformer|edgenext|nextvit|shvit|swiftformer|lowformer|iformer|cpubone|csatv2)(_|$)", r"\1", _BOTH),
    (r"fastvit_(s|t)\d", "fastvit", _CONV),
    (r"fastvit_", "fastvit", _BOTH),
    (r"mobilenetv(4_hybrid|5)", "mobilenetv", _BOTH),
    (r"\w*botne[tx]", "botnet", _BOTH),
    (r"\w*halo(re|n|2)", "halonet", _BOTH),
    (r"\w*halonext", "halonet", _BOTH),
    (r"lambda_resnet", "lambda_resnet", _BOTH),
    (r"bat_resnext", "bat_resnext", _BOTH),
    # convolutions: mobile and searched
    (r"(tf_)?mobilenetv\d", "mobilenetv", _CONV),
    (r"mobilenet_edgetpu", "mobilenet_edgetpu", _CONV),
    (r"(tf_|gc_)?efficientnetv2", "efficientnetv2", _CONV),
    (r"(tf_)?efficientnet", "efficientnet", _CONV),
    (r"(tf_)?mixnet", "mixnet", _CONV),
    (r"(mnas|semnas|spnas)net", "mnasnet", _CONV),
    (r"p?nasnet", "nasnet", _CONV),
    (r"fbnet", "fbnet", _CONV),
    (r"ghostnet", "ghostnet", _CONV),
    (r"rexnetr?_", "rexnet", _CONV),
    (r"hgnet", "hgnet", _CONV),
    (r"lcnetv2", "lcnetv2", _CONV),
    (
        r"(hardcorenas|tinynet|lcnet|repghostnet|mobileone|repvgg|repvit|starnet|fasternet|gernet)",
        r"\1",
        _CONV,
    ),
    # convolutions: modern
    (
        r"(convnextv2|convnext|byobnet|convformer|convmixer|focalnet|mambaout|inception_next|rdnet)",
        r"\1",
        _CONV,
    ),
    (r"poolformer", "poolformer", _CONV),
    # convolutions: residual
    (r"nf_regnet", "nf_regnet", _CONV),
    (r"nf_\w*resnet", "nf_resnet", _CONV),
    (r"(dm_|eca_)?nfnet", "nfnet", _CONV),
    (r"(regnet[vxyz])", r"\1", _CONV),
    (r"(legacy_)?seresnext", "seresnext", _CONV),
    (r"(legacy_)?seresnet", "seresnet", _CONV),
    (r"(legacy_)?senet", "senet", _CONV),
    (r"eca_?resnext", "ecaresnext", _CONV),
    (r"eca_?resnet", "ecaresnet", _CONV),
    (r"(gc|sk|wide_)?(resnext|resnet)(aa|blur|rs|v2)?", r"\g<0>", _CONV),
    (r"(res2net|res2next)", "res2net", _CONV),
    (r"(resnest|tresnet|hrnet|densenet|dla|dpn|selecsls|vgg)", r"\1", _CONV),
    (r"cspres", "cspresnet", _CONV),
    (r"(cspnext)", "cspnext", _CONV),
    (r"(csp|cs3|cs3se|se)?_?(dark|edge)net", "darknet", _CONV),
    (r"(ese_|eca_)?vovnet", "vovnet", _CONV),
    (r"(legacy_)?xception", "xception", _CONV),
    (r"inception_", "inception", _CONV),
    # linear layers across positions, and the rest
    (r"(mixer|gmixer|gmlp|resmlp)_", r"\1", _MLP),
    (r"(efficientvim|sequencer2d)", r"\1", _OTHER),
)
_COMPILED = tuple((re.compile(pattern), name, kind_) for pattern, name, kind_ in _RULES)
_FIXTURE = "test_"


@lru_cache(maxsize=4096)
def _judged(backbone: str) -> tuple[str, str]:
    for pattern, name, kind_ in _COMPILED:
        if found := pattern.match(backbone):
            return found.expand(name), kind_
    return "other", "other"


def family(backbone: str) -> str:
    """Return the family of a backbone's name (no weights tag); `other` where no rule knows it."""
    return "test" if backbone.startswith(_FIXTURE) else _judged(backbone)[0]


def kind(backbone: str) -> str:
    """Return what mixes positions in it: one of KINDS; `other` where no rule knows the name."""
    return _judged(backbone.removeprefix(_FIXTURE))[1]
