import math

import pandas as pd
import pytest

from archimeter.data.quality import by_study, disagreements, dropped, duplicates
from archimeter.data.records import Observation
from archimeter.data.tables import load_observations


def frame(*rows):
    return pd.DataFrame([Observation(**row).as_row() for row in rows])


def result(study, backbone, error, **more):
    return {
        "study": study,
        "dataset": "d",
        "backbone": backbone,
        "error": error,
        "published_name": backbone,
        **more,
    }


def test_shares_are_of_good_rows():
    rows = frame(
        result("s", "a", 0.1, match="exact", weights="a.x"),
        result("s", "b", 0.2, match="architecture"),
        result("s", "c", 0.3),
        result("s", "e", 0.3, match="architecture"),
        result("s", "f", None, status="failed", reason="no memory"),
    )
    (row,) = by_study(rows).to_dict("records")
    assert (row["rows"], row["ok"], row["dropped"], row["duplicates"]) == (5, 4, 1, 0)
    assert (row["exact"], row["architecture"], row["unmatched"]) == (0.25, 0.5, 0.25)
    assert (row["backbones"], row["datasets"]) == (4, 1)


def test_what_was_dropped_is_counted_by_reason_the_commonest_first():
    rows = frame(
        result("s", "a", None, status="excluded", reason="rare"),
        result("s", "b", None, status="failed", reason="common"),
        result("s", "c", None, status="failed", reason="common"),
        result("s", "d", None, status="failed"),
        result("s", "e", 0.1),
    )
    table = dropped(rows)
    assert table["rows"].tolist() == [2, 1, 1]
    assert table["reason"].tolist()[:2] == ["common", "rare"]
    assert pd.isna(table["reason"][2])


def test_a_result_that_stands_twice_is_found_and_a_replicate_is_not():
    rows = frame(
        result("s", "a", 0.1),
        result("s", "a", 0.3),
        result("s", "b", 0.1, replicate=1),
        result("s", "b", 0.1, replicate=2),
    )
    (row,) = duplicates(rows).to_dict("records")
    assert (row["backbone"], row["rows"], row["lowest"], row["highest"]) == ("a", 2, 0.1, 0.3)


def test_studies_are_compared_on_what_both_measured():
    """By hand: errors .1 .2 .3 .4 against .2 .1 .3 .6; squared rank differences 1 1 0 0: 1 − 12/60 = 0.8."""
    first = [result("p", name, error) for name, error in zip("abcd", (0.1, 0.2, 0.3, 0.4), strict=True)]
    second = [
        result("q", name, error) for name, error in zip("abcde", (0.2, 0.1, 0.3, 0.6, 0.9), strict=True)
    ]
    (row,) = disagreements(frame(*first, *second)).to_dict("records")
    assert (row["study_a"], row["study_b"], row["n"]) == ("p", "q", 4)
    assert row["spearman"] == pytest.approx(0.8)
    assert row["median_difference"] == pytest.approx(0.1)
    assert row["largest_difference"] == pytest.approx(0.2)
    assert row["largest_at"] == "d"


def test_replicates_are_averaged_before_studies_are_compared():
    first = [result("p", name, e, replicate=r) for name in "abc" for r, e in ((1, 0.1), (2, 0.3))]
    second = [result("q", name, 0.2) for name in "abc"]
    (row,) = disagreements(frame(*first, *second)).to_dict("records")
    assert row["largest_difference"] == pytest.approx(0)
    assert math.isnan(row["spearman"])


def test_a_metric_that_both_state_is_compared_with_itself_only():
    first = [result("p", n, e, metric=m) for n in "abc" for m, e in (("auc", 0.1), ("top1", 0.3))]
    second = [result("q", n, 0.1, metric="auc") for n in "abc"]
    (row,) = disagreements(frame(*first, *second)).to_dict("records")
    assert (row["metric_a"], row["metric_b"]) == ("auc", "auc")
    assert row["largest_difference"] == pytest.approx(0)


def test_known_weights_are_never_compared_with_other_weights_of_the_same_backbone():
    first = [result("p", name, 0.1, match="exact", weights=f"{name}.x") for name in "abc"]
    second = [result("q", name, 0.2, match="architecture") for name in "abc"]
    assert disagreements(frame(*first, *second)).empty


@pytest.mark.parametrize("other", [{"dataset": "e"}, {"recipe": "linear-probe"}])
def test_other_sets_and_recipes_are_not_compared(other):
    rows = [result("p", name, 0.1) for name in "abc"] + [result("q", name, 0.1, **other) for name in "abc"]
    assert disagreements(frame(*rows)).empty


def test_the_two_laboratories_agree_as_little_as_is_known():
    """Known beforehand (weighted Kendall): lowest on Aircraft 0.12, DTD 0.29 and Cars 0.34; CIFAR-10 0.81."""
    table = disagreements(load_observations(["sfda-cnn-finetune", "logme-tllib-finetune"]))
    assert len(table) == 8
    assert (table["n"] == 10).all()
    assert set(table["dataset"].head(3)) == {"fgvc-aircraft", "dtd", "stanford-cars"}
    assert table.set_index("dataset").loc["cifar-10", "spearman"] > 0.75


def test_no_shipped_result_stands_twice():
    assert duplicates(load_observations()).empty


def test_every_dropped_row_says_why():
    assert dropped(load_observations())["reason"].notna().all()
