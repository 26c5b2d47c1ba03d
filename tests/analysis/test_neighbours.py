"""k nearest neighbours and the interval of their error, against scikit-learn and hand arithmetic."""

import numpy as np
import pytest

from archimeter.analysis.neighbours import Probed, binomial_interval, nearest_labels, neighbours_for


@pytest.fixture(scope="module")
def cloud():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 700)
    return rng.normal(size=(700, 6)) + labels[:, None] * 0.7, labels


@pytest.mark.parametrize("k", [1, 5, 11])
def test_held_out_images_are_judged_as_scikit_learn_judges_them(cloud, k):
    from sklearn.neighbors import KNeighborsClassifier

    features, labels = cloud
    train, test = slice(0, 500), slice(500, None)
    model = KNeighborsClassifier(k, metric="cosine").fit(features[train], labels[train])
    ours = nearest_labels(features[train], labels[train], k, features[test])
    assert ours.tolist() == model.predict(features[test]).tolist()


@pytest.mark.parametrize("k", [1, 7])
def test_leaving_one_out_is_fitting_without_it(cloud, k):
    from sklearn.model_selection import LeaveOneOut, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    features, labels = (part[:150] for part in cloud)
    model = KNeighborsClassifier(k, metric="cosine")
    theirs = cross_val_predict(model, features, labels, cv=LeaveOneOut())
    assert nearest_labels(features, labels, k).tolist() == theirs.tolist()


def test_by_hand():
    """Angles in degrees: lengths do not matter, and of equal votes the nearest decides."""
    angles = np.radians([0, 10, 21, 80, 90])
    features = np.array([1, 5, 0.1, 2, 3])[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    labels = np.array(["a", "a", "b", "c", "c"])
    assert nearest_labels(features, labels, 1).tolist() == ["a", "a", "a", "c", "c"]
    assert nearest_labels(features, labels, 3, features[2:3]).tolist() == ["a"]  # b, a, a
    assert nearest_labels(features, labels, 2, features[2:3]).tolist() == ["b"]  # b, a: b is nearer


def test_more_neighbours_than_images_are_all_of_them():
    features, labels = np.eye(3), np.array([0, 0, 1])
    assert nearest_labels(features, labels, 11).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("per_class", "k"), [([500, 500], 11), ([10, 10, 10], 9), ([9, 9], 9), ([2, 3], 1), ([1, 1, 40], 1)]
)
def test_as_many_vote_as_the_middle_class_can_fill(per_class, k):
    assert neighbours_for(np.array(per_class)) == k


@pytest.mark.parametrize(("wrong", "n"), [(0, 30), (3, 10), (50, 100), (999, 1000), (20, 20)])
def test_the_interval_is_wilsons(wrong, n):
    from statsmodels.stats.proportion import proportion_confint

    assert binomial_interval(wrong, n) == pytest.approx(proportion_confint(wrong, n, 0.05, "wilson"))


def test_a_probe_states_its_error():
    probed = Probed(
        model="m", file="f", k=5, split="val", n_train=80, n_eval=20, wrong=3, left_out=0
    )  # fmt: skip
    assert probed.error == 0.15
    assert probed.interval == binomial_interval(3, 20)
