import pytest
from hypothesis import given
from hypothesis import strategies as st

from archimeter.analysis.limits import LatencyBudget, parse_count, parse_latency_budget
from archimeter.analysis.query import Query
from archimeter.data.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50M", 50e6),
        ("1.5 G", 1.5e9),
        ("4e9", 4e9),
        ("25_000_000", 25e6),
        ("300k", 3e5),
        ("12", 12),
        ("2b", 2e9),
    ],
)
def test_counts_are_read_as_people_write_them(text, value):
    assert parse_count(text) == pytest.approx(value)


@given(st.integers(1, 10**12))
def test_a_plain_number_is_itself(value):
    assert parse_count(str(value)) == value


@given(st.text(max_size=12))
def test_no_text_ends_in_anything_but_a_number_or_a_clear_refusal(text):
    try:
        assert parse_count(text) >= 0
    except InputError as error:
        assert "such as 50M" in str(error)  # noqa: PT017  # both outcomes are right


def test_a_latency_budget_is_a_time_per_image_and_a_device():
    assert parse_latency_budget("5 ms @ RTX 4090") == LatencyBudget(0.005, "RTX 4090")
    assert parse_latency_budget(".5s@i9") == LatencyBudget(0.5, "i9")
    assert parse_latency_budget("5 ms p90 @ my box") == LatencyBudget(0.005, "my box", 90)
    assert parse_latency_budget("5ms P50@p90 box") == LatencyBudget(0.005, "p90 box")
    assert parse_latency_budget("80 us @ NVIDIA GeForce RTX 3090").seconds_per_image == pytest.approx(80e-6)


@pytest.mark.parametrize(
    "text", ["5 ms", "fast @ RTX 4090", "5 @ RTX 4090", "-1 ms @ x", "0 ms @ x", "5 ms @ "]
)
def test_what_is_no_latency_budget_is_refused(text):
    with pytest.raises(InputError, match=r"latency budget|no time at all"):
        parse_latency_budget(text)


def test_a_query_that_cannot_be_meant_is_refused():
    with pytest.raises(InputError, match="Did you mean remote-sensing"):
        Query(domain="remote-sense")
    with pytest.raises(InputError, match="Unknown recipe 'finetune'"):
        Query(recipe="finetune")
    with pytest.raises(InputError, match="max_params is 0"):
        Query(max_params=0)


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ("from-scratch", "uses no pretrained weights"),
        ("pretraining-task", "is no transfer"),
        ("unstated", "say how you will use the backbone"),
    ],
)
def test_a_recipe_that_ranking_by_pretrained_weights_cannot_answer_is_refused(recipe, why):
    with pytest.raises(InputError, match=rf"The recipe {recipe} cannot be answered: .*{why}") as found:
        Query(recipe=recipe)
    assert "Allowed: fine-tune, linear-probe, knn, zero-shot." in str(found.value)


@pytest.mark.parametrize("domain", ["Remote-Sensing", "remote_sensing", " REMOTE  sensing "])
def test_names_are_read_whatever_their_case_blanks_and_underscores(domain):
    query = Query(domain=domain, recipe="Linear_Probe", optimiser="AdamW")
    assert (query.domain, query.recipe, query.optimiser) == ("remote-sensing", "linear-probe", "adamw")


@pytest.mark.parametrize("domain", ["spectrogram", "audio"])
def test_a_domain_that_is_none_of_ours_says_what_to_do(domain):
    with pytest.raises(InputError, match="where none of them fits: --domain unknown"):
        Query(domain=domain)


def test_fewer_images_than_classes_are_a_question_and_one_class_is_none():
    assert Query(images=5, classes=100_000).images == 5
    with pytest.raises(InputError, match="classes is 1; there must be two or more"):
        Query(classes=1)
    assert Query(classes=1, multi_label=True).classes == 1
    with pytest.raises(InputError, match="images is 0"):
        Query(images=0)


def test_one_model_twice_is_no_two_anchors():
    with pytest.raises(InputError, match="The anchor ResNet50 is given twice; give the mean of its runs"):
        Query(anchors=(("ResNet50", 0.041), ("resnet50", 0.2)))
