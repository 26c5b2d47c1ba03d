"""A claim, how it is decided, and the tables it is decided on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...data.errors import InputError
from ..association import logit
from ..design import with_datasets
from ..synthesis import clustered_mean
from ..units import per_model, protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "FAMILIAR",
    "LITTLE",
    "MEDICAL",
    "VERDICTS",
    "Claim",
    "Estimate",
    "Evidence",
    "Stated",
    "clustered",
    "evidence_of",
    "gather",
    "judged",
    "places",
    "says_little",
    "says_negative",
    "says_positive",
    "says_within",
]

Floats = NDArray[np.float64]

VERDICTS = {
    "supported": "the whole interval is where the claim says",
    "not supported": "the whole interval is where the claim denies",
    "undecided": "the interval reaches both sides, or no shipped data can judge",
}
LITTLE = 0.3
"""A correlation nearer to zero than this explains less than a tenth of the variance: it matters little."""
FAMILIAR = ("natural", "fine-grained", "texture")
"""Domains like ImageNet's photographs."""
MEDICAL = ("radiology", "microscopy", "dermatology")


class Stated(NamedTuple):
    """A claim as its source has it: `key`, `system` (row of the sources' list), `statement`, `source`."""

    key: str
    system: int
    statement: str
    source: str


class Estimate(NamedTuple):
    """A number with its interval; NaN where there is none."""

    value: float
    low: float
    high: float
    n: int


NOTHING = Estimate(np.nan, np.nan, np.nan, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim and what the data say of it.

    Stated: claim (key), system, statement, source.
    Found: measure (what `estimate` is, with its unit and sign), estimate, low, high (95 %), n, n_of (what n
    counts), verdict (see VERDICTS), reason.
    Data: studies, datasets, condition.
    """

    claim: str
    system: int
    statement: str
    source: str
    measure: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    n_of: str
    verdict: str
    reason: str
    studies: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    condition: str = ""


@dataclass(frozen=True)
class Evidence:
    """The tables that claims are judged on.

    Attributes:
        frame: joined observations with the statistics, `domain` and `n_images`.
        profiles, benchmarks, weights: as `data.tables` loads them.
        seed: of every draw.
        draws: resamples of every bootstrap.
    """

    frame: pd.DataFrame
    profiles: pd.DataFrame
    benchmarks: pd.DataFrame
    weights: pd.DataFrame
    seed: int = 0
    draws: int = 2000
    memory: dict[str, Any] = field(default_factory=dict, compare=False)

    def rng(self, key: str) -> np.random.Generator:
        """Randomness of one claim, the same whatever else is judged."""
        return np.random.default_rng([self.seed, *key.encode()])

    @cached_property
    def models(self) -> pd.DataFrame:
        """One row per model, data set and recipe: `y` (logit error), `size` (log2 MACs), `protocol`."""
        if self.frame.empty or not (self.frame["status"] == "ok").any():
            return pd.DataFrame(columns=[*self.frame.columns, "model", "y", "size", "protocol", "unit"])
        models = per_model(self.frame)
        n_eval = models["n_eval"].to_numpy(float) if "n_eval" in models else np.nan
        macs = pd.to_numeric(models["macs"])
        return models.assign(
            y=logit(models["error"].to_numpy(float), n_eval),
            size=np.log2(macs.where(macs > 0)),
            protocol=protocol(models["recipe"]),
            unit=models["study"] + " / " + models["dataset"] + " / " + models["recipe"],
        )

    def of(self, *studies: str, dataset: str | None = None, protocol: str | None = None) -> pd.DataFrame:
        """Return the models of some studies (all when none is named), a data set, a protocol."""
        rows = self.models
        if studies:
            rows = rows[rows["study"].isin(studies)]
        if dataset:
            rows = rows[rows["dataset"] == dataset]
        return rows[rows["protocol"] == protocol] if protocol else rows


def gather(
    observations: pd.DataFrame | None = None,
    own_profiles: pd.DataFrame | None = None,
    *,
    seed: int = 0,
    draws: int = 2000,
) -> Evidence:
    """Load the shipped tables for the claims, or take these observations instead of the shipped ones.

    Args:
        observations: the results.
        own_profiles: of networks that only the user has; their results are joined to them. Claims about what
            architectures are stay claims about the published ones.
        seed: of every draw.
        draws: resamples of every bootstrap.
    """
    from ...data.join import with_own
    from ...data.tables import (
        load_benchmarks,
        load_datasets,
        load_observations,
        load_profiles,
        load_weights,
    )

    rows = load_observations() if observations is None else observations
    profiles, others = load_profiles(), (load_benchmarks(), load_weights(), load_datasets())
    joined = profiles if own_profiles is None else with_own(profiles, own_profiles)
    found = evidence_of(rows, joined, *others, seed=seed, draws=draws)
    return replace(found, profiles=profiles)


def evidence_of(
    observations: pd.DataFrame,
    profiles: pd.DataFrame,
    benchmarks: pd.DataFrame,
    weights: pd.DataFrame,
    datasets: pd.DataFrame | None,
    *,
    seed: int = 0,
    draws: int = 2000,
) -> Evidence:
    """Join tables, as `data.tables` loads them, into what claims are judged on.

    Raises:
        InputError: for too few draws.
    """
    from ...data.join import join
    from ..axes import with_axes

    if draws < 100:
        raise InputError(f"{draws} draws are too few for an interval; give at least 100.")
    frame = with_axes(join(observations, profiles, weights).frame, benchmarks)
    return Evidence(with_datasets(frame, datasets), profiles, benchmarks, weights, seed, draws)


def judged(
    stated: Stated,
    found: Estimate,
    says: Callable[[Estimate], str],
    *,
    measure: str,
    n_of: str,
    rows: pd.DataFrame | None = None,
    condition: str = "",
    reason: str = "",
    why_not: str = "",
) -> Claim:
    """Decide a claim; without an estimate it is undecided, and `why_not` says why."""
    missing = not np.isfinite(found.value)
    verdict = "undecided" if missing or not np.isfinite([found.low, found.high]).all() else says(found)
    if missing:
        reason = why_not or "no shipped data can judge it"
    elif not reason:
        reason = _because(found, verdict)
    studies, datasets = places(rows)
    return Claim(
        claim=stated.key,
        system=stated.system,
        statement=stated.statement,
        source=stated.source,
        measure=measure,
        estimate=_number(found.value),
        low=_number(found.low),
        high=_number(found.high),
        n=found.n,
        n_of=n_of,
        verdict=verdict,
        reason=reason,
        studies=studies,
        datasets=datasets,
        condition=condition,
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _because(found: Estimate, verdict: str) -> str:
    if not np.isfinite([found.low, found.high]).all():
        return "too few for an interval"
    span = f"{found.low:+.2f} to {found.high:+.2f}"
    return {
        "supported": f"the interval {span} lies where the claim says",
        "not supported": f"the interval {span} lies where the claim denies",
    }.get(verdict, f"the interval {span} reaches both sides")


def places(rows: pd.DataFrame | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the studies and data sets of some rows, sorted."""
    if rows is None or rows.empty:
        return (), ()
    return tuple(sorted(set(rows["study"]))), tuple(sorted(set(rows["dataset"])))


def says_negative(found: Estimate) -> str:
    """The claim: the number is below zero."""
    return "supported" if found.high < 0 else "not supported" if found.low > 0 else "undecided"


def says_positive(found: Estimate) -> str:
    """The claim: the number is above zero."""
    return "supported" if found.low > 0 else "not supported" if found.high < 0 else "undecided"


def says_within(found: Estimate, low: float, high: float) -> str:
    """The claim: the number lies between two bounds."""
    if found.low > low and found.high < high:
        return "supported"
    return "not supported" if found.low > high or found.high < low else "undecided"


def says_little(found: Estimate) -> str:
    """The claim: the correlation is nearer to zero than LITTLE."""
    return says_within(found, -LITTLE, LITTLE)


def clustered(
    values: Iterable[float],
    clusters: Iterable[Any],
    rng: np.random.Generator,
    draws: int,
    weights: Iterable[float] | None = None,
) -> Estimate:
    """Mean of values with the interval that allows for their clusters; n counts clusters.

    NaN values are left out. Fewer than three clusters have no interval.
    """
    numbers = np.asarray(list(values), dtype=float)
    known = np.isfinite(numbers)
    if not known.any():
        return NOTHING
    codes = pd.factorize(np.asarray(list(clusters), dtype=object)[known])[0]
    heavy = np.ones(int(known.sum())) if weights is None else np.asarray(list(weights), dtype=float)[known]
    ends, _ = clustered_mean(numbers[known], heavy, codes, rng=rng, draws=draws)
    mean = float((heavy * numbers[known]).sum() / heavy.sum())
    return Estimate(mean, float(ends.low[0]), float(ends.high[0]), len(set(codes.tolist())))
