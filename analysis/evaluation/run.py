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
from ..prediction.new_laboratory import NewLaboratory
from ..prediction.panels import Panel, facts_of, panels
from ..prediction.pooled import cells_of
from .ladder import RUNG, ladder_rows
from .levels import known_laboratory, new_laboratory, score_levels
from .measures import bootstrap_mean, weighted_tau
from .orders import METHOD, World, score_orders
from .probes import Probes
from .splits import PROTOCOLS, split_hash

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Evaluation", "evaluate"]

MEASURES = ("tau_w", "tau", "regret_1", "regret_3", "regret_5", "recall_3")
LEVELS = (
    *("mae_0", "mae_1", "mae_2", "mae_3", "mae_copy", "mae_mean", "mae_median", "mae_all", "mae_domain"),
    *("coverage_0", "width_0", "coverage_1", "width_1", "coverage_2", "width_2", "coverage_gap"),
    *("brier", "brier_base"),
)
COVERAGES = ("coverage_0", "coverage_1", "coverage_2", "coverage_gap")
DEFAULT = ("dataset", "dataset-alone", "domain", "family", "double", "study")
ALL = "all studies"
BAR = 0.6
"""Coverage that an 80 % interval should keep on every data set."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Tidy frames of the outcome.

    Attributes:
        orders: per protocol, study and method: n data sets, mean of each measure with its 95 % interval over
            data sets (`_low`, `_high`), and archimeter's paired gain in τw and regret@1 on mean rank, or on
            ImageNet top-1 under `study`.
        levels: per protocol and study: errors of the predicted error beside baselines, coverage (mean, worst,
            share of data sets under BAR), width, Brier; and over all studies.
        ladder: per rung: scores, gain on the rung below with its interval, whether it helps and is used.
        ceilings: per study with replicates: τw between two runs of the same models.
        splits: protocol → SHA-256 of what each fold knows.
        per_dataset, per_level: the scores that the means are of.
    """

    orders: pd.DataFrame
    levels: pd.DataFrame
    ladder: pd.DataFrame
    ceilings: pd.DataFrame
    splits: Mapping[str, str]
    per_dataset: pd.DataFrame
    per_level: pd.DataFrame

    def as_document(self) -> dict[str, Any]:
        """Everything but the per-data-set rows as one JSON-able object; NaN becomes None."""
        return {
            "protocols": dict(PROTOCOLS),
            "splits": dict(self.splits),
            "orders": _rows(self.orders),
            "levels": _rows(self.levels),
            "ladder": _rows(self.ladder),
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
        observations: the results; the shipped studies when None. What other laboratories know is in both
            cases the shipped studies, less those of the same name.
        studies: keys to restrict it to; all when empty.
        protocols: keys of PROTOCOLS.
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
    own = {panel.study for panel in found}
    everything = [*found, *panels(shipped[~shipped["study"].isin(own)])]
    facts = facts_of(load_datasets())
    table = Facts(load_profiles(), load_weights(), shipped)
    laboratory = NewLaboratory(cells_of(everything, table), everything, facts)
    world = World(facts, table, laboratory, Probes(everything, laboratory, facts))
    scored = [
        row for panel in progress(found) for name in protocols for row in score_orders(panel, world, name)
    ]
    per_dataset = pd.DataFrame(scored)
    if per_dataset.empty:
        raise InputError("No data set has a known one to be predicted from under these protocols.")
    per_level = pd.DataFrame(_predicted_errors(found, everything, world, protocols))
    plain = per_dataset[~per_dataset["method"].str.startswith(RUNG)]
    return Evaluation(
        orders=_orders(plain),
        levels=_levels(per_level),
        ladder=pd.DataFrame(ladder_rows(per_dataset)),
        ceilings=_ceilings(found),
        splits={name: split_hash(found, facts, name) for name in protocols},
        per_dataset=plain,
        per_level=per_level,
    )


def _predicted_errors(
    found: Sequence[Panel], everything: Sequence[Panel], world: World, protocols: Sequence[str]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    studies = {panel.study for panel in everything}
    own = {panel.study for panel in found}
    for protocol in protocols:
        if protocol == "dataset":
            cases = known_laboratory(everything, world)
        elif protocol == "study":
            cases = new_laboratory(everything, world.laboratory, studies)
        else:
            continue
        rows += score_levels([c for c in cases if c.study in own], cases, protocol)
    return rows


def _orders(scored: pd.DataFrame) -> pd.DataFrame:
    """Conditions of one study are averaged within a data set first: a data set counts once."""
    keys = ["protocol", "study", "dataset", "method"]
    units = scored.groupby(keys)[list(MEASURES)].mean().reset_index()
    pooled = units.assign(study=ALL, dataset=units["study"] + ": " + units["dataset"])
    both = pd.concat([units, pooled]) if len(units["study"].unique()) > 1 else units
    out = []
    for (protocol, study), group in both.groupby(["protocol", "study"], sort=True):
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


def _gains(wide: Mapping[str, pd.DataFrame], method: str) -> dict[str, Any]:
    base = "mean-rank" if "mean-rank" in wide["tau_w"] else "imagenet-top1"
    if method != METHOD or base not in wide["tau_w"]:
        return {}
    found: dict[str, Any] = {"gain_on": base}
    for measure in ("tau_w", "regret_1"):
        table = wide[measure]
        found |= _named(f"gain_{measure}", table[METHOD] - table[base])
    return found


def _named(name: str, values: pd.Series) -> dict[str, float]:
    mean, low, high = bootstrap_mean(values.to_numpy(float), rng=np.random.default_rng(0))
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _levels(scored: pd.DataFrame) -> pd.DataFrame:
    if scored.empty:
        return scored
    measures = [name for name in (*LEVELS, "highest_level") if name in scored]
    units = scored.groupby(["protocol", "study", "dataset"])[measures].mean().reset_index()
    if len(units["study"].unique()) > 1:
        units = pd.concat([units, units.assign(study=ALL)])
    groups = units.groupby(["protocol", "study"])
    out = groups[measures].mean()
    for name in COVERAGES:
        out[f"{name}_worst"] = groups[name].min()
        out[f"{name}_under_bar"] = groups[name].apply(lambda values: float((values < BAR).mean()))
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
