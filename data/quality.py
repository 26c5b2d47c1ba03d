"""What a reader must know of the results before trusting them: losses, duplicates, disagreements.

Each function takes observations (shipped, imported or both) and returns a tidy frame.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["by_study", "disagreements", "dropped", "duplicates"]

KEY = [
    "study", "dataset", "published_name", "backbone", "weights", "pretraining", "recipe", "recipe_detail",
    "epochs", "learning_rate", "pooling", "resolution", "n_train", "metric", "replicate",
]  # fmt: skip
"""What tells one result from another; two rows that agree in all of it are one result twice."""
COMMON = 3  # backbones that two studies must share for a comparison


def by_study(observations: pd.DataFrame) -> pd.DataFrame:
    """Count rows and matches per study.

    Returns:
        One row per study: `rows`, `ok`, `dropped` (not ok), `duplicates` (surplus rows), `backbones` and
        `datasets` with an ok result, and the shares of ok rows matched by `exact` weights, by
        `architecture` only, or not in timm (`unmatched`).
    """
    rows = []
    for study, group in observations.groupby("study"):
        ok = group[group["status"] == "ok"]
        shares = ok["match"].value_counts(normalize=True)
        rows.append(
            {
                "study": study,
                "rows": len(group),
                "ok": len(ok),
                "dropped": len(group) - len(ok),
                "duplicates": int(group.duplicated(KEY).sum()),
                "backbones": ok["backbone"].nunique(),
                "datasets": ok["dataset"].nunique(),
                "exact": float(shares.get("exact", 0.0)),
                "architecture": float(shares.get("architecture", 0.0)),
                "unmatched": float(shares.get("none", 0.0)),
            }
        )
    return pd.DataFrame(rows)


def dropped(observations: pd.DataFrame) -> pd.DataFrame:
    """Count what no analysis uses, by study, status and reason; the commonest first."""
    lost = observations[observations["status"] != "ok"]
    counts = lost.groupby(["study", "status", "reason"], dropna=False).size().rename("rows").reset_index()
    return counts.sort_values(["rows", "study", "reason"], ascending=[False, True, True], ignore_index=True)


def duplicates(observations: pd.DataFrame) -> pd.DataFrame:
    """List results that stand more than once, with how often and how far their errors lie apart."""
    again = observations[observations.duplicated(KEY, keep=False)]
    counts = again.groupby(KEY, dropna=False)["error"].agg(rows="size", lowest="min", highest="max")
    return counts.reset_index()


def disagreements(observations: pd.DataFrame) -> pd.DataFrame:
    """Compare studies that measured the same backbones on the same data set by the same kind of recipe.

    Backbones are the same if their exact weights are, or, where neither study knows the weights, if their
    names are. Replicates and settings of a study are averaged; metrics never are: a metric that both studies
    state is compared with itself, and only where they share none, different ones are.

    Returns:
        One row per data set, recipe and pair of studies with at least 3 common backbones: `n`,
        `metric_a`, `metric_b`, `spearman` (of the two orders; NaN if one is constant), `median_difference`
        and `largest_difference` (absolute, in error) with the backbone where it occurs. Different metrics
        make differences larger than the studies' disagreement; ranks bear it better. Least agreement first.
    """
    ok = observations[observations["status"] == "ok"].copy()
    ok["model"] = ok["weights"].fillna(ok["backbone"])
    cells = ok.groupby(["dataset", "recipe", "study", "metric", "model"], as_index=False).agg(
        error=("error", "mean")
    )
    columns = [
        "dataset", "recipe", "study_a", "study_b", "n", "metric_a", "metric_b", "spearman",
        "median_difference", "largest_difference", "largest_at",
    ]  # fmt: skip
    table = pd.DataFrame(_pairs(cells), columns=columns)
    return table.sort_values(["spearman", "dataset"], ignore_index=True)


def _pairs(cells: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    for (dataset, recipe), group in cells.groupby(["dataset", "recipe"]):
        stated: dict[str, dict[str, pd.DataFrame]] = {}
        for (study, metric), rows in group.groupby(["study", "metric"]):
            stated.setdefault(str(study), {})[str(metric)] = rows.set_index("model")
        for a, b in combinations(stated, 2):
            shared = [(metric, metric) for metric in stated[a] if metric in stated[b]]
            for metric_a, metric_b in shared or product(stated[a], stated[b]):
                found = _compared(stated[a][metric_a]["error"], stated[b][metric_b]["error"])
                if found:
                    n, *figures = found
                    yield dataset, recipe, a, b, n, metric_a, metric_b, *figures


def _compared(a: pd.Series, b: pd.Series) -> tuple[int, float, float, float, object] | None:
    both = pd.concat({"a": a, "b": b}, axis=1, join="inner")
    if len(both) < COMMON:
        return None
    gap = (both["a"] - both["b"]).abs()
    return len(both), _spearman(both["a"], both["b"]), gap.median(), gap.max(), gap.idxmax()


def _spearman(a: pd.Series, b: pd.Series) -> float:
    ranks_a, ranks_b = a.rank(), b.rank()
    if ranks_a.nunique() < 2 or ranks_b.nunique() < 2:
        return float("nan")
    return float(ranks_a.corr(ranks_b))
