"""What the images may be of, from statistics made by hand: a guess where they are telling, a question else.

Images of known data sets, where the user has them, tell more: see `references`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.imagestats import hue

__all__ = ["Guess", "guess_domain"]

Array = np.ndarray
MOST = 1000
"""Images whose statistics are taken."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A domain, why, and whether that is telling enough to be used without asking."""

    domain: str
    why: str
    sure: bool


def guess_domain(small: Array) -> Guess:
    """Guess the domain.

    Only what is hard to mistake counts as sure: strokes on an empty page, grey pictures in half-tones,
    stained tissue, points on black. Photographs from above and from eye level differ in whether up differs
    from down, which is a hint and no more.

    Args:
        small: copies of the images `[n, side, side, 3]`, bytes.
    """
    rgb = small[:: max(1, len(small) // MOST)].astype(np.float32) / 255
    light = rgb.mean(axis=3)
    dark, bright = float((light < 0.12).mean()), float((light > 0.88).mean())
    grey = float((np.ptp(rgb, axis=3).mean(axis=(1, 2)) < 0.024).mean())
    if dark > 0.8 and bright < 0.03:
        return Guess("astronomy", f"{dark:.0%} of the pixels are black, few are bright", sure=False)
    if grey > 0.9:
        half = 1 - float(((light < 0.2) | (light > 0.8)).mean())
        if half < 0.35:
            return Guess("document", f"grey, {1 - half:.0%} of the pixels near black or white", sure=True)
        return Guess("radiology", f"grey pictures, {half:.0%} of the pixels in half-tones", sure=False)
    turned, saturation = hue(rgb), np.ptp(rgb, axis=3)
    coloured = saturation > 0.08
    share = coloured.mean()
    stained = float(((turned > 260) & (turned < 350) & coloured).sum() / max(coloured.sum(), 1))
    if stained > 0.75 and share > 0.3 and float(np.median(light)) > 0.4:
        return Guess("microscopy", f"{stained:.0%} of the coloured pixels are purple or pink", sure=True)
    skin = float(
        (((turned < 40) | (turned > 345)) & coloured & (light > 0.35)).sum() / max(coloured.sum(), 1)
    )
    middle = light[:, 12:20, 12:20].mean(axis=(1, 2)) - _border(light)
    if skin > 0.85 and float((middle < -0.05).mean()) > 0.7:
        why = f"{skin:.0%} of the coloured pixels are skin-coloured, the middle darker than the edge"
        return Guess("dermatology", why, sure=False)
    above = light[:, :10].mean(axis=(1, 2)) - light[:, -10:].mean(axis=(1, 2))
    lean = float(above.mean() / max(above.std(), 1e-3))
    if abs(lean) < 0.15:
        return Guess("remote-sensing", "colour pictures in which up and down look alike", sure=False)
    return Guess("natural", "colour pictures that are lighter above than below", sure=False)


def _border(light: Array) -> Array:
    edge = np.ones(light.shape[1:], bool)
    edge[4:-4, 4:-4] = False
    return light[:, edge].mean(axis=1)
