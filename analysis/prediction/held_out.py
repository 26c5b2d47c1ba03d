"""The pooled model with parts of the tables left out: what it would say had it never seen them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .pooled import Cells, Pooled, Sums, fit_pooled, sums_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["HeldOut"]

Array = np.ndarray


class HeldOut:
    """Fits with a study, data sets of other studies and a family left out; each part is computed once.

    The variances are estimated without the study left out, too.

    Args:
        cells: all results.
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.studies = tuple(str(name) for name in np.unique(cells.studies))
        self._study_of, self._dataset_of = cells.studies, cells.datasets
        self._model_of = np.array([name.rpartition(", ")[0] for name in cells.model])
        self._sums: dict[tuple[str, frozenset[str], str | None], Sums | None] = {}
        self._variances: dict[str | None, Mapping[str, float]] = {}
        self._fits: dict[tuple[str | None, frozenset[str], str | None, frozenset[str]], Pooled] = {}
        self._names = {s: frozenset(self._dataset_of[self._study_of == s].tolist()) for s in self.studies}

    def fit(
        self,
        study: str | None,
        datasets: Iterable[str] = (),
        family: str | None = None,
        without: frozenset[str] = frozenset(),
    ) -> Pooled:
        """The model without `study`, without `datasets` in any study, without `family` and more studies."""
        key = (study, frozenset(datasets), family, without)
        if key not in self._fits:
            others = [s for s in self.studies if s != study and s not in without]
            sums = [self.sums(s, key[1], family) for s in others]
            self._fits[key] = fit_pooled([s for s in sums if s], self.variances(study))
        return self._fits[key]

    def variances(self, study: str | None) -> Mapping[str, float]:
        """Variance components, estimated without a study."""
        if study not in self._variances:
            sums = [self.sums(s) for s in self.studies if s != study]
            self._variances[study] = fit_pooled([s for s in sums if s]).variances
        return self._variances[study]

    def sums(self, study: str, datasets: Iterable[str] = (), family: str | None = None) -> Sums | None:
        """A study's statistics without these data sets and this family; None where nothing is left."""
        key = (study, frozenset(datasets) & self._names[study], family)
        if key not in self._sums:
            use = self._study_of == study
            if key[1]:
                use &= ~np.isin(self._dataset_of, sorted(key[1]))
            if family is not None:
                use &= self.cells.family != family
            self._sums[key] = sums_of(self.cells, use) if use.any() else None
        return self._sums[key]

    def elsewhere(self, study: str, datasets: Iterable[str] = ()) -> dict[str, float]:
        """Model → its mean standardised rank in other studies, without these data sets."""
        use = (self._study_of != study) & ~np.isin(self._dataset_of, sorted(datasets))
        names, at = np.unique(self._model_of[use], return_inverse=True)
        weight = self.cells.weight[use]
        means = np.bincount(at, weight * self.cells.y[use]) / np.bincount(at, weight)
        return dict(zip(names.tolist(), means.tolist(), strict=True))
