import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from archimeter.data.errors import InputError
from archimeter.data.imagefolder import find_images
from archimeter.data.imagelabels import read_labels


@pytest.fixture
def put(tmp_path):
    """Write small images at these paths."""

    def write(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path)
        return tmp_path

    return write


def shown(found):
    return [(one.path.name, one.labels, one.split) for one in found.images]


def test_folders_are_classes(put):
    found = find_images(put("cat/a.png", "dog/b.jpg", "dog/inner/c.png"))
    assert shown(found) == [("a.png", ("cat",), ""), ("b.jpg", ("dog",), ""), ("c.png", ("dog",), "")]


def test_splits_are_no_classes(put):
    found = find_images(put("train/cat/a.png", "Validation/cat/b.png", "test/dog/c.png"))
    assert sorted(shown(found)) == [
        ("a.png", ("cat",), "train"),
        ("b.png", ("cat",), "val"),
        ("c.png", ("dog",), "test"),
    ]


def test_a_class_called_train_among_other_classes_is_a_class(put):
    found = find_images(put("train/a.png", "plane/b.png"))
    assert {one.labels for one in found.images} == {("train",), ("plane",)}


def test_hidden_files_and_other_files_are_no_images(put):
    folder = put("cat/a.png", "dog/b.png", ".cache/x.png")
    (folder / "cat" / "notes.txt").write_text("x")
    assert len(find_images(folder).images) == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.png", "b.png"], "no class folders"),
        (["cat/a.png", "b.png"], "beside the class folders"),
    ],
)
def test_images_without_a_class_say_what_to_do(put, names, message):
    with pytest.raises(InputError, match=message):
        find_images(put(*names))


def test_no_folder_and_no_image_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        find_images(tmp_path / "none")
    with pytest.raises(InputError, match="no image"):
        find_images(tmp_path)


def test_a_table_labels_images_by_name_with_or_without_ending(put):
    folder = put("img/train_0.png", "img/train_1.png", "img/unused.png")
    table = folder / "labels.csv"
    table.write_text("image_name,tags\ntrain_0,clear primary\nimg/train_1.png,clear water\ngone,haze\n")
    found = find_images(folder, table)
    assert shown(found) == [
        ("train_0.png", ("clear", "primary"), ""),
        ("train_1.png", ("clear", "water"), ""),
    ]
    assert found.missing == ("gone",)
    assert [path.name for path in found.unlabelled] == ["unused.png"]


def test_a_table_for_another_folder_is_refused(put):
    folder = put("a.png")
    (folder / "labels.csv").write_text("file,label\nother.png,x\n")
    with pytest.raises(InputError, match=r"none of the 1 images, such as 'other.png'"):
        find_images(folder, folder / "labels.csv")


def test_a_name_that_fits_two_files_is_refused(put):
    folder = put("x/a.png", "y/a.png")
    (folder / "labels.csv").write_text("file,label\na.png,one\n")
    with pytest.raises(InputError, match="fit several files"):
        find_images(folder, folder / "labels.csv")
    (folder / "labels.csv").write_text("file,label\nx/a.png,one\ny/a.png,two\n")
    assert len(find_images(folder, folder / "labels.csv").images) == 2


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("file,label\na,polar bear\nb,grizzly\n", [("polar bear",), ("grizzly",)]),
        ("file,label\na,x;y\nb,y\nc,\n", [("x", "y"), ("y",), ()]),
        ("file;label\na;x|y\nb;z\n", [("x", "y"), ("z",)]),
        ("file,cat,dog\na,1,0\nb,1,1\nc,0,0\n", [("cat",), ("cat", "dog"), ()]),
        ("file,age,cat,dog\na,31,1,0\nb,44,0,1\n", [("cat",), ("dog",)]),
        ("id,tags\n1,p q\n2,q\n3,p q r\n4,r\n", [("p", "q"), ("q",), ("p", "q", "r"), ("r",)]),
        ("id,labels\n1,p\n2,p q\n3,p q r\n", [("p",), ("p", "q"), ("p", "q", "r")]),
        ("id,label\n1,p\n2,p q\n3,r q\n4,r\n", [("p",), ("p", "q"), ("r", "q"), ("r",)]),
        ("id,labels\n1,polar bear\n2,grizzly\n", [("polar bear",), ("grizzly",)]),
    ],
)
def test_labels_are_read_as_tables_write_them(tmp_path, text, labels):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    assert [own for _, own, _ in read_labels(path).rows] == labels


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        (
            "id,labels\n1,clear\n2,clear road\n3,clear road water\n",
            "labels apart by blanks, such as 'clear road'",
        ),
        ("id,label\n1,clear\n2,clear road\n3,water\n", "'clear road' is read as one name"),
        ("id,label\n1,polar bear\n2,grizzly\n", None),
        ("id,tags\n1,clear\n2,clear road\n", None),
        ("id,label\n1,clear\n2,clear;road\n", None),
        ("id,label\n1,cat\n2,dog\n", None),
    ],
)
def test_how_blanks_were_read_is_said_where_that_is_a_guess(put, text, reading):
    folder = put("1.png", "2.png", "3.png")
    (folder / "labels.csv").write_text(text)
    said = find_images(folder, folder / "labels.csv").reading
    assert said is None if reading is None else reading in said


def test_a_split_column_is_read_and_fastais_flag_too(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("file,label,split\na,x,train\nb,y,valid\n")
    assert [split for _, _, split in read_labels(path).rows] == ["train", "valid"]
    path.write_text("file,label,is_valid\na,x,False\nb,y,True\n")
    assert [split for _, _, split in read_labels(path).rows] == ["train", "val"]


def test_parquet_with_lists_of_labels(tmp_path):
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"image": ["a", "b"], "labels": [["x", "y"], []]}), path)
    assert read_labels(path).rows == [("a", ("x", "y"), ""), ("b", (), "")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"file,label\n", "no row"),
        (b"file,label\na\n", r":2: 1 cells, the header has 2"),
        (b"file,height\na,3\n", "no column of labels"),
        (b"\xff\xfe\x00file", "cannot be read"),
    ],
)
def test_a_table_that_is_none_says_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_labels(path)
