"""Which reference is clearly nearest, and which may be the same images."""

import numpy as np
import pytest

from archimeter.analysis.references import FEWEST, Likeness, clearly_nearest
from archimeter.analysis.two_sample import Auc


def cloud(seed, at, n=100):
    return np.random.default_rng(seed).normal(size=(n, 6)) + np.array([at, 0, 0, 0, 0, 0])


def likeness(auc, shared=0, n=200):
    return Likeness("pets", "./pets", "tables", "fine-grained", n, n, n, 0, shared, auc, 1.0)


def test_the_one_at_hand_is_nearest_whatever_the_order():
    yours, near, far = cloud(0, 0), ("radiology", cloud(1, 1)), ("natural", cloud(2, 30))
    assert clearly_nearest(yours, [near, far]) == 0
    assert clearly_nearest(yours, [far, near]) == 1


def test_nearest_of_the_far_is_not_near():
    assert clearly_nearest(cloud(0, 0), [("radiology", cloud(1, 20)), ("natural", cloud(2, 30))]) is None


def test_two_that_are_as_near_as_each_other_leave_it_open():
    pair = [("radiology", cloud(1, 1)), ("natural", cloud(2, -1))]
    assert clearly_nearest(cloud(0, 0), pair) is None


def test_others_of_the_same_domain_do_not_count_against_it():
    kin = [("natural", cloud(1, 1)), ("natural", cloud(2, -1)), ("radiology", cloud(3, 30))]
    found = clearly_nearest(cloud(0, 0), kin)
    assert found in (0, 1)


def test_one_domain_alone_cannot_be_the_nearer():
    assert clearly_nearest(cloud(0, 0), [("natural", cloud(1, 0))]) is None
    assert clearly_nearest(cloud(0, 0), []) is None


@pytest.mark.parametrize(("n", "expected"), [(49, None), (50, 0)])
def test_few_images_tell_nothing(n, expected):
    pair = [("natural", cloud(1, 1, n)), ("radiology", cloud(2, 60))]
    assert clearly_nearest(cloud(0, 0), pair) == expected


def test_a_nearness_that_the_next_sample_would_undo_is_none():
    # in expectation at just half the distance: of many draws few may claim it
    claimed = [
        clearly_nearest(
            cloud(3 * i, 0), [("natural", cloud(3 * i + 1, 4)), ("radiology", cloud(3 * i + 2, 8))]
        )
        for i in range(60)
    ]
    assert sum(one is not None for one in claimed) <= 5


def test_what_looks_the_same():
    assert likeness(Auc(0.51, 0.46, 0.56)).looks_the_same
    assert likeness(Auc(0.40, 0.35, 0.45)).looks_the_same
    assert not likeness(Auc(0.58, 0.53, 0.63)).looks_the_same  # told apart, if hardly
    assert not likeness(Auc(0.50, 0.30, 0.70), n=FEWEST).looks_the_same  # too few to say
    assert likeness(Auc(0.75, 0.70, 0.80), shared=100).looks_the_same  # half are there
    assert not likeness(Auc(0.75, 0.70, 0.80), shared=99).looks_the_same
