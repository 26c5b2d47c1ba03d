"""`recommend ./images --probe`: what the command measures, says, and makes of it."""

import json

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from archimeter.cli import app, probing
from archimeter.data.errors import InputError

COLOURS = {"red": (200, 40, 40), "blue": (40, 40, 200)}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "mine.safetensors")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, ["recommend", *arguments])


def paint(folder, n, *, seed=0, shuffled=False):
    """Images of two colours with noise, in class folders; shuffled: colours that say nothing of the class."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        name = list(COLOURS)[i % 2]
        colour = COLOURS[list(COLOURS)[int(rng.integers(2)) if shuffled else i % 2]]
        (folder / name).mkdir(parents=True, exist_ok=True)
        coarse = rng.normal(0, 40, (6, 8, 3)) + colour
        small = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8))
        small.resize((64, 48), Image.Resampling.BICUBIC).save(folder / name / f"{seed}_{i}.png")


PROBE = ("--probe", "test_resnet=mine.safetensors")


def test_two_colours_are_told_apart_and_the_answer_stays_as_it_was(run, tmp_path):
    paint(tmp_path / "images", 24)
    found = run("images", *PROBE, "--json")
    assert found.exit_code == 0, found.exception
    document = json.loads(found.stdout)
    (probe,) = document["images"]["probes"]
    assert (probe["model"], probe["split"], probe["n_eval"]) == ("test_resnet.r160_in1k", "leave-one-out", 24)
    assert (probe["error"], probe["wrong"], probe["k"], probe["anchor"]) == (0.0, 0, 11, False)
    assert 0 == probe["low"] < probe["high"] < 0.15
    plain = json.loads(run("images", "--json").stdout)
    assert document["recommendations"] == plain["recommendations"]
    assert "Measured on your images: test_resnet.r160_in1k" in found.stderr
    assert "It does not move the order" in found.stderr
    assert "their images are not shipped" in found.stderr
    assert "probes" not in plain["images"]


def test_labels_that_say_nothing_are_told_by_chance(run, tmp_path):
    paint(tmp_path / "images", 60, shuffled=True)
    (probe,) = json.loads(run("images", *PROBE, "--json").stdout)["images"]["probes"]
    assert probe["low"] < 0.5 < probe["high"]


def test_a_held_out_split_is_judged_by_the_training_images(run, tmp_path):
    paint(tmp_path / "images" / "train", 20)
    paint(tmp_path / "images" / "val", 8, seed=1)
    twin = tmp_path / "images" / "val" / "red" / "twin.png"
    twin.write_bytes((tmp_path / "images" / "train" / "red" / "0_0.png").read_bytes())
    (probe,) = json.loads(run("images", *PROBE, "--json").stdout)["images"]["probes"]
    assert (probe["split"], probe["n_train"], probe["n_eval"], probe["left_out"]) == ("val", 20, 8, 1)
    assert probe["error"] == 0


def test_under_the_recipe_knn_it_is_a_run_of_ones_own(run, tmp_path):
    paint(tmp_path / "images", 24)
    probed = json.loads(run("images", *PROBE, "--recipe", "knn", "--json").stdout)
    assert probed["query"]["anchors"] == [["test_resnet.r160_in1k", 0.0]]
    stated = run("images", "--recipe", "knn", "--anchor", "test_resnet.r160_in1k=0", "--json")
    assert json.loads(stated.stdout)["recommendations"] == probed["recommendations"]
    again = run("images", *PROBE, "--recipe", "knn", "--anchor", "test_resnet.r160_in1k=0.2", "--json")
    assert json.loads(again.stdout)["query"]["anchors"] == [["test_resnet.r160_in1k", 0.2]]


def test_of_many_images_a_fixed_sample_is_probed_and_told(run, tmp_path, monkeypatch):
    monkeypatch.setattr(probing, "MOST", 10)
    paint(tmp_path / "images", 24)
    first, second = (run("images", *PROBE, "--json") for _ in range(2))
    assert first.stdout == second.stdout
    (probe,) = json.loads(first.stdout)["images"]["probes"]
    assert (probe["n_eval"], probe["left_out"]) == (10, 14)
    assert "14 not used" in first.stderr


def test_what_can_be_run_is_and_what_cannot_says_why(run, tmp_path):
    paint(tmp_path / "images", 12)
    found = run("images", "--probe", "resnet18", *PROBE, "--json")
    assert found.exit_code == 0
    assert len(json.loads(found.stdout)["images"]["probes"]) == 1
    assert "resnet18: no weights lie here, and none are downloaded" in found.stderr


def test_when_none_can_be_run_nothing_is_looked_at(run, tmp_path, monkeypatch):
    monkeypatch.setattr("archimeter.cli.looking.look_at", None)
    found = run(str(tmp_path), "--probe", "resnet18")
    assert isinstance(found.exception, InputError)  # main() prints it and exits with 1
    assert "No probe can be run." in str(found.exception)


def test_images_with_several_labels_have_no_nearest_class(run, tmp_path):
    paint(tmp_path / "images", 4)
    lines = [f"red/0_{i}.png,a b" if i % 2 == 0 else f"blue/0_{i}.png,b" for i in range(4)]
    (tmp_path / "labels.csv").write_text("\n".join(["image,tags", *lines]))
    found = run("images", "--labels", "labels.csv", *PROBE)
    assert "one label per image" in str(found.exception)


def test_a_probe_asks_for_images(run):
    assert "--probe needs your images" in str(run("--images", "100", "--probe", "resnet18").exception)


def test_the_page_has_what_was_measured(run, tmp_path):
    paint(tmp_path / "images", 12)
    assert run("images", *PROBE, "-o", "answer.html").exit_code == 0
    assert "Measured on your images" in (tmp_path / "answer.html").read_text()
