"""From the names in a user's table to the keys of the shipped ones: backbones, weights, data sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from .errors import ArchimeterError, InputError, UnknownNameError, close_matches
from .names import split, today

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .records import Observation

__all__ = ["IDENTITY", "KnownNames", "Resolved", "not_of_shipped", "slug", "unknown_note"]

SUGGESTIONS = 50
NAMED = 10
"""Unknown names that one note spells out."""
IDENTITY = ("study", "dataset", "backbone", "weights", "error")
"""What a row has in common with the shipped one that it is."""
HUB_PREFIX = re.compile(r"(hf[-_]hub:)?(timm/|timm:)?")
NO_TAG = frozenset({"true", "yes", "1", "pretrained", "default", "imagenet", "imagenet1k", "imagenet-1k"})


class Resolved(NamedTuple):
    """What a name stands for; `note` says it where the name was not taken letter by letter."""

    backbone: str
    weights: str | None
    match: Literal["exact", "architecture", "none"]
    note: str | None = None


def slug(name: str) -> str:
    """Return a key: lower case, words joined by dashes."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")


def unknown_note(rows_of: Mapping[str, int], known: Collection[str]) -> str | None:
    """Say which backbones of a table nobody knows, what may have been meant, and what becomes of them.

    Args:
        rows_of: backbone → its rows.
        known: the known names.

    Returns:
        One sentence or two; None where all are known.
    """
    strange = sorted(set(rows_of) - set(known), key=lambda name: (-rows_of[name], name))
    if not strange:
        return None
    said = []
    for name in strange[:NAMED]:
        near = " or ".join(close_matches(name, known, n=3))
        count = f"{rows_of[name]:,} row{'s' * (rows_of[name] != 1)}"
        said.append(f"{name} ({count}{f'; did you mean {near}?' if near else ''})")
    more = len(strange) - NAMED
    listed = ", ".join(said) + (f" and {more:,} more" if more > 0 else "")
    return (
        f"Unknown backbones, so without facts such as size and left out of what needs them: {listed}. "
        "Networks of your own are known once they are profiled: archimeter profile net.py:build."
    )


def not_of_shipped(rows: Sequence[tuple[int, Observation]], known: KnownNames) -> list[tuple[int, str]]:
    """Find rows that bear a shipped study's name without being among its results.

    Args:
        rows: lines and their results.
        known: the known names.

    Returns:
        One problem a study: its first line, and what is wrong.
    """
    from .tables import load_rows

    found: list[tuple[int, str]] = []
    for study in sorted({row.study for _, row in rows} & known.studies):
        shipped = {tuple(row[name] for name in IDENTITY) for row in load_rows(study)}
        lines = [
            line
            for line, row in rows
            if row.study == study and tuple(getattr(row, name) for name in IDENTITY) not in shipped
        ]
        if lines:
            more = len(lines) - 1
            others = f" and {more:,} other{'s' * (more > 1)} are" if more else " is"
            what = (
                f"study: {study!r} is a shipped study's name; this row{others} not among its results. "
                "Choose another: --study NAME of `archimeter import`, or the file's column `study`."
            )
            found.append((min(lines), what))
    return found


def _compact(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _unique(names: Iterable[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    clashes = set()
    for name in names:
        key = _compact(name)
        if key in found:
            clashes.add(key)
        found[key] = name
    return {key: name for key, name in found.items() if key not in clashes}


@dataclass
class KnownNames:
    """The names that the shipped tables know.

    Args:
        backbones: architectures. weights: `backbone.tag`.
        datasets: key → title, where there is one. studies: keys of the shipped studies.
    """

    backbones: frozenset[str]
    weights: frozenset[str] = frozenset()
    datasets: Mapping[str, str | None] = field(default_factory=dict)
    studies: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._backbones = _unique(self.backbones)
        self._weights = {name.lower(): name for name in self.weights}
        titles = {title: key for key, title in self.datasets.items() if title}
        self._found: dict[tuple[str, str | None], Resolved | ArchimeterError] = {}
        self._named: dict[str, tuple[str, str | None]] = {}
        self._suggested = 0
        self._all = self.backbones | self.weights
        self._datasets = {_compact(name): key for name, key in titles.items()}
        self._datasets |= {_compact(key): key for key in self.datasets}

    @classmethod
    def shipped(cls) -> Self:
        """Return what the shipped tables know."""
        from .tables import load_datasets, load_profiles, load_weights, manifest

        datasets = load_datasets()
        titles = [title if isinstance(title, str) else None for title in datasets["title"]]
        weights = load_weights()
        return cls(
            frozenset(load_profiles()["backbone"]) | frozenset(weights["backbone"]),
            frozenset(weights["weights"]),
            dict(zip(datasets["dataset"], titles, strict=True)),
            frozenset(entry.study for entry in manifest() if entry.study),
        )

    def backbone(self, name: str, weights: str | None = None, *, keep_unknown: bool = False) -> Resolved:
        """Resolve a backbone's name, and its weights where they are stated.

        Args:
            name: as the user writes it: a timm name with or without tag, a name of 2022, a hub id.
            weights: what a weights column says: a full name, a tag, or nothing.
            keep_unknown: take a name that nobody knows as it stands, instead of refusing it.

        Raises:
            UnknownNameError: for a name or a tag that is not known, with close matches.
            InputError: the same, without, after `SUGGESTIONS` of them: each takes a search.
        """
        key = name, weights
        if key not in self._found:
            try:
                self._found[key] = self._resolve(name, weights)
            except ArchimeterError as error:
                self._suggested += 1
                self._found[key] = error.with_traceback(None)  # a traceback would keep its frames alive
        found = self._found[key]
        if isinstance(found, Resolved):
            return found
        if not keep_unknown:
            raise found.with_traceback(None)
        return self.backbone(name, keep_unknown=True) if weights else Resolved(name.strip(), None, "none")

    def _resolve(self, name: str, weights: str | None) -> Resolved:
        bare = HUB_PREFIX.sub("", name.strip(), count=1)
        stated = HUB_PREFIX.sub("", weights.strip(), count=1) if weights else ""
        if stated.lower() in NO_TAG:
            stated = ""
        found = self._known(bare)
        if found is None:
            raise self._unknown(
                "backbone",
                name,
                self._all,
                "Keep a backbone of your own with --keep-unknown.",
            )
        if found.weights is None and stated:
            found = self._with_weights(found, stated)
        return found

    def _known(self, name: str) -> Resolved | None:
        exact = self._weights.get(name.lower())
        if exact:
            return Resolved(split(exact)[0], exact, "exact")
        architecture, tag = split(name)
        if name in self.backbones:
            return Resolved(name, None, "architecture")
        if tag and architecture in self.backbones:
            tags = {w for w in self.weights if split(w)[0] == architecture}
            raise self._unknown("weights", name, tags, f"Without tag: {architecture}.")
        renamed = today(name)
        if renamed != name and (renamed in self.weights or renamed in self.backbones):
            weights = renamed if renamed in self.weights else None
            match = "exact" if weights else "architecture"
            return Resolved(split(renamed)[0], weights, match, f"{name!r} is today's {renamed!r}")
        near = self._backbones.get(_compact(name))
        return Resolved(near, None, "architecture", f"{name!r} is read as {near!r}") if near else None

    def _with_weights(self, found: Resolved, stated: str) -> Resolved:
        for candidate in (stated, f"{found.backbone}.{stated}"):
            exact = self._weights.get(candidate.lower())
            if exact and split(exact)[0] == found.backbone:
                return found._replace(weights=exact, match="exact")
        tags = {w for w in self.weights if split(w)[0] == found.backbone}
        raise self._unknown(
            f"weights of {found.backbone}",
            stated,
            tags,
            "Leave the cell empty where the weights are not timm's.",
        )

    def _unknown(
        self, what: str, name: str, known: Iterable[str], hint: str
    ) -> InputError | UnknownNameError:
        if self._suggested < SUGGESTIONS:
            return UnknownNameError(what, name, known, hint)
        return InputError(f"Unknown {what} {name!r}. {hint}")

    def dataset(self, name: str) -> tuple[str, str | None]:
        """Return a data set's key and, where the name was not taken letter by letter or is new, a note.

        Raises:
            InputError: if the name holds no letter or digit.
        """
        if name not in self._named:
            self._named[name] = self._dataset(name)
        return self._named[name]

    def _dataset(self, name: str) -> tuple[str, str | None]:
        known = self._datasets.get(_compact(name))
        if known:
            return known, None if known == name else f"{name!r} is read as {known!r}"
        key = slug(name)
        if not key:
            raise InputError(f"{name!r} is no name: it needs letters or digits.")
        near = close_matches(key, self.datasets, n=3) if len(self._named) < SUGGESTIONS else []
        also = f"; close shipped ones: {', '.join(near)}" if near else ""
        return key, f"{key!r} is a data set of your own{also}"
