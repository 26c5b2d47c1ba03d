import numpy as np
import pytest

from archimeter.analysis.latency_costs import fit_prices, loss, priced


def test_time_is_the_sum_of_work_at_its_prices():
    log_sum, shares = priced(np.log([2.0, 0.5]), np.log([[3.0, 4.0], [1.0, 12.0]]))
    assert np.exp(log_sum) == pytest.approx([2 * 3 + 0.5 * 4, 2 * 1 + 0.5 * 12])
    assert shares == pytest.approx(np.array([[6 / 8, 2 / 8], [2 / 8, 6 / 8]]))


def test_the_prices_are_found():
    rng = np.random.default_rng(0)
    work = rng.normal(0, 2, (300, 3))
    prices = np.log([1e-12, 3e-11, 2e-9])
    seconds = priced(prices, work)[0] + rng.normal(0, 0.02, 300)
    assert fit_prices(work, seconds) == pytest.approx(prices, abs=0.15)


def test_work_that_costs_nothing_gets_next_to_no_share():
    rng = np.random.default_rng(0)
    work = rng.normal(0, 1, (300, 2))
    prices = fit_prices(work, work[:, 0] - 20)
    assert priced(prices, work)[1][:, 1].mean() < 0.02


def test_the_gradient_is_that_of_the_loss():
    rng = np.random.default_rng(0)
    work, seconds, theta, first = (rng.normal(size=shape) for shape in ((20, 3), 20, 3, 3))
    _, gradient = loss(theta, work, seconds, first)
    for i, unit in enumerate(np.eye(3)):
        up, down = (loss(theta + sign * 1e-6 * unit, work, seconds, first)[0] for sign in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / 2e-6, abs=1e-6)
