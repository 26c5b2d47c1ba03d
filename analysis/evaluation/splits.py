"""What may be known when a data set is predicted: the protocols, and a hash that freezes them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ..prediction.likeness import KIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..prediction.panels import Panel

__all__ = ["PROTOCOLS", "hidden_datasets", "known_datasets", "split_hash"]

PROTOCOLS = {
    "dataset": "leave one data set out, with its siblings",
    "dataset-alone": "leave one data set out, its siblings stay: what the literature reports",
    "domain": "leave the data set's whole domain out",
    "family": "the model's family was never measured",
    "double": "neither the data set and its siblings nor the model's family was measured",
    "study": "nothing of the study is known, nor of the data set and its siblings elsewhere: a plain query",
}


def known_datasets(
    panel: Panel, target: str, protocol: str, facts: Mapping[str, Mapping[str, Any]]
) -> list[int]:
    """Columns of the panel that may be used to predict `target`."""
    if protocol == "study":
        return []
    mine = facts.get(target, {})

    def allowed(name: str) -> bool:
        row = facts.get(name, {})
        if name == target:
            return False
        if protocol in ("dataset-alone", "family"):
            return True
        if row.get("group", name) == mine.get("group", target):
            return False
        return protocol != "domain" or not _same_branch(row.get("domain"), mine.get("domain"))

    return [j for j, name in enumerate(panel.datasets) if allowed(name)]


def hidden_datasets(
    keys: Iterable[tuple[int, str, str]], target: str, protocol: str, facts: Mapping[str, Mapping[str, Any]]
) -> frozenset[str]:
    """Data sets that may not be known from other studies either."""
    mine = facts.get(target, {})

    def hidden(name: str) -> bool:
        row = facts.get(name, {})
        if name == target:
            return True
        if protocol in ("dataset-alone", "family"):
            return False
        if row.get("group", name) == mine.get("group", target):
            return True
        return protocol == "domain" and _same_branch(row.get("domain"), mine.get("domain"))

    return frozenset(name for name in {key[2] for key in keys} if hidden(name))


def _same_branch(one: str | None, other: str | None) -> bool:
    return one == other or {one, other} <= KIN[1]


def split_hash(panels: Sequence[Panel], facts: Mapping[str, Mapping[str, Any]], protocol: str) -> str:
    """SHA-256 over which results each fold knows: it changes when a table or a rule does."""
    digest = hashlib.sha256(protocol.encode())
    for panel in panels:
        for target in panel.datasets:
            known = [panel.datasets[j] for j in known_datasets(panel, target, protocol, facts)]
            line = "|".join([panel.name, target, *panel.models, "<", *known])
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()
