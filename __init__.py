"""Archimeter measures vision backbones and says which will fine-tune best.

Every public name is loaded when it is first used, so `import archimeter` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis.claims import changed_conclusions, claims
    from .analysis.collinearity import collinearity
    from .analysis.correlate import correlate
    from .analysis.mixed import mixed
    from .analysis.query import Query
    from .analysis.recommend import recommend
    from .analysis.scaling import exponents
    from .analysis.synthesis import across_datasets
    from .data.errors import ArchimeterError
    from .data.importing import import_results
    from .data.join import join
    from .data.records import Dataset, Observation, Profile
    from .data.results import load_results
    from .data.store import Store
    from .data.tables import (
        load_benchmarks,
        load_datasets,
        load_observations,
        load_profiles,
        load_weights,
        manifest,
    )
    from .profilers.breakdown import breakdown
    from .profilers.capacity import largest_batch_that_fits, predict_memory
    from .profilers.conditions import Condition
    from .profilers.measure import measure
    from .profilers.static import profile
    from .reports.page import report

_HOMES = {
    "ArchimeterError": "data.errors",
    "Condition": "profilers.conditions",
    "Dataset": "data.records",
    "Observation": "data.records",
    "Profile": "data.records",
    "Query": "analysis.query",
    "Store": "data.store",
    "across_datasets": "analysis.synthesis",
    "breakdown": "profilers.breakdown",
    "changed_conclusions": "analysis.claims",
    "claims": "analysis.claims",
    "collinearity": "analysis.collinearity",
    "correlate": "analysis.correlate",
    "exponents": "analysis.scaling",
    "import_results": "data.importing",
    "join": "data.join",
    "largest_batch_that_fits": "profilers.capacity",
    "load_benchmarks": "data.tables",
    "load_datasets": "data.tables",
    "load_observations": "data.tables",
    "load_profiles": "data.tables",
    "load_results": "data.results",
    "load_weights": "data.tables",
    "manifest": "data.tables",
    "measure": "profilers.measure",
    "mixed": "analysis.mixed",
    "predict_memory": "profilers.capacity",
    "profile": "profilers.static",
    "recommend": "analysis.recommend",
    "report": "reports.page",
}

__all__ = [
    "ArchimeterError",
    "Condition",
    "Dataset",
    "Observation",
    "Profile",
    "Query",
    "Store",
    "across_datasets",
    "breakdown",
    "changed_conclusions",
    "claims",
    "collinearity",
    "correlate",
    "exponents",
    "import_results",
    "join",
    "largest_batch_that_fits",
    "load_benchmarks",
    "load_datasets",
    "load_observations",
    "load_profiles",
    "load_results",
    "load_weights",
    "manifest",
    "measure",
    "mixed",
    "predict_memory",
    "profile",
    "recommend",
    "report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
