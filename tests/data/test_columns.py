import pytest

from archimeter.data.columns import OBSERVATION_FIELDS, Measure, map_columns, measure_named
from archimeter.data.errors import InputError, UnknownNameError


def meaning(header, given=None, constants=()):
    mapped = map_columns(tuple(header), given or {}, constants)
    return {field: header[i] for field, i in mapped.places.items()}, mapped


def test_plain_names_are_understood():
    found, mapped = meaning(["model", "dataset", "accuracy", "lr", "img_size", "seed"])
    assert found == {
        "backbone": "model",
        "dataset": "dataset",
        "error": "accuracy",
        "learning_rate": "lr",
        "resolution": "img_size",
        "replicate": "seed",
    }
    assert mapped.measure == Measure("top1", is_error=False)


def test_the_prefixes_of_trackers_are_ignored():
    found, _ = meaning(["config.model_name", "config.dataset", "summary.val_acc", "config/learning_rate"])
    assert found["backbone"] == "config.model_name"
    assert found["error"] == "summary.val_acc"
    assert found["learning_rate"] == "config/learning_rate"


def test_the_test_figure_goes_before_the_validation_figure_and_training_is_never_taken():
    found, mapped = meaning(["model", "dataset", "train_acc", "val_acc", "test_acc"])
    assert found["error"] == "test_acc"
    assert "train_acc" in mapped.ignored
    assert "val_acc" in mapped.notes[0]


def test_an_error_is_taken_before_the_accuracy_it_repeats():
    found, mapped = meaning(["model", "dataset", "top1", "top1_err", "top5"])
    assert found["error"] == "top1_err"
    assert mapped.measure == Measure("top1", is_error=True)


def test_two_columns_for_the_same_figure_need_a_decision():
    with pytest.raises(InputError, match=r"'acc' and 'accuracy'.*--map acc=accuracy"):
        meaning(["model", "dataset", "acc", "accuracy"])


def test_a_figure_that_may_be_either_is_refused():
    with pytest.raises(InputError, match=r"'score' may be an accuracy or an error.*--map score=accuracy"):
        meaning(["model", "dataset", "score"])


@pytest.mark.parametrize(
    ("wanted", "measure"),
    [
        ("accuracy", Measure("top1", is_error=False)),
        ("error", Measure("top1", is_error=True)),
        ("auc", Measure("auc", is_error=False)),
        ("qwk", Measure("quadratic-kappa", is_error=False)),
    ],
)
def test_the_users_word_decides_what_a_figure_is(wanted, measure):
    found, mapped = meaning(["model", "dataset", "score"], {"score": wanted})
    assert found["error"] == "score"
    assert mapped.measure == measure


def test_a_metric_column_says_it_row_by_row():
    found, mapped = meaning(["model", "dataset", "metric", "value"])
    assert found["error"] == "value"
    assert found["metric"] == "metric"
    assert mapped.measure is None


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (["dataset", "acc"], r"No column for the backbone.*--map COLUMN=backbone, or --set backbone=NAME"),
        (["model", "acc"], r"No column for the dataset.*--set dataset=NAME"),
        (["model", "dataset", "loss"], r"No column for the accuracy or error.*'loss'.*--map COLUMN=accuracy"),
    ],
)
def test_a_missing_column_says_how_to_name_it(header, message):
    with pytest.raises(InputError, match=message):
        meaning(header)


def test_a_constant_stands_for_a_column():
    found, _ = meaning(["model", "acc"], constants=("dataset",))
    assert "dataset" not in found


def test_an_unknown_column_or_field_suggests_close_ones():
    with pytest.raises(UnknownNameError, match="model"):
        meaning(["model", "dataset", "acc"], {"modl": "backbone"})
    with pytest.raises(UnknownNameError, match="backbone"):
        meaning(["model", "dataset", "acc"], {"model": "backbon"})


def test_a_mapped_column_that_is_there_twice_is_refused():
    with pytest.raises(InputError, match="look like backbone"):
        meaning(["model", "model", "dataset", "acc"])


def test_a_column_without_meaning_may_be_there_twice():
    _, mapped = meaning(["model", "dataset", "acc", "note", "note"])
    assert mapped.ignored == ("note", "note")


def test_an_export_of_our_own_is_taken_as_it_stands():
    found, mapped = meaning(list(OBSERVATION_FIELDS))
    assert mapped.native
    assert found == {name: name for name in OBSERVATION_FIELDS}


@pytest.mark.parametrize(
    ("name", "metric", "is_error", "percent"),
    [
        ("Acc@1", "top1", False, None),
        ("top-1 accuracy (%)", "top1", False, True),
        ("metrics/accuracy_top1", "top1", False, None),
        ("eval_accuracy", "top1", False, None),
        ("test/error_rate", "top1", True, None),
        ("valAcc", "top1", False, None),
        ("ROC AUC", "auc", False, None),
        ("balanced_accuracy", "balanced-accuracy", False, None),
    ],
)
def test_names_of_measures(name, metric, is_error, percent):
    found = measure_named(name)
    assert found is not None
    assert found[0] == Measure(metric, is_error=is_error, percent=percent)


@pytest.mark.parametrize("name", ["train_accuracy", "loss", "acc_train", "", "accuracy_of_the_clock"])
def test_names_that_are_no_result(name):
    assert measure_named(name) is None


def test_a_model_config_names_the_backbone():
    found, _ = meaning(["_name_or_path", "dataset", "eval_accuracy"])
    assert found["backbone"] == "_name_or_path"


def test_a_metric_has_the_name_that_the_shipped_studies_give_it():
    from archimeter.data.tables import load_observations

    shipped = set(load_observations()["metric"])
    for column in ("accuracy", "macro_f1", "mAP", "auroc", "balanced_accuracy", "mean_per_class_accuracy"):
        found = measure_named(column)
        assert found is not None
        assert found[0].metric in shipped, column
