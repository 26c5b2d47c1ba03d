import json

import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.data.errors import InputError, UnknownNameError


def run(*arguments):
    return CliRunner().invoke(app, ["evaluate", *arguments])


def test_a_study_is_scored_beside_the_baselines():
    found = run("--study", "logme-tllib-finetune", "--protocol", "dataset", "--json")
    document = json.loads(found.stdout)
    methods = {row["method"] for row in document["orders"] if row["study"] == "logme-tllib-finetune"}
    assert {"archimeter", "mean-rank", "imagenet-top1", "params", "macs", "random"} <= methods
    ours = next(row for row in document["orders"] if row["method"] == "archimeter")
    assert ours["n_datasets"] == 8
    assert ours["tau_w_low"] < ours["tau_w"] < ours["tau_w_high"]
    assert len(document["splits"]["dataset"]) == 64
    assert document["levels"][0]["mae_1"] < document["levels"][0]["mae_0"]
    assert {row["rung"] for row in document["ladder"]} == {"M0", "M1", "M2", "M3 - M2", "M3"}
    assert all(row["verdict"] for row in document["ladder"] if row["over"])


def test_a_plain_query_is_scored_beside_imagenet():
    found = run("--study", "aitlas-arena-finetune", "--protocol", "study", "--json")
    document = json.loads(found.stdout)
    (ours,) = [
        r for r in document["orders"] if r["method"] == "archimeter" and r["study"] == "aitlas-arena-finetune"
    ]
    assert ours["gain_on"] == "imagenet-top1"
    assert ours["n_datasets"] == 22
    (level,) = [r for r in document["levels"] if r["study"] == "aitlas-arena-finetune"]
    assert level["protocol"] == "study"
    assert level["mae_1"] < level["mae_0"]


def test_people_see_orders_errors_intervals_and_the_ladder():
    found = run("--study", "logme-tllib-finetune", "--protocol", "dataset")
    assert found.exit_code == 0, found.output
    for words in ("tau_w gain", "off, 1 anchors", "cover, 1 anchor", "verdict", "mean-rank"):
        assert words in found.stdout
    assert "Promised" in found.stderr


def test_ones_own_results_are_scored_alone(tmp_path):
    lines = ["study,dataset,backbone,error"]
    for d, dataset in enumerate(("cats", "dogs", "cars")):
        lines += [
            f"mine,{dataset},{backbone},{0.05 * (d + 1) + 0.01 * i}"
            for i, backbone in enumerate(
                ("resnet152", "resnet101", "resnet50", "resnet34", "resnet18", "mobilenetv2_100")
            )
        ]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(lines))
    found = run("--results", str(path), "--protocol", "dataset", "--json")
    assert found.exit_code == 0, found.output
    ours = [r for r in json.loads(found.stdout)["orders"] if r["method"] == "archimeter"]
    assert {row["study"] for row in ours} == {"mine"}
    assert ours[0]["tau_w"] == pytest.approx(1)


def test_networks_that_timm_does_not_know_take_part_and_are_named(tmp_path):
    path = tmp_path / "mine.csv"
    names = ("resnet152", "resnet101", "resnet50", "resnet34", "resnet18", "my_own_net")
    lines = [f"mine,{d},{n},{0.1 + 0.01 * i}" for d in ("cats", "dogs") for i, n in enumerate(names)]
    path.write_text("\n".join(["study,dataset,backbone,error", *lines]))
    found = run("--results", str(path), "--protocol", "dataset", "--json")
    assert found.exit_code == 0, found.output
    assert "Unknown backbones" in found.stderr
    assert "my_own_net (2 rows)" in found.stderr
    (ours,) = [r for r in json.loads(found.stdout)["orders"] if r["method"] == "archimeter"]
    assert ours["n_datasets"] == 2


def test_results_on_one_data_set_are_refused_with_what_it_takes(tmp_path):
    path = tmp_path / "mine.csv"
    names = ("resnet152", "resnet101", "resnet50", "resnet34", "resnet18", "mobilenetv2_100")
    path.write_text("\n".join(["study,dataset,backbone,error", *(f"mine,cats,{n},0.1" for n in names)]))
    found = run("--results", str(path))
    assert isinstance(found.exception, InputError)
    assert "2 data sets and 6 models" in str(found.exception)


@pytest.mark.parametrize("arguments", [("--study", "nope"), ("--protocol", "nope")])
def test_unknown_names_are_refused_with_what_there_is(arguments):
    assert isinstance(run(*arguments).exception, UnknownNameError)
