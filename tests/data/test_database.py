import json
import os
import sqlite3

import pytest

from archimeter.data import database
from archimeter.data.errors import InputError
from archimeter.data.keys import observation_key, profile_key
from archimeter.data.records import Observation, Profile
from archimeter.data.store import Store

GOOD = Profile(backbone="resnet50", macs=4_089_184_256)
FAILED = Profile(backbone="resnet18", status="failed", reason="out of memory")
RESULT = Observation(study="mine", dataset="pets", backbone="resnet50", error=0.07)


def write_old_store(path, version):
    """A store as an archimeter with that schema wrote it."""
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {database.APPLICATION_ID}")
    for step in range(1, version + 1):
        for statement in database.MIGRATIONS[step]:
            connection.execute(statement)
    for table, key, record in (
        ("profiles", profile_key(GOOD), GOOD),
        ("profiles", profile_key(FAILED), FAILED),
        ("observations", observation_key(RESULT), RESULT),
    ):
        row = json.dumps({k: v for k, v in record.as_row().items() if v is not None})
        connection.execute(f"INSERT INTO {table} (key, row) VALUES (?, ?)", (key, row))  # noqa: S608
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()


def test_a_store_of_the_first_schema_is_brought_to_todays(tmp_path):
    path = tmp_path / "old.db"
    write_old_store(path, 1)
    with Store(path) as store:
        assert store.schema_version == database.SCHEMA_VERSION
        assert store.counts() == {"profiles": {"failed": 1, "ok": 1}, "observations": {"ok": 1}}
        assert store.profiles(status="ok") == [GOOD]
        assert store.observations() == [RESULT]
        assert store.status(profile_key(FAILED)) == "failed"
        assert len(store.identity()) == 16
        assert store.check() == []


def test_a_store_of_the_second_schema_keeps_its_rows(tmp_path):
    path = tmp_path / "old.db"
    write_old_store(path, 2)
    with Store(path) as store:
        assert {p.backbone for p in store.profiles()} == {"resnet50", "resnet18"}


def test_a_migration_that_fails_leaves_the_old_store_whole(tmp_path, monkeypatch):
    path = tmp_path / "old.db"
    write_old_store(path, 1)
    broken = {**database.MIGRATIONS, 3: (*database.MIGRATIONS[3], "ALTER TABLE nowhere ADD COLUMN x")}
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    with pytest.raises(InputError, match="no such table"):
        Store(path)
    monkeypatch.undo()
    with Store(path) as store:
        assert len(store.profiles()) == 2


def test_a_newer_store_says_to_upgrade(tmp_path):
    path = tmp_path / "new.db"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(InputError, match=r"schema version 99.*Upgrade"):
        Store(path)


def test_a_foreign_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(InputError, match="not a store of archimeter's"):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"backbone,error\nresnet50,0.1\n" * 50, os.urandom(5000), b"x"])
def test_a_file_that_is_no_database_gives_one_clear_message(tmp_path, content):
    path = tmp_path / "runs.db"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"runs\.db: this file is no store"):
        Store(path)
    assert path.read_bytes() == content


def test_a_store_damaged_in_the_middle_says_so(tmp_path):
    path = tmp_path / "runs.db"
    with Store(path) as store:
        store.put_profiles(Profile(backbone=f"b{i}", reason="x" * 200) for i in range(500))
        store.compact()
    content = bytearray(path.read_bytes())
    content[8192:-4096] = os.urandom(len(content) - 12288)
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"), Store(path) as store:
        store.profiles()


def test_a_truncated_store_says_so(tmp_path):
    path = tmp_path / "runs.db"
    with Store(path) as store:
        store.put_profiles(Profile(backbone=f"b{i}", reason="x" * 200) for i in range(500))
        store.compact()
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(InputError, match="damaged"), Store(path) as store:
        store.profiles()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--store"):
        Store(tmp_path / "file" / "runs.db")


def test_a_missing_store_is_not_made_when_only_reading(tmp_path):
    with pytest.raises(InputError, match="There is no store"):
        Store(tmp_path / "runs.db", create=False)
    assert not (tmp_path / "runs.db").exists()
