"""`recommend --reference`: how far the user's images are from those of known data sets on the user's disk."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis.frechet import frechet_distance
from ..analysis.references import LEAST, PARTS, Likeness, clearly_nearest
from ..analysis.two_sample import told_apart
from ..data.datasets import key, keys
from ..data.errors import InputError, UnknownNameError, close_matches
from ..data.imagefolder import list_images
from ..data.tables import load_rows
from .describing import Describer, describer, twins_of
from .probing import those_that_can

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ..data.imagefolder import Found
    from ..profilers.probe import Weights
    from .describing import Described

__all__ = ["Comparison", "Reference", "compare", "references_of"]

_WORTH = (
    "At distance 0 and AUC 0.5 nothing differs; AUC 1 tells every image. The order of models leaves both "
    "out: nothing that is shipped can show that they help."
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A set of images that the user has a name for.

    name: as given, or the key of the tables' data set that is called so. known: `tables`, `results`, or None.
    domain: of that data set.
    """

    name: str
    folder: Path
    images: tuple[Path, ...]
    known: str | None
    domain: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The references, nearest first; by what they were compared, and the one whose domain is taken."""

    likenesses: tuple[Likeness, ...]
    by: Describer
    taken: Likeness | None

    def as_document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "described_by": self.by.name or "statistics made by hand",
            "weights_file": self.by.file,
            "domain_from": self.taken.name if self.taken else None,
            "compared": [_row(one) for one in self.likenesses],
        }

    def notes(self) -> list[str]:
        """How far each is, by what, and what that is worth."""
        unknown = [one.name for one in self.likenesses if one.known is None]
        return [
            *(words for one in self.likenesses for words in _said(one)),
            *map(_unknown, unknown),
            self.by.said,
            _WORTH,
        ]

    def domain_note(self) -> str:
        """Whether a domain was taken, for a question that states none."""
        if self.taken is None:
            return (
                "No domain is taken from the references: that takes one clearly less than half as far from "
                f"your images as any of another domain, so two domains, and {PARTS * LEAST} images of each."
            )
        if self.taken.looks_the_same:
            why = "which your images look the same as"
        else:
            why = "less than half as far from your images as any of another domain"
        return (
            f"Domain taken as {self.taken.domain}, that of {self.taken.name}, {why}; --domain overrules it."
        )


def references_of(given: Iterable[str], own: Collection[str]) -> list[Reference]:
    """Read NAME=FOLDER, and list the images.

    Args:
        given: of --reference.
        own: data sets of the user's own results.

    Raises:
        InputError: if one is not of this form, a name comes twice, or a folder has no images to read.
    """
    domains = {row["dataset"]: row["domain"] for row in load_rows("datasets")}
    found: dict[str, Reference] = {}
    for text in given:
        written, equals, folder = text.partition("=")
        if not (written.strip() and equals and folder.strip()):
            raise InputError(
                f"--reference {text!r} is not NAME=FOLDER. Give a data set's name and where its images lie: "
                "--reference eurosat=./EuroSAT."
            )
        name, known = _known(written.strip(), domains, own)
        if name in found:
            raise InputError(f"--reference names {name} twice; give each set of images a name of its own.")
        where = Path(folder.strip()).expanduser()
        try:
            images = tuple(list_images(where))
        except InputError as error:
            raise InputError(f"--reference {name}: {error}") from error
        found[name] = Reference(name, where, images, known, str(domains.get(name) or "unknown"))
    return [*found.values()]


def _known(name: str, domains: Collection[str], own: Collection[str]) -> tuple[str, str | None]:
    mine = next((one for one in own if one.casefold() == name.casefold()), None)
    try:
        shipped = key(name)
    except UnknownNameError:
        shipped = None
    if shipped in domains:
        return str(shipped), "tables"
    return (mine, "results") if mine else (name, None)


def compare(found: Found, references: Sequence[Reference], weights: Sequence[Weights]) -> Comparison:
    """Compare the user's images with every reference that has images enough.

    Args:
        found: the user's images.
        references: of `references_of`.
        weights: to describe by; without any, small ones of timm's cache, else statistics made by hand.

    Raises:
        InputError: if the user's images are too few, or those of every reference.
    """
    by = describer(weights)
    yours = by("your images", [one.path for one in found.images])
    described = those_that_can(
        lambda one: (one, by(one.name, one.images)),
        references,
        "No reference can be compared.",
        unless=InputError,
    )
    made = sorted(
        ((_likeness(one, yours, theirs), theirs) for one, theirs in described),
        key=lambda pair: (pair[0].distance, pair[0].name),
    )
    return Comparison(tuple(one for one, _ in made), by, _taken(yours, made))


def _likeness(one: Reference, yours: Described, theirs: Described) -> Likeness:
    twins = twins_of(yours, theirs)
    return Likeness(
        name=one.name,
        folder=str(one.folder),
        known=one.known,
        domain=one.domain,
        n_yours=len(yours.paths),
        n_theirs=len(theirs.paths),
        n_there=theirs.n_there,
        unreadable=theirs.unreadable,
        shared=sum(len(mine) for mine, _ in twins),
        auc=told_apart(yours.vectors, theirs.vectors, twins),
        distance=frechet_distance(yours.vectors, theirs.vectors),
    )


def _taken(yours: Described, made: list[tuple[Likeness, Described]]) -> Likeness | None:
    of_domain = [(one, theirs) for one, theirs in made if one.domain != "unknown"]
    same = [one for one, _ in of_domain if one.looks_the_same]
    if same:
        return same[0]
    near = clearly_nearest(yours.vectors, [(one.domain, theirs.vectors) for one, theirs in of_domain])
    return None if near is None else of_domain[near][0]


def _row(one: Likeness) -> dict[str, Any]:
    value, low, high = (round(float(part), 6) for part in one.auc)
    return asdict(one) | {
        "distance": round(one.distance, 6),
        "auc": value,
        "auc_low": low,
        "auc_high": high,
        "looks_the_same": one.looks_the_same,
    }


def _said(one: Likeness) -> Iterable[str]:
    value, low, high = one.auc
    what = one.domain if one.domain != "unknown" else "domain unknown"
    broken = f"; {one.unreadable} cannot be read" if one.unreadable else ""
    yield (
        f"Reference {one.name} ({what}): distance {one.distance:.3g}, told apart with AUC {value:.2f} "
        f"(95 %: {low:.2f} to {high:.2f}), {one.n_yours:,} different images of yours against "
        f"{one.n_theirs:,} of {one.n_there:,}{broken}."
    )
    both = f"{one.shared:,} of yours {'is' if one.shared == 1 else 'are'} among them" if one.shared else ""
    if one.looks_the_same:
        results = {
            "tables": "; what was published of it then holds for yours",
            "results": "; your own results on it then hold here",
        }
        yield (
            f"They may be the same images: {both or 'nothing tells yours from those of ' + one.name}"
            f"{results.get(one.known or '', '')}."
        )
    elif both:
        yield f"{both}: the same pictures, or nearly."


def _unknown(name: str) -> str:
    near = close_matches(name, keys(), 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"No data set of the tables or of your results is called {name}, so it lends no domain.{hint}"
