import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archimeter.analysis.plain_tables import columns_of_file, columns_of_rows
from archimeter.data.errors import InputError

ROWS = [
    {"device": "a", "mode": "inference", "n": 1},
    {"device": "b", "mode": "inference", "n": 2},
    {"device": "b", "mode": "training", "n": 3},
    {"device": "a", "mode": "inference", "n": None},
    {"device": "b", "mode": None, "n": 5},
]


@pytest.fixture(params=["rows", "file"])
def table(request, tmp_path):
    if request.param == "rows":
        return columns_of_rows(ROWS)
    path = tmp_path / "table.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    return columns_of_file(path)


def test_columns_and_rows_are_those_of_the_table(table):
    assert table["n"] == [1, 2, 3, None, 5]
    assert table.rows() == ROWS
    assert table.rows(["n", "mode"])[2] == {"n": 3, "mode": "training"}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"device": "a"}, [1, None]),
        ({"device": "b", "mode": "inference"}, [2]),
        ({"mode": None}, [5]),
        ({"device": "c"}, []),
        ({"device": "b"}, [2, 3, 5]),
    ],
)
def test_rows_are_found_by_their_values_in_order(table, values, found):
    assert table.where(**values)["n"] == found


def test_of_a_file_only_the_named_columns_are_read(tmp_path):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    assert columns_of_file(path, ["n"]).rows() == [{"n": row["n"]} for row in ROWS]


def test_a_file_is_missed_only_when_it_is_read(tmp_path):
    missing = columns_of_file(tmp_path / "none.parquet")
    with pytest.raises(InputError, match=r"none\.parquet is missing"):
        _ = missing["n"]
    (tmp_path / "bad.parquet").write_bytes(b"PAR1nothingPAR1")
    with pytest.raises(InputError, match="damaged"):
        _ = columns_of_file(tmp_path / "bad.parquet")["n"]
