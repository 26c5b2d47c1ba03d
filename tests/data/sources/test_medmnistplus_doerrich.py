import pytest

from archimeter.data.tables import load_observations


@pytest.fixture(scope="module")
def results():
    return load_observations("medmnistplus-doerrich")


def test_every_cell_of_the_published_tables_is_there_once(results):
    cell = ["published_name", "dataset", "recipe", "recipe_detail", "metric"]
    assert not results.duplicated(cell).any()
    # ten networks, twelve sets, four sizes; two protocols with accuracy and AUC, kNN with accuracy
    assert len(results) == 10 * 12 * 4 * (2 + 2 + 1)


def test_accuracy_and_auc_are_kept_apart(results):
    assert set(results["metric"]) == {"top1", "auc", "label-accuracy"}
    assert set(results.loc[results["metric"] == "label-accuracy", "dataset"]) == {"chestmnist"}
    assert "auc" not in set(results.loc[results["recipe"] == "knn", "metric"])


def test_small_images_are_padded_not_enlarged(results):
    """The study's train.py pads every image with zeros to 224 pixels."""
    assert set(results["resolution"]) == {224}
    assert results["recipe_detail"].str.contains(", 28 px images padded to 224").sum() == 600


def test_seeds_are_behind_all_but_nearest_neighbours(results):
    trained = results["recipe"] != "knn"
    assert set(results.loc[trained, "n_replicates"]) == {3}
    assert results.loc[~trained, "n_replicates"].isna().all()


def test_larger_images_and_full_training_help_on_average(results):
    """The study's figures 3 and 4: end-to-end beats probing, gains flatten with size."""
    accuracy = results[results["metric"] != "auc"]
    means = accuracy.groupby(["recipe", "recipe_detail"])["error"].mean()
    for recipe in ("fine-tune", "linear-probe", "knn"):
        by_size = means[recipe]
        order = sorted(by_size.index, key=lambda text: int(text.split(", ")[1].split(" ")[0]))
        assert list(by_size[order]) == sorted(by_size, reverse=True)
    assert means["fine-tune"].max() < means["linear-probe"].max()


def test_exact_weights_are_the_only_ones_of_their_day(results):
    exact = dict(results.loc[results["match"] == "exact", ["published_name", "weights"]].to_numpy())
    assert exact == {
        "VGG16": "vgg16.tv_in1k",
        "EfficientNet-B4": "efficientnet_b4.ra2_in1k",
        "EVA-02 ViT-B/16": "eva02_base_patch16_clip_224.merged2b",
        "DINO ViT-B/16": "vit_base_patch16_224.dino",
        "SAM ViT-B/16": "samvit_base_patch16.sa1b",
    }
