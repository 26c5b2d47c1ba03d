"""`profile --batch`: numbers, the largest batch that fits, and all up to it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.cli.batches import Batches, read_batches
from archimeter.data.errors import InputError

# 2**18 weights of 4 bytes are 1 MiB; an image is 512 floats in and 512 out: 4 KiB
NETS = """
import torch

def wide():
    return torch.nn.Linear(512, 512, bias=False), torch.zeros(1, 512)

def normed():
    layers = torch.nn.Linear(512, 512, bias=False), torch.nn.BatchNorm1d(512)
    return torch.nn.Sequential(*layers), torch.zeros(1, 512)
"""


@pytest.fixture
def nets(tmp_path):
    (tmp_path / "nets.py").write_text(NETS)
    return tmp_path / "nets.py"


@pytest.fixture
def run(tmp_path):
    def call(*arguments):
        store = ["--store", str(tmp_path / "runs.db")]
        return CliRunner().invoke(app, ["profile", *map(str, arguments), "--json", *store])

    return call


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8", Batches((8,))),
        ("1, 64,1", Batches((1, 64))),
        ("max", Batches((), largest=True)),
        ("1,MAX", Batches((1,), largest=True)),
        ("1..max", Batches((), largest=True, all_up_to_it=True)),
    ],
)
def test_batches_are_read(text, expected):
    assert read_batches(text) == expected


@pytest.mark.parametrize("text", ["", "many", "1..8", "-1", "1,,2"])
def test_anything_else_is_refused_with_examples(text):
    with pytest.raises(InputError, match=r"write numbers such as 1,64, max"):
        read_batches(text)


@pytest.mark.slow
def test_the_largest_batch_is_searched_said_and_measured(run, nets):
    found = run(f"{nets}:wide", "--device", "cpu", "--fits", "1.25MB", "--batch", "1,max")
    assert found.exit_code == 0, found.stderr
    # 1.25 MiB less 1 MiB of weights leave 64 times 4 KiB
    assert [row["batch_size"] for row in json.loads(found.stdout)] == [1, 64]
    assert all(row["latencies_s"] for row in json.loads(found.stdout))
    assert "nets:wide: the largest batch that fits is 64 (cpu, inference, float32; predicted" in found.stderr


@pytest.mark.slow
def test_a_sweep_goes_in_powers_of_two_up_to_the_largest(run, nets):
    found = run(f"{nets}:wide", "--device", "cpu", "--fits", "1.05MB", "--batch", "1..max")
    assert [row["batch_size"] for row in json.loads(found.stdout)] == [1, 2, 4, 8, 12]


def test_what_does_not_fit_at_all_is_a_failed_row(run, nets):
    found = run(f"{nets}:wide", "--device", "cpu", "--fits", "1MB", "--batch", "max")
    assert found.exit_code == 1
    assert "not even the smallest batch fits" in found.stderr
    assert "failed" in {row["status"] for row in json.loads(found.stdout)}


def test_the_largest_batch_needs_a_device(run, nets):
    assert "say --device" in str(run(f"{nets}:wide", "--batch", "max").exception)


def test_batch_norm_that_refuses_one_image_is_searched_from_two(run, nets):
    found = run(f"{nets}:normed", "--fits", "8MB", "--training")
    [row] = json.loads(found.stdout)
    assert row["status"] == "ok", found.stderr
    assert row["smallest_batch"] == 2
    assert row["largest_batch"] > 2


def test_batch_norm_in_inference_is_searched_from_one(run, nets):
    [row] = json.loads(run(f"{nets}:normed", "--fits", "8MB").stdout)
    assert row["smallest_batch"] == 1
