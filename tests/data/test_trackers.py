import json

import pandas as pd
import pytest

from archimeter.data.errors import InputError
from archimeter.data.reading import read_raw
from archimeter.data.trackers import unpacked

# the shape that transformers.Trainer.save_metrics writes
ALL_RESULTS = {
    "epoch": 3.0,
    "eval_accuracy": 0.9375,
    "eval_loss": 0.21,
    "eval_runtime": 12.5,
    "eval_samples_per_second": 118.2,
    "train_loss": 0.4,
    "train_runtime": 321.0,
}
# the shape of transformers.TrainerState.save_to_json
STATE = {
    "best_metric": 0.95,
    "best_model_checkpoint": "out/checkpoint-20",
    "epoch": 3.0,
    "global_step": 30,
    "log_history": [
        {"epoch": 1.0, "learning_rate": 5e-5, "loss": 1.3, "step": 10},
        {"epoch": 1.0, "eval_accuracy": 0.95, "eval_loss": 0.4, "step": 10},
        {"epoch": 3.0, "eval_accuracy": 0.9375, "eval_loss": 0.3, "step": 30},
        {"epoch": 3.0, "step": 30, "total_flos": 1, "train_loss": 0.7, "train_runtime": 92.0},
    ],
}


def as_dict(table):
    ((_, cells),) = table.rows
    return dict(zip(table.header, cells, strict=True))


def test_all_results_is_one_result_and_the_name_is_beside_it(tmp_path):
    (tmp_path / "all_results.json").write_text(json.dumps(ALL_RESULTS))
    (tmp_path / "config.json").write_text(json.dumps({"_name_or_path": "google/vit-base-patch16-224"}))
    table = read_raw(tmp_path / "all_results.json")
    assert as_dict(table)["eval_accuracy"] == 0.9375
    assert as_dict(table)["model_name"] == "google/vit-base-patch16-224"
    assert "config.json" in table.notes[0]


def test_a_timm_wrapper_names_architecture_and_tag(tmp_path):
    (tmp_path / "all_results.json").write_text(json.dumps(ALL_RESULTS))
    config = {"model_type": "timm_wrapper", "architecture": "resnet18", "pretrained_cfg": {"tag": "a1_in1k"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert as_dict(read_raw(tmp_path / "all_results.json"))["model_name"] == "resnet18.a1_in1k"


def test_the_last_evaluation_of_a_history_counts_and_it_is_said(tmp_path):
    (tmp_path / "trainer_state.json").write_text(json.dumps(STATE))
    table = read_raw(tmp_path / "trainer_state.json")
    row = as_dict(table)
    assert (row["eval_accuracy"], row["train_runtime"], row["epoch"]) == (0.9375, 92.0, 3.0)
    assert "last of 2 evaluations was taken (step 30)" in table.notes[0]
    assert "0.95" in table.notes[0]


def test_a_history_without_evaluation_is_refused(tmp_path):
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": [{"loss": 1.0}, 3]}))
    with pytest.raises(InputError, match=r"no evaluation.*all_results\.json"):
        read_raw(tmp_path / "trainer_state.json")


@pytest.mark.parametrize(
    "config", ["{", "[]", "null", '{"_name_or_path": 3}', '{"model_type": "timm_wrapper"}']
)
def test_a_useless_config_beside_is_passed_over(tmp_path, config):
    (tmp_path / "all_results.json").write_text(json.dumps(ALL_RESULTS))
    (tmp_path / "config.json").write_text(config)
    assert "model_name" not in read_raw(tmp_path / "all_results.json").header


def test_the_frame_of_wandbs_own_script_is_taken_apart(tmp_path):
    # docs.wandb.ai, "Export data": runs_df = DataFrame({summary, config, name}).to_csv("project.csv")
    frame = pd.DataFrame(
        {
            "summary": [{"val_acc": 0.93, "_runtime": 12.5, "note": float("nan")}, {}],
            "config": [{"model_name": "resnet50", "opt": {"lr": 0.001}}, {"model_name": "resnet18"}],
            "name": ["happy-1", "happy-2"],
        }
    )
    frame.to_csv(tmp_path / "project.csv")
    table = unpacked(read_raw(tmp_path / "project.csv"))
    rows = [dict(zip(table.header, cells, strict=True)) for _, cells in table.rows]
    assert rows[0]["summary.val_acc"] == 0.93
    assert rows[0]["config.opt.lr"] == 0.001
    assert rows[1]["config.model_name"] == "resnet18"
    assert rows[1]["summary.val_acc"] is None


@pytest.mark.parametrize("text", ["{__import__('os')}", "{'a': open('x')}", "{" * 5000, "{1: 2", "{1, 2}"])
def test_a_dictionary_that_is_none_is_refused_and_nothing_runs(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(f'name,summary\nx,"{text}"\n')
    with pytest.raises(InputError, match=r"a\.csv:2: summary"):
        unpacked(read_raw(path))


def test_the_history_behind_a_chart_is_refused(tmp_path):
    path = tmp_path / "wandb_export.csv"
    path.write_text(
        '"Step","run-1 - val_acc","run-1 - val_acc__MIN","run-1 - val_acc__MAX"\n"1","0.9","0.9","0.9"\n'
    )
    with pytest.raises(InputError, match="Export the runs table"):
        unpacked(read_raw(path))


def test_other_tables_come_back_as_they_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("model,summary\nx,good\n")
    table = read_raw(path)
    assert unpacked(table) is table
