import pytest
from hypothesis import given
from hypothesis import strategies as st

from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.records import Observation
from archimeter.data.resolving import NAMED, SUGGESTIONS, KnownNames, not_of_shipped, slug, unknown_note
from archimeter.data.tables import load_rows

KNOWN = KnownNames(
    backbones=frozenset({"resnet50", "convnext_tiny", "vit_base_patch16_224", "efficientnet_b2"}),
    weights=frozenset(
        {"resnet50.a1_in1k", "resnet50.tv_in1k", "convnext_tiny.fb_in22k", "vit_base_patch16_224.sam_in1k"}
    ),
    datasets={"pets": "Oxford-IIIT Pets", "cifar-10": None, "imagenet-1k": "ImageNet-1k"},
    studies=frozenset({"fastai"}),
)


@pytest.mark.parametrize(
    ("name", "weights", "expected"),
    [
        ("resnet50", None, ("resnet50", None, "architecture")),
        ("resnet50.a1_in1k", None, ("resnet50", "resnet50.a1_in1k", "exact")),
        ("ResNet50.A1_in1k", None, ("resnet50", "resnet50.a1_in1k", "exact")),
        ("timm/resnet50.a1_in1k", None, ("resnet50", "resnet50.a1_in1k", "exact")),
        ("hf-hub:timm/resnet50.a1_in1k", None, ("resnet50", "resnet50.a1_in1k", "exact")),
        ("resnet50", "tv_in1k", ("resnet50", "resnet50.tv_in1k", "exact")),
        ("resnet50", "resnet50.tv_in1k", ("resnet50", "resnet50.tv_in1k", "exact")),
        ("resnet50", "True", ("resnet50", None, "architecture")),
        ("ResNet-50", None, ("resnet50", None, "architecture")),
        ("ConvNeXt Tiny", None, ("convnext_tiny", None, "architecture")),
        ("convnext_tiny_in22k", None, ("convnext_tiny", "convnext_tiny.fb_in22k", "exact")),
        (
            "vit_base_patch16_224_sam",
            None,
            ("vit_base_patch16_224", "vit_base_patch16_224.sam_in1k", "exact"),
        ),
        ("efficientnet_b2a", None, ("efficientnet_b2", None, "architecture")),
    ],
)
def test_names_as_people_write_them(name, weights, expected):
    assert KNOWN.backbone(name, weights)[:3] == expected


def test_a_name_that_was_not_taken_letter_by_letter_is_said():
    assert KNOWN.backbone("ResNet-50").note == "'ResNet-50' is read as 'resnet50'"
    assert "today's 'convnext_tiny.fb_in22k'" in (KNOWN.backbone("convnext_tiny_in22k").note or "")
    assert KNOWN.backbone("resnet50").note is None


def test_an_unknown_backbone_suggests_close_ones_and_the_way_out():
    with pytest.raises(UnknownNameError, match=r"convnext_tny.*Did you mean convnext_tiny.*--keep-unknown"):
        KNOWN.backbone("convnext_tny")


def test_an_unknown_tag_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match=r"resnet50\.a1_in1k"):
        KNOWN.backbone("resnet50.a9_in1k")
    with pytest.raises(UnknownNameError, match=r"weights of resnet50 'mine'.*Leave the cell empty"):
        KNOWN.backbone("resnet50", "mine")


def test_a_backbone_of_ones_own_is_kept_when_asked():
    assert KNOWN.backbone("MyNet", keep_unknown=True)[:3] == ("MyNet", None, "none")
    assert KNOWN.backbone("resnet50", "mine", keep_unknown=True)[:3] == ("resnet50", None, "architecture")
    assert KNOWN.backbone("MyNet", "mine", keep_unknown=True)[:3] == ("MyNet", None, "none")


def test_thousands_of_unknown_names_are_refused_without_a_search_each():
    known = KnownNames(backbones=frozenset({"resnet50"}))
    for number in range(SUGGESTIONS):
        with pytest.raises(UnknownNameError):
            known.backbone(f"x{number}")
    with pytest.raises(InputError, match="Unknown backbone 'one more'") as refused:
        known.backbone("one more")
    assert not isinstance(refused.value, UnknownNameError)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("pets", "pets"),
        ("Pets", "pets"),
        ("oxford iiit pets", "pets"),
        ("CIFAR10", "cifar-10"),
        ("cifar_10", "cifar-10"),
        ("ImageNet 1k", "imagenet-1k"),
        ("My Beetles!", "my-beetles"),
        ("<b>x</b>", "b-x-b"),
    ],
)
def test_data_sets_get_their_key(name, key):
    assert KNOWN.dataset(name)[0] == key


def test_a_new_data_set_is_said_with_close_ones():
    assert (
        KNOWN.dataset("cifar-11")[1] == "'cifar-11' is a data set of your own; close shipped ones: cifar-10"
    )
    assert KNOWN.dataset("pets")[1] is None


def test_a_data_set_without_letters_is_refused():
    with pytest.raises(InputError, match="letters or digits"):
        KNOWN.dataset("!!!")


@given(st.text(max_size=40))
def test_a_slug_is_its_own_slug(text):
    assert slug(slug(text)) == slug(text)


@given(st.text(min_size=1, max_size=40))
def test_any_name_is_resolved_or_refused(name):
    try:
        found = KNOWN.backbone(name)
    except (InputError, UnknownNameError):
        return
    assert found.backbone in KNOWN.backbones


def test_one_note_names_the_backbones_that_nobody_knows_and_what_was_meant():
    assert unknown_note({"resnet50": 3}, KNOWN.backbones) is None
    note = unknown_note({"resnet50": 3, "alexnet": 2, "resnet5O": 1}, KNOWN.backbones) or ""
    assert "alexnet (2 rows), resnet5O (1 row; did you mean resnet50?)" in note
    many = unknown_note({f"net{i}": 1 for i in range(NAMED + 2)}, KNOWN.backbones) or ""
    assert "and 2 more" in many


def test_a_shipped_study_s_name_is_for_its_own_results():
    own = {"study": "fastai", "dataset": "pets", "backbone": "resnet50", "error": 0.5}
    shipped = Observation.from_row(load_rows("fastai")[0])
    ((line, what),) = not_of_shipped([(2, shipped), (3, Observation(**own)), (4, Observation(**own))], KNOWN)
    assert line == 3

    assert "this row and 1 other are not among its results" in what
    assert not_of_shipped([(3, Observation(**(own | {"study": "mine"})))], KNOWN) == []
