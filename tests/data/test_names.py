"""Splitting and choosing names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.names import select, split

KNOWN = [
    "convnext_tiny",
    "convnext_tiny.fb_in22k",
    "convnext_tiny.fb_in1k",
    "resnet50",
    "resnet50d",
    "resnet18",
    "vit_small_patch16_224",
]
NAME = st.text("abcdXYZ_019", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("resnet50", ("resnet50", None)),
        ("resnet50.a1_in1k", ("resnet50", "a1_in1k")),
        ("resnet50.", ("resnet50", None)),
        ("a.b.c", ("a", "b.c")),
    ],
)
def test_split(name, parts):
    assert split(name) == parts


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ("resnet50", ["resnet50"]),
        ("RESNET50", ["resnet50"]),
        ("resnet5", ["resnet50", "resnet50d"]),
        ("ResNet", ["resnet50", "resnet50d", "resnet18"]),
        ("*small*", ["vit_small_patch16_224"]),
        ("RESNET5?", ["resnet50"]),
        ("resnet[1]*", ["resnet18"]),
        ("convnext_tiny.fb_in1k", ["convnext_tiny.fb_in1k"]),
        ("convnext_tiny.*", ["convnext_tiny.fb_in22k", "convnext_tiny.fb_in1k"]),
        ("convnext_tiny_in22k", ["convnext_tiny.fb_in22k"]),
        (["resnet18", "resnet*", "resnet50"], ["resnet18", "resnet50", "resnet50d"]),
    ],
)
def test_select(patterns, chosen):
    assert select(patterns, KNOWN) == chosen


def test_a_backbone_means_all_its_weights_where_only_weights_are_known():
    assert select("CONVNEXT_tiny", KNOWN[1:]) == KNOWN[1:3]


def test_an_unknown_name_says_what_is_close():
    with pytest.raises(UnknownNameError, match=r"Unknown backbone 'resnett50'\. Did you mean resnet50"):
        select(["resnet18", "resnett50"], KNOWN)
    with pytest.raises(UnknownNameError, match=r"'nothing\*'"):
        select("nothing*", KNOWN)


@pytest.mark.parametrize("nothing", [[], "", "  ", ["resnet50", ""]])
def test_no_name_is_refused(nothing):
    with pytest.raises(InputError, match="name a backbone"):
        select(nothing, KNOWN)


@given(st.lists(NAME, min_size=1, unique=True), st.data())
def test_chosen_names_are_known_and_come_once(known, data):
    patterns = data.draw(st.lists(st.sampled_from(known), min_size=1))
    chosen = select([*patterns, "*"], known)
    assert sorted(chosen) == sorted(known)
    assert chosen[: len(set(patterns))] == list(dict.fromkeys(patterns))


@given(st.lists(NAME, min_size=1, unique_by=str.lower), st.data())
def test_case_never_matters_and_every_choice_begins_with_its_prefix(known, data):
    name = data.draw(st.sampled_from(known))
    assert select(name.swapcase(), known) == [name]
    prefix = name[: data.draw(st.integers(1, len(name)))]
    assert all(hit.lower().startswith(prefix.lower()) for hit in select(prefix, known))


@given(st.text(max_size=12))
def test_any_text_chooses_known_names_or_is_refused(text):
    try:
        chosen = select(text, KNOWN)
    except (InputError, UnknownNameError):
        return
    assert chosen
    assert set(chosen) <= set(KNOWN)
