"""Statistics made by hand: each on images of which it is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archimeter.data.imagestats import STATISTICS, hue, image_statistics

SIDE = 32


def described(image):
    """Name → value of one image of floats 0 to 1, grey or RGB."""
    pixels = np.round(255 * np.asarray(image, float)).astype(np.uint8)
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    (values,) = image_statistics(rgb[None])
    return dict(zip(STATISTICS, values, strict=True))


def plain(*colour):
    return np.broadcast_to(np.array(colour, float), (SIDE, SIDE, 3))


def wave(cycles, *, upright=True):
    across = 0.5 + 0.4 * np.sin(2 * np.pi * cycles * (np.arange(SIDE) + 0.3) / SIDE)
    image = np.tile(across, (SIDE, 1))
    return image if upright else image.T


def test_a_plain_grey_has_its_light_and_nothing_else():
    found = described(plain(0.6, 0.6, 0.6))
    assert found["mean of light"] == pytest.approx(0.6 / 0.25)
    assert found["light from 4/8"] == pytest.approx(1 / 0.25)  # 0.5 to 0.625
    assert all(found[f"power of {a} to {2 * a} cycles"] == pytest.approx(-6, abs=0.01) for a in (1, 2, 4, 8))
    rest = {
        name: v
        for name, v in found.items()
        if not name.startswith("power") and name not in {"mean of light", "light from 4/8"}
    }
    assert list(rest.values()) == pytest.approx([0] * len(rest), abs=1e-3)


def test_a_plain_red_is_red():
    found = described(plain(0.8, 0.2, 0.2))
    assert found["coloured red"] == pytest.approx(4)
    assert found["coloured blue"] == 0
    assert found["mean of red-green"] == pytest.approx(0.6 / 0.1)
    assert found["mean of yellow-blue"] == pytest.approx((0.5 - 0.2) / 0.1)
    assert found["saturation"] == pytest.approx(0.6 / 0.2)


def test_moments_are_of_the_pixels():
    image = np.zeros((SIDE, SIDE))
    image[:8] = 1.0  # a quarter: mean 1/4, variance 3/16, third moment 3/32
    found = described(image)
    assert found["mean of light"] == pytest.approx(1)
    assert found["sd of light"] == pytest.approx(np.sqrt(3 / 16) / 0.25)
    assert found["skew of light"] == pytest.approx(np.cbrt(3 / 32) / 0.25)
    assert found["light from 0/8"] == pytest.approx(np.sqrt(3 / 4) / 0.25)
    assert found["light from 7/8"] == pytest.approx(np.sqrt(1 / 4) / 0.25)


@pytest.mark.parametrize(("cycles", "band"), [(3, "2 to 4"), (6, "4 to 8"), (12, "8 to 16")])
def test_a_wave_has_its_power_in_its_octave(cycles, band):
    found = described(wave(cycles))
    bands = {name: value for name, value in found.items() if name.startswith("power")}
    assert max(bands, key=bands.__getitem__) == f"power of {band} cycles"


def test_edges_have_a_direction_and_a_strength():
    upright, level = described(wave(4)), described(wave(4, upright=False))
    assert upright["edges at 0°"] == pytest.approx(10, abs=0.2)
    assert level["edges at 90°"] == pytest.approx(10, abs=0.2)
    assert upright["edge strength"] == pytest.approx(level["edge strength"])
    assert upright["edge strength"] > 2 * described(0.5 + (wave(4) - 0.5) / 4)["edge strength"]


def test_layout_is_where_the_light_is():
    image = np.zeros((SIDE, SIDE))
    image[: round(SIDE / 3)] = 0.9
    found = described(image)
    assert found["light of top left"] == pytest.approx((0.9 - image.mean()) / 0.15, abs=0.05)
    assert found["light of bottom right"] == pytest.approx(-image.mean() / 0.15, abs=0.05)


def test_hue_is_that_of_the_standard_library():
    import colorsys

    rgb = np.random.default_rng(0).random((50, 3))
    assert hue(rgb) == pytest.approx([360 * colorsys.rgb_to_hsv(*one)[0] for one in rgb])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from(["noise", "flat", "black", "two"]))
def test_any_image_gives_finite_numbers_of_its_own(seed, what):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    if what == "flat":
        images[:] = images[:, :1, :1]
    elif what == "black":
        images[1] = 0
    elif what == "two":
        images[:] = np.where(images > 127, 255, 0)
    found = image_statistics(images)
    assert found.shape == (3, len(STATISTICS))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 20
    assert image_statistics(images[1:2]) == pytest.approx(found[1:2], abs=1e-5)


def test_every_number_has_a_name():
    assert len(set(STATISTICS)) == len(STATISTICS)
