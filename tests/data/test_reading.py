import gzip
import io
import json
import sys
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archimeter.data import reading
from archimeter.data.errors import InputError, MissingPartError
from archimeter.data.reading import flat, read_raw

CSV = "model,dataset,acc\nresnet50,pets,0.93\nresnet18,pets,0.91\n"
ROWS = [(2, ("resnet50", "pets", "0.93")), (3, ("resnet18", "pets", "0.91"))]


def read(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_raw(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.csv", CSV.replace("\n", "\r\n")),
        ("a.csv", CSV.encode("utf-8-sig")),
        ("a.csv", CSV.encode("utf-16")),
        ("a.csv", CSV.replace(",", ";")),
        ("a.tsv", CSV.replace(",", "\t")),
        ("a.txt", CSV.replace(",", "|")),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
    ],
)
def test_a_table_in_any_common_form_is_the_same(tmp_path, name, content):
    table = read(tmp_path, name, content)
    assert table.header == ("model", "dataset", "acc")
    assert table.rows == ROWS


def test_a_row_keeps_the_line_it_starts_on(tmp_path):
    table = read(tmp_path, "a.csv", 'model,note\n\na,"two\nlines"\n\nb,x\n')
    assert [line for line, _ in table.rows] == [3, 6]


def test_rows_of_another_width_are_kept_for_the_message(tmp_path):
    table = read(tmp_path, "a.csv", "a,b\n1\n1,2,3,4\n")
    assert table.rows == [(2, ("1",)), (3, ("1", "2", "3"))]


def test_json_lines_and_json_hold_the_same_table(tmp_path):
    objects = [{"model": "a", "config": {"lr": 0.1}}, {"model": "b", "acc": 0.5}]
    lines = read(tmp_path, "a.jsonl", "\n".join(map(json.dumps, objects)))
    array = read(tmp_path, "a.json", json.dumps(objects))
    assert lines.header == array.header == ("model", "config.lr", "acc")
    assert [cells for _, cells in lines.rows] == [("a", 0.1, None), ("b", None, 0.5)]
    assert [cells for _, cells in array.rows] == [("a", 0.1, None), ("b", None, 0.5)]


def test_nested_objects_are_joined_by_dots():
    assert flat({"a": {"b": {"c": 1}}, "d": [1]}) == {"a.b.c": 1, "d": [1]}


def test_excel_is_read_from_its_first_sheet(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["model", "dataset", "acc"])
    sheet.append(["resnet50", "pets", 0.93])
    sheet.append([None, None, None])
    sheet.append(["resnet18", "pets"])
    book.create_sheet("notes")
    book.save(tmp_path / "a.xlsx")
    table = read_raw(tmp_path / "a.xlsx")
    assert table.header == ("model", "dataset", "acc")
    assert table.rows == [(2, ("resnet50", "pets", 0.93)), (4, ("resnet18", "pets", None))]
    assert "notes" in table.notes[0]


def test_parquet_is_read_with_its_types(tmp_path):
    pq.write_table(pa.table({"model": ["a", "b"], "acc": [0.5, None]}), tmp_path / "a.parquet")
    table = read_raw(tmp_path / "a.parquet")
    assert table.header == ("model", "acc")
    assert table.rows == [(1, ("a", 0.5)), (2, ("b", None))]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", b"\xef\xbb\xbf", "first row is empty|needs a header"),
        ("a.csv", "\n\n\n", "is empty"),
        ("a.csv", ",,\n1,2,3\n", "first row is empty"),
        ("a.csv", b"model,acc\n\xe9\xff,1\n", r"not in UTF-8 \(after line [01].*iconv"),
        ("a.csv", b"PK\x03\x04\0\0\0\0", "zero bytes.*wrong ending"),
        ("a.csv", 'model,acc\n"a,0.5\nb,0.6\n', r"a\.csv:2:.*quotation"),
        ("a.csv", 'model,acc\n"a"b,0.5\n', r"a\.csv:2:.*quotation"),
        ("a.csv", "a" * 300 + ",b\n1,2\n", "300 characters"),
        ("a.csv", ",".join(f"c{i}" for i in range(1001)) + "\n", "1,001 columns; the limit is 1,000"),
        ("a.csv", "model\n" + "x" * 200_000 + "\n", "field larger than field limit"),
        ("a.csv", "model\n" + "x," * 600_000 + "\n", "more than 1,000,000 characters"),
        ("a.csv", "model,b\n" + '"x\n",' * 300_000, "row that starts here.*quotation mark left open"),
        ("a.csv.gz", b"not gzip", "not a whole gzip file"),
        ("a.csv.gz", gzip.compress(CSV.encode() * 100, mtime=0)[:-20], "not a whole gzip file"),
        ("a.json", "{", "not JSON"),
        ("a.json", "3", "array of JSON objects"),
        ("a.json", "[1, 2]", "array of JSON objects"),
        ("a.json", b"\xff\xfe", "not in UTF-8"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", '[{"a": ' + "9" * 5000 + "}]", "not JSON"),
        ("a.jsonl", '{"a": 1}\n[1]\n', r"a\.jsonl:2: each line must be a JSON object"),
        ("a.jsonl", '{"a": 1}\n{"a"\n', r"a\.jsonl:2: not JSON"),
        ("a.xlsx", CSV, "not an Excel workbook"),
        ("a.parquet", CSV, "cannot be read as Parquet"),
        ("a.xls", CSV, r"ending must be one of \.csv"),
        ("a.parquet.gz", CSV, "ending must be one of"),
        ("a", CSV, "ending must be one of"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_message(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as refused:
        read(tmp_path, name, content)
    assert name in str(refused.value)
    assert len(str(refused.value)) < 500


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv: No such file"):
        read_raw(tmp_path / "nowhere.csv")


def test_a_gzip_bomb_is_refused_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "FILE_BYTES", 100_000)
    with pytest.raises(InputError, match="MB unpacked"):
        read(tmp_path, "a.csv.gz", gzip.compress(b"0" * 10_000_000, mtime=0))


def test_an_excel_bomb_is_refused_before_it_is_unpacked(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 40_000_000)
    with pytest.raises(InputError, match="unpacks to 40 MB; the limit for Excel is 32 MB"):
        read(tmp_path, "a.xlsx", buffer.getvalue())


def test_too_many_rows_or_cells_are_refused_not_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 10)
    with pytest.raises(InputError, match="more than 10 rows"):
        read(tmp_path, "a.csv", "a\n" + "1\n" * 11)
    monkeypatch.setattr(reading, "MAX_CELLS", 20)
    sparse = "\n".join(json.dumps({f"k{i}": i}) for i in range(8))
    with pytest.raises(InputError, match="more than 20 cells"):
        read(tmp_path, "a.jsonl", sparse)


def test_control_characters_in_a_header_do_not_reach_the_terminal(tmp_path):
    assert read(tmp_path, "a.csv", "mod\x1b[31mel,b\n1,2\n").header == ("mod?[31mel", "b")


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(["a.csv", "a.json", "a.jsonl", "a.xlsx", "a.parquet", "a.csv.gz"]),
)
def test_any_bytes_are_a_table_or_one_message(tmp_path_factory, content, name):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    try:
        table = read_raw(path)
    except InputError:
        return
    assert any(table.header)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n")), min_size=2, max_size=2),
        max_size=5,
    )
)
def test_what_pythons_csv_writer_writes_is_read_back(tmp_path_factory, rows):
    import csv

    path = tmp_path_factory.getbasetemp() / "round.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["left", "right"], *rows])
    assert [list(cells) for _, cells in read_raw(path).rows] == [
        row for row in rows if any(c.strip() for c in row)
    ]


def test_excel_without_its_part_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingPartError, match=r"archimeter\[excel\]"):
        read(tmp_path, "a.xlsx", CSV)
