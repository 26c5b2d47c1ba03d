"""The model fitted on a user's table alone: here a shipped study, exported as a user would have it."""

import json

import numpy as np
import pytest

from archimeter.analysis import own_model
from archimeter.analysis.evidence import load_evidence
from archimeter.analysis.own_results import own_rows
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend
from archimeter.data.tables import load_observations, load_profiles

STUDY = "sfda-cnn-finetune"
PETS = {"images": 3680, "classes": 37, "domain": "fine-grained"}
COLUMNS = ["dataset", "backbone", "weights", "error", "recipe", "metric"]
SETS = ["caltech-101", "dtd", "food-101", "sun397"]


@pytest.fixture(scope="module")
def shipped():
    return load_evidence()


@pytest.fixture(scope="module")
def table():
    rows = load_observations([STUDY])
    return rows[rows["match"] != "none"]


@pytest.fixture
def alone(table, shipped, tmp_path, monkeypatch):
    """Evidence of a CSV with some of the study's data sets and nothing else."""
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("archimeter.analysis.recommend.load_fitted", None)  # the shipped model is not asked

    def made(datasets=None, *, without=()):
        kept = table[~table["dataset"].isin(without)]
        kept = kept if datasets is None else kept[kept["dataset"].isin(datasets)]
        kept[COLUMNS].to_csv(tmp_path / "mine.csv", index=False)
        return shipped.with_results(own_rows(tmp_path / "mine.csv"), only=True)

    return made


def test_a_data_set_left_out_is_foretold_within_its_interval(alone, table):
    known = alone(without=["pets"])
    answer = recommend(Query(**PETS, top=50), known)
    measured = table[table["dataset"] == "pets"]
    truth = dict(zip(measured["weights"].fillna(measured["backbone"]), measured["error"], strict=True))
    assert {row.weights or row.backbone for row in answer.rows} == set(truth)
    held = [row.expected.low < truth[row.weights or row.backbone] < row.expected.high for row in answer.rows]
    assert all(held)
    away = [abs(row.expected.error - truth[row.weights or row.backbone]) for row in answer.rows]
    assert np.mean(away) < 0.06
    assert answer.rows[0].weights == min(truth, key=truth.get)
    assert sum(row.expected.p_best for row in answer.rows) == pytest.approx(1, abs=1e-5)
    assert answer.level == 0.8
    assert any("fitted on these results alone" in words for words in answer.notes)
    again = recommend(Query(**PETS, top=50), known)
    assert json.dumps(answer.as_document()) == json.dumps(again.as_document())


def test_eight_in_ten_are_covered_when_each_data_set_is_left_out(alone, table):
    facts, covered = load_evidence().datasets, []
    for name in sorted(table["dataset"].unique()):
        fact = facts[name]
        kin = [n for n in table["dataset"].unique() if (facts[n]["group"] or n) == (fact["group"] or name)]
        query = Query(images=fact["n_train"], classes=fact["n_classes"], domain=fact["domain"], top=50)
        answer = recommend(query, alone(without=kin))
        rows = table[table["dataset"] == name]
        truth = dict(zip(rows["weights"].fillna(rows["backbone"]), rows["error"], strict=True))
        covered.append(
            np.mean([r.expected.low < truth[r.weights or r.backbone] < r.expected.high for r in answer.rows])
        )
    assert 0.7 <= np.mean(covered) <= 1


@pytest.mark.parametrize(("n", "level"), [(2, 2 / 3), (3, 3 / 4), (4, 0.8)])
def test_few_data_sets_promise_less_and_say_so(alone, n, level):
    answer = recommend(Query(**PETS), alone(SETS[:n]))
    assert answer.level == pytest.approx(level)
    said = [words for words in answer.notes if "can promise" in words]
    assert bool(said) == (n < 4)
    assert all(f"{n} unrelated data sets can promise {100 * level:.0f} %" in words for words in said)
    assert all(0 < row.expected.low < row.expected.error < row.expected.high < 1 for row in answer.rows)


def test_one_data_set_gives_an_order_and_says_what_errors_take(alone):
    answer = recommend(Query(**PETS, anchors=(("resnet50", 0.06),)), alone(["dtd"]))
    assert answer.rows[0].expected is None
    assert answer.rows[0].results[0].place == 1
    notes = " ".join(answer.notes)
    assert "two unrelated data sets" in notes
    assert "(--anchor) take no part" in notes


def test_siblings_are_one_data_set(alone):
    assert recommend(Query(**PETS), alone(["cifar-10", "cifar-100"])).rows[0].expected is None


def test_an_anchor_sets_the_level_and_its_place_is_told(alone):
    known = alone(without=["pets"])
    plain = recommend(Query(**PETS), known)
    told = recommend(Query(**PETS, anchors=(("resnet50.tv_in1k", 0.02),)), known)
    (row,) = [row for row in told.rows if row.weights == "resnet50.tv_in1k"]
    assert row.expected.error == pytest.approx(0.02, abs=0.003)
    first, before = told.rows[0].expected, plain.rows[0].expected
    assert first.high - first.low < 0.3 * (before.high - before.low)
    assert any("resnet50.tv_in1k with 2.00 %" in words for words in told.notes)


def test_a_network_that_nobody_measured_is_placed_with_more_doubt(alone, shipped):
    row = load_profiles().set_index("backbone").loc["resnet50"].to_dict()
    row |= {"backbone": "net:build", "input_shapes": ((3, 224, 224),)}
    known = alone(without=["pets"]).with_models([row])
    answer = recommend(Query(**PETS, top=50), known)
    (mine,) = [one for one in answer.rows if one.custom]
    others = [one.expected.behind_high - one.expected.behind_low for one in answer.rows[1:] if not one.custom]
    assert mine.expected.behind_high - mine.expected.behind_low > np.median(others)


def test_equal_data_sets_foretell_themselves(shipped):
    """Were every data set alike, the next would be: errors and order are those of the table."""
    names = ["resnet18", "resnet50", "vgg11", "densenet121", "regnety_032", "efficientnet_b0"]
    errors = dict(zip(names, [0.20, 0.14, 0.18, 0.16, 0.10, 0.12], strict=True))
    rows = [
        {
            "study": "mine", "dataset": f"d{d}", "backbone": name, "weights": None, "match": "architecture",
            "recipe": "fine-tune", "error": error, "metric": "top1", "status": "ok",
        }
        for d in range(6)
        for name, error in errors.items()
    ]  # fmt: skip
    answer = recommend(Query(), shipped.with_results(rows, only=True))
    assert [row.backbone for row in answer.rows] == sorted(names, key=errors.get)
    for row in answer.rows:
        assert row.expected.error == pytest.approx(errors[row.backbone], abs=0.01)
    assert answer.rows[0].expected.p_best > 0.8


def test_without_any_usable_result_there_is_no_model(shipped):
    assert own_model.fit_alone(shipped.with_results([], only=True), "fine-tune", "natural") is None
