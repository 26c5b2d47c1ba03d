"""Questions that no known data set is like: the answer says so, widens, and is of use all the same."""

import math

import pytest

from archimeter.analysis.evidence import load_evidence
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend

INSIDE = {"images": 5000, "classes": 37, "domain": "fine-grained", "image_size": 224, "channels": 3}
STRANGE = {
    "spectrograms": ({"channels": 1, "image_size": 16, "domain": "unknown"}, "1 channel at 16 pixels a side"),
    "five images": ({"images": 5, "classes": 2}, "5 images"),
    "many classes": ({"images": 1_000_000, "classes": 100_000}, "100,000 classes"),
    "classes without images": (
        {"images": 5, "classes": 100_000},
        "5 images, fewer images than classes, 100,000 classes",
    ),
    "eight channels": ({"channels": 8}, "8 channels"),
    "galaxies": ({"domain": "astronomy"}, "the domain astronomy"),
    "all at once": (
        {"images": 5, "classes": 5, "channels": 2, "image_size": 16, "domain": "industrial"},
        "5 images, 2 channels, 16 pixels a side, the domain industrial",
    ),
}


@pytest.fixture(scope="module")
def shipped():
    return load_evidence()


@pytest.fixture(scope="module")
def inside(shipped):
    return recommend(Query(**INSIDE), shipped)


def width(row):
    """Of the interval, in logits, whose scale does not depend on the level."""
    return sum(sign * math.log(e / (1 - e)) for sign, e in ((1, row.expected.high), (-1, row.expected.low)))


@pytest.mark.parametrize("name", STRANGE)
def test_it_says_so_widens_and_still_answers(shipped, inside, name):
    changes, said = STRANGE[name]
    answer = recommend(Query(**INSIDE | changes), shipped)
    notes = " ".join(answer.notes)
    assert (answer.support, answer.why) == ("outside", said)
    assert {row.support for row in answer.rows} == {"outside"}
    assert f"Outside the tables' support: {said}" in notes
    noise = "fewer images than classes" in said or name in ("five images", "all at once")
    assert ("run two anchors of different families" in notes) == (not noise)
    assert len(answer.rows) == 10
    assert all(0 < row.expected.low < row.expected.error < row.expected.high < 1 for row in answer.rows)
    assert min(map(width, answer.rows)) > 1.15 * max(map(width, inside.rows))
    assert answer.advice
    assert answer.next_runs  # what would narrow it


def test_a_supported_question_is_not_called_strange(inside):
    assert not any("prior only" in words for words in inside.notes)
    assert (inside.support, "of the domain fine-grained" in inside.why) == ("inside", True)


def test_an_anchor_narrows_even_the_strangest(shipped):
    strange = INSIDE | {"channels": 1, "image_size": 16, "domain": "unknown"}
    alone = recommend(Query(**strange), shipped)
    anchored = recommend(Query(**strange, anchors=(("resnet50", 0.3),)), shipped)
    assert max(map(width, anchored.rows)) < 0.5 * min(map(width, alone.rows))
    (row,) = [
        r
        for r in recommend(Query(**strange, anchors=(("resnet50", 0.3),), top=2000), shipped).rows
        if r.backbone == "resnet50"
    ]
    assert row.expected.error == pytest.approx(0.3, abs=0.05)


def test_of_five_images_the_advice_is_frozen_features(shipped):
    assert "frozen features" in recommend(Query(images=5, classes=5), shipped).advice
    assert "linear probe first" in recommend(Query(images=100, classes=10), shipped).advice
    assert "fine-tune all layers" in recommend(Query(images=1000, classes=10), shipped).advice
