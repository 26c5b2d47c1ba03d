"""Probes: what models that stay frozen did on the very images on which their order is asked for.

A laboratory that ran the same models on the same images both frozen (k-NN, a linear probe) and as asked lets
one try rung M4: the order moves towards that of the frozen results by a weight that is learned where neither
the data set nor its siblings take part: on this laboratory's other data sets where it is known, in other
laboratories where it is not. Studies that publish the best of several weights per data set are no such
laboratory: what was frozen there is not what was fine-tuned.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..prediction.design import recipe_branch
from ..prediction.ranking import standardised_ranks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..prediction.new_laboratory import NewLaboratory
    from ..prediction.panels import Panel

__all__ = ["Pair", "Probes", "moved", "probe_orders"]

Array = np.ndarray
KINDS = {("trained", "knn"): "", ("trained", "linear-probe"): " linear", ("frozen", "knn"): " frozen"}
"""Of what is asked for, and the probe → what the rung's name says of it."""
FEWEST = 5
FIRST = 3
"""Models that a user probes: those that would be recommended first."""


class Pair(NamedTuple):
    """A panel, its number among all, and the panel of the same models and images that it is probed by."""

    number: int
    asked: Panel
    probe: Panel

    @property
    def kind(self) -> tuple[str, str]:
        """What is asked for, trained or frozen, and the probe's recipe."""
        return recipe_branch(self.asked.recipe), self.probe.recipe

    def results(self, dataset: str) -> Array:
        """Errors of the asked panel's models when probed, `[models]`; NaN where they were not."""
        if dataset not in self.probe.datasets:
            return np.full(len(self.asked.models), np.nan)
        column = self.probe.errors[:, self.probe.datasets.index(dataset)]
        found = dict(zip(self.probe.models, column.tolist(), strict=True))
        return np.array([found.get(model, np.nan) for model in self.asked.models])


class Probes:
    """All pairs, and what a probe is worth.

    Args:
        found: the panels that the laboratory's cells are of. laboratory: predicts without a study.
        facts: the data sets' rows.
    """

    def __init__(
        self, found: Sequence[Panel], laboratory: NewLaboratory, facts: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.pairs = tuple(
            Pair(i, asked, probe) for i, asked in enumerate(found) for probe in found if _belong(asked, probe)
        )
        self._laboratory, self._facts = laboratory, facts
        self._weights: dict[tuple[str, str, tuple[str, str], str], float] = {}
        self._cell = {(key[0], key[2]): cell for cell, key in enumerate(laboratory.cells.keys)}

    def of(self, panel: Panel) -> tuple[Pair, ...]:
        """The pairs of a panel."""
        return tuple(pair for pair in self.pairs if pair.asked.name == panel.name)

    def weight(self, pair: Pair, target: str, *, here: bool) -> float:
        """How far an order should move towards the probe on `target`, which nothing is learned from.

        Args:
            pair: the laboratory, what is asked for and the probe.
            target: a data set; its siblings are left out with it.
            here: learn on this laboratory's other data sets, over their mean rank; otherwise in others, over
                the pooled model's order: where the same is asked for by the same probe, if that is anywhere.
        """
        study, group = pair.asked.study, self._group(target)
        key = ("here" if here else "elsewhere", study, pair.kind, group)
        if key not in self._weights:
            among = [p for p in self.pairs if (p.asked.study == study) == here]
            alike = [p for p in among if p.kind == pair.kind]
            found = (
                self._moments_here(one, group) if here else self._moments_elsewhere(one, group, study)
                for one in alike or among
            )
            self._weights[key] = _slope([part for parts in found for part in parts])
        return self._weights[key]

    def _moments_here(self, pair: Pair, left_out: str) -> Iterator[tuple[float, float]]:
        z = standardised_ranks(pair.asked.errors)
        groups = [self._group(dataset) for dataset in pair.asked.datasets]
        for j, dataset in enumerate(pair.asked.datasets):
            known = [i for i, group in enumerate(groups) if group not in (groups[j], left_out)]
            seen = ~np.isnan(z[:, known]).all(axis=1)
            if groups[j] != left_out and seen.any():
                order = np.nanmean(z[seen][:, known], axis=1)
                yield _moments(order, pair.results(dataset)[seen], z[seen, j])

    def _moments_elsewhere(self, pair: Pair, left_out: str, study: str) -> Iterator[tuple[float, float]]:
        cells, held = self._laboratory.cells, self._laboratory.held_out
        for j, dataset in enumerate(pair.asked.datasets):
            cell = self._cell.get((pair.number, dataset))
            if cell is not None and self._group(dataset) != left_out:
                rows, rated = cells.rows_of(cell), ~np.isnan(pair.asked.errors[:, j])
                pooled = held.fit(pair.asked.study, self._laboratory.kin(cell), without=frozenset([study]))
                order = pooled.standing(cells.x[rows])
                yield _moments(order, pair.results(dataset)[rated], cells.y[rows])

    def _group(self, dataset: str) -> str:
        return self._facts.get(dataset, {}).get("group") or dataset


def moved(order: Array, probe: Array, weight: float) -> Array:
    """The order with the probed models moved among themselves towards the ranks of their probes.

    Args:
        order: `[models]`, expected standing, lower is better.
        probe: `[models]`, errors of frozen models; NaN where none was run.
        weight: 0 leaves the order, 1 takes the probe's.
    """
    seen = ~np.isnan(probe)
    if seen.sum() < 2:
        return order
    out = order.copy()
    out[seen] += weight * _apart(order[seen], probe[seen])
    return out


def probe_orders(case: Any, probes: Probes, order: Array) -> dict[str, Array]:
    """Rung → order of one data set's models once they are probed on it; `order` is that without."""
    here, found = case.protocol == "dataset", {}
    for pair in probes.of(case.panel):
        probe = pair.results(case.target)[case.rated]
        if (~np.isnan(probe)).sum() < FEWEST:
            continue
        weight = probes.weight(pair, case.target, here=here)
        name = ("M4" if here else "L4") + KINDS[pair.kind]
        found[name] = moved(order, probe, weight)
        if pair.probe.recipe == "knn":
            found[name + " three"] = moved(order, _first(order, probe), weight)
        if name == "L4":
            found["L4 chance"] = moved(order, _dealt(probe, f"{pair.asked.name}, {case.target}"), weight)
    return found


def _belong(asked: Panel, probe: Panel) -> bool:
    """Whether one study ran both on the same images, and reports them alike."""
    return (
        asked.study == probe.study
        and asked.recipe != probe.recipe
        and (recipe_branch(asked.recipe), probe.recipe) in KINDS
        and _images(asked.condition, probe.condition)
        and probe.metric in ("", asked.metric)
    )


def _images(one: str, other: str) -> bool:
    """Whether two conditions differ by their first words only, which say how models were used."""
    return one == other or one.partition(", ")[2] == other.partition(", ")[2] != ""


def _first(order: Array, probe: Array) -> Array:
    """The probes of the models that come first; NaN for the others."""
    at = [i for i in np.argsort(order, kind="stable") if not np.isnan(probe[i])][:FIRST]
    out = np.full(len(probe), np.nan)
    out[at] = probe[at]
    return out


def _dealt(probe: Array, name: str) -> Array:
    """The probes dealt to the models at random, for each data set and condition anew."""
    return np.random.default_rng(zlib.crc32(name.encode())).permutation(probe)


def _apart(order: Array, probe: Array) -> Array:
    """How far the ranks of the probes are from the order, mean 0."""
    away = standardised_ranks(probe[:, None])[:, 0] - order
    return away - away.mean()


def _moments(order: Array, probe: Array, truth: Array) -> tuple[float, float]:
    """Of the regression of what the order misses on what the probe says beyond it."""
    seen = ~(np.isnan(order) | np.isnan(probe) | np.isnan(truth))
    if seen.sum() < FEWEST:
        return 0.0, 0.0
    away = _apart(order[seen], probe[seen])
    return float(away @ (truth[seen] - order[seen])), float(away @ away)


def _slope(parts: Sequence[tuple[float, float]]) -> float:
    """Least squares over data sets, between leaving the order and taking the probe's."""
    both, square = (sum(part[i] for part in parts) for i in (0, 1))
    return min(max(both / square, 0.0), 1.0) if square else 0.0
