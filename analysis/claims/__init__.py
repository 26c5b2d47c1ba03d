"""What the sources say, put to the test: each claim with estimate, interval, n, verdict and its data."""

from __future__ import annotations

from .changed import changed_conclusions
from .judge import claims
from .record import VERDICTS, Claim, Evidence, gather

__all__ = ["VERDICTS", "Claim", "Evidence", "changed_conclusions", "claims", "gather"]
