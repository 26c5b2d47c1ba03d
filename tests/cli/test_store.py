import json

import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.data.lake import Lake
from archimeter.data.records import Observation, Profile
from archimeter.data.store import Store


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path))
    with Store() as store:
        store.put_observations([Observation(study="s", dataset="d", backbone="b", error=0.1)])
        store.put_profiles([Profile(backbone="b", status="failed", reason="killed")])
    return lambda *arguments: CliRunner().invoke(app, ["store", *arguments])


def test_info_says_where_and_what(run, tmp_path):
    found = run("info")
    assert str(tmp_path / "runs.db") in found.stderr
    assert "observations" in found.stdout
    document = json.loads(run("info", "--json").stdout)
    assert document["tables"] == [
        {"table": "profiles", "status": "failed", "rows": 1},
        {"table": "observations", "status": "ok", "rows": 1},
    ]


def test_check_is_quiet_about_a_good_store_and_fails_on_a_bad_row(run, tmp_path):
    found = run("check")
    assert found.exit_code == 0
    assert "all is well" in found.stderr
    with Store() as store:
        store._connection.execute("UPDATE observations SET row = '{'")
    found = run("check", "--json")
    assert found.exit_code == 1
    assert "cannot be read" in json.loads(found.stdout)[0]["message"]


def test_compact_says_the_sizes(run):
    found = run("compact")
    assert found.exit_code == 0
    assert "kB now" in found.stderr


def test_publish_writes_a_folder_that_can_be_read(run, tmp_path):
    found = run("publish", str(tmp_path / "lake"))
    assert "1 profiles and 1 results" in found.stderr
    assert Lake(tmp_path / "lake").rows() == 1


def test_a_store_elsewhere_can_be_named(run, tmp_path):
    found = run("info", "--store", str(tmp_path / "nowhere.db"))
    assert "There is no store" in str(found.exception)
