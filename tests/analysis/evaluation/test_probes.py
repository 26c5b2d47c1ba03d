from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from archimeter.analysis.evaluation.probes import Probes, moved, probe_orders
from archimeter.analysis.prediction.features import Facts
from archimeter.analysis.prediction.new_laboratory import NewLaboratory
from archimeter.analysis.prediction.panels import panels
from archimeter.analysis.prediction.pooled import cells_of
from archimeter.data.tables import load_observations, load_profiles, load_weights

BACKBONES = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "convnext_tiny", "convnext_base"),
    *("densenet121", "densenet169", "efficientnet_b0", "efficientnet_b4"),
)
DATASETS = ("cats", "dogs", "cars", "birds", "fish", "trees")
FACTS = {"cats": {"group": "animals"}, "dogs": {"group": "animals"}}


@pytest.fixture(scope="module")
def table():
    return Facts(load_profiles(), load_weights(), load_observations())


def rows_of(study, recipe, errors, detail=None):
    """One row per result; `errors` is [backbones, data sets]."""
    cells = [(i, j) for i in range(len(BACKBONES)) for j in range(len(DATASETS))]
    frame = pd.DataFrame(
        {
            "backbone": [BACKBONES[i] for i, _ in cells],
            "dataset": [DATASETS[j] for _, j in cells],
            "error": [errors[cell] for cell in cells],
        }
    )
    same = {"study": study, "recipe": recipe, "recipe_detail": detail, "status": "ok", "metric": "top1"}
    unknown = {"published_name": None, "weights": None, "pretraining": None, "match": "architecture"}
    return frame.assign(**same, **unknown, learning_rate=np.nan, error_sd=np.nan)


def probed(table, rows):
    found = panels(pd.concat(rows, ignore_index=True))
    return found, Probes(found, NewLaboratory(cells_of(found, table), found, FACTS), FACTS)


def laboratories():
    """In `telling` frozen results are the asked order, in `silent` they are noise."""
    rng = np.random.default_rng(0)
    asked, other, noise = rng.uniform(0.1, 0.6, (3, len(BACKBONES), len(DATASETS)))
    return [
        rows_of("telling", "fine-tune", asked),
        rows_of("telling", "knn", asked),
        rows_of("silent", "fine-tune", other),
        rows_of("silent", "knn", noise),
    ]


def test_only_the_probed_models_move_and_only_against_each_other():
    order = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    probe = np.array([0.4, np.nan, 0.3, np.nan, 0.2])
    root = np.sqrt(1.5)  # ranks 3, 2, 1 standardised: √1.5, 0, -√1.5
    half = moved(order, probe, 0.5)
    assert half == pytest.approx([(root - 1) / 2, -0.5, 0.0, 0.5, (1 - root) / 2])
    assert moved(order, probe, 0.0) == pytest.approx(order)
    assert np.argsort(moved(order, probe, 1.0)[[0, 2, 4]]).tolist() == [2, 1, 0]
    assert moved(order, np.full(5, np.nan), 1.0) is order


def test_a_probe_counts_for_what_it_told_on_the_laboratory_s_other_data_sets(table):
    found, probes = probed(table, laboratories())
    weights = {pair.asked.study: probes.weight(pair, "fish", here=True) for pair in probes.pairs}
    assert set(weights) == {"telling", "silent"}
    assert weights["telling"] == pytest.approx(1)
    assert weights["silent"] < 0.25
    assert len(found) == 4


def test_in_an_unknown_laboratory_a_probe_counts_for_what_it_told_elsewhere(table):
    _, probes = probed(table, laboratories())
    weights = {pair.asked.study: probes.weight(pair, "fish", here=False) for pair in probes.pairs}
    assert weights["silent"] == pytest.approx(1)
    assert weights["telling"] < 0.25


def test_nothing_is_learned_from_the_data_set_that_is_asked_about_or_its_siblings(table):
    before, (_, after) = probed(table, laboratories())[1], probed(table, _with_other_animals())
    one, other = (next(p for p in x.pairs if p.asked.study == "telling") for x in (before, after))
    assert before.weight(one, "cats", here=True) == pytest.approx(after.weight(other, "cats", here=True))
    assert before.weight(one, "cars", here=True) > after.weight(other, "cars", here=True) + 0.05


def _with_other_animals():
    rows = laboratories()
    for part in rows[:2]:
        hidden = part["dataset"].isin(["cats", "dogs"])
        part.loc[hidden, "error"] = np.random.default_rng(len(part["recipe"][0])).uniform(0, 1, hidden.sum())
    return rows


def test_panels_are_a_pair_where_one_study_ran_both_on_the_same_images(table):
    errors = np.random.default_rng(0).uniform(0.1, 0.6, (len(BACKBONES), len(DATASETS)))
    rows = [
        *(rows_of("a", "fine-tune", errors, f"all layers, {side} px") for side in (28, 224)),
        *(rows_of("a", "knn", errors, f"k = 11, {side} px") for side in (28, 224)),
        rows_of("b", "linear-probe", errors),
        rows_of("c", "knn", errors),
    ]
    _, probes = probed(table, rows)
    pairs = {(p.asked.condition, p.probe.condition) for p in probes.pairs}
    assert pairs == {("all layers, 28 px", "k = 11, 28 px"), ("all layers, 224 px", "k = 11, 224 px")}


def test_orders_of_a_plain_query_probe_all_models_then_the_first_three(table):
    found, probes = probed(table, laboratories())
    panel = next(p for p in found if p.study == "silent" and p.recipe == "fine-tune")
    order = np.linspace(-1, 1, len(BACKBONES))
    rated = np.ones(len(BACKBONES), bool)
    case = SimpleNamespace(protocol="study", panel=panel, target="fish", rated=rated)
    orders = probe_orders(case, probes, order)
    assert set(orders) == {"L4", "L4 three", "L4 chance"}
    (pair,) = probes.of(panel)
    assert np.argsort(orders["L4"]).tolist() == np.argsort(pair.results("fish")).tolist()  # the weight is 1
    assert orders["L4 three"][3:] == pytest.approx(order[3:])
    assert orders["L4 three"][:3] != pytest.approx(order[:3])
    assert sorted(orders["L4 chance"]) == pytest.approx(sorted(orders["L4"]))
    assert orders["L4 chance"] != pytest.approx(orders["L4"])
    known = probe_orders(SimpleNamespace(**{**vars(case), "protocol": "dataset"}), probes, order)
    assert set(known) == {"M4", "M4 three"}


def test_the_shipped_results_of_a_probe_are_those_of_the_same_models():
    rows = load_observations(["medmnistplus-doerrich"])
    found = panels(rows)
    asked = [p for p in found if p.recipe == "fine-tune" and "224 px" in p.condition.partition(", ")[2]]
    published = rows[(rows["recipe"] == "knn") & (rows["dataset"] == "bloodmnist")]
    published = published[published["recipe_detail"] == "k = 11, 224 px images padded to 224"]
    truth = published.set_index("published_name")["error"]
    laboratory = SimpleNamespace(cells=SimpleNamespace(keys=()))
    probes = Probes(found, laboratory, {})  # pyright: ignore[reportArgumentType]
    pairs = [p for panel in asked for p in probes.of(panel) if p.probe.recipe == "knn"]
    for pair in pairs:
        if pair.probe.condition.endswith("224 px images padded to 224"):
            assert pair.results("bloodmnist") == pytest.approx(truth[list(pair.asked.models)].to_numpy())
    assert {pair.asked.condition.partition(", ")[2] for pair in pairs} == {
        pair.probe.condition.partition(", ")[2] for pair in pairs
    }
