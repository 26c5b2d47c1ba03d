"""Colours that a colour-blind reader tells apart, by simulation; not by eye."""

import itertools

import numpy as np
import pandas as pd
import pytest

from archimeter.reports.palette import GREY, MARKS, coloured_families

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
BLINDNESS = {
    "none": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one, other):
    a, b = sorted((TO_XYZ[1] @ linear(one), TO_XYZ[1] @ linear(other)))
    return (b + 0.05) / (a + 0.05)


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_two_colours_look_alike(theme, blindness):
    seen = {getattr(m, theme): lab(np.array(BLINDNESS[blindness]) @ linear(getattr(m, theme))) for m in MARKS}
    distances = {
        pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in itertools.combinations(seen, 2)
    }
    closest = min(distances, key=distances.get)
    assert distances[closest] > 10, f"{closest}: {distances[closest]:.1f}"  # 2.3 is just noticeable


@pytest.mark.parametrize(("theme", "paper"), [("light", "#ffffff"), ("dark", "#1b1f23")])
def test_every_mark_stands_out_from_the_paper(theme, paper):
    for mark in MARKS:
        assert contrast(getattr(mark, theme), paper) >= 2.5, mark


def test_every_family_has_its_own_symbol_too():
    assert len({mark.symbol for mark in MARKS}) == len(MARKS) == 8
    assert GREY not in MARKS


def test_colours_go_to_the_families_with_the_largest_shares_each_study_counting_once():
    many = [{"study": "a", "key": f"a{i}", "family": family} for i in range(20) for family in ("x", "x", "y")]
    other = [{"study": "b", "key": "b", "family": family} for family in ["y"] * 8 + ["z"] * 2]
    # shares: x 2/3, y 1/3 + 8/10, z 2/10
    assert coloured_families(pd.DataFrame(many + other)) == ["y", "x", "z"]
