"""Replicates: telling repeated runs of one setting apart when a file is imported."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from .keys import observation_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .records import Observation

__all__ = ["check_replicates", "number_replicates"]


def check_replicates(
    observations: Sequence[tuple[int, Observation]], place: str
) -> tuple[list[Observation], list[tuple[int, str]]]:
    """Find rows that claim to be the same run.

    Args:
        observations: (line, result), numbered by the file.
        place: what a line is called.

    Returns:
        The results, and (line, problem) for the same run with another result. An exact repetition is kept
        once; of a run that is there as `ok` no other outcome is.
    """
    keys = [observation_key(observation) for _, observation in observations]
    good = {
        key for key, (_, observation) in zip(keys, observations, strict=True) if observation.status == "ok"
    }
    seen: dict[str, tuple[int, Observation]] = {}
    problems = []
    for key, (line, observation) in zip(keys, observations, strict=True):
        if key in good and observation.status != "ok":
            continue
        first_line, first = seen.setdefault(key, (line, observation))
        if first != observation:
            what = (
                f"same study, data set, backbone, recipe and replicate as {place} {first_line}, but another "
                f"result. Number the replicates, or remove one."
            )
            problems.append((line, what))
    return [observation for _, observation in seen.values()], problems


def number_replicates(observations: Sequence[Observation]) -> tuple[list[Observation], int]:
    """Number the rows that differ in nothing but their result, in the file's order, from 0.

    A row that states its spread or its number of runs is a mean, and stays unnumbered.

    Returns:
        The results, and how many of them share their setting with another.
    """
    # finished runs first: a failed one must not take the number of one that a later export adds
    ordered = sorted(observations, key=lambda o: o.status != "ok")
    count: Counter[str] = Counter()
    numbered = []
    for observation in ordered:
        if observation.n_replicates is not None or observation.error_sd is not None:
            numbered.append(observation)
            continue
        key = observation_key(observation)
        numbered.append(replace(observation, replicate=count[key]))
        count[key] += 1
    return numbered, sum(n for n in count.values() if n > 1)
