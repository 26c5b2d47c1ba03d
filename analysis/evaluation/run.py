"""The whole evaluation: every panel, protocol and baseline, summarised per study and pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...data.errors import InputError
from ...data.tables import load_datasets, load_observations, load_profiles, load_weights
from ..prediction.features import Facts
from ..prediction.panels import Panel, facts_of, panels
from .levels import score_levels
from .measures import bootstrap_mean, weighted_tau
from .orders import METHOD, score_orders
from .pooled import score_pooled
from .splits import PROTOCOLS, split_hash

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Evaluation", "evaluate"]

MEASURES = ("tau_w", "tau", "regret_1", "regret_3", "regret_5", "recall_3")
LEVELS = (
    *("mae_0", "mae_1", "mae_2", "mae_3", "mae_copy", "mae_mean"),
    *("coverage_0", "width_0", "coverage_1", "width_1", "brier", "brier_base"),
)
DEFAULT = ("dataset", "dataset-alone", "domain", "family", "double")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Tidy frames of the outcome.

    Attributes:
        orders: per protocol, study and method: n data sets, mean of each measure with its 95 % interval over
            data sets (`_low`, `_high`), and the paired difference to mean rank in τw and regret@1.
        levels: per protocol and study: errors of the predicted error, coverage (mean, worst), width, Brier.
        ceilings: per study with replicates: τw between two runs of the same models.
        splits: protocol → SHA-256 of what each fold knows.
        per_dataset: the scores that the means are of.
    """

    orders: pd.DataFrame
    levels: pd.DataFrame
    ceilings: pd.DataFrame
    splits: Mapping[str, str]
    per_dataset: pd.DataFrame

    def as_document(self) -> dict[str, Any]:
        """Everything but the per-data-set rows as one JSON-able object; NaN becomes None."""
        return {
            "protocols": dict(PROTOCOLS),
            "splits": dict(self.splits),
            "orders": _rows(self.orders),
            "levels": _rows(self.levels),
            "noise_ceilings": _rows(self.ceilings),
        }


def evaluate(
    observations: pd.DataFrame | None = None,
    *,
    studies: Sequence[str] = (),
    protocols: Sequence[str] = DEFAULT,
    progress: Callable[[Sequence[Panel]], Any] = lambda found: found,
) -> Evaluation:
    """Predict every data set of every panel without it, and score the predictions.

    Args:
        observations: the results; the shipped studies when None.
        studies: keys to restrict it to; all when empty.
        protocols: keys of PROTOCOLS. The pooled model behind `recommend` is scored where all shipped studies
            take part, on held-out data sets and held-out studies.
        progress: wraps the panels, to show how far it is.

    Raises:
        InputError: if no panel has two data sets with at least six models each.
    """
    shipped = load_observations()
    rows = shipped if observations is None else observations
    if studies:
        rows = rows[rows["study"].isin(studies)]
    found = panels(rows)
    if not found:
        raise InputError(
            "Nothing can be evaluated: it takes one study with at least 2 data sets and 6 models on each. "
            f"There are {len(rows)} results of {rows['study'].nunique()} studies."
        )
    facts = facts_of(load_datasets())
    table = Facts(load_profiles(), load_weights(), shipped)
    scored: list[dict[str, Any]] = []
    levels: list[dict[str, Any]] = []
    for panel in progress(found):
        for protocol in protocols:
            scored += score_orders(panel, facts, table, protocol)
            if protocol in ("dataset", "dataset-alone"):
                levels += score_levels(panel, facts, protocol)
    if observations is None and not studies:
        scored += score_pooled(found, facts, table)
    per_dataset = pd.DataFrame(scored)
    if per_dataset.empty:
        raise InputError("No data set has a known one to be predicted from under these protocols.")
    return Evaluation(
        orders=_orders(per_dataset),
        levels=_levels(pd.DataFrame(levels)),
        ceilings=_ceilings(found),
        splits={
            protocol: split_hash(found, facts, protocol) for protocol in dict.fromkeys([*protocols, "study"])
        },
        per_dataset=per_dataset,
    )


def _orders(scored: pd.DataFrame) -> pd.DataFrame:
    """Conditions of one study are averaged within a data set first: a data set counts once."""
    keys = ["protocol", "study", "dataset", "method"]
    units = scored.groupby(keys)[list(MEASURES)].mean().reset_index()
    pooled = units.assign(study="all studies", dataset=units["study"] + ": " + units["dataset"])
    out = []
    for (protocol, study), group in pd.concat([units, pooled]).groupby(["protocol", "study"], sort=True):
        wide = {m: _wide(group, m) for m in MEASURES}
        for method in wide["tau_w"].columns:
            row: dict[str, Any] = {"protocol": protocol, "study": study, "method": method}
            row["n_datasets"] = int(wide["tau_w"][method].notna().sum())
            for measure, table in wide.items():
                row |= _named(measure, table[method])
            row |= _gains(wide, str(method))
            out.append(row)
    return pd.DataFrame(out)


def _wide(group: pd.DataFrame, measure: str) -> pd.DataFrame:
    return group.pivot_table(index="dataset", columns="method", values=measure)


def _gains(wide: Mapping[str, pd.DataFrame], method: str) -> dict[str, float]:
    if method != METHOD or "mean-rank" not in wide["tau_w"]:
        return {}
    found: dict[str, float] = {}
    for measure in ("tau_w", "regret_1"):
        table = wide[measure]
        found |= _named(f"gain_{measure}", table[METHOD] - table["mean-rank"])
    return found


def _named(name: str, values: pd.Series) -> dict[str, float]:
    mean, low, high = bootstrap_mean(values.to_numpy(float), rng=np.random.default_rng(0))
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _levels(scored: pd.DataFrame) -> pd.DataFrame:
    if scored.empty:
        return scored
    units = scored.groupby(["protocol", "study", "dataset"])[[*LEVELS, "highest_level"]].mean().reset_index()
    groups = units.groupby(["protocol", "study"])
    out = groups[[*LEVELS, "highest_level"]].mean()
    out["coverage_0_worst"] = groups["coverage_0"].min()
    out["coverage_1_worst"] = groups["coverage_1"].min()
    out.insert(0, "n_datasets", groups.size())
    return out.reset_index()


def _ceilings(found: Sequence[Panel], draws: int = 40) -> pd.DataFrame:
    """τw of one simulated run with another: measured means plus each cell's own replicate deviation."""
    rng = np.random.default_rng(0)
    rows = []
    for panel in found:
        for j, name in enumerate(panel.datasets):
            e, sd = panel.errors[:, j], panel.sds[:, j]
            use = ~np.isnan(e) & ~np.isnan(sd)
            if use.sum() < 5 or not (sd[use] > 0).any():
                continue
            runs = e[use] + sd[use] * rng.standard_normal((draws, 2, int(use.sum())))
            values = [weighted_tau(one, other) for one, other in runs]
            rows.append({"study": panel.study, "dataset": name, "tau_w": float(np.mean(values))})
    if not rows:
        return pd.DataFrame(columns=["study", "n_datasets", "tau_w_between_runs"])
    units = pd.DataFrame(rows).groupby(["study", "dataset"])["tau_w"].mean()
    out = units.groupby("study").agg(n_datasets="size", tau_w_between_runs="mean")
    return out.reset_index()


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]
