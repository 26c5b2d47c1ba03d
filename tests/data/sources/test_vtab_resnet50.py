import pytest

from archimeter.data.sources.vtab_resnet50 import GENERATIVE
from archimeter.data.tables import load_observations


@pytest.fixture(scope="module")
def results():
    return load_observations("vtab-resnet50")


def test_every_representation_has_both_sample_sizes_on_nineteen_tasks(results):
    assert len(results) == 16 * 19 * 2
    assert results["dataset"].nunique() == 19
    assert set(results["n_train"].dropna()) == {1000}
    assert results["n_train"].notna().sum() == 16 * 19


def test_the_published_mean_score_comes_out(results):
    """VTAB-1k mean of Sup-Rotation-100 %: 68.0 (arXiv:1910.04867 as listed on wizwand.com)."""
    few = results[results["n_train"] == 1000]
    means = 100 * (1 - few.groupby("published_name")["error"].mean())
    assert round(means["Sup-Rotation-100%"], 1) == 68.0
    assert means.idxmax() == "Sup-Rotation-100%"


def test_generative_models_are_not_called_resnet(results):
    """tfhub.dev/vtab: the architecture of these modules is BigGAN, VAE or WAE; of the others ResNet50-v2."""
    generative = results["published_name"].isin(GENERATIVE)
    assert set(results.loc[generative, "match"]) == {"none"}
    assert set(results.loc[~generative, "backbone"]) == {"resnetv2_50"}
    assert results["weights"].isna().all()


def test_training_from_scratch_is_not_called_a_fine_tune(results):
    scratch = results[results["published_name"] == "From-Scratch"]
    assert set(scratch["recipe"]) == {"from-scratch"}
    assert set(results.loc[results["published_name"] != "From-Scratch", "recipe"]) == {"fine-tune"}


def test_representations_are_of_the_papers_groups(results):
    """Zhai et al. 2019, section 3: generative, self-, semi- and supervised, and none."""
    kinds = results.drop_duplicates("published_name").set_index("published_name")["pretraining"]
    assert kinds.value_counts().to_dict() == {
        "generative": 6, "self-supervised": 4, "supervised-in1k": 3, "semi-supervised": 2, "none": 1,
    }  # fmt: skip
    assert kinds["Rotation"] == "self-supervised"
    assert kinds["Semi-Rotation-10%"] == "semi-supervised"
    assert kinds["Sup-Rotation-100%"] == "supervised-in1k"
