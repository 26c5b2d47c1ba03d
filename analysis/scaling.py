"""How a quantity grows with depth, width and resolution: exponents of a power law, with intervals.

value = c · depthᵃ · widthᵇ · resolutionᶜ is a straight line in the logarithms. Over a family that was built
for the purpose the factors vary freely; over a published family they move together, and the diagnostics say
how far the exponents can be told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from ..data.errors import InputError
from .association import logit
from .collinearity import variance_inflation
from .units import per_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["FACTORS", "RESPONSES", "error_exponents", "exponents", "family_frame"]

FACTORS = ("depth", "width", "resolution")
RESPONSES = ("macs", "activations", "params", "latency_s")
FEWEST = 6
"""Fewest models of a family whose error exponent is told."""


def exponents(
    frame: pd.DataFrame,
    *,
    factors: Sequence[str] = FACTORS,
    responses: Sequence[str] = RESPONSES,
    level: float = 0.95,
) -> pd.DataFrame:
    """Fit the exponent of every response in every factor, all factors at once.

    Args:
        frame: one row per built model; factors and responses are positive numbers.
        factors: columns that were varied; one that does not vary gives NaN and a note.
        responses: columns that grow; those that the frame lacks are left out.
        level: coverage of the intervals (Student's t; a law that holds exactly has no width).

    Returns:
        One row per response and factor: `response`, `factor`, `n`, `exponent`, `low`, `high`, `r2` (of the
        law on the log scale), `largest_miss` (the worst model's factor from the law, 1.02 is 2 %), `vif` of
        the factor, `note`.

    Raises:
        InputError: if no factor or no response is there.

    Source: ordinary least squares; agrees with R's lm and confint (tests/analysis/reference) to 1e-8.
    """
    there = [name for name in factors if name in frame]
    grown = [name for name in responses if name in frame and frame[name].notna().any()]
    if not there or not grown:
        raise InputError(
            f"Nothing to fit: factors {', '.join(factors)}, responses {', '.join(responses)}; the frame has "
            f"{', '.join(map(str, frame.columns))}."
        )
    return pd.DataFrame([row for name in grown for row in _of_response(frame, there, name, level)])


def _of_response(
    frame: pd.DataFrame, factors: list[str], response: str, level: float
) -> list[dict[str, Any]]:
    values = frame[[*factors, response]].apply(pd.to_numeric).to_numpy(dtype=float)
    logs = np.log(values[(np.isfinite(values) & (values > 0)).all(1)])
    n = len(logs)
    varied = [i for i in range(len(factors)) if n and np.ptp(logs[:, i]) > 1e-9]
    x, y = logs[:, varied], logs[:, -1]
    rows = [_empty(response, name, n) for name in factors]
    if not varied or n < len(varied) + 1:
        for row in rows:
            row["note"] = f"{n} models are too few"
        return rows
    fit = _least_squares(np.column_stack([np.ones(n), x]), y, level)
    inflation = variance_inflation(x)
    for place, i in enumerate(varied):
        told = bool(np.isfinite(inflation[place]))
        rows[i] |= {
            "exponent": float(fit["beta"][place + 1]) if told else np.nan,
            "low": float(fit["low"][place + 1]) if told else np.nan,
            "high": float(fit["high"][place + 1]) if told else np.nan,
            "r2": fit["r2"],
            "largest_miss": fit["largest_miss"],
            "vif": float(inflation[place]),
            "note": _note(float(inflation[place])),
        }
    return rows


def _empty(response: str, factor: str, n: int) -> dict[str, Any]:
    numbers = dict.fromkeys(("exponent", "low", "high", "r2", "largest_miss", "vif"), np.nan)
    return {"response": response, "factor": factor, "n": n, **numbers, "note": "does not vary here"}


def _note(vif: float) -> str | None:
    if not np.isfinite(vif):
        return "moves exactly with the other factors: its exponent cannot be told from theirs"
    return (
        f"moves with the other factors (VIF {vif:.0f}): the split between them is uncertain"
        if vif > 10
        else None
    )


def _least_squares(design: Floats, y: Floats, level: float) -> dict[str, Any]:
    n, k = design.shape
    beta, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    left = y - design @ beta
    degrees = n - int(rank)
    # an exact law leaves rounding only, which is no uncertainty
    noise = float(left @ left) if np.abs(left).max() > 1e-12 * max(1.0, np.abs(y).max()) else 0.0
    variance = noise / degrees if degrees else np.nan
    error = np.sqrt(np.diag(np.linalg.pinv(design.T @ design)) * variance)
    half = stdtrit(degrees, (1 + level) / 2) * error if degrees else np.full(k, np.nan)
    spread = float(((y - y.mean()) ** 2).sum())
    return {
        "beta": beta,
        "low": beta - half,
        "high": beta + half,
        "r2": 1 - noise / spread if spread else np.nan,
        "largest_miss": float(np.exp(np.abs(left).max())),
    }


def family_frame(profiles: pd.DataFrame, family: str) -> pd.DataFrame:
    """Return a published family with its own depth, width and resolution as factors.

    Args:
        profiles: `data.tables.load_profiles`.
        family: a key of `data.families`.

    Returns:
        The family's rows: `backbone`, `depth` (weighted layers), `width` (mean channels), `resolution`
        (pixels, shorter side), and the responses that are known.

    Raises:
        InputError: if no profile has that family.
    """
    own = profiles[profiles["family"] == family]
    if own.empty:
        known = ", ".join(sorted(profiles["family"].dropna().unique()))
        raise InputError(f"No profile is of the family {family!r}. There are: {known}.")
    sides = own["input_shapes"].astype(str).str.extractall(r"(\d+)")[0].astype(float)
    shorter = sides.groupby(level=0).agg(lambda numbers: min(numbers.iloc[-2:]))
    out = own[["backbone", "params", "macs", "activations"]].assign(
        depth=own["depth"], width=own["width_mean"], resolution=shorter
    )
    return out.reset_index(drop=True)


def error_exponents(
    frame: pd.DataFrame, *, statistic: str = "macs", level: float = 0.95, fewest: int = FEWEST
) -> pd.DataFrame:
    """Fit how the odds of an error fall with size inside each family: odds ∝ statisticᵃ.

    Args:
        frame: joined observations.
        statistic: the size.
        level: coverage.
        fewest: families of fewer models give NaN and a note.

    Returns:
        One row per study, data set, recipe and family: `n`, `exponent`, `low`, `high` (Student's t), `r2`,
        `note`. −0.1 means that ten times the MACs divide the odds of an error by 1.26.

    Raises:
        InputError: if the frame lacks the statistic.
    """
    if statistic not in frame:
        raise InputError(f"The frame has no column {statistic!r}; join it to profiles first.")
    models = per_model(frame)
    n_eval = models["n_eval"].to_numpy(float) if "n_eval" in models else np.nan
    size = pd.to_numeric(models[statistic])
    models = models.assign(y=logit(models["error"].to_numpy(float), n_eval), x=np.log(size.where(size > 0)))
    models = models.dropna(subset=["x", "y"])
    rows = []
    for keys, part in models.groupby(["study", "dataset", "recipe", "family"], sort=True):
        row: dict[str, Any] = dict(zip(("study", "dataset", "recipe", "family"), keys, strict=True))
        row |= {"statistic": statistic, "n": len(part)}
        row |= dict.fromkeys(("exponent", "low", "high", "r2"), np.nan) | {"note": None}
        if len(part) < fewest:
            row["note"] = f"n = {len(part)}: no exponent under {fewest}"
        elif np.ptp(part["x"]) == 0:
            row["note"] = "the size does not vary"
        else:
            x = part["x"].to_numpy(float)
            fit = _least_squares(np.column_stack([np.ones(len(x)), x]), part["y"].to_numpy(float), level)
            row |= {
                "exponent": float(fit["beta"][1]),
                "low": float(fit["low"][1]),
                "high": float(fit["high"][1]),
                "r2": fit["r2"],
            }
        rows.append(row)
    return pd.DataFrame(rows)
