from dataclasses import fields

import pytest

from archimeter.data.imported_row import ImportedRow, WrongRowError, checked_row
from archimeter.data.records import Observation

ROW = {"dataset": "pets", "backbone": "resnet50", "error": 0.1}


def test_every_field_of_a_result_can_be_imported():
    assert set(ImportedRow.model_fields) == {f.name for f in fields(Observation)}


def test_text_and_numbers_give_the_same_row():
    text = checked_row({**ROW, "epochs": "5", "learning_rate": "1e-3", "replicate": "0"})
    assert text == checked_row({**ROW, "epochs": 5.0, "learning_rate": 0.001, "replicate": 0})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("replicate", "0.5", "replicate: input should be a valid integer"),
        ("replicate", 0.5, "replicate: input should be a valid integer"),
        ("epochs", "-1", "epochs: input should be greater than or equal to 0"),
        ("epochs", str(2**60), "epochs: too large a number"),
        ("learning_rate", "nan", "learning_rate: input should be a finite number"),
        ("dataset", "a\x1bb", "dataset: a name must not hold line breaks or control characters"),
        ("dataset", "x" * 201, "dataset: string should have at most 200 characters"),
        ("backbone", [1], "backbone: input should be a valid string"),
        ("dataset", None, "dataset: missing. Fill the cell"),
        ("error", None, "no result"),
    ],
)
def test_a_wrong_value_is_named_with_its_reason_and_in_few_words(field, value, message):
    with pytest.raises(WrongRowError) as wrong:
        checked_row({**ROW, field: value})
    (what,) = wrong.value.what
    assert what.startswith(message)
    assert len(what) < 200


def test_everything_wrong_with_a_row_is_said_at_once():
    with pytest.raises(WrongRowError) as wrong:
        checked_row({**ROW, "epochs": "x", "resolution": "0"})
    assert [what.partition(":")[0] for what in wrong.value.what] == ["epochs", "resolution"]


@pytest.mark.parametrize(
    ("state", "status"), [("finished", "ok"), ("Crashed", "failed"), ("running", "incomplete"), ("OK", "ok")]
)
def test_the_states_of_trackers_are_understood(state, status):
    assert checked_row({**ROW, "status": state}).status == status


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("ImageNet", "supervised-in1k"), ("imagenet-21k", "supervised-in21k"), ("IN22k", "supervised-in22k"),
        ("CLIP", "image-text"), ("DINOv2", "self-supervised"), ("mae", "masked-image"), ("scratch", "none"),
        ("Self Supervised", "self-supervised"), ("supervised_in12k", "supervised-in12k"),
    ],
)  # fmt: skip
def test_kinds_of_pretraining_are_understood_as_people_write_them(written, kind):
    row = checked_row({"dataset": "d", "backbone": "b", "error": 0.1, "pretraining": written})
    assert row.pretraining == kind


def test_a_pretraining_that_is_not_understood_is_named_with_the_allowed_ones():
    with pytest.raises(WrongRowError) as error:
        checked_row({"dataset": "d", "backbone": "b", "error": 0.1, "pretraining": "magic"})
    assert "'magic' is no kind of pretraining" in error.value.what[0]
    assert "image-text" in error.value.what[0]
