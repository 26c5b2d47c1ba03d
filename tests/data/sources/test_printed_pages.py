"""Studies that print a page of figures and ship no raw file: the figures are those of the page."""

import pytest

from archimeter.data.sources import danish_fungi, figures
from archimeter.data.tables import load_datasets, load_observations, load_weights

PAGES = {  # study → rows, backbones, data sets
    "big-transfer": (26, 3, 3),
    "danish-fungi": (82, 15, 2),
    "eva-pathology": (84, 12, 6),
    "fungitastic": (10, 5, 1),
    "google-vit": (38, 7, 3),
    "parc": (28, 4, 7),
    "tllib-task-adaptation": (32, 1, 5),
    "torchgeo-bench": (249, 13, 10),
}


@pytest.fixture(scope="module")
def results():
    return load_observations(list(PAGES))


def only(results, **wanted):
    for name, value in wanted.items():
        results = results[results[name] == value]
    assert len(results) == 1
    return results.iloc[0]


@pytest.mark.parametrize("study", PAGES)
def test_a_page_is_complete(results, study):
    mine = results[results["study"] == study]
    assert (len(mine), mine["backbone"].nunique(), mine["dataset"].nunique()) == PAGES[study]
    assert (mine["status"] == "ok").all()


# the README of the repository, which prints the same runs as its output files, by everyday names
@pytest.mark.parametrize(
    ("weights", "pixels", "printed"),
    [
        ("mobilenetv2_100.ra_in1k", 299, (60.58, 48.59, 66.12, 55.21)),
        ("inception_v4.tf_in1k", 299, (63.47, 51.83, 70.39, 60.11)),
        ("tf_efficientnet_b5.ap_in1k", 299, (63.28, 51.5, 71.51, 60.94)),
        ("legacy_seresnext101_32x4d.in1k", 384, (68.06, 56.22, 74.83, 65.32)),
        ("vit_base_patch16_384.augreg_in21k_ft_in1k", 384, (69.33, 57.94, 76.08, 66.76)),
    ],
)
def test_danish_fungi_agrees_with_its_own_readme(results, weights, pixels, printed):
    mine = results[results["study"] == "danish-fungi"]
    columns = [("df20-mini", "top1"), ("df20-mini", "f1-macro"), ("df20", "top1"), ("df20", "f1-macro")]
    for (dataset, metric), percent in zip(columns, printed, strict=True):
        row = only(mine, weights=weights, resolution=pixels, dataset=dataset, metric=metric)
        assert row["error"] == pytest.approx(1 - percent / 100, abs=1e-12)


def test_danish_fungi_does_not_guess_the_vit_whose_default_changed(results):
    mine = results[results["published_name"] == "vit_base_patch16_224"]
    assert set(mine["match"]) == {"architecture"}
    assert "vit_base_patch16_224" not in danish_fungi.NAMES


def test_torchgeo_names_stand_for_timms_default_weights(results):
    mine = results[results["study"] == "torchgeo-bench"]
    weights = load_weights().set_index("weights")
    assert weights.loc[mine["weights"].unique(), "is_default"].all()
    assert (mine["n_eval"].notna() == (mine["metric"] == "top1")).all()


def test_torchgeo_accuracies_are_shares_of_the_evaluated_images(results):
    """An accuracy over n images is a whole number of n-ths: a slip in a digit would not be."""
    counted = results[(results["study"] == "torchgeo-bench") & results["n_eval"].notna()]
    right = (1 - counted["error"]) * counted["n_eval"]
    rounding = counted["n_eval"] * 0.5e-5 + 1e-9
    assert ((right - right.round()).abs() <= rounding).all()


def test_google_vits_are_the_papers_own_weights(results):
    row = only(
        results,
        study="google-vit",
        published_name="ViT-L_16",
        dataset="cifar-10",
        recipe_detail="dropout 0.1",
    )
    assert row["weights"] == "vit_large_patch16_224.orig_in21k"
    assert row["error"] == pytest.approx(0.0086)
    assert row["fit_time_s"] == pytest.approx(24.7 * 3600)


def test_shots_become_training_images(results):
    row = only(
        results,
        study="big-transfer",
        weights="resnetv2_50x1_bit.goog_in21k",
        dataset="cifar-100",
        n_train=500,
    )
    assert row["error"] == pytest.approx(1 - 0.655)
    # the command in the README: "produces a validation accuracy of 80.68"
    whole = only(
        results,
        study="big-transfer",
        weights="resnetv2_50x1_bit.goog_in21k",
        dataset="imagenet-1k",
        recipe_detail="whole training set",
    )
    assert whole["error"] == pytest.approx(1 - 0.8068)


def test_pathology_encoders_have_no_timm_weights(results):
    mine = results[results["study"] == "eva-pathology"]
    assert mine["weights"].isna().all()
    assert set(mine["metric"]) == {"balanced-accuracy"}
    assert (mine["n_replicates"] == 5).all()
    sizes = load_datasets().set_index("dataset")["n_train"]
    whole = mine[~mine["dataset"].isin(["pathmnist"])]  # MedMNIST holds a tenth back for validation
    assert (whole["n_train"] == whole["dataset"].map(sizes)).all()


def test_a_share_of_a_training_set_is_counted_in_images(results):
    mine = results[results["study"] == "tllib-task-adaptation"]
    sizes = load_datasets().set_index("dataset")["n_train"]
    shares = mine[mine["recipe_detail"].str.contains("%")]
    percent = shares["recipe_detail"].str.split(" ").str[0].astype(int)
    wanted = shares["dataset"].map(sizes).astype(int) * percent / 100
    assert ((shares["n_train"] - wanted).abs() <= 0.5).all()
    # the table's last column, the mean over the four parts of a row: 68.1 and 53.6 on CUB-200-2011
    cub = mine[mine["dataset"] == "cub-200-2011"].groupby("published_name")["error"].mean()
    assert 100 - 100 * cub["ResNet-50 supervised"] == pytest.approx(68.1, abs=0.051)
    assert 100 - 100 * cub["ResNet-50 MoCo"] == pytest.approx(53.6, abs=0.051)


def test_parc_keeps_accuracy_over_labels_apart(results):
    mine = results[results["study"] == "parc"]
    assert set(mine.loc[mine["metric"] == "label-accuracy", "dataset"]) == {"voc-2007"}


def test_a_table_with_a_cell_too_few_is_refused():
    assert list(figures.parse("a b\n1 -\n")) == [{"a": "1"}]
    with pytest.raises(ValueError, match="shorter"):
        list(figures.parse("a b\n1\n"))
