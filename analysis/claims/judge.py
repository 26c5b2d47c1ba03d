"""All claims, judged: one row each."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from .architecture import judge_architecture
from .protocols import judge_protocols
from .record import Claim, Evidence, gather
from .sweep import judge_sweep
from .transfer import judge_transfer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["claims"]

JUDGES = (judge_sweep, judge_transfer, judge_protocols, judge_architecture)


def claims(evidence: Evidence | None = None) -> pd.DataFrame:
    """Judge every claim of the sources on the shipped tables, or on other evidence.

    A claim stays `undecided` where its interval reaches both sides, and where no data can judge it; the
    reason says which. The same evidence and seed give the same bytes.

    Args:
        evidence: what `gather` returns; the shipped tables when None.

    Returns:
        One row per claim with the fields of `Claim`, in the order of the systems that make them.
    """
    known = gather() if evidence is None else evidence
    rows = sorted(_all(known), key=lambda claim: claim.system)
    return pd.DataFrame([asdict(claim) for claim in rows])


def _all(evidence: Evidence) -> Iterator[Claim]:
    for judge in JUDGES:
        yield from judge(evidence)
