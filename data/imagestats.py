"""What an image looks like in a few dozen numbers made by hand: colour, light, texture, edges, layout.

They see no objects. Every number has a fixed scale, so that descriptions of any two sets of images compare.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np

__all__ = ["STATISTICS", "hue", "image_statistics"]

Array = np.ndarray
BANDS = ((1, 2), (2, 4), (4, 8), (8, 16))
"""Octaves of spatial frequency, in cycles per image; a small copy of 32 pixels has no higher one."""
SECTORS = ("red", "yellow", "green", "cyan", "blue", "magenta")
COLOURED = 0.08
"""Spread between a pixel's channels from which its hue counts."""
NOISE = 1e-6
"""Power below which a band is empty: a step of 1/255 a pixel leaves about as much."""

STATISTICS: tuple[str, ...] = (
    *(
        f"{moment} of {axis}"
        for axis in ("light", "red-green", "yellow-blue")
        for moment in ("mean", "sd", "skew")
    ),
    *(f"light from {i}/8" for i in range(8)),
    *(f"coloured {name}" for name in SECTORS),
    "saturation",
    *(f"power of {low} to {high} cycles" for low, high in BANDS),
    *(f"edges at {round(22.5 * i)}°" for i in range(8)),
    "edge strength",
    *(
        f"light of {row} {column}"
        for row in ("top", "middle", "bottom")
        for column in ("left", "centre", "right")
    ),
)
"""What `image_statistics` gives, in its order."""


def image_statistics(small: Array) -> Array:
    """Describe images by statistics of their small copies.

    Moments are mean, deviation and the cube root of the third moment of light and of two opponent colours,
    over 0.25 (light) and 0.1 (colours). Light's histogram and the shares of coloured pixels per sector of hue
    are roots of shares, over 0.25. Saturation is its mean over 0.2. Power is the decadic logarithm of an
    octave's mean power; the spectrum's slope is a difference of these. Edges are shares of the gradient's
    magnitude per direction, over 0.1; their strength is its mean over 0.05. Layout is the mean light of each
    ninth against the whole, over 0.15. With these scales photographs spread by about 1.

    Args:
        small: copies of the images `[n, side, side, 3]`, bytes.

    Returns:
        `[n, len(STATISTICS)]`.

    Source: colour moments of Stricker and Orengo (1995), "Similarity of color images"; power spectra of
    Torralba and Oliva (2003), "Statistics of natural image categories"; directions of Dalal and Triggs
    (2005), "Histograms of oriented gradients for human detection".
    """
    rgb = small.astype(np.float32) / 255
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    light = rgb.mean(axis=3)
    parts = [
        _moments(light) / 0.25,
        _moments(red - green) / 0.1,
        _moments((red + green) / 2 - blue) / 0.1,
        np.sqrt(_shares(np.minimum((8 * light).astype(int), 7), 8)) / 0.25,
        np.sqrt(_hues(rgb)) / 0.25,
        np.ptp(rgb, axis=3).mean(axis=(1, 2))[:, None] / 0.2,
        _bands(light),
        _edges(light),
        _layout(light) / 0.15,
    ]
    return np.concatenate(parts, axis=1).astype(np.float64)


def hue(rgb: Array) -> Array:
    """In degrees; 0 where there is none.

    Args:
        rgb: `[..., 3]`, 0 to 1.
    """
    high, span = rgb.max(axis=-1), np.ptp(rgb, axis=-1)
    safe = np.maximum(span, 1e-6)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    turn = np.where(high == r, (g - b) / safe, np.where(high == g, 2 + (b - r) / safe, 4 + (r - g) / safe))
    return np.where(span > 0, 60 * turn % 360, 0)


def _moments(values: Array) -> Array:
    mean = values.mean(axis=(1, 2), keepdims=True)
    away = values - mean
    third = np.cbrt((away**3).mean(axis=(1, 2)))
    return np.stack([mean[:, 0, 0], np.sqrt((away**2).mean(axis=(1, 2))), third], axis=1)


def _shares(bins: Array, n: int, weight: Array | None = None) -> Array:
    """Share of each bin per image; of all pixels, or of the weights."""
    ones = np.ones(bins.shape, np.float32) if weight is None else weight
    total = np.maximum(ones.sum(axis=(1, 2)), 1e-9)
    return np.stack([(ones * (bins == i)).sum(axis=(1, 2)) / total for i in range(n)], axis=1)


def _hues(rgb: Array) -> Array:
    """Share of an image's pixels that are coloured and lie in each sector of hue, red around 0°."""
    sector = ((hue(rgb) + 30) // 60).astype(int) % 6
    coloured = np.ptp(rgb, axis=3) > COLOURED
    return np.stack([(coloured & (sector == i)).mean(axis=(1, 2)) for i in range(6)], axis=1)


def _bands(light: Array) -> Array:
    """Decadic logarithm of the mean power per octave, under a Hann window against the borders' jump."""
    side = light.shape[1]
    window = np.outer(np.hanning(side + 2)[1:-1], np.hanning(side + 2)[1:-1])
    flat = (light - light.mean(axis=(1, 2), keepdims=True)) * window
    power = np.abs(np.fft.rfft2(flat) / (window.sum())) ** 2
    rings = _rings(side)
    return np.stack([np.log10(power[:, ring].mean(axis=1) + NOISE) for ring in rings], axis=1)


@cache
def _rings(side: int) -> tuple[Array, ...]:
    up, across = np.fft.fftfreq(side) * side, np.fft.rfftfreq(side) * side
    radius = np.hypot(up[:, None], across[None, :])
    return tuple((radius >= low) & (radius < high) for low, high in BANDS)


def _edges(light: Array) -> Array:
    up, across = np.gradient(light, axis=(1, 2))
    strength = np.hypot(up, across)
    direction = np.round(np.degrees(np.arctan2(up, across)) / 22.5).astype(int) % 8
    shares = _shares(direction, 8, strength)
    return np.concatenate([shares / 0.1, strength.mean(axis=(1, 2))[:, None] / 0.05], axis=1)


def _layout(light: Array) -> Array:
    edges = np.linspace(0, light.shape[1], 4).round().astype(int)
    strips = list(itertools.pairwise(edges))
    ninths = [light[:, a:b, c:d].mean(axis=(1, 2)) for a, b in strips for c, d in strips]
    return np.stack(ninths, axis=1) - light.mean(axis=(1, 2))[:, None]
