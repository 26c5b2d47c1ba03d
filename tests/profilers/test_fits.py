"""What fits: amounts of memory, and batches that fill them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archimeter.data.errors import InputError
from archimeter.profilers.capacity import _narrowed, predict_memory
from archimeter.profilers.conditions import Condition
from archimeter.profilers.fits import fit, parse_bytes
from archimeter.profilers.targets import resolve_targets


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8GB", 8 * 2**30), ("24 GiB", 24 * 2**30), ("512M", 512 * 2**20), ("1.5g", 3 * 2**29), ("1000", 1000)],
)
def test_amounts_are_read(text, expected):
    assert parse_bytes(text) == expected


@given(st.text(max_size=8))
def test_anything_else_is_refused_with_an_example(text):
    amount, refusal = 0, ""
    try:
        amount = parse_bytes(text)
    except InputError as error:
        refusal = str(error)
    assert amount > 0 or "write 8GB" in refusal


MEGABYTE = 2**20


@pytest.fixture
def wide(tmp_path):
    # one layer: 2**20 weights of 4 bytes, and per image 2**10 floats in and 2**10 out
    (tmp_path / "net.py").write_text(
        "import torch\ndef build():\n    return torch.nn.Linear(1024, 1024, bias=False)\n"
    )
    [target] = resolve_targets(f"{tmp_path / 'net.py'}:build")
    return target


def test_largest_batch_is_hand_arithmetic(wide):
    found = fit(wide, Condition(device="cuda"), 6 * MEGABYTE, (1024,))
    # 4 MiB of weights leave 2 MiB for 8 KiB an image
    assert found.peak_memory_bytes == 4 * MEGABYTE + 8 * 1024
    assert found.largest_batch == 256
    assert found.largest_batch_sure < 256


def test_training_needs_gradients_and_the_optimisers_state(wide):
    budget = 64 * MEGABYTE
    batches = [
        fit(wide, Condition(device="cuda", **options), budget, (1024,)).largest_batch
        for options in ({}, {"mode": "training"}, {"mode": "training", "optimiser": "adamw"})
    ]
    assert batches == sorted(batches, reverse=True)
    assert len(set(batches)) == 3


def test_not_even_one_image_is_a_batch_of_none(wide):
    assert fit(wide, Condition(device="cuda"), MEGABYTE, (1024,)).largest_batch == 0


@given(
    st.integers(1, 10**6),
    st.integers(1, 10**6),
    st.integers(1, 10**10),
    st.sampled_from([1, 2]),
    st.integers(2, 65536),
)
def test_narrowing_finds_what_trying_every_batch_finds(fixed, each, budget, least, most):
    found = _narrowed(lambda batches: fixed + each * batches, budget, least, most)
    fitting = min((budget - fixed) // each, most)
    assert found == (fitting if fitting >= least else 0)


@pytest.mark.parametrize("mode", ["inference", "training"])
def test_all_batches_at_once_find_what_one_batch_at_a_time_finds(mode):
    [target] = resolve_targets("test_resnet")
    condition, budget = Condition(device="cuda", mode=mode, optimiser="adamw"), 64 * MEGABYTE

    def peak(batch):
        return predict_memory(target, replace(condition, batch_size=batch)).peak_bytes

    largest = fit(target, condition, budget).largest_batch
    assert peak(largest) <= budget < peak(largest + 1)
