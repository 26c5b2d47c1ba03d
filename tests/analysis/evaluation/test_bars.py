"""What the predictions must not fall below on the shipped tables; a change that costs accuracy fails here."""

import numpy as np
import pytest

from archimeter.analysis.evaluation.levels import score_levels
from archimeter.analysis.evaluation.measures import bootstrap_mean
from archimeter.analysis.evaluation.orders import score_orders
from archimeter.analysis.evaluation.splits import known_datasets, split_hash
from archimeter.analysis.prediction.features import Facts
from archimeter.analysis.prediction.panels import facts_of, panels
from archimeter.data.tables import load_datasets, load_observations, load_profiles, load_weights

SMALL = (
    *("sfda-cnn-finetune", "logme-tllib-finetune", "juodelyte-medmnist-archs", "aitlas-arena-finetune"),
    *("biobench", "mieb-linear-probe", "vtab-resnet50"),
)


@pytest.fixture(scope="module")
def world():
    rows = load_observations()
    facts = facts_of(load_datasets())
    return panels(rows[rows["study"].isin(SMALL)]), facts, Facts(load_profiles(), load_weights(), rows)


@pytest.fixture(scope="module")
def orders(world):
    found, facts, table = world
    return {p.name: score_orders(p, facts, table, "dataset-alone") for p in found}


def mean(rows, method, measure):
    return float(np.mean([row[measure] for row in rows if row["method"] == method]))


@pytest.mark.parametrize(
    ("panel", "tau_w", "regret"),
    [
        ("sfda-cnn-finetune, fine-tune", 0.834, 0.09),
        ("logme-tllib-finetune, fine-tune", 0.75, 0.90),
        ("juodelyte-medmnist-archs, fine-tune", 0.50, 0.15),
        ("aitlas-arena-finetune, fine-tune", 0.51, 0.45),
        ("mieb-linear-probe, linear-probe", 0.69, 1.0),
    ],
)
def test_order_on_a_held_out_data_set_keeps_its_bar(orders, panel, tau_w, regret):
    assert mean(orders[panel], "archimeter", "tau_w") >= tau_w
    assert mean(orders[panel], "archimeter", "regret_1") <= regret


def test_order_is_never_worse_than_mean_rank_and_better_pooled(orders):
    gains = []
    for rows in orders.values():
        ours = {r["dataset"]: r["tau_w"] for r in rows if r["method"] == "archimeter"}
        base = {r["dataset"]: r["tau_w"] for r in rows if r["method"] == "mean-rank"}
        own = np.array([ours[d] - base[d] for d in ours])
        assert bootstrap_mean(own, rng=np.random.default_rng(0))[2] >= 0
        gains += list(own)
    assert bootstrap_mean(np.array(gains), rng=np.random.default_rng(0))[1] > 0


@pytest.mark.parametrize(
    ("study", "mae_1", "mae_0"), [("sfda-cnn-finetune", 1.6, 9.0), ("juodelyte-medmnist-archs", 1.8, 6.0)]
)
def test_one_anchor_tells_most_of_the_error(world, study, mae_1, mae_0):
    found, facts, _ = world
    (panel,) = [p for p in found if p.study == study]
    rows = score_levels(panel, facts)
    assert np.mean([r["mae_1"] for r in rows]) <= mae_1
    assert np.mean([r["mae_0"] for r in rows]) <= mae_0
    assert 0.75 <= np.mean([r["coverage_1"] for r in rows]) <= 0.95
    assert all(r["highest_level"] < 1 for r in rows)


def test_a_fold_knows_neither_the_data_set_nor_its_siblings(world):
    found, facts, _ = world
    (sfda,) = [p for p in found if p.study == "sfda-cnn-finetune"]
    known = {sfda.datasets[j] for j in known_datasets(sfda, "cifar-10", "dataset", facts)}
    assert not known & {"cifar-10", "cifar-100"}
    assert "cifar-100" in {sfda.datasets[j] for j in known_datasets(sfda, "cifar-10", "dataset-alone", facts)}
    same = {sfda.datasets[j] for j in known_datasets(sfda, "pets", "domain", facts)}
    assert not any(facts[name]["domain"] == "fine-grained" for name in same)
    assert split_hash(found, facts, "dataset") != split_hash(found, facts, "domain")
