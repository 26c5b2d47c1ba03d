"""What is said of a question before any backbone: where it lies, how to train, what its images need."""

import pytest

from archimeter.analysis.advice import CHECKLIST, advice, at_most, checklist, few, foreign, support
from archimeter.analysis.evidence import Evidence
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend

SATELLITE = {"images": 1000, "classes": 17, "domain": "remote-sensing"}


def evidence(recipe="fine-tune"):
    rows = [
        {
            "study": "made",
            "dataset": dataset,
            "backbone": model.partition(".")[0],
            "weights": model,
            "match": "exact",
            "recipe": recipe,
            "learning_rate": None,
            "resolution": 224,
            "error": error,
            "metric": "top1",
            "n_eval": None,
            "n_replicates": None,
            "error_sd": None,
            "fit_time_s": None,
            "peak_memory_bytes": None,
            "status": "ok",
        }
        for dataset in ("planet", "eurosat", "moles")
        for model, error in (("resnet18.a1_in1k", 0.2), ("resnet50.a1_in1k", 0.1), ("vit_b.clip", 0.3))
        if not (dataset == "moles" and model == "resnet18.a1_in1k")
    ]
    domains = {"planet": "remote-sensing", "eurosat": "remote-sensing", "moles": "dermatology"}
    datasets = [
        {"dataset": name, "domain": domain, "n_train": 800, "n_classes": 17, "group": name}
        for name, domain in domains.items()
    ]
    return Evidence.of(observations=rows, datasets=datasets)


@pytest.mark.parametrize(
    ("changes", "word", "why"),
    [
        ({}, "inside", "2 data sets of the domain remote-sensing with fine-tune results"),
        ({"domain": "dermatology"}, "inside", "1 data set of the domain dermatology with fine-tune results"),
        ({"domain": "unknown"}, "edge", "no domain was stated"),
        ({"domain": "document"}, "outside", "no fine-tune result of the domain document"),
        ({"recipe": "knn"}, "outside", "there is no knn result"),
        ({"images": 5, "classes": 2, "image_size": 16}, "outside", "5 images, 16 pixels a side"),
        ({"images": 1, "classes": 2}, "outside", "1 image, fewer images than classes"),
        ({"channels": 1, "image_size": 16}, "outside", "1 channel at 16 pixels a side"),
        ({"images": 10**6, "classes": 100_000}, "outside", "100,000 classes"),
    ],
)
def test_the_question_itself_is_inside_at_the_edge_or_outside_and_says_why(changes, word, why):
    found, reason = support(Query(**SATELLITE | changes), evidence().tasks)
    assert found == word
    assert why in reason


def test_no_row_is_better_supported_than_the_question():
    answer = recommend(Query(**SATELLITE), evidence())
    assert {row.support for row in answer.rows} == {"inside"}
    strange = recommend(Query(**SATELLITE | {"images": 5, "image_size": 16}), evidence())
    assert {row.support for row in strange.rows} == {"outside"}
    unstated = recommend(Query(images=1000, classes=17), evidence())
    assert {row.support for row in unstated.rows} == {"edge"}
    document = strange.as_document()
    assert (document["support"], document["why"]) == (
        "outside",
        "5 images, fewer images than classes, 16 pixels a side",
    )
    assert strange.notes[0].startswith("Outside the tables' support: 5 images")
    assert "Support of every row – outside, as the question is." in strange.notes
    assert answer.notes[0].startswith("Inside the tables' support: 2 data sets")
    assert unstated.notes[0].startswith("At the edge of the tables' support: no domain")


def test_the_less_supported_of_two_counts():
    assert [at_most("inside", limit) for limit in ("inside", "edge", "outside")] == [
        "inside",
        "edge",
        "outside",
    ]
    assert at_most("outside", "inside") == "outside"


def test_a_model_that_sees_no_image_does_not_mind_how_few_there_are():
    assert foreign(Query(images=5, classes=100, recipe="zero-shot")) == []
    assert foreign(Query(images=5, classes=100)) == ["5 images", "fewer images than classes"]
    assert foreign(Query(images=150, classes=200, multi_label=True)) == []


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"image_size": 16, "channels": 1}, ("16 pixels leave a single point", "in_chans=1")),
        ({"image_size": 28}, ("28 pixels leave a single point",)),
        ({"channels": 8}, ("in_chans=8",)),
        ({"image_size": 224, "channels": 3}, ()),
        ({}, ()),
    ],
)
@pytest.mark.parametrize("recipe", ["fine-tune", "knn"])
def test_small_images_and_other_channels_get_the_advice_they_need(recipe, changes, wanted):
    usual = checklist(Query(**SATELLITE, recipe=recipe))
    more = checklist(Query(**SATELLITE, **changes, recipe=recipe))[len(usual) :]
    assert len(more) == len(wanted)
    assert all(words in said for words, said in zip(wanted, more, strict=True))


@pytest.mark.parametrize("images", [None, 40, 85, 170, 340, 3400, 34_000])
def test_advice_and_checklist_agree_for_every_number_of_images(images):
    query = Query(images=images, classes=17)
    said = " ".join(checklist(query))
    if few(query):
        assert "fine-tun" not in said
    else:
        assert "Freeze the backbone for a linear probe only" in said  # which the advice may begin with
    assert "argest" not in said  # while the choice says that cost decides
    assert ("frozen features" in (advice(query) or "")) == few(query)


def test_what_no_image_shows_cannot_be_learnt_and_is_said():
    said = advice(Query(images=5, classes=100_000)) or ""
    assert "5 images of 100,000 classes" in said
    assert "at most a share of 5e-05 of the classes" in said
    assert "--recipe zero-shot" in said
    assert "frozen features" in (advice(Query(images=5, classes=100_000, multi_label=True)) or "")


def test_the_usual_mistakes_are_all_spoken_of():
    said = " ".join(CHECKLIST)
    for mistake in ("preprocessing", "Freeze", "one linear layer", "memory", "batch size"):
        assert mistake in said
