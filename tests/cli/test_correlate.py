import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.data.errors import UnknownNameError
from archimeter.data.join import Joined


def made():
    rng = np.random.default_rng(0)
    rows = [
        {
            "study": "made", "dataset": "planet", "recipe": "fine-tune", "backbone": f"{family}{i}",
            "family": family, "params": 1e6 * 2.0**i, "error": 0.3 / (i + 2) + rng.uniform(0, 0.005),
        }
        for family, n in (("resnet", 8), ("vit", 7), ("levit", 3))
        for i in range(n)
    ]  # fmt: skip
    return Joined(pd.DataFrame(rows), pd.DataFrame({"backbone": ["AlexNet"]}), pd.DataFrame())


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path))
    monkeypatch.setattr("archimeter.analysis.shipped.shipped", lambda **_: made())
    return lambda *arguments: CliRunner().invoke(app, ["correlate", *arguments])


def test_the_table_shows_verdicts_and_says_what_it_leaves_out(run):
    found = run("--dataset", "planet")
    assert found.exit_code == 0
    assert "error falls" in found.stdout
    assert "levit" not in found.stdout
    assert "1 rows have too few models for a verdict" in found.stderr
    assert "Benjamini–Hochberg over all 4 judged rows" in found.stderr
    assert "1 results are of backbones that no profile names" in found.stderr


def test_json_carries_every_row_families_without_a_verdict_too(run):
    rows = json.loads(run("--json").stdout)
    assert {row["family"] for row in rows} == {"(all)", "resnet", "vit", "levit"}
    (levit,) = [row for row in rows if row["family"] == "levit"]
    assert (levit["verdict"], levit["q_value"], levit["n"]) == ("too few", None, 3)


def test_showing_one_family_leaves_its_q_as_it_was(run):
    every = {
        row["family"]: row["q_value"] for row in json.loads(run("--json").stdout) if row["level"] == "family"
    }
    (only,) = json.loads(run("--json", "--family", "VIT").stdout)
    assert only["q_value"] == every["vit"]


def test_a_cut_table_says_so(run):
    found = run("--top", "2")
    assert "2 less certain rows are not shown: --top 4 shows them." in found.stderr


def test_an_unknown_family_lists_close_ones(run):
    error = run("--family", "resnt").exception
    assert isinstance(error, UnknownNameError)
    assert "Did you mean resnet" in str(error)


def test_the_published_way_is_linear_on_minima(run):
    rows = json.loads(run("--published", "--json").stdout)
    assert {row["slope_unit"] for row in rows} == {"error per parameters"}
