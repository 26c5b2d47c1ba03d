"""How a set of weights was pretrained, told from its timm name by rules.

The kind is that of the *pretraining*, also where the weights were fine-tuned afterwards:
`vit_base_patch16_clip_224.laion2b_ft_in12k_in1k` is `image-text`. `finetuned_on` says what came after.

Where two things are true, the one that shaped the features most decides, in this order: labels for
segmentation; a teacher (`distilled`, whatever the teacher learnt from); text; masked or contrastive learning
without labels; weak labels; labels. DINOv2's and DINOv3's smaller models are distilled from their own
self-supervised teacher and stay `self-supervised`; FlexiViT is distilled from a supervised ViT (its
published configurations say so); TinyCLIP and MobileCLIP learn text with a teacher's help and stay
`image-text`; BEiT-3 and EVA learn by masking and are `masked-image` unless their tag names a contrastive
text stage; Sapiens2 joins masking and contrast and counts as `self-supervised`. `sam_in1k` is
sharpness-aware minimisation, plain labels of ImageNet-1k; `samvit` and `sam2_hiera` are the Segment Anything
encoders.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["PRETRAININGS", "finetuned_on", "pretraining"]

PRETRAININGS = {
    "supervised-in1k": "labels of ImageNet-1k (1.3 million images)",
    "supervised-in12k": "labels of ImageNet-12k (12 million images, timm's 11,821 classes)",
    "supervised-in21k": "labels of ImageNet-21k, as Google, MIIL and others cut it",
    "supervised-in22k": "labels of ImageNet-22k, as Meta and Microsoft cut it (the same source as 21k)",
    "supervised-other": "labels of another large set",
    "image-text": "images with their captions: contrastive (CLIP, SigLIP) or generative, or inside a VLM",
    "masked-image": "predicting masked patches: MAE, FCMAE, BEiT, EVA",
    "self-supervised": "other learning without labels: DINO, DINOv2, DINOv3, I-JEPA, SwAV",
    "distilled": "imitating one or several teachers",
    "semi-weakly-supervised": "a teacher trained on hashtags labels web images (SWSL)",
    "semi-supervised": "labels of a part: a teacher labels the rest (SSL), or a task without labels helps",
    "weakly-supervised": "hashtags of web images as labels (WSL, SWAG)",
    "noisy-student": "a teacher labels JFT images, the student sees them with noise",
    "adversarial": "labels of ImageNet-1k with adversarial examples (AdvProp, ensemble adversarial)",
    "segmentation": "masks of Segment Anything",
    "generative": "the encoder or discriminator of a model that generates images: GAN, VAE",
    "none": "random weights",
    "unknown": "no tag, or one that no rule knows",
}

# pattern searched in "backbone.tag", pretraining
_RULES: tuple[tuple[str, str], ...] = (
    (r"^(samvit|sam2_hiera|hieradet)\w*\.", "segmentation"),
    (r"^flexivit\w+\.\d+ep_", "distilled"),
    (r"(_distilled|_dist|_ssld)(_\w+)?\.|[._](dist|distilled|ssld|usi|eupe)(_|$)|\.c_radio", "distilled"),
    (r"\.ns_jft", "noisy-student"),
    (r"\.(ap|tf_adv|tf_ens_adv)_in1k", "adversarial"),
    (r"_swsl_", "semi-weakly-supervised"),
    (r"_ssl_", "semi-supervised"),
    (r"\.(swag_|fb_wsl_)", "weakly-supervised"),
    # a named source of image-text pairs, or an encoder that is only trained with text
    (r"[._](openai|laion\w*|datacomp\w*|dfn\w+|metaclip\w*|merged2b|webli|yfcc15m|cc12m)(_|$)", "image-text"),
    (r"\.(clip_|apple_mclip|pali|msft_florence2|ogvl_|gemma|qwen|deepseek)", "image-text"),
    (r"^(aimv2|vit_pe_)\w*\.", "image-text"),
    (r"\.(mae|fcmae|mim)(_|$)|^(beit|beitv2|beit3|eva|eva02)_", "masked-image"),
    (r"\.(dino|fb_dino|lvd\d+m|sat\d+m|dinov\d_\w+|seer|robbyant|\w*ijepa)(_|$)|sapiens2", "self-supervised"),
    (r"\.bamboo$", "supervised-other"),
    (r"^[^.]+\.(\w+_)?inw?21k(_|$)", "supervised-in21k"),
    (r"^[^.]+\.(\w+_)?in22k(_|$)", "supervised-in22k"),
    (r"^[^.]+\.(\w+_)?in12k(_|$)", "supervised-in12k"),
    (r"^[^.]+\.(\w+_)?in1k(_|$)", "supervised-in1k"),
)
_COMPILED = tuple((re.compile(pattern), kind) for pattern, kind in _RULES)
_FINETUNED = re.compile(r"_ft_(?:\w*_)?(in\d+k)|^ft_(in\d+k)")


@lru_cache(maxsize=4096)
def pretraining(weights: str) -> str:
    """Return how the weights `backbone.tag` were pretrained: a key of PRETRAININGS.

    A bare backbone says nothing of its weights: `unknown`.
    """
    if "." not in weights:
        return "unknown"
    return next((kind for pattern, kind in _COMPILED if pattern.search(weights)), "unknown")


def finetuned_on(weights: str) -> str | None:
    """Return the label set that the pretrained weights were last fine-tuned on (`in1k`), or None."""
    found = _FINETUNED.search(weights.partition(".")[2])
    return (found[1] or found[2]) if found else None
