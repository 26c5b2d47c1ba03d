from archimeter.data.tables import load_observations


def test_four_architectures_two_protocols_twelve_targets():
    results = load_observations("salman-robust-transfer")
    assert len(results) == 4 * 2 * 12
    assert set(results.groupby(["dataset", "recipe"]).size()) == {4}
    assert set(results["backbone"]) == {"resnet18", "resnet50", "wide_resnet50_2", "wide_resnet50_4"}


def test_a_network_that_timm_lacks_is_not_matched():
    results = load_observations("salman-robust-transfer")
    unmatched = results[results["match"] == "none"]
    assert set(unmatched["backbone"]) == {"wide_resnet50_4"}
    assert set(results.loc[results["match"] != "none", "match"]) == {"architecture"}
    assert results["weights"].isna().all()


def test_the_choice_by_test_accuracy_is_said():
    results = load_observations("salman-robust-transfer")
    assert results["recipe_detail"].str.contains("best ε and rate by test accuracy").all()
    assert results["learning_rate"].notna().all()


def test_robust_features_are_better_frozen_as_the_paper_says():
    """Abstract of arXiv:2007.08489: robust models often transfer better: ε = 0 is rarely the best."""
    probes = load_observations("salman-robust-transfer").query("recipe == 'linear-probe'")
    assert (~probes["recipe_detail"].str.contains("ε = 0,")).mean() > 0.8
