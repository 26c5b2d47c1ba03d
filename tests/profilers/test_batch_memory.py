"""Peak memory at many batches from one run: the same as a run at each."""

from __future__ import annotations

import json

import pytest
import timm
import torch
from torch import nn

from archimeter.data.errors import InputError
from archimeter.data.memory import MemoryNeed, largest_batches, peak_bytes
from archimeter.data.tables import arrow_of, to_frame
from archimeter.profilers.batch_memory import PRIME_BATCH, peaks_by_batch
from archimeter.profilers.build_memory import memory_needs
from archimeter.profilers.conditions import Condition
from archimeter.profilers.memory import predict_step_memory
from archimeter.profilers.meta import build_on_meta

BATCHES = (2, 8, 64)
NETS = ("resnet10t", "lcnet_050", "vit_tiny_patch16_224", "mixer_s32_224", "coat_lite_tiny")


def predicted(module, batch, side=224, **condition):
    images = torch.empty(batch, 3, side, side, device="meta")
    return predict_step_memory(module, (images,), None, Condition(device="cuda", **condition))


def test_a_layer_by_hand():
    with torch.device("meta"):
        module, vector = nn.Linear(1024, 1024, bias=False), torch.empty(1, 1024)
    passes, update = peaks_by_batch(module, (vector,), None, Condition(device="cuda"), (1, 10))
    assert update is None
    assert passes.tolist() == [4 * 1024 * 1024 + batch * 2 * 4096 for batch in (1, 10)]


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("mode", ["inference", "training"])
def test_one_run_says_what_a_run_at_each_batch_says(name, mode):
    module = build_on_meta(lambda: timm.create_model(name))
    image = torch.empty(1, 3, 224, 224, device="meta")
    condition = Condition(device="cuda", mode=mode, optimiser="adamw")
    passes, update = peaks_by_batch(module, (image,), None, condition, BATCHES)
    for place, batch in enumerate(BATCHES):
        alone = predicted(module, batch, mode=mode, optimiser="adamw")
        assert passes[place] == alone.pass_bytes
        assert (None if update is None else update[place]) == alone.update_bytes


def test_only_what_it_knows_is_answered():
    with pytest.raises(InputError, match="predicted for CUDA"):
        peaks_by_batch(nn.Linear(1, 1), (), None, Condition(device="cpu"), (1,))


@pytest.fixture(scope="module", params=["resnet10t", "vit_tiny_patch16_224"])
def needs(request):
    return to_frame(arrow_of(memory_needs(request.param), MemoryNeed))


def test_an_architecture_has_a_row_for_inference_and_one_for_each_optimiser(needs):
    assert needs[["mode", "optimiser"]].fillna("").values.tolist() == [
        ["inference", ""],
        ["training", "adamw"],
        ["training", "sgd"],
    ]
    assert set(needs["status"]) == {"ok"}


@pytest.mark.parametrize(("batch", "within"), [(1, 0.1), (8, 1e-3), (32, 0.02), (256, 0.02)])
def test_the_lines_are_close_to_predictions_at_any_batch(needs, batch, within):
    module = build_on_meta(lambda: timm.create_model(needs["backbone"][0]))
    lines = peak_bytes(needs, batch)
    side = json.loads(needs["input_shape"][0])[-1]
    for line, mode, optimiser in zip(lines, needs["mode"], needs["optimiser"].fillna("sgd"), strict=True):
        alone = predicted(module, batch, side, mode=mode, optimiser=optimiser).peak_bytes
        assert line == pytest.approx(alone, rel=within if mode == "training" else 1e-3)


@pytest.mark.parametrize("gibibytes", [0.1, 1, 8, 24])
def test_the_largest_batch_fits_and_one_more_does_not(needs, gibibytes):
    budget = gibibytes * 2**30
    for row, largest in enumerate(largest_batches(needs, budget)):
        if largest:
            assert peak_bytes(needs, int(largest))[row] <= budget
        assert peak_bytes(needs, int(largest) + 1)[row] > budget


def test_a_batch_of_nothing_is_refused(needs):
    with pytest.raises(InputError, match="at least 1"):
        peak_bytes(needs, 0)


def test_the_probing_batch_is_prime():
    assert all(PRIME_BATCH % divisor for divisor in range(2, 16))
