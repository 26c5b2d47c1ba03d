import json

import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.data.errors import InputError
from archimeter.data.importing import RefusedImportError
from archimeter.data.records import Profile
from archimeter.data.resolving import KnownNames
from archimeter.data.store import Store

KNOWN = KnownNames(backbones=frozenset({"resnet50", "resnet18"}), datasets={"pets": None})
TABLE = "model,dataset,acc\nresnet50,Pets,93\nresnet18,Pets,91\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(KnownNames, "shipped", classmethod(lambda cls: KNOWN))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results.csv").write_text(TABLE)

    def call(*arguments):
        return CliRunner().invoke(app, list(arguments), catch_exceptions=True)

    return call


def test_an_import_says_how_it_read_the_file_and_what_it_wrote(run):
    found = run("import", "results.csv")
    assert found.exit_code == 0
    assert "model → backbone" in found.stderr
    assert "acc → error, from top1" in found.stderr
    assert "acc is read as percent" in found.stderr
    assert "'Pets' is read as 'pets' (2 rows)" in found.stderr
    assert "2 added, 0 changed, 0 as they were: study results" in found.stderr
    assert "0 added, 0 changed, 2 as they were" in run("import", "results.csv").stderr


def test_a_dry_run_shows_the_rows_and_writes_nothing(run, tmp_path):
    found = run("import", "results.csv", "--dry-run")
    assert "7.00 %" in found.stdout
    assert "2 rows would be imported" in found.stderr
    assert not (tmp_path / "home").exists()
    rows = json.loads(run("import", "results.csv", "--dry-run", "--json").stdout)
    assert [row["error"] for row in rows] == [0.07, 0.09]


def test_a_bad_row_refuses_the_file(run, tmp_path):
    (tmp_path / "results.csv").write_text(TABLE + "resnet5,pets,90\n")
    found = run("import", "results.csv")
    assert isinstance(found.exception, RefusedImportError)
    assert "results.csv:4: Unknown backbone 'resnet5'. Did you mean resnet50" in str(found.exception)


def test_the_options_reach_the_reading(run, tmp_path):
    (tmp_path / "t.csv").write_text("net,score\nMine,0.9\n")
    columns = ["--map", "score=accuracy", "--map", "net=backbone", "--set", "dataset=beetles"]
    how = ["--study", "may", "--unit", "fraction", "--keep-unknown", "--json"]
    found = run("import", "t.csv", *columns, *how, "--store", str(tmp_path / "own.db"))
    assert found.exit_code == 0, found.exception
    (row,) = json.loads(found.stdout)
    assert (row["study"], row["dataset"], row["backbone"], row["error"]) == ("may", "beetles", "Mine", 0.1)
    assert (tmp_path / "own.db").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--map", "score"), "COLUMN=FIELD"),
        (("--map", "a=backbone", "--map", "a=dataset"), "twice"),
        (("--set", "dataset="), "FIELD=VALUE"),
        (("--unit", "permille"), "percent or fraction"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(run, arguments, message):
    found = run("import", "results.csv", *arguments)
    assert isinstance(found.exception, InputError)
    assert message in str(found.exception)


def test_a_network_that_was_profiled_into_the_store_is_recognised(run, tmp_path):
    (tmp_path / "results.csv").write_text("model,dataset,acc\nnets.py:build,pets,93\n")
    assert "Unknown backbone" in str(run("import", "results.csv").exception)
    network = {"backbone": "nets:build", "source": "file", "source_ref": "nets.py:build", "mode": "static"}
    with Store() as store:
        store.put_profiles([Profile(**network, device="meta", input_shapes=((3, 224, 224),), params=10)])
    found = run("import", "results.csv")
    assert found.exit_code == 0, found.exception
    assert "Unknown" not in found.stderr
    with Store() as store:
        assert [one.match for one in store.observations()] == ["architecture"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_an_export_can_be_imported_again(run, tmp_path, ending):
    run("import", "results.csv")
    assert run("export", f"out.{ending}").exit_code == 0
    found = run("import", f"out.{ending}", "--store", str(tmp_path / "other.db"))
    assert found.exit_code == 0, found.exception
    with Store(tmp_path / "home") as one, Store(tmp_path / "other.db") as two:
        assert one.observations() == two.observations()


def test_one_study_or_the_profiles_can_be_exported(run, tmp_path):
    run("import", "results.csv")
    run("import", "results.csv", "--study", "second")
    assert "2 rows written" in run("export", "out.csv", "--study", "second").stderr
    assert (tmp_path / "out.csv").read_text().count("second") == 2
    assert "0 rows written" in run("export", "profiles.csv", "--profiles").stderr


def test_an_export_without_a_store_says_so(run):
    assert "There is no store" in str(run("export", "out.csv").exception)
