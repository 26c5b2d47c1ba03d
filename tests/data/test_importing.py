import json

import openpyxl
import pandas as pd
import pytest

from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.importing import RefusedImportError, checked_unit, import_results, read_results
from archimeter.data.records import Observation
from archimeter.data.resolving import KnownNames
from archimeter.data.store import Store, Written

KNOWN = KnownNames(
    backbones=frozenset({"resnet50", "resnet18", "convnext_tiny"}),
    weights=frozenset({"resnet50.a1_in1k", "convnext_tiny.fb_in1k"}),
    datasets={"pets": "Oxford-IIIT Pets"},
    studies=frozenset({"fastai"}),
)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "runs.db") as opened:
        yield opened


def write(tmp_path, text, name="results.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path, text, name="results.csv", **options):
    return read_results(write(tmp_path, text, name), known=KNOWN, **options)


def refused(tmp_path, text, **options):
    with pytest.raises(RefusedImportError) as error:
        read(tmp_path, text, **options)
    return str(error.value)


def test_a_plain_table_becomes_results(tmp_path):
    found = read(
        tmp_path,
        "model,dataset,accuracy,lr,epochs,seed,img_size,train_time\n"
        "resnet50.a1_in1k,Pets,0.93,0.001,5,0,224,120\n"
        "ResNet-18,beetles,0.9,1e-3,5,1,224,\n",
    )
    assert found.study == "results"
    assert found.observations == (
        Observation(
            study="results",
            dataset="pets",
            backbone="resnet50",
            weights="resnet50.a1_in1k",
            match="exact",
            epochs=5,
            learning_rate=0.001,
            resolution=224,
            error=0.07,
            replicate=0,
            fit_time_s=120,
        ),
        Observation(
            study="results",
            dataset="beetles",
            backbone="resnet18",
            match="architecture",
            epochs=5,
            learning_rate=0.001,
            resolution=224,
            error=0.1,
            replicate=1,
        ),
    )
    assert found.columns["accuracy"] == "error, from top1"
    notes = " ".join(found.notes)
    assert "accuracy is read as fractions" in notes
    assert "'ResNet-18' is read as 'resnet18'" in notes
    assert "'beetles' is a data set of your own" in notes


def test_percent_is_recognised_and_said_and_its_spread_with_it(tmp_path):
    found = read(tmp_path, "model,dataset,error (%),sd,n_runs\nresnet50,pets,8.2,0.4,3\n")
    (row,) = found.observations
    assert (row.error, row.error_sd, row.n_replicates, row.replicate) == (0.082, 0.004, 3, None)
    assert "read as percent" in " ".join(found.notes)


def test_percent_signs_and_decimal_commas_of_a_european_spreadsheet(tmp_path):
    found = read(tmp_path, "model;dataset;accuracy;lr\nresnet50;pets;93,5 %;0,001\nresnet18;pets;90 %;0,01\n")
    assert [o.error for o in found.observations] == [0.065, 0.1]
    assert [o.learning_rate for o in found.observations] == [0.001, 0.01]


def test_every_bad_row_is_named_by_line_and_nothing_is_imported(tmp_path, store):
    path = write(
        tmp_path,
        "model,dataset,accuracy,seed\n"
        "resnet50,pets,0.93,0\n"
        "convnext_tny,pets,0.9,0\n"
        "resnet18,pets,abc,0\n"
        "resnet18,pets,0.9,0.5\n"
        "resnet18,pets\n"
        "resnet18,pets,0.9,0,extra\n"
        ",pets,0.9,0\n"
        "resnet18,,0.9,0\n"
        "resnet18,pets,,0\n"
        "resnet50,pets,0.94,0\n",
    )
    with pytest.raises(RefusedImportError) as error:
        import_results(path, store, known=KNOWN)
    lines = str(error.value).splitlines()
    assert lines[0] == "results.csv: 9 problems in 10 rows; nothing was imported."
    wanted = [
        (3, "Unknown backbone 'convnext_tny'. Did you mean convnext_tiny"),
        (4, "accuracy: 'abc' is not a number"),
        (5, "replicate: input should be a valid integer"),
        (6, "2 cells, the header has 4 columns"),
        (7, "more than 4 cells"),
        (8, "backbone: missing"),
        (9, "dataset: missing. Fill the cell, or give it for the whole file with --set dataset=VALUE"),
        (10, "no result. Give it one, give the row the status 'failed', or remove it"),
        (11, "as line 2, but another result. Number the replicates"),
    ]
    assert len(lines) == 1 + len(wanted)
    for line, (number, text) in zip(lines[1:], wanted, strict=True):
        assert line.startswith(f"results.csv:{number}: ")
        assert text in line
    assert store.counts()["observations"] == {}


def test_importing_again_changes_nothing_and_a_longer_file_adds_its_rows(tmp_path, store):
    text = "model,dataset,acc\nresnet50,pets,0.93\nresnet50,pets,0.94\n"
    path = write(tmp_path, text)
    assert import_results(path, store, known=KNOWN).written == Written(2, 0, 0)
    assert import_results(path, store, known=KNOWN).written == Written(0, 0, 2)
    write(tmp_path, text + "resnet50,pets,0.95\n")
    assert import_results(path, store, known=KNOWN).written == Written(1, 0, 2)
    assert sorted(o.error for o in store.observations()) == [0.05, 0.06, 0.07]


def test_rows_that_differ_only_in_their_result_are_numbered_and_it_is_said(tmp_path):
    found = read(tmp_path, "model,dataset,acc\nresnet50,pets,0.93\nresnet18,pets,0.9\nresnet50,pets,0.94\n")
    assert [(o.backbone, o.replicate) for o in found.observations] == [
        ("resnet50", 0),
        ("resnet18", 0),
        ("resnet50", 1),
    ]
    assert "2 rows differ in nothing but their result" in " ".join(found.notes)


def test_two_spellings_of_one_backbone_are_runs_of_one_setting(tmp_path):
    found = read(tmp_path, "model,dataset,acc\nresnet50,pets,0.93\nResNet-50,pets,0.94\n")
    assert [(o.backbone, o.replicate) for o in found.observations] == [("resnet50", 0), ("resnet50", 1)]


def test_a_wandb_runs_table_brings_failed_and_running_runs_along(tmp_path):
    found = read(
        tmp_path,
        '"Name","State","Runtime","model_name","dataset","val_acc","train_acc"\n'
        '"happy-1","finished","120","resnet50","pets","0.93","0.99"\n'
        '"happy-2","crashed","3","resnet18","pets","",""\n'
        '"happy-3","running","50","convnext_tiny","pets","0.5","0.5"\n',
    )
    assert [(o.backbone, o.status, o.error) for o in found.observations] == [
        ("resnet50", "ok", 0.07),
        ("resnet18", "failed", None),
        ("convnext_tiny", "incomplete", 0.5),
    ]
    assert "train_acc" in found.ignored


def test_a_trainers_folder_is_one_result(tmp_path):
    text = json.dumps({"epoch": 3.0, "eval_accuracy": 0.9375, "eval_loss": 0.2, "train_runtime": 92.5})
    (tmp_path / "config.json").write_text(json.dumps({"_name_or_path": "timm/resnet50.a1_in1k"}))
    found = read(tmp_path, text, "all_results.json", constants={"dataset": "pets"})
    (row,) = found.observations
    assert (row.weights, row.error, row.epochs, row.fit_time_s) == ("resnet50.a1_in1k", 0.0625, 3, 92.5)


def test_a_trainers_history_as_csv_gives_its_last_evaluation(tmp_path):
    found = read(
        tmp_path,
        "step,epoch,loss,eval_accuracy\n10,1,1.3,\n10,1,,0.9\n30,3,,0.95\n30,3,0.2,\n",
        constants={"dataset": "pets", "backbone": "resnet50"},
    )
    assert [o.error for o in found.observations] == [0.05]
    assert "last of 2 evaluations" in " ".join(found.notes)


def test_a_long_table_with_a_metric_column_is_converted_metric_by_metric(tmp_path):
    found = read(
        tmp_path,
        "model,dataset,metric,value\n"
        "resnet50,pets,accuracy,93\nresnet50,pets,auc,0.99\nresnet50,pets,error_rate,7\n",
    )
    assert [(o.metric, o.error) for o in found.observations] == [
        ("top1", 0.07),
        ("auc", 0.01),
        ("top1", 0.07),
    ]


def test_an_unknown_metric_is_refused_because_its_direction_is_not_known(tmp_path):
    text = refused(tmp_path, "model,dataset,metric,value\nresnet50,pets,goodness,0.9\n")
    assert "whether higher is better" in text


def test_the_user_overrules_every_guess(tmp_path):
    found = read(
        tmp_path,
        "a,b,c,accuracy\nresnet50,x,0.8,9\n",
        columns={"a": "backbone", "b": "dataset", "c": "auc"},
        constants={"recipe": "lp", "epochs": "3"},
        study="mine",
        unit="fraction",
    )
    (row,) = found.observations
    assert (row.study, row.dataset, row.metric, row.error) == ("mine", "x", "auc", 0.2)
    assert (row.recipe, row.epochs) == ("linear-probe", 3)


def test_a_constant_fills_empty_cells_only_where_it_has_no_column(tmp_path):
    with pytest.raises(UnknownNameError, match="dataset"):
        read(tmp_path, "model,dataset,acc\nresnet50,pets,1\n", constants={"datset": "x"})
    with pytest.raises(InputError, match="has no value"):
        read(tmp_path, "model,dataset,acc\nresnet50,pets,1\n", constants={"dataset": " "})


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        ("finetune", "fine-tune"),
        ("Fine-Tuning", "fine-tune"),
        ("linear_probe", "linear-probe"),
        ("kNN", "knn"),
    ],
)
def test_recipes_as_people_write_them(tmp_path, text, recipe):
    found = read(tmp_path, f"model,dataset,acc,recipe\nresnet50,pets,0.9,{text}\n")
    assert found.observations[0].recipe == recipe


def test_an_unknown_recipe_or_status_lists_the_known_ones(tmp_path):
    text = refused(
        tmp_path, "model,dataset,acc,recipe,status\nresnet50,pets,0.9,magic,ok\nresnet50,pets,0.9,knn,odd\n"
    )
    assert "results.csv:2: " in text
    assert "linear-probe" in text
    assert "incomplete" in text


def test_the_name_of_a_shipped_study_is_not_the_users(tmp_path):
    assert "Choose another: --study" in refused(
        tmp_path, "model,dataset,acc\nresnet50,pets,0.9\n", study="fastai"
    )


def test_ones_own_backbone_is_kept_when_asked(tmp_path):
    found = read(tmp_path, "model,dataset,acc\n<b>MyNet</b>,pets,0.9\n", keep_unknown=True)
    assert (found.observations[0].backbone, found.observations[0].match) == ("<b>MyNet</b>", "none")


def test_excel_and_parquet_give_the_same_results_as_csv(tmp_path):
    frame = pd.DataFrame(
        {"model": ["resnet50", "resnet18"], "dataset": "pets", "acc": [0.93, 0.9], "seed": [0, 1]}
    )
    frame.to_csv(tmp_path / "results.csv", index=False)
    frame.to_parquet(tmp_path / "results.parquet")
    frame.to_excel(tmp_path / "results.xlsx", index=False)
    frame.to_json(tmp_path / "results.jsonl", orient="records", lines=True)
    found = [
        read_results(tmp_path / f"results.{e}", known=KNOWN) for e in ("csv", "parquet", "xlsx", "jsonl")
    ]
    assert len({f.observations for f in found}) == 1


def test_a_formula_without_a_value_is_an_empty_cell(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["model", "dataset", "acc"])
    sheet.append(["resnet50", "pets", "=1-0.07"])
    book.save(tmp_path / "results.xlsx")
    with pytest.raises(RefusedImportError, match="no result"):
        read_results(tmp_path / "results.xlsx", known=KNOWN)


def test_a_list_that_was_cut_says_so(tmp_path):
    text = refused(tmp_path, "model,dataset,acc\n" + "resnet50,pets,x\n" * 1000)
    assert text.startswith("results.csv: 1,000 problems in 1,000 rows")
    assert text.endswith("… and 800 more.")


def test_a_check_stops_where_everything_is_wrong_and_says_so(tmp_path):
    text = refused(tmp_path, "model,dataset,acc\n" + "".join(f"x{i},pets,0.5\n" for i in range(6000)))
    assert text.startswith("results.csv: more than 5,000 problems, where the check stopped, in 6,000 rows")


def test_a_header_alone_is_refused(tmp_path):
    with pytest.raises(InputError, match="no row"):
        read(tmp_path, "model,dataset,acc\n")


def test_an_unknown_unit_is_refused():
    assert checked_unit(None) is None
    assert checked_unit("percent") == "percent"
    with pytest.raises(InputError, match="percent or fraction"):
        checked_unit("permille")


HEADER = (
    "study,dataset,backbone,weights,published_name,match,recipe,recipe_detail,epochs,learning_rate,pooling,"
    "resolution,n_train,error,metric,n_eval,replicate,n_replicates,error_sd,fit_time_s,peak_memory_bytes,"
    "status,reason\n"
)
"""Of an export before results could say how weights of one's own were pretrained."""


def exported(backbone, match):
    return f"mine,pets,{backbone},,,{match},fine-tune,,,,,,,0.2,accuracy,,0,,,,,ok,\n"


def test_an_export_of_an_earlier_version_is_taken_as_it_stands(tmp_path):
    found = read(tmp_path, HEADER + exported("resnet50", "architecture") + exported("alexnet", "none"))
    assert [(o.backbone, o.match, o.metric) for o in found.observations] == [
        ("resnet50", "architecture", "accuracy"),
        ("alexnet", "none", "accuracy"),
    ]
    assert any("alexnet (1 row)" in note for note in found.notes)


def test_a_row_added_to_an_export_by_hand_may_not_mistype_a_backbone(tmp_path):
    path = write(tmp_path, HEADER + exported("resnet5O", ""))
    with pytest.raises(RefusedImportError, match="Did you mean resnet50"):
        read_results(path, known=KnownNames(KNOWN.backbones))
