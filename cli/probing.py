"""`recommend --probe`: what frozen backbones tell of the user's own images; torch is imported here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..analysis.neighbours import Probed, nearest_labels, neighbours_for
from ..data.errors import ArchimeterError, InputError, TargetError
from ..data.imagefolder import sample
from .progress import Progress
from .render import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..data.imagefacts import ImageFacts
    from ..data.imagefolder import Found, Labelled
    from ..profilers.probe import Weights

__all__ = ["at_hand", "probe_all", "probe_document", "probe_notes", "those_that_can"]

T = TypeVar("T")
R = TypeVar("R")
MOST = 5_000
"""Images of a split that a probe takes; of more a fixed sample."""


def at_hand(names: Sequence[str]) -> list[Weights]:
    """Find the weights that were asked for, and say which are missing and how to get them.

    Raises:
        InputError: if none is here.
        UnknownNameError: for a name that is none.
    """
    from ..profilers.probe import weights_at_hand

    return those_that_can(weights_at_hand, names)


def probe_all(weights: Sequence[Weights], found: Found, facts: ImageFacts) -> list[Probed]:
    """Run every probe that can be run.

    Raises:
        InputError: if none could.
    """
    if facts.multi_label:
        raise InputError(
            "A probe judges one label per image, and these have several, or none: leave --probe."
        )
    voters, judged = _chosen(found, facts)
    return those_that_can(lambda one: _probe(one, voters, judged, len(found.images)), weights)


def those_that_can(
    make: Callable[[T], R],
    given: Iterable[T],
    nobody: str = "No probe can be run.",
    unless: type[ArchimeterError] = TargetError,
) -> list[R]:
    """What can be made of those given; of the others, where `unless` is raised, it is said why not.

    Raises:
        InputError: if nothing can; the message begins with `nobody`.
    """
    made, failed = [], []
    for one in given:
        try:
            made.append(make(one))
        except unless as error:
            failed.append(str(error))
    if not made:
        raise InputError("\n".join([nobody, *failed]))
    for words in failed:
        note(words)
    return made


def _chosen(found: Found, facts: ImageFacts) -> tuple[Sequence[Labelled], Sequence[Labelled]]:
    """Images that vote, and held-out ones; of the same picture only the first is kept."""
    again = {path for group in facts.twins for path in group.paths[1:]} | {p for p, _ in facts.unreadable}
    images = [one for one in found.images if str(one.path) not in again]
    by_split = {name: [one for one in images if one.split == name] for name in ("train", "val", "test")}
    voters = by_split["train"] or images
    judged = (by_split["val"] or by_split["test"]) if by_split["train"] else []
    return sample(voters, MOST), sample(judged, MOST)


def _probe(weights: Weights, voters: Sequence[Labelled], judged: Sequence[Labelled], n_images: int) -> Probed:
    from ..profilers.probe import frozen_features, load_frozen

    module, images = load_frozen(weights), [*voters, *judged]
    with Progress(f"probing with {weights.name}", len(images)) as progress:
        features, places = frozen_features(module, [one.path for one in images], step=progress.step)
    used = [images[i] for i in places]
    n = sum(i < len(voters) for i in places)
    labels = np.array([one.labels[0] for one in used])
    if n < 2 or (judged and n == len(used)) or len({*labels[:n]}) < 2:
        raise TargetError(f"{weights.name}: too few images can be read to probe with.")
    k = neighbours_for(np.unique(labels[:n], return_counts=True)[1])
    named = nearest_labels(features[:n], labels[:n], k, features[n:] if judged else None)
    truth = labels[n:] if judged else labels
    return Probed(
        model=weights.name,
        file=str(weights.file),
        k=k,
        split=judged[0].split if judged else "leave-one-out",
        n_train=n,
        n_eval=len(truth),
        wrong=int((named != truth).sum()),
        left_out=n_images - len(used),
    )


def probe_document(probed: Iterable[Probed]) -> list[dict[str, Any]]:
    """As JSON holds them."""
    return [
        asdict(one) | {"error": one.error, "low": one.interval[0], "high": one.interval[1]} for one in probed
    ]


def probe_notes(probed: Sequence[Probed], *, compared: bool) -> list[str]:
    """Measured on the user's images, a sentence each, and what that is worth.

    Args:
        probed: what was measured.
        compared: whether the images were compared with references, so that their distance is told elsewhere.
    """
    said = [_measured(one) for one in probed]
    if any(one.anchor for one in probed):
        said.append("It counts as your own run under this recipe; --anchor would say the same.")
    else:
        said.append(
            "That is how far frozen features already tell your classes apart. It does not move the order: "
            "where k-NN and fine-tunes of the same images are published, it added +0.001 (−0.010 to +0.011) "
            "of rank correlation, and a few probes told no better frozen backbone (archimeter evaluate)."
        )
    if not compared:
        said.append(
            "Nothing is claimed of the distance to the known data sets: their images are not shipped. Where "
            "you have some, --reference eurosat=FOLDER tells it."
        )
    return said


def _measured(one: Probed) -> str:
    low, high = one.interval
    by = (
        f"each of {one.n_eval:,} images by the others"
        if one.split == "leave-one-out"
        else f"{one.n_eval:,} images of {one.split} by {one.n_train:,} of train"
    )
    out = f"; {one.left_out:,} not used" if one.left_out else ""
    return (
        f"Measured on your images: {one.model}, frozen, {one.k} nearest neighbour{'s' * (one.k > 1)}: error "
        f"{100 * one.error:.1f} % (95 %: {100 * low:.1f} to {100 * high:.1f}), {by}{out}."
    )
