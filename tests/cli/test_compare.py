"""`archimeter compare`: side by side, nearest, fronts; from hand-made tables and small real backbones."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.data.join import Joined

NET = """
import torch
def build(width=8):
    return torch.nn.Conv2d(3, width, 3)
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    known = pd.DataFrame(
        {
            "backbone": ["tiny", "small", "large"],
            "family": "made",
            "params": [200.0, 400.0, 9e6],
            "macs": [2e5, 4e5, 9e9],
            "activations": [7e3, 14e3, 9e6],
        }
    )
    frame = known.assign(weights=known["backbone"] + ".a", error=[0.5, 0.4, 0.2], size_differs=False)
    joined = Joined(frame, pd.DataFrame(), pd.DataFrame())
    # in this order: a module imported while the loader is a stand-in would keep the stand-in
    monkeypatch.setattr("archimeter.analysis.shipped.shipped", lambda **_: joined)
    monkeypatch.setattr("archimeter.data.tables.load_profiles", lambda: known)
    net = tmp_path / "net.py"
    net.write_text(NET)

    def call(*arguments):
        options = ("--size", "32", "--store", tmp_path / "runs.db")
        return CliRunner().invoke(
            app, ["compare", *(str(a).replace("NET", str(net)) for a in (*arguments, *options))]
        )

    return call


def test_ratios_are_to_the_first(run):
    document = json.loads(run("NET:build", "NET:build?width=16", "--json").stdout)
    ratio = {row["measure"]: row["ratio"] for row in document["ratios"] if row["place"] == 1}
    assert ratio["params"] == ratio["macs"] == ratio["activations"] == 2
    assert [row["params"] for row in document["profiles"]] == [8 * 28, 16 * 28]


def test_custom_backbone_gets_its_nearest_and_its_place(run):
    document = json.loads(run("NET:build", "--json").stdout)
    # 8·(27 + 1) = 224 parameters, 27·8·900 = 194,400 MACs, 7,200 activations
    assert document["nearest"][0]["backbone"] == "tiny"
    place = {row["cost"]: row for row in document["fronts"]}
    assert (place["params"]["best"], place["params"]["next"]) == ("tiny.a", "small.a")
    assert place["macs"]["best"] is None
    assert place["macs"]["next"] == "tiny.a"
    assert place["params"]["on_front"] is None


def test_tables_are_for_people(run):
    found = run("NET:build", "NET:build?width=16")
    assert found.exit_code == 0
    assert "Nearest known backbones" in found.stdout
    assert "Place on the published fronts" in found.stdout
    assert "one standard deviation" in found.stderr


def test_one_that_fails_costs_only_itself(run):
    found = run("NET:build", "NET:nothing", "--json")
    assert found.exit_code == 3
    assert "has no 'nothing'" in found.stderr
    assert [row["backbone"] for row in json.loads(found.stdout)["profiles"]] == ["net:build"]


@pytest.mark.slow
def test_times_are_compared_in_turn_with_an_interval(run):
    found = run("NET:build", "NET:build?width=64", "--device", "cpu", "--json")
    [row] = json.loads(found.stdout)["in_turn"]
    assert (row["backbone"], row["reference"]) == ("net:build?width=64", "net:build")
    assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
    assert row["ratio"] > 1  # eight times the work
    assert row["n"] >= 30


def test_nothing_is_timed_without_a_device(run):
    assert "in_turn" not in json.loads(run("NET:build", "NET:build?width=16", "--json").stdout)
