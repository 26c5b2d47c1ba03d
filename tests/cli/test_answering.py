"""How an answer reads: the choice first, nothing that contradicts it, and what is unclear in words."""

import re

import pytest
from typer.testing import CliRunner

from archimeter.analysis.remarks import _minutes
from archimeter.cli import app
from archimeter.data.names import family

SATELLITE = ("--images", "1000", "--classes", "17", "--domain", "remote-sensing", "--max-memory", "8GB")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "250")

    def asked(*arguments):
        found = CliRunner().invoke(app, ["recommend", "--top", "3", *arguments])
        assert found.exit_code == 0, found.exception
        return found

    return asked


def test_the_choice_is_said_first_and_the_first_row_is_behind_nobody(run):
    found = run(*SATELLITE)
    notes = found.stderr.splitlines()
    assert notes[0].startswith("No clear first: ")
    assert notes[1].startswith("Run next: ")
    first = next(line for line in found.stdout.splitlines() if line.lstrip().startswith("1 "))
    assert first.split("│")[3].strip() == "–"
    assert "not stated" not in found.stderr
    assert "Support of a backbone – " in found.stderr
    assert "59 images per class" in found.stderr


def test_where_fine_tuning_is_noise_nothing_advises_it(run):
    told = run("--images", "5", "--classes", "2", "--channels", "1", "--image-size", "16").stderr
    assert "fine-tuning will be noise. --recipe linear-probe ranks for that" in told
    assert "Run next" not in told
    assert "Do not freeze" not in told
    assert "preprocessing" in told


def test_outside_the_support_two_anchors_of_different_families_are_named(run):
    told = run("--images", "2000000", "--classes", "100000").stderr
    first, second = re.search(r"100,000 classes.*such as (\S+) and (\S+)\.\n", told).groups()
    assert family(first.partition(".")[0]) != family(second.partition(".")[0])


def test_after_an_own_run_its_place_is_told_and_none_is_asked_for_again(run):
    told = run(*SATELLITE, "--anchor", "resnet50=0.041").stderr
    assert re.search(r"resnet50\.a1_in1k with 4\.10 % \([\d,]+ of [\d,]+ are expected to do better", told)
    assert "--anchor backbone=error" not in told


def test_a_frozen_recipe_gets_no_advice_on_fine_tuning(run):
    told = run(*SATELLITE, "--recipe", "knn").stderr
    assert "fine-tune all layers" not in told
    assert "on an RTX 3090" not in told
    assert "Do not freeze" not in told


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0.2, "a minute or less"),
        (1.6, "about 2 minutes"),
        (119, "about 119 minutes"),
        (2369, "about 39 hours"),
    ],
)
def test_times_are_in_a_persons_units(minutes, said):
    assert _minutes(minutes) == said


def test_small_costs_keep_their_digits_and_no_sure_batch_is_said(run):
    found = run("--images", "1000", "--max-fit-time", "1 s @ RTX 4090", "--max-inference-memory", "200MB")
    cells = [cell.strip() for cell in found.stdout.splitlines()[2].split("│")]
    assert any(cell.endswith("(none for sure)") for cell in cells)
    assert not any(cell.startswith("~0.0 ") for cell in cells)
    assert any(cell.startswith("~0.0") for cell in cells)  # a second is 0.017 minutes
