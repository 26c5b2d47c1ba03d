import csv
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archimeter.data.errors import InputError
from archimeter.data.exporting import export_records, neutral, undo_neutral
from archimeter.data.importing import import_results
from archimeter.data.records import RECIPES, Observation, Profile
from archimeter.data.resolving import KnownNames
from archimeter.data.store import Store, Written

KNOWN = KnownNames(backbones=frozenset({"resnet50"}))
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
COUNTS = st.none() | st.integers(1, 2**53)
OBSERVATIONS = st.builds(
    Observation,
    study=NAMES,
    dataset=NAMES,
    backbone=NAMES,
    weights=st.none() | NAMES,
    published_name=st.none() | NAMES,
    match=st.sampled_from(["exact", "architecture", "none"]),
    recipe=st.sampled_from(RECIPES),
    recipe_detail=st.none() | st.just('16-shot,\n"quoted" =1+1'),
    epochs=COUNTS,
    learning_rate=st.none() | st.floats(0, 1),
    pooling=st.none() | NAMES,
    resolution=COUNTS,
    error=st.floats(0, 1),
    metric=NAMES,
    n_eval=COUNTS,
    replicate=COUNTS,
    error_sd=st.none() | st.floats(0, 1),
    fit_time_s=st.none() | st.floats(0, 1e9),
    status=st.sampled_from(["ok", "failed", "excluded"]),
    reason=st.none() | NAMES,
)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@settings(max_examples=40, deadline=None)
@given(observations=st.lists(OBSERVATIONS, max_size=5))
def test_what_was_exported_is_imported_as_it_was(tmp_path_factory, ending, observations):
    folder = tmp_path_factory.mktemp("round")
    with Store(folder / "runs.db") as store:
        store.put_observations(observations)
        kept = store.observations()
        if not kept:
            return
        export_records(kept, folder / f"out.{ending}", Observation)
        assert import_results(folder / f"out.{ending}", store, known=KNOWN).written == Written(
            0, 0, len(kept)
        )
    with Store(folder / "other.db") as other:
        import_results(folder / f"out.{ending}", other, known=KNOWN)
        assert other.observations() == kept


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "'=1", "''@x"])
def test_a_spreadsheet_finds_no_formula_in_an_exported_csv(tmp_path, text):
    result = Observation(study="s", dataset="d", backbone="b", error=0.1, reason=text)
    export_records([result], tmp_path / "out.csv", Observation)
    with (tmp_path / "out.csv").open(newline="") as file:
        cell = next(csv.DictReader(file))["reason"]
    assert not re.match(r"[=+\-@\t\r]", cell)
    assert undo_neutral(cell) == text


@given(st.text(max_size=10))
def test_neutral_is_undone_exactly(text):
    assert undo_neutral(neutral(text)) == text


def test_profiles_can_be_exported(tmp_path):
    profile = Profile(backbone="resnet50", macs_by_kind={"linear": 1}, latencies_s=(0.1,))
    export_records([profile], tmp_path / "out.csv", Profile)
    with (tmp_path / "out.csv").open(newline="") as file:
        row = {key: value or None for key, value in next(csv.DictReader(file)).items()}
    assert row["macs_by_kind"] == '{"linear": 1}'
    assert row["backbone"] == "resnet50"


def test_an_unknown_ending_or_place_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.csv, \.jsonl, \.parquet"):
        export_records([], tmp_path / "out.xlsx", Observation)
    for ending in ("csv", "parquet"):
        with pytest.raises(InputError, match="can be written"):
            export_records([], tmp_path / "nowhere" / f"out.{ending}", Observation)
