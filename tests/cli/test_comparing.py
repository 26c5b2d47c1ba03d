"""`recommend ./images --reference`: distances to images on disk, and what the answer makes of them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.cli.comparing import compare, references_of
from archimeter.cli.describing import Describer, twins_of
from archimeter.data.errors import InputError
from archimeter.data.imagefolder import find_images


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, ["recommend", *arguments])


def fields(rng):
    """Coarse patches of greens and browns: pictures from above."""
    coarse = rng.normal((90, 110, 60), 35, (5, 5, 3))
    return Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8)).resize(
        (64, 64), Image.Resampling.NEAREST
    )


def skies(rng):
    """A blue gradient over something dark."""
    light = np.linspace(220, 60, 64)[:, None, None] * np.array([0.6, 0.8, 1.0]) + rng.normal(
        0, 12, (64, 64, 3)
    )
    light[40 + rng.integers(20) :] *= 0.3
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))


def pages(rng):
    """Thin dark lines on white."""
    page = np.full((64, 64), 255, np.uint8)
    for row in range(4 + rng.integers(4), 60, 8):
        page[row : row + 2, 6 : rng.integers(20, 60)] = 20
    return Image.fromarray(page).convert("RGB")


def paint(folder, make, n=60, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        where = Path(folder) / f"class{i % 2}"
        where.mkdir(parents=True, exist_ok=True)
        make(rng).save(where / f"{seed}_{i}.png")
    return folder


def compared(folder, *references, own=(), weights=()):
    return compare(find_images(Path(folder)), references_of(references, own), weights)


def test_the_same_source_looks_the_same_and_another_is_told_apart():
    for name, make, seed in (
        ("mine", fields, 0),
        ("more", fields, 1),
        ("skies", skies, 2),
        ("pages", pages, 3),
    ):
        paint(name, make, n=120, seed=seed)
    found = compared("mine", "pages=pages", "sun397=skies", "eurosat=more")
    nearest, *others = found.likenesses
    assert nearest.name == "eurosat"
    assert nearest.auc.low <= 0.5 < nearest.auc.high
    assert nearest.looks_the_same
    assert all(one.auc.value > 0.99 and not one.looks_the_same for one in others)
    assert nearest.distance < others[0].distance / 2
    assert (nearest.known, nearest.domain, nearest.n_there, nearest.shared) == (
        "tables",
        "remote-sensing",
        120,
        0,
    )


def test_a_folder_and_itself_do_not_differ():
    paint("mine", fields)
    (one,) = compared("mine", "EuroSAT=mine").likenesses
    assert one.distance == pytest.approx(0, abs=1e-6)
    assert one.auc.value == 0.5
    assert (one.n_yours, one.n_theirs, one.shared) == (60, 60, 60)
    said = run("mine", "--reference", "EuroSAT=mine").stderr
    assert "They may be the same images: 60 of yours are among them; what was published of it" in said


def test_which_side_is_whose_makes_no_difference():
    paint("mine", fields, 40)
    paint("theirs", skies, 55, seed=1)
    (one,), (other,) = (compared(*pair).likenesses for pair in (("mine", "a=theirs"), ("theirs", "a=mine")))
    assert one.distance == pytest.approx(other.distance)
    assert one.auc == pytest.approx(other.auc)


def test_pictures_that_are_in_both_are_counted_whatever_their_format():
    paint("mine", fields)
    paint("theirs", fields, 50, seed=1)
    for i in range(8):
        source = Path(f"mine/class{i % 2}/0_{i}.png")
        copy = Path(f"theirs/class0/copy{i}{'.png' if i < 4 else '.jpg'}")
        copy.write_bytes(source.read_bytes()) if i < 4 else Image.open(source).save(copy, quality=95)
    (one,) = compared("mine", "other=theirs").likenesses
    assert one.shared == 8
    assert (
        "8 of yours are among them: the same pictures, or nearly."
        in run("mine", "--reference", "o=theirs").stderr
    )


def test_of_a_picture_that_is_there_often_one_is_compared():
    paint("mine", fields)
    for i in range(30):
        Path(f"mine/class0/again{i}.png").write_bytes(Path("mine/class0/0_0.png").read_bytes())
    (one,) = compared("mine", f"other={paint('theirs', fields, seed=1)}").likenesses
    assert (one.n_yours, one.n_theirs) == (60, 60)


def test_the_domain_of_the_clearly_nearest_is_taken_and_the_order_follows_only_that():
    for name, make, seed in (("mine", fields, 0), ("more", fields, 1), ("pages", pages, 3)):
        paint(name, make, seed=seed)
    found = run("mine", "--reference", "eurosat=more", "--reference", "rendered-sst2=pages", "--json")
    document = json.loads(found.stdout)
    assert document["images"]["domain_guess"]["sure"] is False
    assert document["query"]["domain"] == "remote-sensing"
    assert document["images"]["references"]["domain_from"] == "eurosat"
    assert "Domain taken as remote-sensing, that of eurosat" in found.stderr
    stated = run("mine", "--domain", "remote-sensing", "--json")
    assert json.loads(stated.stdout)["recommendations"] == document["recommendations"]
    overruled = run("mine", "--reference", "eurosat=more", "--domain", "texture", "--json")
    assert json.loads(overruled.stdout)["query"]["domain"] == "texture"
    assert "Domain taken" not in overruled.stderr


def test_json_has_every_figure_and_the_same_bytes_each_time():
    paint("mine", fields, 30)
    paint("theirs", skies, 40, seed=1)
    Path("theirs/class0/broken.png").write_text("no image")
    first, second = (run("mine", "--reference", "EuroSAT=theirs", "--json") for _ in range(2))
    assert first.stdout == second.stdout
    told = json.loads(first.stdout)["images"]["references"]
    (row,) = told.pop("compared")
    assert told == {"described_by": "statistics made by hand", "weights_file": None, "domain_from": None}
    assert row.pop("auc") == 1
    assert 0 < row.pop("auc_low") < row.pop("auc_high") == 1
    assert row.pop("distance") > 1
    assert row == {
        "name": "eurosat",
        "folder": "theirs",
        "known": "tables",
        "domain": "remote-sensing",
        "n_yours": 30,
        "n_theirs": 40,
        "n_there": 41,
        "unreadable": 1,
        "shared": 0,
        "looks_the_same": False,
    }
    assert "references" not in json.loads(run("mine", "--json").stdout)["images"]


def test_what_it_was_compared_by_and_what_it_is_worth_is_said():
    paint("mine", fields, 30)
    paint("theirs", skies, 30, seed=1)
    said = run("mine", "--reference", "eurosat=theirs").stderr
    assert "statistics made by hand" in said
    assert "no small weights lie here" in said
    assert "The order of models leaves both out" in said
    assert "No domain is taken from the references" in said


def test_names_of_ones_own_are_welcome_and_lend_no_domain():
    paint("mine", fields, 30)
    paint("theirs", fields, 30, seed=1)
    Path("mine.csv").write_text("dataset,backbone,accuracy\nCells,resnet18,80\n")
    found = run(
        "mine",
        "--reference",
        "eurosatt=theirs",
        "--reference",
        "CELLS=theirs",
        "--results",
        "mine.csv",
        "--json",
    )
    told = {row["name"]: row for row in json.loads(found.stdout)["images"]["references"]["compared"]}
    assert (told["eurosatt"]["known"], told["eurosatt"]["domain"]) == (None, "unknown")
    assert told["cells"]["known"] == "results"
    assert "called eurosatt, so it lends no domain. Did you mean eurosat?" in found.stderr
    assert json.loads(found.stdout)["query"]["domain"] == "unknown"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["eurosat"], r"'eurosat' is not NAME=FOLDER"),
        (["=theirs"], r"'=theirs' is not NAME=FOLDER"),
        (["eurosat="], r"'eurosat=' is not NAME=FOLDER"),
        (["eurosat=gone"], r"--reference eurosat: 'gone' does not exist"),
        (["eurosat=mine.csv"], r"--reference eurosat: 'mine.csv' is a file"),
        (["eurosat=empty"], r"--reference eurosat: There is no image in 'empty'"),
        (["eurosat=theirs", "EuroSAT=theirs"], r"names eurosat twice"),
    ],
)
def test_what_cannot_be_a_reference_is_refused_before_anything_is_looked_at(monkeypatch, given, message):
    monkeypatch.setattr("archimeter.cli.looking.look_at", None)
    paint("theirs", fields, 2)
    Path("empty").mkdir()
    Path("mine.csv").write_text("a,b\n")
    found = run("theirs", *(part for one in given for part in ("--reference", one)))
    assert isinstance(found.exception, InputError)
    with pytest.raises(InputError, match=message):
        raise found.exception


def test_references_ask_for_images():
    assert "--reference needs your images" in str(run("--images", "9", "--reference", "a=b").exception)


def test_a_reference_of_too_few_is_left_out_and_said():
    paint("mine", fields, 30)
    paint("few", fields, 19, seed=1)
    paint("theirs", fields, 30, seed=2)
    both = run("mine", "--reference", "few=few", "--reference", "theirs=theirs", "--json")
    assert [one["name"] for one in json.loads(both.stdout)["images"]["references"]["compared"]] == ["theirs"]
    assert "few: 19 different images of 19 can be read; a comparison takes 20 or more." in both.stderr
    with pytest.raises(InputError, match=r"No reference can be compared\.\nfew: 19"):
        compared("mine", "few=few")
    with pytest.raises(InputError, match="your images: 19"):
        compared("few", "mine=mine")


def test_a_reference_needs_no_labels():
    paint("mine", fields, 30)
    bare = Path("bare")
    bare.mkdir()
    for i, path in enumerate(sorted(Path(paint("theirs", fields, 30, seed=1)).rglob("*.png"))):
        path.rename(bare / f"{i}.png")
    (one,) = compared("mine", "bare=bare").likenesses
    assert one.n_theirs == 30


def checkpoint():
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet").state_dict(), "mine.safetensors")


def test_weights_that_are_named_describe_the_images():
    checkpoint()
    paint("mine", fields, 30)
    paint("theirs", skies, 30, seed=1)
    arguments = ("mine", "--probe", "test_resnet=mine.safetensors", "--reference", "eurosat=theirs")
    found = run(*arguments, "--json")
    images = json.loads(found.stdout)["images"]
    assert images["references"]["described_by"] == "test_resnet.r160_in1k"
    assert images["references"]["weights_file"] == "mine.safetensors"
    assert images["references"]["compared"][0]["auc"] > 0.95
    assert 0 < images["references"]["compared"][0]["distance"] < 2  # of vectors of unit length
    assert len(images["probes"]) == 1
    assert "Compared by test_resnet.r160_in1k, frozen" in found.stderr
    assert "Nothing is claimed" not in found.stderr


def test_by_weights_too_a_folder_and_itself_do_not_differ():
    from archimeter.profilers.probe import weights_at_hand

    checkpoint()
    paint("mine", fields, 30)
    (one,) = compared("mine", "a=mine", weights=[weights_at_hand("test_resnet=mine.safetensors")]).likenesses
    assert one.distance == pytest.approx(0, abs=1e-4)
    assert one.auc.value == pytest.approx(0.5, abs=0.05)


def test_small_weights_of_the_cache_are_taken_and_broken_ones_passed_over(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("archimeter.profilers.cached.SMALL", ("resnet18", "test_resnet"))
    for name in ("resnet18.a1_in1k", "test_resnet.r160_in1k"):
        repository = tmp_path / "hub" / f"models--timm--{name}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("abc")
        (repository / "snapshots" / "abc").mkdir(parents=True)
    checkpoint()
    held = (
        tmp_path / "hub" / "models--timm--test_resnet.r160_in1k" / "snapshots" / "abc" / "model.safetensors"
    )
    Path("mine.safetensors").rename(held)
    paint("mine", fields, 30)
    found = compared("mine", "a=mine")
    assert (found.by.name, found.by.file) == ("test_resnet.r160_in1k", str(held))
    held.write_bytes(b"damaged")
    again = compared("mine", "a=mine")
    assert again.by.name is None
    assert "cannot be read as weights" in capsys.readouterr().err


def test_images_of_several_labels_are_compared_by_weights_and_not_probed():
    checkpoint()
    paint("mine", fields, 30)
    names = sorted(path.relative_to("mine").as_posix() for path in Path("mine").rglob("*.png"))
    rows = [f"{name},{'a b' if i % 2 else 'b'}" for i, name in enumerate(names)]
    Path("labels.csv").write_text("\n".join(["image,tags", *rows]))
    arguments = ("mine", "--labels", "labels.csv", "--probe", "test_resnet=mine.safetensors")
    found = run(*arguments, "--reference", "a=mine", "--json")
    images = json.loads(found.stdout)["images"]
    assert images["references"]["described_by"] == "test_resnet.r160_in1k"
    assert "--probe only compares here" in found.stderr
    assert "probes" not in images


def test_twins_are_grouped_across_sides_only():
    paint("mine", fields, 25)
    by = Describer()
    one = by("one", sorted(Path("mine").rglob("*.png")))
    assert twins_of(one, one) == [([i], [i]) for i in range(25)]
    assert twins_of(one, by("other", sorted(Path(paint("theirs", fields, 25, seed=1)).rglob("*.png")))) == []


def test_without_weights_torch_is_not_loaded_to_compare():
    paint("mine", fields, 30)
    script = (
        "import sys; sys.argv[1:] = ['recommend', 'mine', '--reference', 'a=mine', '--json']\n"
        "from archimeter.cli import main\n"
        "import huggingface_hub.constants as hub\n"
        "hub.HF_HUB_CACHE = 'nowhere'\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print({'torch', 'timm', 'sklearn', 'scipy'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "set()"


def test_the_page_says_it_too():
    paint("mine", fields, 30)
    assert run("mine", "--reference", "eurosat=mine", "-o", "answer.html").exit_code == 0
    assert "They may be the same images" in Path("answer.html").read_text()
