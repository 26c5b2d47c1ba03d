"""Where a better method changes what the sweep's notebook concluded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..association import line
from ..correlate import correlate
from ..units import per_model
from .record import Evidence, gather
from .sweep import STUDY, size_grid

if TYPE_CHECKING:
    from typing import Any

__all__ = ["changed_conclusions"]

NOTABLE = 0.3
"""R² from which the notebook speaks of a family whose size goes with its error."""


def changed_conclusions(evidence: Evidence | None = None) -> pd.DataFrame:
    """Set the notebook's R² beside ours, family by family.

    The notebook fits error on fit time, both as they are, on minima over unequally many runs. Ours relates
    log-odds of the mean error at one learning rate to log2 of a size that does not depend on the machine,
    with an interval and a correction for the whole grid.

    Args:
        evidence: what `gather` returns; the shipped tables when None.

    Returns:
        One row per data set, family (those with at least 6 models) and statistic: `n`, `published_r2` (the
        notebook's way, computed anew on fit time), `published_r2_params` (the same errors on the logarithm
        of the parameters), `r2`, `pearson`, `low`, `high`, `q_value`, `verdict`,
        `changed` (the notebook's way speaks of size and ours is not sure, or the other way round), and
        `reading` in words. Empty where the sweep is not in the evidence.
    """
    known = gather() if evidence is None else evidence
    grid = size_grid(known)
    columns = ["dataset", "family", "statistic", "n", "published_r2", "published_r2_params", "r2"]
    columns += ["pearson", "low", "high", "q_value", "verdict", "changed", "reading"]
    if grid.empty:
        return pd.DataFrame(columns=columns)
    theirs = correlate(
        known.frame[known.frame["study"] == STUDY],
        statistics=["fit_time_s"],
        scale="linear",
        summary="min",
    )
    published = theirs[theirs["level"] == "family"].set_index(["dataset", "family"])["r2"]
    ours = grid[(grid["level"] == "family") & (grid["verdict"] != "too few")]
    on_params = _r2_of_minima(known.frame[known.frame["study"] == STUDY])
    rows = [
        _row(row, *(float(r2[row["dataset"], row["family"]]) for r2 in (published, on_params)))
        for row in ours.to_dict("records")
    ]
    out = pd.DataFrame(rows, columns=columns)
    return out.sort_values(["changed", "dataset", "family"], ascending=[False, True, True], ignore_index=True)


def _r2_of_minima(frame: pd.DataFrame) -> dict[tuple[Any, Any], float]:
    """R² of the least error of each model, as it is, on log2 of its parameters."""
    models = per_model(frame, summary="min")
    return {
        key: float(line(np.log2(part["params"].to_numpy(float)), part["error"].to_numpy(float)).r2)
        for key, part in models[models["params"] > 0].groupby(["dataset", "family"])  # pyright: ignore[reportReturnType]
    }


def _row(row: dict[Any, Any], published: float, on_params: float) -> dict[str, Any]:
    sure = row["verdict"] in {"error falls", "error rises"}
    speaks = published >= NOTABLE
    says = {
        (True, True): "both say that size goes with error",
        (False, False): "neither says so",
        (True, False): "published as a family whose size matters; not sure by ours",
        (False, True): "published as no relation; sure by ours",
    }[speaks, sure]
    return {
        **{
            key: row[key]
            for key in ("dataset", "family", "statistic", "n", "r2", "pearson", "q_value", "verdict")
        },
        "published_r2": published,
        "published_r2_params": on_params,
        "low": row["pearson_low"],
        "high": row["pearson_high"],
        "changed": speaks != sure,
        "reading": f"R² {published:.2f} published (fit time), {row['r2']:.2f} on {row['statistic']}: {says}",
    }
