import csv

import pytest

from archimeter.data.datasets import ALIASES, key, keys
from archimeter.data.errors import UnknownNameError
from archimeter.data.tables import load_observations

PRINTED = (
    *("bach", "bigearthnet-v2", "breakhis", "brick-kiln", "cub-200-2011", "df20", "df20-mini", "forestnet"),
    *("fungitastic", "gleason-arvaniti", "mhist", "nabirds", "pv4ger", "stanford-dogs", "treesatai"),
)  # only in studies without a raw file


def test_every_study_name_of_the_raw_index_has_a_key(raw):
    with (raw / "transfer" / "dataset_index.csv").open() as file:
        names = [row["dataset"] for row in csv.DictReader(file)]
    assert len(names) == 183
    found = {key(name) for name in names}
    without_raw_row = {key for key in keys() if key not in found}
    assert found <= set(keys())
    assert without_raw_row == {"planet", "imagenet-real", "imagenet-a-clean", "imagenet-r-clean", *PRINTED}


@pytest.mark.parametrize(
    ("names", "dataset"),
    [
        (["DTD", "Describable Textures", "dtd"], "dtd"),
        (["CIFAR10", "CIFAR-10", "cifar10"], "cifar-10"),
        (["flowers", "Oxford Flowers-102", "flowers_oversampling"], "flowers-102"),
        (["Clevr-Dist", "CLEVR Distance"], "clevr-distance"),
        (["Camelyon", "PatchCamelyon"], "patch-camelyon"),
        (["Camelyon17"], "camelyon17"),
        (["derma_smallest", "dermamnist"], "dermamnist"),
        (["UC Merced (mlc)"], "uc-merced-multilabel"),
    ],
)
def test_the_same_set_under_several_names_has_one_key(names, dataset):
    assert {key(name) for name in names} == {dataset}


def test_keys_are_their_own_names():
    assert [key(name) for name in keys()] == keys()
    assert all(name == name.lower() and " " not in name and "_" not in name for name in keys())


def test_every_shipped_observation_has_a_known_data_set():
    assert set(load_observations()["dataset"]) <= set(ALIASES)


def test_an_unknown_name_is_refused_with_close_matches():
    with pytest.raises(UnknownNameError, match=r"Unknown data set 'cifar11'. Did you mean cifar-1"):
        key("cifar11")
