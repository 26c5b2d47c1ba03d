import csv
import io
import json

import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.data.coverage import coverage
from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.records import Observation
from archimeter.data.tables import load_observations, load_rows, manifest


def run(*arguments):
    done = CliRunner().invoke(app, ["tables", *arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_every_table_is_listed_with_its_size_licence_and_source():
    shown = run().stdout
    for entry in manifest():
        line = next(line for line in shown.splitlines() if line.startswith(f"{entry.table} "))
        assert f"{entry.rows:,}" in line
        assert (entry.licence or "–") in line
        assert entry.repository is None or entry.repository in line


def test_the_list_is_json_with_everything_the_manifest_says():
    document = json.loads(run("--json").stdout)
    assert [row["table"] for row in document["tables"]] == [entry.table for entry in manifest()]
    assert all(row["sha256"] and row["rows_are"] for row in document["tables"])
    assert document["coverage"] == [coverage()]


def test_coverage_counts_what_is_there():
    ok = load_observations().query("status == 'ok'")
    held = coverage()
    assert held["observations"] == len(ok)
    assert held["studies"] == len({e.study for e in manifest() if e.record == "Observation"})
    assert held["weights_under_shift"] >= 1200
    swept = ok[(ok["study"] == "fastai")]["weights"].nunique()
    assert held["weights_elsewhere"] >= swept == 86


def test_the_tables_are_as_wide_as_promised():
    held = coverage()
    assert held["studies"] >= 14
    assert held["weights_under_shift"] >= 1200
    assert held["weights_elsewhere"] >= 360
    assert held["datasets"] >= 110
    assert held["small_datasets"] >= 50


def test_a_table_is_shown_with_a_count_of_what_is_cut():
    done = run("fastai", "--top", "3")
    assert sum(line.startswith("fastai ") for line in done.stdout.splitlines()) == 3
    assert "3 of 894 rows" in done.stderr
    assert "tcapelle" not in done.stdout
    assert "Howard" in done.stderr


def test_json_and_csv_have_all_rows_of_a_table():
    rows = json.loads(run("fastai", "--json").stdout)
    assert [Observation.from_row(row) for row in rows] == [
        Observation.from_row(row) for row in load_observations("fastai").to_dict("records")
    ]
    assert len(list(csv.DictReader(io.StringIO(run("fastai", "--csv").stdout)))) == 894


def test_rows_hold_what_nested_fields_say():
    row = load_rows("benchmarks")[0]
    assert row["input_shapes"] == [[3, 106, 106]]
    assert row["params"] == 2_040_000
    assert isinstance(row["params"], int)
    assert row["depth"] is None


def test_a_table_goes_into_a_file(tmp_path):
    done = run("fastai", "-o", str(tmp_path / "runs.json"))
    assert done.stdout == ""
    assert "894 rows written" in done.stderr
    assert len(json.loads((tmp_path / "runs.json").read_text())) == 894


def test_verify_says_that_all_is_well():
    assert f"All {len(manifest())} tables are as shipped" in run("--verify").stderr


def test_unknown_names_and_contradictions_are_refused():
    with pytest.raises(UnknownNameError, match="Did you mean fastai"):
        run("fastia")
    with pytest.raises(InputError, match="contradict"):
        run("--json", "--csv")


def test_quality_says_what_was_dropped_and_where_studies_disagree():
    shown = run("--quality")
    assert "the run left no metric" in shown.stdout
    assert "rank corr." in shown.stdout
    document = json.loads(run("--quality", "--json").stdout)
    assert set(document) == {"studies", "dropped", "duplicates", "disagreements"}
    assert {row["study"] for row in document["studies"]} == set(load_observations()["study"])


def test_quality_of_one_study():
    (row,) = json.loads(run("fastai", "--quality", "--json").stdout)["studies"]
    assert (row["ok"], row["dropped"], row["exact"]) == (849, 45, 1.0)
