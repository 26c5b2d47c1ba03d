"""`archimeter profile` from the command line: good rows, failed rows, exit codes, and nothing done twice."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.data.errors import ArchimeterError, InputError, UnknownNameError
from archimeter.data.records import Profile

NETS = """
import torch

def good(width=8):
    return torch.nn.Sequential(torch.nn.Conv2d(3, width, 3), torch.nn.ReLU())

def hang():
    import time
    time.sleep(600)

def segfault():
    import ctypes
    ctypes.string_at(0)

def memory():
    bytearray(2**46)

def exception():
    raise KeyError("no such width")

def leave():
    import sys
    sys.exit(2)
"""


@pytest.fixture
def nets(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(NETS)
    return path


@pytest.fixture
def run(tmp_path):
    def call(*arguments):
        options = [] if "--help" in arguments else ["--store", str(tmp_path / "runs.db")]
        return CliRunner().invoke(app, ["profile", *map(str, arguments), *options])

    return call


@pytest.mark.slow
def test_six_bad_targets_among_sixty_are_six_failed_rows(run, nets):
    timm_names = [
        "test_vit",
        "test_vit2",
        "test_byobnet",
        "test_resnet",
        "test_convnext",
        "test_efficientnet",
    ]
    good = [*timm_names, *(f"{nets}:good?width={width}" for width in range(1, 49))]
    assert len(good) == 54
    bad = {
        f"{nets}:hang": "timed out after 20 s",
        f"{nets}:segfault": "crashed (SIGSEGV)",
        f"{nets}:memory": "out of memory",
        f"{nets}:exception": "raised KeyError while it was built",
        f"{nets}:leave": "raised SystemExit while it was built: 2",
        "resnet18x": "Unknown backbone 'resnet18x'. Did you mean",
    }
    names = good.copy()
    for place, name in enumerate(bad):
        names.insert(10 * place + 3, name)
    found = run(*names, "--json", "--timeout", "20", "--size", "32")
    assert found.exit_code == 3
    rows = {row["source_ref"]: row for row in json.loads(found.stdout)}
    assert sorted(rows) == sorted(names)
    reasons = {name: row["reason"] for name, row in rows.items() if row["status"] != "ok"}
    assert set(reasons) == set(bad), reasons
    for name, reason in bad.items():
        assert reason in reasons[name]
        assert f"failed: {name}: " in found.stderr
    for width in range(1, 49):
        assert rows[f"{nets}:good?width={width}"]["macs"] == 27 * width * 30 * 30
    assert "6 failed. A failure is kept too: --refresh tries again." in found.stderr


def test_json_is_an_array_of_rows_keyed_by_field_names(run):
    [row] = json.loads(run("test_resnet", "--json").stdout)
    assert set(Profile.__dataclass_fields__) <= set(row)
    assert (row["backbone"], row["mode"], row["device"]) == ("test_resnet", "static", "meta")


def test_table_is_for_people(run):
    found = run("test_resnet", "test_vit")
    assert found.exit_code == 0
    assert "activations" in found.stdout
    assert "test_vit" in found.stdout


def test_the_store_spares_the_second_time_and_refresh_does_not(run):
    first, again, refreshed = (
        json.loads(run("test_resnet", "--json", *options).stdout)[0]["date"]
        for options in ([], [], ["--refresh"])
    )
    assert first == again < refreshed


def test_size_is_part_of_what_is_asked(run):
    small, large = (
        json.loads(run("test_resnet", "--json", "--size", s).stdout)[0] for s in ("64", "3,128,128")
    )
    assert (small["input_shapes"], large["input_shapes"]) == ([[3, 64, 64]], [[3, 128, 128]])
    assert large["macs"] > 3 * small["macs"]


@pytest.mark.slow
def test_measured_row_has_counts_samples_and_memory_and_is_measured_once(run):
    arguments = ("test_resnet", "--device", "cpu", "--batch", "2", "--size", "32", "--json")
    [row] = json.loads(run(*arguments).stdout)
    assert row["status"] == "ok", row["reason"]
    assert (row["batch_size"], row["mode"], row["dtype"]) == (2, "inference", "float32")
    assert row["macs"] > 0
    assert len(row["latencies_s"]) >= 3
    assert min(row["latencies_s"]) <= row["latency_median_s"] <= max(row["latencies_s"])
    assert row["throughput"] == pytest.approx(2 / row["latency_median_s"], rel=0.5)
    assert row["peak_memory_method"] == "measured"
    assert json.loads(run(*arguments).stdout) == [row]


@pytest.mark.slow
def test_fvcore_agrees_but_for_what_is_named(run):
    document = json.loads(run("test_resnet", "--size", "32", "--check", "fvcore", "--json").stdout)
    [row], differences = document["profiles"], document["differences"]
    assert {difference["what"] for difference in differences} == {"norms and pooling"}
    assert row["macs_second_opinion"] == row["macs"] + differences[0]["theirs"]
    assert "What fvcore counts differently" in run("test_resnet", "--size", "32", "--check", "fvcore").stdout


@pytest.mark.slow
def test_fits_gives_the_largest_batch(run):
    [row] = json.loads(run("test_resnet", "--size", "64", "--fits", "64MB", "--training", "--json").stdout)
    assert row["budget_bytes"] == 64 * 2**20
    assert row["largest_batch"] >= row["largest_batch_sure"] > 1
    assert row["peak_memory_bytes"] < 64 * 2**20


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["resnet18x"], UnknownNameError, "Did you mean resnet18"),
        (["resnet18x", "nothere.py:build"], InputError, "There is no file 'nothere.py'"),
        (["test_resnet", "--size", "big"], InputError, "--size is 'big'"),
        (["test_resnet", "--device", "tpu"], InputError, "Device 'tpu' is not known"),
        (["test_resnet", "--device", "cpu", "--batch", "many"], InputError, "--batch is 'many'"),
        (
            ["test_resnet", "--device", "cpu", "--dtype", "int8"],
            InputError,
            "The dtype is 'int8'; allowed: float32",
        ),
        (["test_resnet", "--fits", "lots"], InputError, "Cannot read 'lots' as an amount of memory"),
        (["test_resnet", "--check", "thop"], InputError, "--check is 'thop'; allowed: fvcore"),
    ],
)
def test_bad_input_is_one_clear_error(run, arguments, kind, message):
    found = run(*arguments)
    assert isinstance(found.exception, kind)
    assert isinstance(found.exception, ArchimeterError)
    assert message in str(found.exception)


def test_where_nothing_can_be_profiled_the_question_was_bad(run, nets):
    found = run(f"{nets}:exception")
    assert found.exit_code == 1
    assert not found.stdout
    assert "raised KeyError" in found.stderr
