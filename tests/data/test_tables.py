import json
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archimeter.data import tables
from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.records import Observation, Profile
from archimeter.data.tables import (
    TableEntry,
    load_observations,
    load_table,
    manifest,
    publish,
    read_table,
    verify,
    write_table,
)

PROFILES = [
    Profile(
        backbone="net", input_shapes=((3, 224, 224), (5,)), macs=2**52 + 1, macs_by_kind={"b": 1, "a": 2}
    ),
    Profile(
        backbone="näht", attention_fused=True, latencies_s=(0.1, 0.25), status="failed", reason='a,\n"b"'
    ),
]
ENTRY = TableEntry(
    table="mine",
    record="Observation",
    study="mine",
    title="t",
    rows_are="runs",
    built_by="me",
    notes=("a", "b"),
)
RUNS = [
    Observation(study="mine", dataset="d", backbone="net", error=0.25),
    Observation(study="mine", dataset="d", backbone="net", status="failed", reason="out of memory"),
]


def test_records_come_back_as_they_went(tmp_path):
    write_table(tmp_path / "t.parquet", PROFILES, Profile)
    frame = read_table(tmp_path / "t.parquet")
    assert [Profile.from_row(row) for row in frame.to_dict("records")] == PROFILES


@settings(max_examples=30, deadline=None)
@given(
    error=st.floats(0, 1),
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    replicate=st.none() | st.integers(0, 2**53),
    n_eval=st.none() | st.integers(0, 2**53),
)
def test_any_observation_comes_back_as_it_went(tmp_path_factory, error, name, replicate, n_eval):
    path = tmp_path_factory.mktemp("t") / "t.parquet"
    run = Observation(study="s", dataset=name, backbone=name, error=error, replicate=replicate, n_eval=n_eval)
    write_table(path, [run], Observation)
    assert [Observation.from_row(row) for row in read_table(path).to_dict("records")] == [run]


def test_the_schema_follows_from_the_record_even_without_rows(tmp_path):
    write_table(tmp_path / "t.parquet", [], Observation)
    schema = pq.read_schema(tmp_path / "t.parquet")
    assert schema.field("study") == pa.field("study", pa.string(), nullable=False)
    assert schema.field("weights") == pa.field("weights", pa.string())
    assert schema.field("replicate").type == pa.int64()
    assert schema.field("error").type == pa.float64()
    assert schema.metadata is None


def test_missing_counts_are_nan_and_types_do_not_hang_on_the_rows(tmp_path):
    write_table(tmp_path / "a.parquet", PROFILES[:1], Profile)
    write_table(tmp_path / "b.parquet", PROFILES, Profile)
    a, b = read_table(tmp_path / "a.parquet"), read_table(tmp_path / "b.parquet")
    assert a["macs"].dtype == b["macs"].dtype == "float64"
    assert a["batch_size"].dtype == "int64"
    assert b["macs"].isna().tolist() == [False, True]
    assert b["attention_fused"].tolist() == [None, True]
    assert b["macs_by_kind"].tolist() == ['{"a":2,"b":1}', "{}"]


def test_the_same_rows_give_the_same_bytes(tmp_path):
    write_table(tmp_path / "a.parquet", PROFILES, Profile)
    write_table(tmp_path / "b.parquet", (p.as_row() for p in PROFILES), Profile)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_any_dataclass_can_be_a_record(tmp_path):
    @dataclass(frozen=True)
    class Weights:
        weights: str
        mean: tuple[float, ...]
        crop: float | None = None

    write_table(tmp_path / "t.parquet", [{"weights": "w", "mean": (0.5, 0.25)}], Weights)
    assert read_table(tmp_path / "t.parquet").to_dict("records")[0]["mean"] == "[0.5,0.25]"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"study": "s", "dataset": "d", "backbone": "b", "colour": 1},
            "Row 0: Observation has no field 'colour'",
        ),
        ({"study": "s", "dataset": "d"}, "Row 0: Observation.backbone is missing"),
        ({"study": "s", "dataset": "d", "backbone": "b", "error": "low"}, "Observation.error"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_no_file_appears(tmp_path, row, message):
    full = Observation(study="s", dataset="d", backbone="b", error=0.0).as_row()
    missing = {} if "backbone" not in row else {k: v for k, v in full.items() if k not in row}
    with pytest.raises(InputError, match=message):
        write_table(tmp_path / "t.parquet", [{**missing, **row}], Observation)
    assert list(tmp_path.iterdir()) == []


def test_publishing_fills_in_counts_and_keeps_the_other_lines(tmp_path):
    other = publish(
        TableEntry(**{**_plain(ENTRY), "table": "other", "study": "other"}), RUNS[:1], Observation, tmp_path
    )
    first = publish(ENTRY, RUNS, Observation, tmp_path)
    assert (first.rows, first.rows_by_status) == (2, {"failed": 1, "ok": 1})
    assert manifest(tmp_path) == [first, other]
    assert publish(ENTRY, RUNS, Observation, tmp_path) == first
    assert verify(tmp_path) == {}


def test_a_table_must_hold_what_its_entry_says(tmp_path):
    with pytest.raises(InputError, match="its rows are Observation, not Profile"):
        publish(ENTRY, PROFILES, Profile, tmp_path)


def test_a_changed_or_missing_table_is_named(tmp_path):
    publish(ENTRY, RUNS, Observation, tmp_path)
    write_table(tmp_path / "mine.parquet", RUNS[:1], Observation)
    assert "is not the file that was shipped" in verify(tmp_path)["mine"]
    (tmp_path / "mine.parquet").unlink()
    assert "is missing" in verify(tmp_path)["mine"]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_damaged_byte_of_a_shipped_table_is_seen(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("t")
    publish(ENTRY, RUNS, Observation, folder)
    path = folder / "mine.parquet"
    good = bytearray(path.read_bytes())
    good[data.draw(st.integers(0, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(good)
    with pytest.raises(InputError, match=r"is not the file that was shipped.*Reinstall"):
        load_observations("mine", folder)


def test_damaged_values_are_seen_without_a_manifest(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, RUNS, Observation)
    content = bytearray(path.read_bytes())
    content[content.index(b"mine")] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        read_table(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a table", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_what_is_no_table_gives_one_clear_error(tmp_path, content):
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"t\.parquet is damaged .*Reinstall archimeter, or rebuild"):
        read_table(path)


def test_a_missing_table_or_manifest_gives_one_clear_error(tmp_path):
    with pytest.raises(InputError, match=r"t\.parquet is missing\. Reinstall"):
        read_table(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"manifest\.json cannot be read"):
        manifest(tmp_path)


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"tables": [{"table": "a"}]}', '{"tables": [{"notes": []}]}']
)
def test_a_damaged_manifest_gives_one_clear_error(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match="is damaged"):
        manifest(tmp_path)


def test_the_shipped_tables_are_as_shipped():
    assert verify() == {}
    for entry in manifest():
        assert pq.read_metadata(tables.TABLES / entry.file).num_rows == entry.rows > 0
        assert sum(entry.rows_by_status.values()) in {0, entry.rows}
        assert entry.title
        assert entry.rows_are


def test_every_shipped_row_is_a_valid_record():
    for row in load_observations().to_dict("records"):
        read = Observation.from_row(row)
        assert read.status != "ok" or 0 <= read.error <= 1


def test_what_was_measured_by_others_names_its_source():
    for entry in manifest():
        if entry.record == "Observation":
            assert entry.study
            assert all([entry.repository, entry.commit, entry.path, entry.licence, entry.citation])


def test_no_stray_file_lies_among_the_tables():
    known = {entry.file for entry in manifest()} | {"manifest.json"}
    assert {path.name for path in tables.TABLES.iterdir()} <= known
    assert sum(path.stat().st_size for path in tables.TABLES.iterdir()) < 10e6


def test_the_manifest_is_readable_by_hand():
    document = json.loads((tables.TABLES / "manifest.json").read_text(encoding="utf-8"))
    assert [e["table"] for e in document["tables"]] == sorted(e["table"] for e in document["tables"])


def test_any_table_loads_by_name():
    assert len(load_table("fastai")) == 894
    with pytest.raises(UnknownNameError, match=r"Unknown table 'fast'.*`archimeter tables` lists them"):
        load_table("fast")


def test_observations_load_by_study():
    frame = load_observations("fastai")
    assert set(frame["study"]) == {"fastai"}
    assert load_observations(["fastai"]).equals(frame)


def test_an_unknown_study_is_refused_with_close_matches():
    with pytest.raises(UnknownNameError, match=r"Unknown study 'fastia'. Did you mean fastai"):
        load_observations("fastia")
    with pytest.raises(InputError, match="No study was named"):
        load_observations([])


def _plain(entry):
    return {name: getattr(entry, name) for name in entry.__slots__}
