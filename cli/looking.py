"""The user's images, looked at for a question: their facts, their trouble, and a guess at their domain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..analysis.domain_guess import Guess, guess_domain
from ..analysis.neighbours import Probed
from ..data.errors import InputError
from ..data.imagefacts import MOST, ImageFacts, facts_of_images
from ..data.imagefolder import Found, find_images
from .comparing import Comparison, compare
from .progress import Progress
from .render import note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ..data.imagefacts import Twins
    from ..profilers.probe import Weights
    from .comparing import Reference

__all__ = ["Seen", "look_at"]

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the images told, and what probes of them and known images beside them did."""

    facts: ImageFacts
    guess: Guess
    found: Found
    probes: tuple[Probed, ...] = ()
    comparison: Comparison | None = None

    def probed(self, weights: Sequence[Weights], runs: Sequence[tuple[str, float]] | None) -> Seen:
        """With probes by these weights.

        Args:
            weights: that lie here.
            runs: the user's own, beside which probes count as such, up to MOST_ANCHORS; None where a probe is
                no run of what is asked for.

        Raises:
            InputError: if none could be run.
        """
        from ..analysis.outlook import MOST_ANCHORS
        from .probing import probe_all

        done = probe_all(weights, self.found, self.facts)
        stated = {model.lower().partition(".")[0] for model, _ in runs or ()}
        new = list(dict.fromkeys(one.model for one in done if one.model.partition(".")[0] not in stated))
        own = new[: MOST_ANCHORS - len(runs)] if runs is not None else []
        return replace(self, probes=tuple(replace(one, anchor=one.model in own) for one in done))

    def compared(self, references: Sequence[Reference], weights: Sequence[Weights]) -> Seen:
        """With a comparison with these references, by these weights where there are any.

        Raises:
            InputError: if none can be compared.
        """
        return replace(self, comparison=compare(self.found, references, weights))

    @property
    def domain(self) -> str:
        """That of the guess where it is sure, else that of a reference where one is clearly nearest."""
        if self.guess.sure:
            return self.guess.domain
        taken = self.comparison.taken if self.comparison else None
        return taken.domain if taken else "unknown"

    @property
    def anchors(self) -> tuple[tuple[str, float], ...]:
        """What probes measured that count as runs of the user's own."""
        return tuple((one.model, one.error) for one in self.probes if one.anchor)

    def answers(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        """The question's numbers: what was stated goes before what was seen."""
        facts = self.facts
        seen = {
            "images": facts.n_train,
            "classes": facts.n_classes,
            "image_size": facts.shorter_side[1],
            "channels": facts.channels_seen,
            "domain": self.domain,
        }
        return seen | {k: v for k, v in stated.items() if v is not None} | {"multi_label": facts.multi_label}

    def as_document(self) -> dict[str, Any]:
        """As JSON holds it."""
        guess = {"domain": self.guess.domain, "why": self.guess.why, "sure": self.guess.sure}
        document = self.facts.as_document() | {"domain_guess": guess}
        if self.comparison:
            document |= {"references": self.comparison.as_document()}
        if not self.probes:
            return document
        from .probing import probe_document

        return document | {"probes": probe_document(self.probes)}

    def notes(self, domain: str | None) -> list[str]:
        """What a person has to know of the images, one sentence or two each."""
        facts = self.facts
        trouble = [
            *_unreadable(facts),
            *_table(facts),
            *([self.found.reading] if self.found.reading else []),
            *_imbalance(facts),
            *_twins("the same file", [group for group in facts.twins if group.same_file]),
            *_twins("nearly the same picture", [group for group in facts.twins if not group.same_file]),
            *_leaks(facts),
        ]
        said = [_summary(facts), *trouble]
        if self.comparison:
            said += self.comparison.notes()
        if not domain:
            said += self._domain_notes()
        if not self.probes:
            return said
        from .probing import probe_notes

        return [*said, *probe_notes(self.probes, compared=self.comparison is not None)]

    def _domain_notes(self) -> list[str]:
        if self.guess.sure or self.comparison is None:
            return [_domain(self.guess)]
        taken = self.comparison.taken
        return [*([] if taken else [_domain(self.guess)]), self.comparison.domain_note()]

    def say(self, domain: str | None) -> None:
        """Say it on stderr."""
        for words in self.notes(domain):
            note(words)


def look_at(folder: Path | None, labels: Path | None) -> Seen:
    """Look at a folder of images, with progress on stderr.

    Raises:
        InputError: if there is nothing to look at.
    """
    if folder is None:
        raise InputError(
            "--labels needs the folder of the images: archimeter recommend ./images --labels FILE."
        )
    found = find_images(folder, labels)
    with Progress("looking at images", min(len(found.images), MOST)) as progress:
        facts = facts_of_images(found, step=progress.step)
    return Seen(facts, guess_domain(facts.small), found)


def _summary(facts: ImageFacts) -> str:
    splits = ", ".join(f"{name} {n:,}" for name, n in facts.by_split.items())
    counts = sorted(facts.per_class.values())
    low, middle, high = counts[0], counts[len(counts) // 2], counts[-1]
    smallest, median, largest = facts.shorter_side
    stored = f"{facts.channels} channel{'s' if facts.channels > 1 else ''}"
    grey = f", {facts.grey_share:.0%} of them grey stored in colour" if facts.grey_share > 0.01 else ""
    what = "labels" if facts.multi_label else "classes"
    looked = f" Looked at {facts.n_looked_at:,} of them." if facts.n_looked_at < facts.n_images else ""
    return (
        f"Your images: {facts.n_images:,} ({splits or 'no splits'}) of {facts.n_classes} {what}; per class "
        f"{_range(low, middle, high)}; shorter side {_range(smallest, median, largest)} pixels; "
        f"{stored}, {facts.bits} bits{grey}.{looked}"
    )


def _range(low: int, middle: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,} (median {middle:,})"


def _unreadable(facts: ImageFacts) -> Iterable[str]:
    if facts.unreadable:
        named = "; ".join(f"{path} ({reason})" for path, reason in facts.unreadable[:SHOWN])
        yield f"{len(facts.unreadable)} cannot be read: {named}{_more(len(facts.unreadable))}"


def _table(facts: ImageFacts) -> Iterable[str]:
    if facts.missing:
        named = ", ".join(facts.missing[:SHOWN])
        yield f"{len(facts.missing)} names in the table have no file: {named}{_more(len(facts.missing))}"
    if facts.unlabelled:
        yield f"{facts.unlabelled} files have no row in the table and were left out."


def _imbalance(facts: ImageFacts) -> Iterable[str]:
    counts = facts.per_class
    rare = [name for name, n in counts.items() if n < 5]
    if max(counts.values()) >= 10 * min(counts.values()) and not facts.multi_label:
        smallest = min(counts, key=lambda name: (counts[name], name))
        yield (
            f"Unequal classes: {smallest} has {counts[smallest]}, the largest {max(counts.values())} "
            f"(balance {facts.balance:.2f} of 1); look at error per class, not at the mean alone."
        )
    if rare:
        yield f"{len(rare)} with fewer than 5 images: {', '.join(rare[:SHOWN])}{_more(len(rare))}"


def _twins(what: str, groups: list[Twins]) -> Iterable[str]:
    if groups:
        extra = sum(len(group.paths) - 1 for group in groups)
        wrong = sum(group.labels_differ for group in groups)
        said = f"; in {wrong} of these groups the labels differ" if wrong else ""
        yield f"{_count(extra, 'image')} {what} as another, such as {' = '.join(groups[0].paths[:3])}{said}."


def _leaks(facts: ImageFacts) -> Iterable[str]:
    if facts.leaks:
        across = " and ".join(facts.leaks[0].splits)
        yield (
            f"Leak: {_count(len(facts.leaks), 'picture')} in several splits ({across}), such as "
            f"{' = '.join(facts.leaks[0].paths[:3])}; the error measured there will be too low."
        )


def _domain(guess: Guess) -> str:
    if guess.sure:
        told = f"from statistics made by hand ({guess.why})"
        return f"Domain taken as {guess.domain}, {told}; --domain overrules it."
    return (
        f"The domain was not guessed: by statistics made by hand the images could be {guess.domain} "
        f"({guess.why}), but that is not telling."
    )


def _count(n: int, what: str) -> str:
    return f"1 {what} is" if n == 1 else f"{n:,} {what}s are"


def _more(n: int) -> str:
    return f" and {n - SHOWN} more; --json has all." if n > SHOWN else "."
