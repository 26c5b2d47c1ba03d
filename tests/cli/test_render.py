import json
import math

import pytest

from archimeter.cli.render import Column, emit, percent, plain, si, to_csv, to_json
from archimeter.data.errors import InputError

ROWS = [
    {"backbone": "a<b>", "macs": 4_089_184_256, "p": 7.6e-9, "kinds": {"linear": 1}},
    {"backbone": "b", "macs": None},
]
COLUMNS = [
    Column("backbone", "backbone", right=False),
    Column("macs", "MACs", si()),
    Column("p", "p", plain(2)),
]


@pytest.mark.parametrize(
    ("value", "text"),
    [(4_089_184_256, "4.09 G"), (25_557_032, "25.6 M"), (999, "999"), (0, "0"), (None, "–"), (math.nan, "–")],
)
def test_numbers_are_written_for_people(value, text):
    assert si()(value) == text


def test_very_small_numbers_are_written_by_powers_of_ten():
    assert plain(2)(7.6e-9) == "7.6e-09"
    assert plain(2)(0.00032) == "0.00032"


def test_a_fraction_becomes_a_percentage():
    assert percent()(0.0413) == "4.1 %"


def test_json_has_every_key_and_no_number_that_json_lacks():
    assert json.loads(to_json([{"x": math.nan, "y": math.inf, "z": 1}])) == [{"x": None, "y": None, "z": 1}]


def test_csv_has_a_header_and_nested_values_as_json():
    assert to_csv(ROWS).splitlines()[0] == "backbone,macs,p,kinds"
    assert '"{""linear"": 1}"' in to_csv(ROWS)


def test_json_and_csv_at_once_are_refused():
    with pytest.raises(InputError, match="contradict"):
        emit(ROWS, COLUMNS, as_json=True, as_csv=True)


def test_an_unknown_ending_lists_the_known_ones(tmp_path):
    with pytest.raises(InputError, match=r"\.json, \.csv, \.parquet, \.txt"):
        emit(ROWS, COLUMNS, output=tmp_path / "rows.xls")


@pytest.mark.parametrize("ending", ["json", "csv", "parquet", "txt"])
def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path, ending):
    with pytest.raises(InputError, match="Cannot write"):
        emit(ROWS, COLUMNS, output=tmp_path / "nowhere" / f"rows.{ending}")


def test_a_pipe_gets_whole_lines_and_no_markup(capsys):
    long = [{"backbone": "x" * 300 + "[bold]", "macs": 1}]
    emit(long, COLUMNS)
    assert "x" * 300 + "[bold]" in capsys.readouterr().out


def test_parquet_and_csv_files_hold_the_same_rows(tmp_path):
    import pandas as pd

    emit(ROWS, COLUMNS, output=tmp_path / "rows.parquet")
    emit(ROWS, COLUMNS, output=tmp_path / "rows.csv")
    parquet, text = pd.read_parquet(tmp_path / "rows.parquet"), pd.read_csv(tmp_path / "rows.csv")
    assert parquet["macs"].tolist()[0] == text["macs"].tolist()[0] == 4_089_184_256
