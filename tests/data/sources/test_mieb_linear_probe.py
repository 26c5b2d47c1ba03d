import pytest

from archimeter.data.tables import load_observations


@pytest.fixture(scope="module")
def results():
    return load_observations("mieb-linear-probe")


def test_n_train_is_sixteen_images_a_class(results):
    by_set = results.groupby("dataset")["n_train"].agg(["min", "max"])
    assert (by_set["min"].dropna() == by_set["max"].dropna()).all()
    assert by_set.loc["cifar-10", "max"] == 16 * 10
    assert by_set.loc["imagenet-1k", "max"] == 16 * 1000
    assert by_set.loc[["voc-2007"], "max"].isna().all()  # several labels an image
    assert set(results["n_replicates"]) == {5}


def test_rows_at_chance_in_every_draw_are_excluded(results):
    excluded = results[results["status"] == "excluded"]
    assert len(excluded) == 13
    assert (excluded["error_sd"] == 0).all()
    assert excluded["error"].min() > 0.99
    ok = results[results["status"] == "ok"]
    assert ok.loc[ok["dataset"] == "imagenet-1k", "error"].max() < 0.9


def test_ranking_precision_is_not_called_accuracy(results):
    assert set(results.loc[results["dataset"] == "voc-2007", "metric"]) == {"label-ranking-average-precision"}
    assert set(results.loc[results["dataset"] != "voc-2007", "metric"]) == {"top1"}


def test_openai_clip_is_quickgelu_and_moco_has_no_weights_in_timm(results):
    openai = results[results["published_name"].str.startswith("openai/")]
    assert openai["weights"].str.contains("quickgelu").all()
    moco = results[results["published_name"].str.contains("moco")]
    assert set(moco["match"]) == {"architecture"}
    assert moco["weights"].isna().all()


def test_the_hubs_names_and_timms_agree_on_patch_size_and_kind(results):
    exact = results[results["match"] == "exact"].drop_duplicates("published_name")
    assert len(exact) == 27
    for row in exact.itertuples():
        name = row.published_name.lower()
        for patch in ("14", "16", "32"):
            if f"patch{patch}" in name or f"-{patch}-" in f"{name}-".replace("patch", ""):
                assert f"patch{patch}" in row.backbone, row.published_name
        for size, ours in (("large", "large"), ("base", "base"), ("giant", "giant"), ("so400m", "so400m")):
            if f"-{size}" in name:
                assert ours in row.backbone, row.published_name
