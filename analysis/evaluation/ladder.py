"""The ladder of models: each rung's order, whether it helped on held-out data, and whether it was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..prediction.logits import logit
from ..prediction.ranking import standardised_ranks, standing
from .measures import bootstrap_mean
from .probes import probe_orders

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LADDER", "RUNG", "Rung", "ladder_rows", "rungs"]

Array = np.ndarray
RUNG = "rung: "


class Rung(NamedTuple):
    """A step: what it adds, over which rung, under which protocol, and whether `recommend` uses it."""

    name: str
    adds: str
    over: str | None
    protocol: str
    used: bool


_DATASET, _STUDY = "dataset", "study"
LADDER = (
    Rung("M0", "mean rank over the laboratory's other data sets", None, _DATASET, True),
    Rung("M1", "crossed effects of model and data set on the logit error", "M0", _DATASET, False),
    Rung("M2", "M0 + size, ImageNet error, pretraining, as learned elsewhere", "M0", _DATASET, True),
    Rung("M3 - M2", "M0 + data sets of like domain count more", "M0", _DATASET, True),
    Rung("M3", "both", "M3 - M2", _DATASET, True),
    Rung("M4", "M3 + k-NN of all models on the images; fine-tuned", "M3", _DATASET, False),
    Rung("M4 three", "M3 + k-NN of its first three; fine-tuned", "M3", _DATASET, False),
    Rung("M4 linear", "M3 + linear probes of all; fine-tuned", "M3", _DATASET, False),
    Rung("M4 frozen", "M3 + k-NN of all; a linear probe is asked for", "M3", _DATASET, False),
    Rung("M4 frozen three", "M3 + k-NN of its first three; a linear probe", "M3", _DATASET, False),
    Rung("L0", "no results of the laboratory: ImageNet top-1", None, _STUDY, False),
    Rung("L2", "size, ImageNet error, pretraining; slopes differ between studies", "L0", _STUDY, True),
    Rung("L2 equal", "ImageNet error and size with equal weights instead", "L2", _STUDY, False),
    Rung("L2 domain", "slopes from data sets of the same kind only", "L2", _STUDY, False),
    Rung("L2 recipe", "slopes from studies of the same kind of recipe only", "L2", _STUDY, False),
    Rung("L2 results", "L2 and the same weights' mean rank in other studies, halved", "L2", _STUDY, False),
    Rung("L4 chance", "L2 + the k-NN results of L4, dealt to the models at random", "L2", _STUDY, False),
    Rung("L4", "L2 + k-NN of all models on the images; fine-tuned", "L2", _STUDY, False),
    Rung("L4 three", "L2 + k-NN of its first three; fine-tuned", "L2", _STUDY, False),
    Rung("L4 linear", "L2 + linear probes of all; fine-tuned", "L2", _STUDY, False),
    Rung("L4 frozen", "L2 + k-NN of all; a linear probe is asked for", "L2", _STUDY, False),
    Rung("L4 frozen three", "L2 + k-NN of its first three; a linear probe", "L2", _STUDY, False),
)


def rungs(
    case: Any, world: Any, hidden: frozenset[str], expected: tuple[Array, float], order: Array
) -> dict[str, Array]:
    """Orders of the rungs for one data set.

    M4 and L4, which know frozen results on the very images, are tried where a study has them (`probes`).

    Args:
        case: the data set, as `orders` scores it.
        world: what predictions rest on.
        hidden: data sets that may not be known.
        expected: the pooled model's standing, and its doubt.
        order: what is scored as archimeter's.
    """
    domains, domain = case.domains
    prior, doubt = expected
    if case.protocol == "dataset":
        y = logit(case.known)
        centred = y - np.array([np.nanmean(column) for column in y.T])
        unknown = ["unknown"] * len(domains)
        found = {
            "M0": _row_mean(standardised_ranks(case.known)),
            "M1": _row_mean(centred),
            "M2": standing(case.known, unknown, "unknown", prior, doubt),
            "M3": order,
            "M3 - M2": standing(case.known, domains, domain),
        }
    else:
        found = {"L2": prior, **_elsewhere(case, world, hidden, prior)}
    if world.probes is not None:
        found |= probe_orders(case, world.probes, order)
    return {RUNG + name: order for name, order in found.items()}


def _elsewhere(case: Any, world: Any, hidden: frozenset[str], prior: Array) -> dict[str, Array]:
    from ..prediction.design import FEATURES, branch, features, recipe_branch

    laboratory, study = world.laboratory, case.panel.study
    held, x = laboratory.held_out, features(case.models)
    names = {key[2] for key in laboratory.cells.keys}
    mine = branch(case.mine.get("domain"))
    foreign = {n for n in names if branch(world.facts.get(n, {}).get("domain")) != mine}
    imagenet, macs = x[:, FEATURES.index("imagenet")], x[:, FEATURES.index("macs")]
    means = held.elsewhere(study, hidden)
    results = np.array([means.get(m.weights or m.backbone, np.nan) for m in case.models])
    results = np.where(np.isnan(results), prior, (results + prior) / 2)
    kind = recipe_branch(case.panel.recipe)
    others = laboratory.studies_of_other_recipes(kind)
    return {
        "L0": imagenet,
        "L2 equal": _standardised(imagenet) - _standardised(macs),
        "L2 domain": held.fit(study, hidden | foreign).standing(x),
        "L2 recipe": held.fit(study, hidden, without=others).standing(x),
        "L2 results": results,
    }


def ladder_rows(per_dataset: pd.DataFrame) -> list[dict[str, Any]]:
    """Each rung's mean scores and its paired gain on the rung below, with 95 % intervals over data sets.

    `verdict`: `helps` where the interval of the gain in τw lies above zero or that of regret@1 below,
    `harms` where it is the other way round, `mixed` where both hold, `no difference` where neither does.
    """
    out = []
    for rung in LADDER:
        part = per_dataset[per_dataset["protocol"] == rung.protocol]
        unit = ["study", "dataset", "panel"]
        wide = {m: part.pivot_table(index=unit, columns="method", values=m) for m in ("tau_w", "regret_1")}
        mine = RUNG + rung.name
        if mine not in wide["tau_w"]:
            continue
        row: dict[str, Any] = {"rung": rung.name, "adds": rung.adds, "over": rung.over, "used": rung.used}
        row["protocol"] = rung.protocol
        row["n_datasets"] = len(_of_datasets(wide["tau_w"][mine]))
        row |= {m: float(_of_datasets(table[mine]).mean()) for m, table in wide.items()}
        if rung.over:
            for m, table in wide.items():
                gain = _of_datasets(table[mine] - table[RUNG + rung.over])
                mean, low, high = bootstrap_mean(gain.to_numpy(float), rng=np.random.default_rng(0))
                row |= {f"gain_{m}": mean, f"gain_{m}_low": low, f"gain_{m}_high": high}
            row["verdict"] = _verdict(row)
        out.append(row)
    return out


def _of_datasets(values: pd.Series) -> pd.Series:
    """Mean over the conditions that a study has of a data set: a data set counts once."""
    return values.dropna().groupby(level=["study", "dataset"]).mean()


def _verdict(row: dict[str, Any]) -> str:
    better = row["gain_tau_w_low"] > 0 or row["gain_regret_1_high"] < 0
    worse = row["gain_tau_w_high"] < 0 or row["gain_regret_1_low"] > 0
    if better and worse:
        return "mixed"
    return "helps" if better else "harms" if worse else "no difference"


def _standardised(values: Array) -> Array:
    return (values - values.mean()) / (values.std() or 1.0)


def _row_mean(values: Array) -> Array:
    seen = (~np.isnan(values)).sum(axis=1)
    return np.where(seen > 0, np.nansum(values, axis=1) / np.maximum(seen, 1), np.nan)
