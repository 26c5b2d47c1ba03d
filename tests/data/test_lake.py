import math

import pandas as pd
import pytest

from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.lake import Lake, publish_store, write_part
from archimeter.data.records import Observation, Profile
from archimeter.data.store import Store
from archimeter.data.tables import arrow_of, to_frame

PROFILES = pd.DataFrame({"backbone": ["a", "b"], "family": ["big", "small"], "params": [9.0, 1.0]})


def results(*errors, backbone="a", dataset="pets", **values):
    return [
        Observation(study="s", dataset=dataset, backbone=backbone, error=error, replicate=i, **values)
        for i, error in enumerate(errors)
    ]


def sorted_frame(observations):
    return to_frame(arrow_of(sorted(observations, key=repr), Observation))


def test_parts_of_many_writers_are_read_as_one_table(tmp_path):
    one, two = results(0.1, 0.2), results(0.5, backbone="b")
    assert write_part(tmp_path, one, Observation) == 2
    assert write_part(tmp_path, two, Observation) == 1
    frame = Lake(tmp_path).frame()
    found = [Observation.from_row(row) for row in frame.to_dict("records")]
    assert sorted(found, key=repr) == sorted(one + two, key=repr)
    assert list(frame.dtypes) == list(sorted_frame(one).dtypes)


def test_a_result_that_two_parts_hold_counts_once(tmp_path):
    write_part(tmp_path, results(0.1, 0.2), Observation, "1")
    write_part(tmp_path, results(0.1, 0.2, 0.3), Observation, "2")
    summary = Lake(tmp_path).summarise(["backbone"])
    assert (summary.rows, summary.repeated) == (5, 2)
    assert summary.frame["n"].tolist() == [3]
    assert len(Lake(tmp_path).frame()) == 3


def test_groups_are_hand_arithmetic(tmp_path):
    write_part(tmp_path, results(0.1, 0.2, 0.6) + results(0.4, backbone="b"), Observation)
    frame = Lake(tmp_path).summarise(["backbone"]).frame
    a, b = frame.to_dict("records")
    assert (a["n"], a["error_min"], a["error_max"]) == (3, 0.1, 0.6)
    assert a["error_mean"] == pytest.approx(0.3)
    assert a["error_sd"] == pytest.approx(math.sqrt((0.04 + 0.01 + 0.09) / 2))
    assert math.isnan(b["error_sd"])


def test_the_join_groups_by_what_the_profiles_say_and_counts_what_has_none(tmp_path):
    write_part(
        tmp_path,
        results(0.1, 0.3) + results(0.4, backbone="b") + results(0.9, backbone="unheard of"),
        Observation,
    )
    summary = Lake(tmp_path).summarise(["family", "dataset"], PROFILES)
    assert summary.unmatched == 1
    found = {row["family"]: row["error_mean"] for row in summary.frame.to_dict("records") if row["family"]}
    assert found["big"] == pytest.approx(0.2)
    assert found["small"] == pytest.approx(0.4)


def test_only_ok_rows_are_summarised(tmp_path):
    failed = Observation(study="s", dataset="pets", backbone="a", status="failed")
    write_part(tmp_path, [*results(0.1), failed], Observation)
    summary = Lake(tmp_path).summarise(["backbone"])
    assert (summary.not_ok, summary.frame["n"].tolist()) == (1, [1])


def test_partial_groups_of_many_batches_agree_with_pandas(tmp_path, monkeypatch):
    monkeypatch.setattr("archimeter.data.lake.BATCH_ROWS", 7)
    monkeypatch.setattr("archimeter.data.lake.MERGE_ROWS", 5)
    rows = [
        o for i in range(40) for o in results(i / 40, (i + 1) / 50, backbone="ab"[i % 2], dataset=f"d{i % 5}")
    ]
    for i in range(0, len(rows), 16):
        write_part(tmp_path, rows[i : i + 16], Observation)
    unique = Lake(tmp_path).frame()
    mine = Lake(tmp_path).summarise(["backbone", "dataset"]).frame
    theirs = unique.groupby(["backbone", "dataset"])["error"].agg(["count", "mean", "std"]).reset_index()
    assert mine["n"].tolist() == theirs["count"].tolist()
    assert mine["error_mean"].tolist() == pytest.approx(theirs["mean"].tolist())
    assert mine["error_sd"].tolist() == pytest.approx(theirs["std"].tolist())


def test_cells_are_means_over_the_runs_of_one_setting(tmp_path):
    write_part(tmp_path, results(0.1, 0.3, epochs=5) + results(0.5, epochs=9), Observation)
    cells = [Observation.from_row(row) for row in Lake(tmp_path).cells().to_dict("records")]
    assert [(c.epochs, c.n_replicates, c.replicate) for c in cells] == [(5, 2, None), (9, 1, None)]
    assert cells[0].error == pytest.approx(0.2)


def test_a_store_is_published_in_place_of_what_it_published_before(tmp_path):
    with Store(tmp_path / "runs.db") as store, Store(tmp_path / "other.db") as other:
        store.put_observations(results(0.1))
        store.put_profiles([Profile(backbone="a", macs=3)])
        assert publish_store(store, tmp_path / "lake") == {"profiles": 1, "observations": 1}
        store.put_observations(results(0.1, 0.2))
        other.put_observations(results(0.7, backbone="b"))
        publish_store(store, tmp_path / "lake")
        publish_store(other, tmp_path / "lake")
    assert Lake(tmp_path / "lake").rows() == 3
    assert len(list((tmp_path / "lake").rglob("*.parquet"))) == 4
    assert not [p for p in (tmp_path / "lake").rglob("*") if p.name.startswith(".")]


def test_a_part_that_is_being_written_is_not_read(tmp_path):
    write_part(tmp_path, results(0.1), Observation)
    (tmp_path / "observations" / ".half").write_bytes(b"PAR1 half a part")
    assert Lake(tmp_path).rows() == 1


def test_a_file_uri_is_a_folder_too(tmp_path):
    write_part(tmp_path.as_uri(), results(0.1), Observation)
    assert Lake(tmp_path.as_uri()).rows() == 1
    assert Lake(tmp_path).rows() == 1


def test_what_is_no_lake_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no results"):
        Lake(tmp_path / "empty").rows()
    with pytest.raises(InputError, match="Cannot read the parts"):
        Lake(tmp_path / "nowhere").rows()
    with pytest.raises(InputError, match="Cannot open"):
        Lake("nosuch://bucket/x").rows()
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(InputError, match="holds no results"):
        Lake(tmp_path).rows()


def test_a_damaged_part_is_said(tmp_path):
    write_part(tmp_path, results(*[i / 2000 for i in range(2000)]), Observation, "x")
    part = tmp_path / "observations" / "part-x.parquet"
    content = bytearray(part.read_bytes())
    content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)
    part.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        Lake(tmp_path).frame()
    part.write_bytes(b"not parquet at all")
    with pytest.raises(InputError, match="Cannot read the parts"):
        Lake(tmp_path).frame()


def test_an_unknown_group_and_a_doubled_profile_are_refused(tmp_path):
    write_part(tmp_path, results(0.1), Observation)
    with pytest.raises(UnknownNameError, match="backbone"):
        Lake(tmp_path).summarise(["backbon"])
    with pytest.raises(InputError, match="'a' twice"):
        Lake(tmp_path).summarise(["backbone"], pd.concat([PROFILES, PROFILES]))
