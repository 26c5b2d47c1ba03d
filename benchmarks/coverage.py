"""How often the intervals hold the true correlation and slope: the simulation that chose them.

Run: python benchmarks/coverage.py [samples] [chosen | confirmed]
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from archimeter.analysis.association import line, pearson
from archimeter.analysis.bootstrap import bca, expanded_percentile, replicate
from archimeter.analysis.jackknife import Interval, fisher_z, intervals, unit_sums
from archimeter.analysis.pooling import within_family

if TYPE_CHECKING:
    from collections.abc import Callable

    Columns = tuple[np.ndarray, np.ndarray]
    Draw = Callable[[float, tuple[int, ...], np.random.Generator], Columns]

SIZES = (6, 8, 12, 16, 20, 30)
FAMILIES = ([2, 3, 7], [2, 2, 2, 4, 8, 12])
DRAWS = 500
AT_ONCE = 250
LONG = 2_000_000
"""Pairs that the true r and slope of a case are computed from."""


def main() -> None:
    """Print one line per case and the range of each interval's coverage per n."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    kinds = CHOSEN if "chosen" in sys.argv else CONFIRMED
    cases = [known(name, rho, partial(draw, rho)) for name, (draw, truths) in kinds.items() for rho in truths]
    error = 100 * np.sqrt(0.05 * 0.95 / samples)
    print(f"nominal 95 %, {samples} samples a case, Monte-Carlo error ± {error:.1f}")
    for n in SIZES:
        ranges: dict[str, list[float]] = {}
        for case in cases:
            shares, width = covered(case, n, samples)
            found = ", ".join(f"{name} {100 * share:.1f}" for name, share in shares.items())
            print(f"n {n:2} {case.name}  {found}; width of r {width:.2f}", flush=True)
            for name, share in shares.items():
                ranges.setdefault(name, []).append(100 * share)
        print(f"n {n:2} all:", ", ".join(f"{k} {min(v):.1f}–{max(v):.1f}" for k, v in ranges.items()))
    for sizes in FAMILIES:
        for case in cases:
            shares = adjusted(case, sizes, samples // 8)
            found = ", ".join(f"{name} {100 * share:.1f}" for name, share in shares.items())
            print(f"families of {sizes} {case.name}  {found}", flush=True)


class Case(NamedTuple):
    """Two columns to draw, and what is true of them."""

    name: str
    draw: Callable[[tuple[int, ...], np.random.Generator], Columns]
    r: float
    slope: float


def known(kind: str, rho: float, draw: Callable[[tuple[int, ...], np.random.Generator], Columns]) -> Case:
    """Find the true correlation and slope in one very long sample."""
    name = f"{kind:26} ρ {rho:5.2f}"
    long = draw((LONG,), np.random.default_rng([0, *name.encode()]))
    return Case(name, draw, float(pearson(*long)), float(line(*long).slope))


def covered(case: Case, n: int, samples: int) -> tuple[dict[str, float], float]:
    """Share of samples whose interval holds the truth, by interval; mean width of ours."""
    rng = np.random.default_rng([n, *case.name.encode()])
    hits: dict[str, int] = {}
    width = 0.0
    for start in range(0, samples, AT_ONCE):
        x, y = case.draw((min(AT_ONCE, samples - start), n), rng)
        of_r, of_slope = intervals(unit_sums(x, y))
        width += float((of_r.high - of_r.low).sum())
        for key, ends in {"r": of_r, "slope": of_slope, **rivals(x, y, rng)}.items():
            true = case.slope if "slope" in key else case.r
            hits[key] = hits.get(key, 0) + int(((ends.low <= true) & (true <= ends.high)).sum())
    return {key: count / samples for key, count in hits.items()}, width / samples


def rivals(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> dict[str, Interval]:
    """The intervals that were not chosen, for every row."""
    n = x.shape[-1]
    r, slope, without = pearson(x, y), line(x, y).slope, replicate(x, y, 1 - np.eye(n))
    drawn = replicate(x, y, rng.multinomial(n, np.full(n, 1 / n), size=DRAWS).astype(float))
    percentile = expanded_percentile(drawn.r, n, used=1)
    floor = _around(fisher_z(r), -0.9 * ndtri(0.025) / np.sqrt(n - 3))
    tukey = _around(fisher_z(r), stdtrit(n - 2, 0.975) * _error(fisher_z(without.r)))
    plain = stdtrit(n - 2, 0.975) * _error(without.slope)
    of_slope = expanded_percentile(drawn.slope, n)
    return {
        "BCa": bca(drawn.r, r, without.r),
        "bootstrap t": studentised(x, y, drawn.r, rng),
        "percentile or 0.9 Fisher": Interval(
            np.minimum(percentile.low, floor.low), np.maximum(percentile.high, floor.high)
        ),
        "jackknife n - 2": tukey,
        "Fisher": _around(fisher_z(r), -ndtri(0.025) / np.sqrt(n - 3)),
        "score": score(x, y),
        "slope percentile": of_slope,
        "slope HC3 n - 2": Interval(slope - plain, slope + plain),
    }


def _around(z: np.ndarray, half: np.ndarray | float) -> Interval:
    return Interval(np.tanh(z - half), np.tanh(z + half))


def _error(left_out: np.ndarray) -> np.ndarray:
    n = len(left_out)
    return np.sqrt((n - 1) / n * ((left_out - left_out.mean(0)) ** 2).sum(0))


def _parts(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whose means have r as their ratio: u · v and (u² + v²) / 2 of the standardised columns."""
    u, v = ((c - c.mean(-1, keepdims=True)) / c.std(-1, keepdims=True) for c in (x, y))
    return u * v, (u**2 + v**2) / 2


def studentised(x: np.ndarray, y: np.ndarray, drawn_r: np.ndarray, rng: np.random.Generator) -> Interval:
    """Bootstrap t of Fisher's z, each resample with its own delta-method error."""
    n = x.shape[-1]

    def z_and_error(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        product, size = _parts(a, b)
        r = product.mean(-1, keepdims=True)
        error = np.sqrt(((product - r * size) ** 2).mean(-1)) / (1 - np.minimum(r[..., 0] ** 2, 1 - 1e-9))
        return fisher_z(r[..., 0]), error

    z, error = z_and_error(x, y)
    again = rng.integers(0, n, size=(len(drawn_r), n))
    with np.errstate(divide="ignore", invalid="ignore"):
        z_drawn, error_drawn = z_and_error(x[:, again], y[:, again])
        t = (z_drawn - z[:, None]) / error_drawn
    low, high = np.nanquantile(np.where(np.isfinite(t), t, np.nan), [0.025, 0.975], axis=1)
    return Interval(np.tanh(z - high * error), np.tanh(z - low * error))


def score(x: np.ndarray, y: np.ndarray) -> Interval:
    """All r that a t test of their estimating function does not reject (Fieller); closed form."""
    n = x.shape[-1]
    a, b = _parts(x, y)
    r, c = a.mean(-1), stdtrit(n - 1, 0.975) ** 2 / (n * (n - 1))
    da, db = a - r[:, None], b - 1
    square = 1 - c * (db**2).sum(-1)
    half = -(r - c * (da * db).sum(-1))
    root = np.sqrt(np.maximum(half**2 - square * (r**2 - c * (da**2).sum(-1)), 0))
    with np.errstate(divide="ignore"):
        ends = [(-half - root) / square, (-half + root) / square]
    return Interval(*(np.where(square > 0, np.clip(e, -1, 1), w) for e, w in zip(ends, (-1, 1), strict=True)))


def adjusted(case: Case, sizes: list[int], samples: int) -> dict[str, float]:
    """Coverage of the correlation within families of these sizes; beside it Fisher's interval."""
    rng = np.random.default_rng([*sizes, *case.name.encode()])
    families = np.repeat(np.arange(len(sizes)), sizes)
    n, hits = len(families), np.zeros(2)
    half = -ndtri(0.025) / np.sqrt(n - len(sizes) - 2)
    for x, y in zip(*case.draw((samples, n), rng), strict=True):
        found = within_family(x, y, families, np.arange(n))
        fisher = abs(np.arctanh(found.pearson) - np.arctanh(case.r)) <= half
        hits += [found.low <= case.r <= found.high, fisher]
    return dict(zip(("r", "Fisher"), (hits / samples).tolist(), strict=True))


def _of_normals(to_x: Callable[[np.ndarray], np.ndarray], to_y: Callable[[np.ndarray], np.ndarray]) -> Draw:
    """Functions of two correlated normals."""

    def draw(rho: float, shape: tuple[int, ...], rng: np.random.Generator) -> Columns:
        a, b = rng.standard_normal((2, *shape))
        return to_x(a), to_y(_mix(a, b, rho))

    return draw


def _sums(part: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]) -> Draw:
    """A column and a weighted sum of it with another, independent one."""

    def draw(rho: float, shape: tuple[int, ...], rng: np.random.Generator) -> Columns:
        a, b = part(rng, (2, *shape))
        return a, _mix(a, b, rho)

    return draw


def _mix(a: np.ndarray, b: np.ndarray, rho: float) -> np.ndarray:
    return rho * a + np.sqrt(1 - rho**2) * b


def _fanning(rho: float, shape: tuple[int, ...], rng: np.random.Generator) -> Columns:
    a, b = rng.standard_normal((2, *shape))
    return a, rho * a + (0.3 + 0.5 * np.abs(a)) * b


def _bent(rho: float, shape: tuple[int, ...], rng: np.random.Generator) -> Columns:
    a, b = rng.standard_normal((2, *shape))
    return np.exp(a / 2), rho * a**2 + a + b / 2


def _clumps(rho: float, shape: tuple[int, ...], rng: np.random.Generator) -> Columns:
    a, b = rng.standard_normal((2, *shape))
    side = 2.0 * rng.integers(0, 2, size=shape) - 1
    return side + a / 2, rho * side + b


def _same(a: np.ndarray) -> np.ndarray:
    return a


def _exp(scale: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda a: np.exp(scale * a)


def _exponential(a: np.ndarray) -> np.ndarray:
    return -np.log(ndtr(-a))


def _gumbel(a: np.ndarray) -> np.ndarray:
    return -np.log(-np.log(ndtr(a)))


def _weibull(a: np.ndarray) -> np.ndarray:
    return _exponential(a) ** (1 / 1.2)


CHOSEN: dict[str, tuple[Draw, tuple[float, ...]]] = {
    "normal": (_of_normals(_same, _same), (0, 0.3, 0.7, 0.95)),
    "log-normal 0.3": (_of_normals(_exp(0.3), _exp(0.3)), (0, 0.6, 0.9)),
    "log-normal 0.7": (_of_normals(_exp(0.7), _exp(0.7)), (0, 0.6, 0.9)),
    "gamma 2": (_sums(lambda rng, shape: rng.gamma(2, size=shape)), (0, 0.4, 0.8)),
    "Laplace": (_sums(lambda rng, shape: rng.laplace(size=shape)), (0, 0.4, 0.8)),
    "t7": (_sums(lambda rng, shape: rng.standard_t(7, size=shape)), (0, 0.4, 0.8)),
    "uniform": (_sums(lambda rng, shape: rng.uniform(size=shape)), (0, 0.4, 0.8)),
    "exponential x": (_of_normals(_exponential, _same), (0, 0.4, 0.8)),
    "exponentials": (_of_normals(_exponential, _exponential), (-0.6, 0.3, 0.75)),
    "curve, log-normal y 0.6": (_of_normals(_same, _exp(0.6)), (0.3, 0.7, 0.9)),
    "curve, log-normal y 1": (_of_normals(_same, _exp(1)), (0.75,)),
    "fanning out": (_fanning, (0, 0.5, 1)),
    "bent": (_bent, (0.3,)),
}
"""What the choice was made on: how the columns are drawn and with which correlations."""

CONFIRMED: dict[str, tuple[Draw, tuple[float, ...]]] = {
    "normal": (_of_normals(_same, _same), (0, 0.2, 0.5, 0.6, 0.85, 0.9)),
    "log-normal 0.5": (_of_normals(_exp(0.5), _exp(0.5)), (0, 0.5, 0.85)),
    "log-normal 0.4, 0.6": (_of_normals(_exp(0.4), _exp(0.6)), (0, 0.5, 0.8)),
    "gamma 4": (_sums(lambda rng, shape: rng.gamma(4, size=shape)), (0, 0.5, 0.85)),
    "gamma 3": (_sums(lambda rng, shape: rng.gamma(3, size=shape)), (-0.5, 0.3, 0.7)),
    "exponential": (_sums(lambda rng, shape: rng.exponential(size=shape)), (0, 0.5, 0.85)),
    "beta 1, 4": (_sums(lambda rng, shape: rng.beta(1, 4, size=shape)), (0, 0.5, 0.8)),
    "t5": (_sums(lambda rng, shape: rng.standard_t(5, size=shape)), (0, 0.5, 0.85)),
    "t6": (_sums(lambda rng, shape: rng.standard_t(6, size=shape)), (0.3, 0.7)),
    "logistic": (_sums(lambda rng, shape: rng.logistic(size=shape)), (0, 0.6)),
    "Weibull 1.2": (_of_normals(_weibull, _weibull), (-0.4, 0.4, 0.8)),
    "Gumbel y": (_of_normals(_same, _gumbel), (0, 0.6, 0.9)),
    "two clumps": (_clumps, (0, 0.5, 1)),
    "curve, exponential y": (_of_normals(_same, _exponential), (0, 0.5, 0.85)),
    "curve, log-normal y 0.8": (_of_normals(_same, _exp(0.8)), (0.4, 0.8)),
    "curve, log-normal y 1": (_of_normals(_same, _exp(1)), (0, 0.5, 0.85)),
}
"""What had no part in it. The last case's r comes from a tail that 30 pairs do not hold."""


if __name__ == "__main__":
    main()
