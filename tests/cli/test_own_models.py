import json

import pytest
import torch
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.cli.own_models import memory_line
from archimeter.data.errors import InputError, TargetError
from archimeter.profilers.capacity import predict_memory
from archimeter.profilers.conditions import Condition
from archimeter.profilers.targets import resolve_targets

NET = """
from torch import nn

def build(width=32):
    return nn.Sequential(
        nn.Conv2d(3, width, 7, 4, 3), nn.ReLU(), nn.Conv2d(width, 2 * width, 3, 2, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10),
    )

def wide():
    return nn.Sequential(nn.AdaptiveAvgPool2d(16), nn.Flatten(), nn.Linear(768, 4096, bias=False))

def broken():
    raise ValueError("no net today")
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    return lambda *arguments: CliRunner().invoke(app, ["recommend", *arguments])


@pytest.mark.slow
def test_a_network_of_ones_own_is_counted_weighed_timed_and_placed(run):
    found = run(
        *("--model", "net.py:build?width=16", "--images", "500", "--classes", "5", "--top", "1", "--json"),
        *("--max-memory", "8GB @ 16", "--within", "5 ms @ RTX 4090", "--max-fit-time", "1 h @ RTX 3090"),
    )
    assert found.exit_code == 0, found.exception
    first, mine = json.loads(found.stdout)["recommendations"]
    assert (first["custom"], mine["custom"], mine["support"]) == (False, True, "outside")
    # 7·7·3·16 + 16, 3·3·16·32 + 32, 32·10 + 10
    assert mine["params"] == 2352 + 16 + 4608 + 32 + 320 + 10
    assert mine["macs"] == 2352 * 56 * 56 + 4608 * 28 * 28 + 320
    assert 0 < mine["memory"][0]["peak_bytes"] < 2**30
    assert "predicted" in mine["speeds"][0]["source"]
    assert mine["fit_times"][0]["seconds"] > 0
    assert 0 < mine["expected"]["low"] < mine["expected"]["high"] < 1


def test_a_known_backbone_is_no_network_of_ones_own(run):
    found = run("--model", "resnet50")
    assert isinstance(found.exception, InputError)
    assert "among the known backbones already" in str(found.exception)


def test_a_network_that_cannot_be_built_says_why(run):
    found = run("--model", "net.py:broken")
    assert isinstance(found.exception, TargetError)
    assert "no net today" in str(found.exception)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_at_small_batches_the_optimisers_update_is_what_a_network_of_ones_own_needs(run, optimiser):
    (target,) = resolve_targets("net.py:wide")
    line = memory_line((target, "training", optimiser))
    assert line["input_bytes"] == 3 * 224 * 224 * 4
    # weights, gradients, and SGD's momentum or AdamW's two states and a temporary
    copies = {"sgd": 3, "adamw": 5}[optimiser]
    assert line["update_bytes"] == pytest.approx(copies * 768 * 4096 * 4, rel=0.01)
    alone = predict_memory(
        target, Condition(device="cuda", mode="training", optimiser=optimiser, batch_size=1)
    )
    peak = max(line["fixed_bytes"] + line["bytes_per_image"], line["update_bytes"] + line["input_bytes"])
    assert peak == pytest.approx(alone.peak_bytes, rel=0.02)
    assert (line["update_bytes"] > line["fixed_bytes"]) == (optimiser == "adamw")


def test_a_script_has_no_predicted_memory(run, tmp_path):
    torch.jit.script(torch.nn.Conv2d(3, 8, 3)).save(tmp_path / "net.pt")
    (target,) = resolve_targets("net.pt")
    with pytest.raises(TargetError, match="measure it on a real device"):
        memory_line((target, "training", "sgd"))


@pytest.mark.parametrize(
    ("asked", "weighed"),
    [
        (("--within", "5 ms @ RTX 4090"), {"training", "inference"}),
        (("--max-inference-memory", "8GB @ 16"), {"inference"}),
        ((), set()),
    ],
)
def test_a_time_is_foretold_from_what_the_network_keeps_in_memory(run, monkeypatch, asked, weighed):
    seen = []

    def profiled(*_, weighed, **__):
        seen.append(weighed)
        raise InputError("enough")

    monkeypatch.setattr("archimeter.cli.own_models.profiled", profiled)
    assert isinstance(run("--model", "net.py:build", *asked).exception, InputError)
    assert seen == [weighed]
