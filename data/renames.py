"""Names of 2022 (timm 0.6) and the weights they mean in today's timm, by rules over the name alone.

timm 0.6 named one architecture with one set of weights; today the tag after the dot names the weights, and
the bare name often loads others than it did. Studies of 2022 used the old names, so their results belong to
the weights of that time: `convnext_tiny` meant `convnext_tiny.fb_in1k`, which today's default is not.

Three steps, each a table of patterns: a name that became `backbone.tag` (MOVED), a backbone that was
renamed and kept its weights (RENAMED), and the default weights of a name that is still there (DEFAULTS).
timm's own map of deprecated names is wrong in nine places, and these tables deliberately differ there:
the two `_sam` names lead to a tag that does not exist, three wide `ig_resnext101` lead to the 32x8d, two
`mixer_*_in21k` lead to the fine-tuned weights, and two `resmlp_*_dino` to the default ones.
"""

from __future__ import annotations

import re

__all__ = ["today"]

# old name → weights of today
_MOVED: tuple[tuple[str, str], ...] = (
    (r"(convnext_\w+?|resmlp_big_24_224|deit3_\w+)_in2[12]ft1k", r"\1.fb_in22k_ft_in1k"),
    (r"(convnext_\w+)_in22k", r"\1.fb_in22k"),
    (r"(mobilevitv2_\w+)_in22ft1k", r"\1.cvnets_in22k_ft_in1k"),
    (r"(tf_efficientnetv2_\w+)_in21ft1k", r"\1.in21k_ft_in1k"),
    (r"(tf_efficientnetv2_\w+|vit_base_patch16_224_miil)_in21k", r"\1.in21k"),
    (r"vit_base_resnet50_224_in21k", r"vit_base_r50_s16_224.orig_in21k"),
    (r"vit_base_resnet50_384", r"vit_base_r50_s16_384.orig_in21k_ft_in1k"),
    (r"(vit_large_patch32_224|vit_huge_patch14_224|vit_base_r50_s16_224)_in21k", r"\1.orig_in21k"),
    (r"(vit_\w+)_in21k", r"\1.augreg_in21k"),
    (r"(vit_\w+)_sam", r"\1.sam_in1k"),
    (r"(vit_\w+)_dino", r"\1.dino"),
    (r"(vit_\w+)_224_clip_laion2b", r"\1_clip_224.laion2b"),
    (r"(tf_efficientnet_\w+)_ap", r"\1.ap_in1k"),
    (r"(tf_efficientnet_\w+)_ns(_475)?", r"\1.ns_jft_in1k\2"),
    (r"((?:mobilenetv3|mixer|tresnet)_\w+)_miil_in21k", r"\1.miil_in21k"),
    (r"((?:mobilenetv3|mixer)_\w+)_miil", r"\1.miil_in21k_ft_in1k"),
    (r"(tresnet_\w+)_448", r"\1.miil_in1k_448"),
    (r"(mixer_\w+)_in21k", r"\1.goog_in21k"),
    (r"(resmlp_\w+)_distilled_224", r"\1_224.fb_distilled_in1k"),
    (r"(resmlp_\w+)_dino", r"\1.fb_dino"),
    (r"tv_(\w+)", r"\1.tv_in1k"),
    (r"ig_(resnext101_32x(?:8|16|32)d)", r"\1.fb_wsl_ig1b_ft_in1k"),
    (r"ssl_(resne\w+)", r"\1.fb_ssl_yfcc100m_ft_in1k"),
    (r"swsl_(resne\w+)", r"\1.fb_swsl_ig1b_ft_in1k"),
    (r"gluon_(resnet\d+)_v1b", r"\1.gluon_in1k"),
    (r"gluon_(resnet\d+)_v1([cds])", r"\1\2.gluon_in1k"),
    (r"gluon_((?:se)?resnext\w+|senet154|inception_v3)", r"\1.gluon_in1k"),
    (r"ens_adv_inception_resnet_v2", r"inception_resnet_v2.tf_ens_adv_in1k"),
    (r"adv_inception_v3", r"inception_v3.tf_adv_in1k"),
    (r"tf_inception_v3", r"inception_v3.tf_in1k"),
    (r"(resnetv2_\w+_bit)m", r"\1.goog_in21k_ft_in1k"),
    (r"(resnetv2_\w+_bit)m_in21k", r"\1.goog_in21k"),
    (r"(resnetv2_\w+_bit)_distilled", r"\1.goog_distilled_in1k"),
    (r"(resnetv2_\w+_bit)_teacher(_384)?", r"\1.goog_teacher_in21k_ft_in1k\2"),
    (r"(swin_\w+)_in22k", r"\1.ms_in22k"),
    (r"(swinv2_\w+)_22k", r"\1.ms_in22k"),
    (r"(swinv2_\w+)_22kft1k", r"\1.ms_in22k_ft_in1k"),
    (r"(xcit_\w+)_dist", r"\1.fb_dist_in1k"),
)
# the resolution moved from the old backbone's name into the tag
_SIZED = re.compile(r"((?:convnext|mobilevitv2)_\w+?)_384\.(.+)")

# old backbone → backbone of today
_RENAMED: tuple[tuple[str, str], ...] = (
    (r"efficientnet_(b[23])a", r"efficientnet_\1"),
    (r"mnasnet_a1", r"semnasnet_100"),
    (r"mnasnet_b1", r"mnasnet_100"),
    (r"seresnext26tn_32x4d", r"seresnext26t_32x4d"),
    (r"jx_(nest_\w+)", r"\1_jx"),
    (r"regnetz_040h", r"regnetz_040_h"),
    (r"xception", r"legacy_xception"),
    (r"gluon_(xception65)", r"\1"),
)

# backbone of today → the tag that its bare name meant in 2022
_DEFAULTS: tuple[tuple[str, str], ...] = (
    (r"convnext_(tiny|small|base|large)", "fb_in1k"),
    (r"convnext_tiny_hnf", "a2h_in1k"),
    (r"efficientnet_(b0|es|lite0)", "ra_in1k"),
    (r"efficientnet_es_pruned", "in1k"),
    (r"efficientnetv2_rw_m", "agc_in1k"),
    (r"efficientnetv2_rw_[st]", "ra2_in1k"),
    (r"levit_(128s?|192|256|384)", "fb_dist_in1k"),
    (r"mobilenetv3_large_100", "ra_in1k"),
    (r"mobilenetv3_rw", "rmsp_in1k"),
    (r"mobilenetv3_small_\d+", "lamb_in1k"),
    (r"mobilevit_(s|xs|xxs)", "cvnets_in1k"),
    (r"regnetx_\d+|regnety_(002|004|006|008|016|120)", "pycls_in1k"),
    (r"regnetz_(040(_h)?|b16|c16|d32|d8|e8)", "ra3_in1k"),
    (r"resnet(101|152|50_gn)|resnetv2_(50|101)", "a1h_in1k"),
    (r"resnet18", "tv_in1k"),
    (r"resnet(18|34|50)d", "ra2_in1k"),
    (r"resnet(26d?|34)|resnetblur50", "bt_in1k"),
    (r"resnet50", "a1_in1k"),
    (r"resnetrs\d+", "tf_in1k"),
    (r"swin_(base|large)_patch4_window(7_224|12_384)", "ms_in22k_ft_in1k"),
    (r"swin_(tiny|small)_patch4_window7_224|swin_s3_(tiny|small|base)_224", "ms_in1k"),
    (r"swinv2_cr_(small_224|(small|tiny)_ns_224)", "sw_in1k"),
    (r"vit_base_patch16_224_miil", "in21k_ft_in1k"),
    (r"vit_(tiny_patch16|(small|base)_patch(16|32)|small_r26_s32|tiny_r_s16_p8)_224", "augreg_in21k_ft_in1k"),
)


def today(name_2022: str) -> str:
    """Return the weights name of today for a name of timm 0.6, as exactly as is known.

    A name that already has a tag comes back as it is. A backbone whose weights of 2022 are not in the tables
    comes back without a tag, under its name of today: the architecture is certain, the weights are not.
    The defaults cover the 92 names of the fast.ai sweep, whose weights are known by the files that timm 0.6
    loaded.
    """
    if "." in name_2022:
        return name_2022
    moved = _rewritten(name_2022, _MOVED)
    if moved is not None:
        return _SIZED.sub(r"\1.\2_384", moved)
    backbone = _rewritten(name_2022, _RENAMED) or name_2022
    tag = _rewritten(backbone, _DEFAULTS)
    return f"{backbone}.{tag}" if tag else backbone


def _rewritten(name: str, table: tuple[tuple[str, str], ...]) -> str | None:
    for pattern, becomes in table:
        if found := re.fullmatch(pattern, name):
            return found.expand(becomes)
    return None
