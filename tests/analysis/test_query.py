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
    with pytest.raises(InputError, match="5 images cannot show 10 classes"):
        Query(images=5, classes=10)
    with pytest.raises(InputError, match="max_params is 0"):
        Query(max_params=0)
