"""Results beside what the backbones are: observations joined to profiles and weights.

The weights decide where they are known, the architecture otherwise. Nothing is dropped silently:
what found no partner comes back on both sides.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .errors import InputError
from .names import family, kind, pretraining

__all__ = ["PROFILE_STATISTICS", "WEIGHT_FACTS", "Joined", "join", "with_own"]

PROFILE_STATISTICS = (
    "params",
    "macs",
    "macs_fvcore",
    "activations",
    "elementwise_ops",
    "depth",
    "blocks",
    "stages",
    "width_max",
    "width_mean",
    "width_macs",
    "width_residual",
    "feature_dim",
    "reduction",
    "attention_share",
)
"""What a profile brings to an observation."""

WEIGHT_FACTS = ("pretraining", "licence")
"""What a weights name brings to an observation."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What fits together, and what does not.

    Attributes:
        frame: one row per matched observation: its own columns, PROFILE_STATISTICS, `family`, `kind`,
            `pretraining`, `licence`, and how it was joined: `joined_by` (`weights` or `architecture`),
            `profile_size` (pixels, shorter side of the profile's input), `size_differs` (True where the
            observation was made at another size than its profile, None where its size is not stated).
        unmatched_observations: observations whose backbone no profile names, as they came.
        unmatched_profiles: profiles whose backbone no observation names, as they came.
    """

    frame: pd.DataFrame
    unmatched_observations: pd.DataFrame
    unmatched_profiles: pd.DataFrame


def join(observations: pd.DataFrame, profiles: pd.DataFrame, weights: pd.DataFrame | None = None) -> Joined:
    """Join observations to the profile of their backbone and to the facts of their weights.

    A weights name that the weights' table lists decides the backbone; otherwise the observation's own
    backbone does, which may also be the `source_ref` of a profile (`nets.py:build` for `nets:build`). Where a
    backbone was profiled at several input sizes, the profile nearest to the observation's resolution is taken
    (else nearest to the weights' own size, else the first given).

    Args:
        observations: columns of `Observation`; `backbone` is required.
        profiles: columns of `Profile`; `backbone` is required, one row per backbone and input size.
        weights: one row per weights name, with `backbone` and WEIGHT_FACTS; None joins by architecture.

    Returns:
        The joined rows, in the observations' order, and the unmatched rows of both sides.

    Raises:
        InputError: if a column is missing, or a key that must be unique is not.
    """
    _require(observations, "observations", ("backbone",))
    _require(profiles, "profiles", ("backbone",))
    left = _with_weights(observations.reset_index(drop=True), weights)
    left["join_backbone"] = left["join_backbone"].replace(_other_names(profiles))
    right = profiles.assign(
        profile_size=pd.Series(_sides(profiles), profiles.index, dtype=float)
    ).reset_index(drop=True)
    _require_unique(right, ["backbone", "profile_size"], "profiles")

    place = _nearest_profile(left, right)
    found = place >= 0
    matched = left[found].reset_index(drop=True)
    brought = right.loc[place[found], [c for c in (*PROFILE_STATISTICS, "profile_size") if c in right]]
    frame = pd.concat([matched, brought.reset_index(drop=True)], axis=1)
    frame["family"] = _named(right, place[found], "family", frame["join_backbone"], family)
    frame["kind"] = _named(right, place[found], "kind", frame["join_backbone"], kind)
    frame["size_differs"] = _size_differs(frame)
    used = set(frame["join_backbone"])
    return Joined(
        frame=frame.assign(backbone=frame["join_backbone"]).drop(columns=["join_backbone", "weights_size"]),
        unmatched_observations=observations.reset_index(drop=True)[~found.to_numpy()],
        unmatched_profiles=profiles[~profiles["backbone"].isin(used)],
    )


def with_own(profiles: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Put profiles of the user's own networks beside the known ones, which stay as they are.

    Args:
        profiles: columns of `Profile`.
        own: the same, the latest last; of one backbone and input size that one is taken.
    """
    new = own[~own["backbone"].isin(profiles["backbone"])]
    if new.empty:
        return profiles
    again = pd.DataFrame({"backbone": new["backbone"], "side": _sides(new)}).duplicated(keep="last")
    new = new[~again]
    named = {
        column: [
            word if isinstance(word, str) else name_of(name)
            for word, name in zip(new[column], new["backbone"], strict=True)
        ]
        for column, name_of in (("family", family), ("kind", kind))
        if column in new
    }
    return pd.concat([profiles, new.assign(**named)], ignore_index=True)


def _other_names(profiles: pd.DataFrame) -> dict[str, str]:
    if "source_ref" not in profiles:
        return {}
    named = profiles[["source_ref", "backbone"]].dropna()
    other = named[~named["source_ref"].isin(profiles["backbone"])].drop_duplicates("source_ref")
    return dict(zip(other["source_ref"], other["backbone"], strict=True))


def _require(frame: pd.DataFrame, what: str, columns: tuple[str, ...]) -> None:
    missing = [name for name in columns if name not in frame]
    if missing:
        raise InputError(
            f"The {what} have no column {missing[0]!r}; they have {', '.join(map(str, frame.columns))}. "
            f"Rename the one that holds it."
        )


def _require_unique(frame: pd.DataFrame, keys: list[str], what: str) -> None:
    twice = frame[frame.duplicated(keys)]
    if len(twice):
        which = ", ".join(f"{key} {twice.iloc[0][key]!r}" for key in keys)
        raise InputError(
            f"{len(twice)} of the {what} repeat a key, first {which}; a join needs one row per "
            f"{' and '.join(keys)}. Keep one condition."
        )


def _with_weights(observations: pd.DataFrame, weights: pd.DataFrame | None) -> pd.DataFrame:
    """Add join_backbone, joined_by, weights_size and WEIGHT_FACTS; own columns of those names stay."""
    left = observations.copy()
    named = left["weights"] if "weights" in left else pd.Series([None] * len(left), dtype=object)
    if weights is None:
        facts = pd.DataFrame(
            index=left.index, columns=["backbone", "input_size", *WEIGHT_FACTS], dtype=object
        )
    else:
        _require(weights, "weights", ("weights", "backbone"))
        _require_unique(weights, ["weights"], "weights")
        by_name = weights.set_index("weights").reindex(columns=["backbone", "input_size", *WEIGHT_FACTS])
        by_name["input_size"] = [_side(value) for value in by_name["input_size"]]
        facts = by_name.reindex(named).set_axis(left.index)
    exact = facts["backbone"].notna()
    left["join_backbone"] = facts["backbone"].where(exact, left["backbone"])
    left["joined_by"] = exact.map({True: "weights", False: "architecture"})
    left["weights_size"] = facts["input_size"].astype(float)
    for fact in WEIGHT_FACTS:
        if fact not in left:
            left[fact] = facts[fact].astype(object).where(facts[fact].notna(), None)
    left["pretraining"] = pd.Series(_pretraining(left, named), left.index, dtype=object)
    return left


def _pretraining(left: pd.DataFrame, named: pd.Series) -> list[str | None]:
    """A weights name says how it was pretrained even where the table does not list it."""
    return [
        known if isinstance(known, str) else pretraining(name) if isinstance(name, str) else None
        for known, name in zip(left["pretraining"].tolist(), named.tolist(), strict=True)
    ]


def _sides(profiles: pd.DataFrame) -> list[float | None]:
    if "input_shapes" not in profiles:
        return [None] * len(profiles)
    return [_side(value) for value in profiles["input_shapes"]]


def _side(value: Any) -> float | None:
    """Shorter spatial side of `(3, 224, 224)`, of `((3, 224, 224),)`, of either as JSON text, or of 224."""
    if isinstance(value, str):
        value = json.loads(value) if value else None
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124  # NaN
        return None
    if isinstance(value, int | float):
        return float(value)
    shape = [int(item) for item in (value[0] if len(value) and hasattr(value[0], "__len__") else value)]
    return float(min(shape[-2:])) if len(shape) >= 2 else None


def _nearest_profile(left: pd.DataFrame, right: pd.DataFrame) -> pd.Series:
    """Row number in `right` of the profile of each row of `left`, −1 where there is none."""
    first = right.drop_duplicates("backbone").set_index("backbone")
    places = pd.Series(
        first.index.map({name: i for i, name in right["backbone"].iloc[::-1].items()}), first.index
    )
    chosen = left["join_backbone"].map(places).fillna(-1).astype(int)
    several = set(right.loc[right["backbone"].duplicated(keep=False), "backbone"])
    if not several:
        return chosen
    own = pd.to_numeric(left["resolution"]) if "resolution" in left else pd.Series(float("nan"), left.index)
    wanted = own.fillna(left["weights_size"].astype(float))
    groups = {
        name: group["profile_size"].astype(float)
        for name, group in right.groupby("backbone")
        if name in several
    }
    for row in left.index[left["join_backbone"].isin(several) & wanted.notna()]:
        distance = (groups[str(left["join_backbone"][row])] - wanted[row]).abs()
        if distance.notna().any():
            chosen[row] = distance.idxmin()
    return chosen


def _named(
    right: pd.DataFrame, place: pd.Series, column: str, backbones: pd.Series, name_of: Any
) -> list[str]:
    """The profile's own word where it has one, else what the names' table says."""
    own = right[column].loc[place] if column in right else pd.Series([None] * len(place))
    return [
        word if isinstance(word, str) else name_of(name)
        for word, name in zip(own.tolist(), backbones.tolist(), strict=True)
    ]


def _size_differs(frame: pd.DataFrame) -> pd.Series:
    if "resolution" not in frame:
        return pd.Series([None] * len(frame), dtype=object)
    own, profiled = pd.to_numeric(frame["resolution"]), frame["profile_size"].astype(float)
    differs = (own != profiled).astype(object)
    return differs.where(own.notna() & profiled.notna(), None)
