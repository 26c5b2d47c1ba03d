"""What to expect of every backbone on described data: from the fitted model, in numpy, in milliseconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from ...data.errors import InputError
from .belief import RERUN, USUAL, log_room, sampling_of, widening
from .conformal import highest_level
from .design import branch, level_row, recipe_branch
from .logits import expit, logit
from .sample import Sample

__all__ = ["FITTED", "Fitted", "Forecast", "load_fitted"]

Array = np.ndarray
FITTED = Path(__file__).parent / "fitted.npz"
PAIRS = 500
"""Of draws: each stands beside its mirror image about the mean, so that means and medians have no noise."""
OUTCOMES = np.array([NormalDist().inv_cdf((i + 0.5) / 64) for i in range(64)])
"""Of a run, in deviations, equally likely."""
EFFECTS = ("family", "weights")
GAUSSIAN = 1.2816
"""Deviations that 80 % of a Gaussian lie within."""


@dataclass(frozen=True)
class Fitted:
    """Everything that a query needs, fitted ahead by `python -m archimeter.analysis.prediction.fit`.

    Attributes:
        models: weights names, and architectures without weights. groups: effect → index of each model's level
            `[models]` (−1: one of its own). means, variances: effect → per level: in a laboratory that is not
            known every level is expected to be 0, with its whole variance. full: component → variance.
        x: facts `[models, features]`. slopes, slopes_covariance: on these, in a new laboratory (`pooled`).
        level: coefficients over `design.level_row`. level_covariance, level_variance: theirs, the rest.
        scale: `trained`, `frozen` → deviation of logit errors between a data set's models, at the usual room.
        radius: number of anchors (0, 1, 2; more are as the last) → deviations that an 80 % interval reaches.
        radius_between: the same of the difference to the model that is predicted best.
        n_datasets: data sets behind the radius.
        lean, freedom: how the scale moves with the level, and how well it is known (`belief.Belief`).
    """

    models: tuple[str, ...]
    x: Array
    groups: Mapping[str, Array]
    means: Mapping[str, Array]
    variances: Mapping[str, Array]
    full: Mapping[str, float]
    slopes: Array
    slopes_covariance: Array
    level: Array
    level_covariance: Array
    level_variance: float
    scale: Mapping[str, float]
    radius: tuple[float, ...]
    n_datasets: int
    radius_between: tuple[float, ...] = (GAUSSIAN,)
    lean: float = 0.0
    freedom: float = math.inf

    @cached_property
    def place(self) -> dict[str, int]:
        """Model → its row."""
        return {name: i for i, name in enumerate(self.models)}

    def scale_at(self, recipe: str, level: float) -> float:
        """Deviation of logit errors between models where a data set's level, a logit error, is this."""
        return self.scale[recipe_branch(recipe)] * math.exp(-self.lean * (float(log_room(level)) - USUAL))


@dataclass(frozen=True)
class Forecast:
    """Joint posterior over models on one described data set, updated by anchors.

    Attributes:
        fitted, recipe: the question. mean, sd: of each model's logit error `[models]`; by the mean models are
            ordered, and without anchors that is the order of `ranking.standing`.
            doubt: standard deviation of each model's own effect, without the data set's difficulty.
        scale: deviation of logit errors between models, on such data.
        radius, radius_between: deviations that the 80 % interval reaches, of an error and of a difference.
        slopes: mean slope of every fact.
        covariance_with: rows → posterior covariance of all models with these, `[models, rows]`.
        n_anchors: own runs that it was updated by.
    """

    fitted: Fitted
    recipe: str
    mean: Array
    sd: Array
    doubt: Array
    scale: float
    radius: float
    radius_between: float
    slopes: Array
    covariance_with: Callable[[Sequence[int]], Array]
    _drawn: Callable[[Sequence[int]], Array]
    n_anchors: int

    @staticmethod
    def of(
        fitted: Fitted, dataset: Mapping[str, Any], recipe: str, anchors: Mapping[int, float] | None = None
    ) -> Forecast:
        """Predict all models.

        Args:
            fitted: the fitted model.
            dataset: `domain`, `n_train`, `n_classes`; what is missing is not assumed.
            recipe: how the backbone is used.
            anchors: model's row → its measured error in [0, 1].
        """
        row = level_row(dataset, recipe)
        level = float(row @ fitted.level)
        doubt = fitted.level_variance + float(row @ fitted.level_covariance @ row)
        widen = 1.5 if branch(dataset.get("domain")) is None else 1.0
        if dataset.get("foreign"):
            widen = 2.0  # outside the tables' support
        at = list(anchors or {})
        seen = logit(np.array([(anchors or {})[i] for i in at])) if at else np.array([])
        where = float(seen.mean()) if at else level
        scale = fitted.scale_at(recipe, where)
        lucky = sampling_of(dataset) / math.exp(float(log_room(where)))
        belief = _Belief(fitted, fitted.slopes, fitted.slopes_covariance, scale, level, doubt * widen, lucky)
        known = belief.told(at, seen)
        return Forecast(
            fitted,
            recipe,
            known.mean,
            np.sqrt(known.variance),
            scale * np.sqrt(belief.own_variance()),
            scale,
            fitted.radius[min(len(at), len(fitted.radius) - 1)],
            fitted.radius_between[min(len(at), len(fitted.radius_between) - 1)],
            scale * fitted.slopes,
            known.covariance,
            known.draws,
            len(at),
        )

    def interval(self) -> tuple[Array, Array]:
        """80 % interval of every model's error, `[models]` each, calibrated on held-out data sets."""
        reach = self.radius * self.sd
        return expit(self.mean - reach), expit(self.mean + reach)

    def sample(self, among: Sequence[int]) -> Sample:
        """Joint draws of some models' logit errors; the same question gives the same draws."""
        return Sample(self.mean[list(among)], self._drawn(among), self.radius_between / GAUSSIAN)

    def regret_reduction(self, model: int, among: Sequence[int], noise: float = 0.05) -> float:
        """Expected error that one run of `model` saves: by how much the pick's expected error would fall.

        The mean after the run is linear in its outcome, so quantiles of that tell what would be picked.

        Args:
            model: its row.
            among: rows of the candidates.
            noise: variance of the logit error between two runs.
        """
        cross = self.covariance_with([model])[:, 0]
        gain = cross[list(among)] / math.sqrt(cross[model] + noise)
        after = self.mean[list(among)] + OUTCOMES[:, None] * gain
        now = self.mean[list(among)].argmin()
        return float((expit(after[:, now]) - expit(after.min(axis=1))).mean())

    @property
    def highest_level(self) -> float:
        """What the number of known data sets allows to promise."""
        return highest_level(self.fitted.n_datasets)


@dataclass(frozen=True)
class _Belief:
    fitted: Fitted
    slopes: Array
    covariance_: Array
    scale: float
    level: float
    level_variance: float
    lucky: float
    """Variance of a logit error by the luck of the test images."""

    def _effects(self) -> tuple[Array, Array]:
        mean = self.fitted.x @ self.slopes
        variance = (self.fitted.x @ self.covariance_ * self.fitted.x).sum(1)
        for name in EFFECTS:
            m, v = self._effect(name)
            mean, variance = mean + m, variance + v
        return mean, variance + self.fitted.full["noise"]

    def _effect(self, name: str) -> tuple[Array, Array]:
        at = self.fitted.groups[name]
        seen = at >= 0
        return (
            np.where(seen, self.fitted.means[name][at], 0.0),
            np.where(seen, self.fitted.variances[name][at], self.fitted.full[name]),
        )

    def own_variance(self) -> Array:
        """Of every model's standardised effect, without the noise of a new data set."""
        return self._effects()[1] - self.fitted.full["noise"]

    def covariance(self, columns: Sequence[int]) -> Array:
        """Prior covariance of all models with those of `columns`, `[models, columns]`."""
        x = self.fitted.x
        out = x @ (self.covariance_ @ x[list(columns)].T)
        for name in EFFECTS:
            at, (_, v) = self.fitted.groups[name], self._effect(name)
            out += np.array([np.where((at == at[c]) & (at[c] >= 0), v, 0.0) for c in columns]).T
        for k, c in enumerate(columns):
            lone = sum(self._effect(name)[1][c] for name in EFFECTS if self.fitted.groups[name][c] < 0)
            out[c, k] += self.fitted.full["noise"] + lone
        out = self.scale**2 * out + self.level_variance
        out[list(columns), range(len(columns))] += self.lucky
        return out

    def mean(self) -> Array:
        """Of every logit error."""
        return self.level + self.scale * self._effects()[0]

    def variance(self) -> Array:
        """Of every logit error."""
        return self.scale**2 * self._effects()[1] + self.level_variance + self.lucky

    def told(self, at: list[int], seen: Array) -> _Told:
        """What is believed after runs of the rows `at`, whose logit errors are `seen`."""
        mean, variance = self.mean(), self.variance()
        if not at:
            return _Told(self, at, seen, mean, variance, np.empty((len(mean), 0)), 1.0)
        cross = self.covariance(at)
        inner = cross[at] + RERUN * np.eye(len(at))
        gain = np.linalg.solve(inner, cross.T).T
        factor = widening(inner, seen - mean[at], self.fitted.freedom)
        variance = factor * np.maximum(variance - (gain * cross).sum(1), 1e-6)
        return _Told(self, at, seen, mean + gain @ (seen - mean[at]), variance, gain, factor)

    def deviations(self, columns: Array, rng: np.random.Generator) -> Array:
        """Draws of the columns' logit errors about their mean, `[PAIRS, columns]`."""
        values, vectors = np.linalg.eigh(self.covariance_)
        root = vectors * np.sqrt(np.maximum(values, 0))
        facts = (self.fitted.x[columns] @ root).astype(np.float32)
        out = rng.standard_normal((PAIRS, len(values)), np.float32) @ facts.T
        own = np.full(len(columns), self.fitted.full["noise"] + self.lucky / self.scale**2)
        for name in EFFECTS:
            at, variance = self.fitted.groups[name][columns], self._effect(name)[1][columns]
            own += np.where(at < 0, variance, 0.0)
            if (shared := np.flatnonzero(at >= 0)).size:
                levels = rng.standard_normal((PAIRS, int(self.fitted.groups[name].max()) + 1), np.float32)
                out[:, shared] += levels[:, at[shared]] * np.sqrt(variance[shared]).astype(np.float32)
        out += rng.standard_normal(out.shape, np.float32) * np.sqrt(own).astype(np.float32)
        return self.scale * out + rng.standard_normal((PAIRS, 1), np.float32) * self.level_variance**0.5


@dataclass(frozen=True)
class _Told:
    """After runs: mean and variance of every model, and what the runs did to them."""

    belief: _Belief
    at: list[int]
    seen: Array
    mean: Array
    variance: Array
    gain: Array
    factor: float

    def covariance(self, columns: Sequence[int]) -> Array:
        """Of all models with those of `columns`, `[models, columns]`."""
        prior = self.belief.covariance(columns)
        if not self.at:
            return prior
        left = self.factor * (prior - self.gain @ prior[self.at])
        left[list(columns), range(len(columns))] = self.variance[list(columns)]
        return left

    def draws(self, columns: Sequence[int]) -> Array:
        """Of these models' logit errors, `[2 · PAIRS, columns]`: what is drawn is conditioned on the runs."""
        rng, n = np.random.default_rng(0), len(columns)
        away = self.belief.deviations(np.array([*columns, *self.at], int), rng)
        if self.at:
            missed = away[:, n:] + rng.standard_normal((PAIRS, len(self.at)), np.float32) * RERUN**0.5
            moved = missed @ self.gain[list(columns)].T.astype(np.float32)
            away = self.factor**0.5 * (away[:, :n] - moved)
        mean = self.mean[list(columns)].astype(np.float32)
        return np.concatenate([mean + away, mean - away])


def load_fitted(path: Path = FITTED) -> Fitted:
    """Read the shipped parameters.

    Raises:
        InputError: if the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as held:
            d = {name: held[name] for name in held.files}
    except (OSError, ValueError) as error:
        raise InputError(
            f"The fitted model {path} cannot be read ({error}). Reinstall archimeter, or fit it again with "
            "`python -m archimeter.analysis.prediction.fit`."
        ) from error
    full = dict(zip(d["components"].tolist(), d["full"].tolist(), strict=True))
    return Fitted(
        models=tuple(d["models"].tolist()),
        x=d["x"].astype(float),
        groups={"family": d["family_at"], "weights": np.full(len(d["models"]), -1)},
        means={"family": np.zeros(len(d["families"])), "weights": np.zeros(1)},
        variances={
            "family": np.full(len(d["families"]), full["family"]),
            "weights": np.array([full["weights"]]),
        },
        full=full,
        slopes=d["slopes"],
        slopes_covariance=d["slopes_covariance"].astype(float),
        level=d["level"],
        level_covariance=d["level_covariance"],
        level_variance=float(d["level_variance"]),
        scale={"trained": float(d["scale"][0]), "frozen": float(d["scale"][1])},
        radius=tuple(d["radius"].tolist()),
        radius_between=tuple(d["radius_between"].tolist()),
        n_datasets=int(d["n_datasets"]),
        lean=float(d["lean"]),
        freedom=float(d["freedom"]),
    )
