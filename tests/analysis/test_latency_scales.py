import numpy as np
import pytest

from archimeter.analysis.latency_scales import (
    Scales,
    kernel,
    learn_scales,
    leave_family_out,
    loss,
    start,
)


@pytest.fixture
def made():
    """Time that depends on the first of four columns only, in eight families."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(64, 4))
    y = 0.8 * z[:, 0] + 0.3 * np.sin(2 * z[:, 0]) + rng.normal(0, 0.02, 64)
    return z, y - y.mean(), [f"family{i % 8}" for i in range(64)]


def groups(families):
    names = np.array(families)
    return [np.flatnonzero(names == name) for name in sorted(set(families))]


def test_the_gradient_is_that_of_the_loss(made):
    z, y, families = made
    first = start(4)
    theta = first + np.random.default_rng(1).normal(0, 0.2, len(first))
    _, gradient = loss(theta, z, y, groups(families), first)
    step = 1e-6
    for i, unit in enumerate(np.eye(len(theta))):
        up, down = (loss(theta + sign * step * unit, z, y, groups(families), first)[0] for sign in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / (2 * step), abs=1e-6)


def test_the_block_formula_is_refitting_without_the_family(made):
    z, y, families = made
    theta = start(4)
    k, noise = kernel(theta, z, z), Scales.of(theta).noise
    held = leave_family_out(k, y, families, noise)
    names = np.array(families)
    for name in set(families):
        out = names == name
        inner = np.linalg.solve(k[~out][:, ~out] + noise * np.eye((~out).sum()), y[~out])
        assert held[out] == pytest.approx(k[out][:, ~out] @ inner)


def test_the_column_that_tells_is_found(made):
    z, y, families = made
    learned = Scales.of(learn_scales(z, y, families, rounds=40))
    assert learned.smooth[0] > 1.3 * learned.smooth[1:].max()
    before, after = (
        np.abs(leave_family_out(kernel(t, z, z), y, families, Scales.of(t).noise) - y).mean()
        for t in (start(4), learn_scales(z, y, families, rounds=40))
    )
    assert after < before


def test_the_same_rows_give_the_same_scales(made):
    assert np.array_equal(learn_scales(*made), learn_scales(*made))
