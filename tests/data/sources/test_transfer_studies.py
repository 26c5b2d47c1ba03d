"""What every (backbone × target) study must keep to, and what each is known for."""

import pytest

from archimeter.data.build import SOURCES
from archimeter.data.names import split
from archimeter.data.sources import aitlas_arena_finetune, juodelyte_medmnist_archs
from archimeter.data.tables import load_observations, load_weights, manifest

TORCHVISION = {  # our backbone → torchvision's network
    "convnext_tiny": "convnext_tiny",
    "densenet121": "densenet121",
    "densenet161": "densenet161",
    "densenet169": "densenet169",
    "densenet201": "densenet201",
    "efficientnet_b0": "efficientnet_b0",
    "mnasnet_100": "mnasnet1_0",
    "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv3_small_100": "mobilenet_v3_small",
    "resnet101": "resnet101",
    "resnet152": "resnet152",
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "swinv2_small_window8_256": "swin_v2_s",
    "tf_efficientnetv2_s": "efficientnet_v2_s",
    "vgg11": "vgg11",
    "vgg16": "vgg16",
}
CNN_STUDIES = [
    "sfda-cnn-finetune",
    "logme-tllib-finetune",
    "aitlas-arena-finetune",
    "juodelyte-medmnist-archs",
]


@pytest.fixture(scope="module")
def results():
    return load_observations()


def cell(results, study, name, dataset):
    rows = results[
        (results["study"] == study) & (results["published_name"] == name) & (results["dataset"] == dataset)
    ]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("study", "models", "datasets"),
    [
        ("sfda-cnn-finetune", 11, 11),
        ("logme-tllib-finetune", 10, 8),
        ("aitlas-arena-finetune", 10, 22),
        ("juodelyte-medmnist-archs", 9, 11),
    ],
)
def test_a_study_has_every_network_on_every_set_once(results, study, models, datasets):
    mine = results[results["study"] == study]
    assert mine["published_name"].nunique() == models
    assert mine["dataset"].nunique() == datasets
    assert not mine.duplicated(["published_name", "dataset"]).any()
    assert len(mine) == models * datasets
    assert (mine["status"] == "ok").all()


def test_printed_cells_are_found_again(results):
    """From the studies' own tables: LogME's README (82.7, 94.5), SFDA's tw_group1.py (84.06)."""
    assert cell(results, "logme-tllib-finetune", "GoogleNet", "fgvc-aircraft")["error"] == 0.173
    assert cell(results, "logme-tllib-finetune", "ResNet152", "pets")["error"] == 0.055
    assert cell(results, "sfda-cnn-finetune", "resnet34", "fgvc-aircraft")["error"] == 0.1594


def test_sfda_keeps_the_metric_of_each_set_apart(results):
    metrics = results[results["study"] == "sfda-cnn-finetune"].groupby("dataset")["metric"].unique()
    assert (metrics.str.len() == 1).all()
    assert metrics["voc-2007"][0] == "mean-average-precision"
    assert metrics["pets"][0] == metrics["flowers-102"][0] == "mean-per-class-accuracy"
    assert metrics["cifar-10"][0] == "top1"


def test_aitlas_scores_multi_label_sets_by_average_precision(results):
    mine = results[results["study"] == "aitlas-arena-finetune"]
    by_metric = mine.groupby("metric")["dataset"].nunique().to_dict()
    assert by_metric == {"top1": 15, "mean-average-precision": 7}
    assert set(mine["dataset"]) == set(aitlas_arena_finetune.DATASETS.values())


def test_aitlas_swin_is_swin_v2_small_by_architecture_only(results):
    row = cell(results, "aitlas-arena-finetune", "SwinT", "aid")
    assert row["backbone"] == "swinv2_small_window8_256"
    assert row["match"] == "architecture"


def test_juodelyte_draws_a_hundred_images_per_class(results):
    mine = results[results["study"] == "juodelyte-medmnist-archs"].set_index("dataset")
    assert set(mine["metric"]) == {"auc"}
    assert set(mine.loc["breastmnist", "n_train"]) == {200}  # two classes
    assert set(mine.loc["organamnist", "n_train"]) == {1100}  # eleven


def test_a_model_name_of_another_form_is_not_guessed(tmp_path):
    (tmp_path / "transfer").mkdir()
    (tmp_path / "transfer" / "juodelyte_medmnist_archs.csv").write_text("model,timm_match\nnet,none\n")
    with pytest.raises(KeyError, match="does not name a torchvision network"):
        list(juodelyte_medmnist_archs.rows(tmp_path))


def test_architectures_have_the_parameters_of_the_networks_that_were_tuned(results):
    """A mapping made by hand is checked by counting: torchvision's network against timm's."""
    import timm
    import torch
    import torchvision

    mine = results[results["study"].isin(CNN_STUDIES) & (results["match"] != "none")]
    for name in sorted(set(mine["backbone"]) & set(TORCHVISION)):
        theirs = torchvision.models.get_model_weights(TORCHVISION[name]).IMAGENET1K_V1
        count = theirs.meta["num_params"]
        with torch.device("meta"):
            ours = timm.create_model(name)
        # torchvision's Swin V2 keeps a key bias that is always zero
        surplus = 9024 if name == "swinv2_small_window8_256" else 0
        assert sum(p.numel() for p in ours.parameters()) == count - surplus, name
    unchecked = set(mine["backbone"]) - set(TORCHVISION)
    assert unchecked == {
        "inception_v3",
        "vit_base_patch16_224",
        "mixer_b16_224",
    }  # auxiliary head; timm's own


def test_exact_weights_are_timms_and_stand_under_their_backbone(results):
    known = set(load_weights()["weights"])
    exact = results[results["match"] == "exact"]
    assert set(exact["weights"]) <= known
    assert (exact["weights"].map(lambda name: split(name)[0]) == exact["backbone"]).all()
    assert results.loc[results["match"] != "exact", "weights"].isna().all()


def test_what_is_matched_is_in_timm_and_what_is_not_is_not(results):
    import timm

    known = set(timm.list_models())
    assert set(results.loc[results["match"] != "none", "backbone"]) <= known
    assert not set(results.loc[results["match"] == "none", "backbone"]) & known


def test_every_result_has_an_error_and_a_metric_of_its_own(results):
    ok = results[results["status"] == "ok"]
    assert ok["error"].between(0, 1).all()
    assert ok["metric"].notna().all()
    twofold = {  # state accuracy and AUC, or accuracy and F1, each on a row of its own
        "cherti-jitsev-bit",
        "danish-fungi",
        "fungitastic",
        "medmnistplus-doerrich",
    }
    per_cell = ok[~ok["study"].isin(twofold)].groupby(["study", "dataset", "recipe"])["metric"].nunique()
    assert (per_cell == 1).all(), "two metrics in one cell would be pooled"


def test_data_set_keys_are_lower_case_with_dashes(results):
    assert results["dataset"].str.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*").all()
    assert results["study"].str.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*").all()


def test_every_source_says_where_it_is_from():
    built = {entry.built_by.rpartition(".")[2]: entry for entry in manifest()}
    for name in SOURCES:
        entry = built[name]
        assert entry.notes, name
        assert entry.table == (entry.study or entry.table)


def test_a_kind_of_pretraining_stands_only_where_the_weights_are_not_timms(results):
    assert results.loc[results["weights"].notna(), "pretraining"].isna().all()
    torchvision = results[results["study"].isin(["sfda-cnn-finetune", "juodelyte-medmnist-archs"])]
    assert set(torchvision.loc[torchvision["weights"].isna(), "pretraining"]) == {"supervised-in1k"}
