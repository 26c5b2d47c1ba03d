"""How weights were pretrained."""

import pytest
import timm
from timm.models import get_pretrained_cfg

from archimeter.data.pretraining import PRETRAININGS, finetuned_on, pretraining

WEIGHTS = timm.list_pretrained()


def test_every_weights_name_of_timm_has_a_known_pretraining():
    assert [name for name in WEIGHTS if pretraining(name) == "unknown"] == []
    elsewhere = {"unknown", "generative", "none"}  # timm has no such weights
    assert {pretraining(name) for name in WEIGHTS} == set(PRETRAININGS) - elsewhere


@pytest.mark.parametrize(
    ("weights", "expected", "then"),
    [  # from the papers and timm's model cards
        ("resnet50.a1_in1k", "supervised-in1k", None),
        ("vit_base_patch16_224.sam_in1k", "supervised-in1k", None),  # sharpness-aware minimisation
        ("mixnet_l.ft_in1k", "supervised-in1k", "in1k"),
        ("convnext_nano.in12k_ft_in1k", "supervised-in12k", "in1k"),
        ("vit_base_patch16_224.augreg_in21k_ft_in1k", "supervised-in21k", "in1k"),
        ("vit_base_patch16_224_miil.in21k", "supervised-in21k", None),
        ("mvitv2_base_cls.fb_inw21k", "supervised-in21k", None),
        ("swin_base_patch4_window7_224.ms_in22k_ft_in1k", "supervised-in22k", "in1k"),
        ("deit3_base_patch16_224.fb_in22k_ft_in1k", "supervised-in22k", "in1k"),
        ("resnet50.bamboo", "supervised-other", None),
        ("vit_base_patch16_clip_224.laion2b_ft_in12k_in1k", "image-text", "in1k"),
        ("vit_base_patch16_clip_224.openai_ft_in12k", "image-text", "in12k"),
        ("vit_base_patch16_siglip_224.v2_webli", "image-text", None),
        ("vit_base_patch32_clip_224.datacompxl", "image-text", None),
        ("convnext_base.clip_laion2b_augreg_ft_in1k", "image-text", "in1k"),
        ("eva02_large_patch14_clip_224.merged2b", "image-text", None),
        ("eva_giant_patch14_224.clip_ft_in1k", "image-text", "in1k"),
        ("vit_pe_core_base_patch16_224.fb", "image-text", None),
        ("davit_base_fl.msft_florence2", "image-text", None),
        ("eva02_base_patch14_448.mim_in22k_ft_in22k_in1k", "masked-image", "in1k"),
        ("beitv2_base_patch16_224.in1k_ft_in22k", "masked-image", "in22k"),
        ("beit_base_patch16_224.in22k_ft_in22k_in1k", "masked-image", "in1k"),
        ("convnextv2_base.fcmae_ft_in22k_in1k", "masked-image", "in1k"),
        ("hiera_base_224.mae_in1k_ft_in1k", "masked-image", "in1k"),
        ("vit_base_patch16_224.mae", "masked-image", None),
        ("vit_base_patch16_224.dino", "self-supervised", None),
        ("vit_base_patch14_dinov2.lvd142m", "self-supervised", None),
        ("convnext_base.dinov3_lvd1689m", "self-supervised", None),
        ("vit_huge_patch14_gap_224.in22k_ijepa", "self-supervised", None),
        ("regnety_320.seer_ft_in1k", "self-supervised", "in1k"),
        ("vit_base_patch16_sapiens2.fb", "self-supervised", None),
        ("levit_128.fb_dist_in1k", "distilled", None),
        ("deit_base_distilled_patch16_224.fb_in1k", "distilled", None),
        ("tiny_vit_5m_224.dist_in22k_ft_in1k", "distilled", "in1k"),
        ("resnetv2_50x1_bit.goog_distilled_in1k", "distilled", None),
        ("vit_base_patch16_radio_v3.c_radio", "distilled", None),
        ("flexivit_base.300ep_in21k", "distilled", None),
        ("flexivit_base.patch30_in21k", "supervised-in21k", None),  # a plain ViT-B/30, not distilled
        ("resnet18.fb_swsl_ig1b_ft_in1k", "semi-weakly-supervised", "in1k"),
        ("resnet18.fb_ssl_yfcc100m_ft_in1k", "semi-supervised", "in1k"),
        ("resnext101_32x8d.fb_wsl_ig1b_ft_in1k", "weakly-supervised", "in1k"),
        ("regnety_160.swag_lc_in1k", "weakly-supervised", None),
        ("tf_efficientnet_b0.ns_jft_in1k", "noisy-student", None),
        ("tf_efficientnet_b0.ap_in1k", "adversarial", None),
        ("inception_v3.tf_adv_in1k", "adversarial", None),
        ("samvit_base_patch16.sa1b", "segmentation", None),
        ("sam2_hiera_tiny.fb_r896", "segmentation", None),
    ],
)
def test_pretraining_of(weights, expected, then):
    assert weights in WEIGHTS
    assert (pretraining(weights), finetuned_on(weights)) == (expected, then)


@pytest.mark.parametrize("name", ["resnet50", "resnet50.", "resnet50.mine", ""])
def test_what_no_rule_knows_is_unknown(name):
    assert pretraining(name) == "unknown"
    assert finetuned_on(name) is None


def test_the_head_agrees_with_the_last_label_set():
    """The size of the released head in timm's configuration says which labels came last."""
    full = {21841, 21842, 0}  # FocalNet's heads have one output more, and its largest was released without
    sizes = {"in1k": {1000}, "in12k": {11821}, "in22k": full}
    for name in WEIGHTS:
        if last := finetuned_on(name):
            assert get_pretrained_cfg(name).num_classes in sizes[last], name
    plain = {"supervised-in1k": {1000}, "supervised-in12k": {11821}, "supervised-in22k": full}
    for name in WEIGHTS:
        if finetuned_on(name) is None and pretraining(name) in plain:
            assert get_pretrained_cfg(name).num_classes in plain[pretraining(name)], name
