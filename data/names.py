"""Names of backbones and weights: splitting, choosing, and what a name says of its bearer.

A weights name is `backbone.tag` as in timm (`convnext_tiny.fb_in1k`): the backbone is the architecture, the
tag says how the weights came to be. Nothing here loads a model or asks timm: strings in, strings out.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from .errors import InputError, UnknownNameError
from .families import family, kind
from .pretraining import finetuned_on, pretraining
from .renames import today

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["family", "finetuned_on", "kind", "pretraining", "select", "split", "today"]


def split(name: str) -> tuple[str, str | None]:
    """Cut a weights name at its first dot: `("convnext_tiny", "fb_in1k")`; no tag gives None."""
    backbone, _, tag = name.partition(".")
    return backbone, tag or None


def select(patterns: str | Sequence[str], known: Iterable[str]) -> list[str]:
    """Return the known names that the patterns mean, in the order of patterns, then of `known`, each once.

    Every pattern is tried in this order, and the first that finds anything decides: the exact name; the same
    ignoring case; for a pattern with `*`, `?` or `[`, a glob ignoring case and nothing else; every tag of the
    backbone so named; a prefix ignoring case; a name of 2022 (`convnext_tiny_in22k`), as its weights of today
    or else as its backbone.

    Args:
        patterns: names, globs or prefixes, e.g. `["resnet50", "vit_small*"]`.
        known: every name that may be chosen, with or without tags.

    Raises:
        InputError: if there is no pattern, or an empty one.
        UnknownNameError: if a pattern finds nothing; the message lists close matches.
    """
    wanted = [patterns] if isinstance(patterns, str) else list(patterns)
    if not wanted:
        raise InputError("No name was given; name a backbone, or use '*' for all of them.")
    names = list(dict.fromkeys(known))
    chosen: dict[str, None] = {}
    for pattern in wanted:
        found = _matches(pattern.strip(), names)
        if not found:
            raise UnknownNameError("backbone", pattern, names, "Globs such as 'resnet*' work too.")
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def _matches(pattern: str, names: list[str]) -> list[str]:
    if not pattern:
        raise InputError("A name is empty; name a backbone, or use '*' for all of them.")
    if pattern in names:
        return [pattern]
    low = pattern.lower()
    if same := [name for name in names if name.lower() == low]:
        return same
    if any(sign in pattern for sign in "*?["):
        return [name for name in names if fnmatchcase(name.lower(), low)]
    if of_backbone := [name for name in names if name.lower().partition(".")[0] == low]:
        return of_backbone
    if of_prefix := [name for name in names if name.lower().startswith(low)]:
        return of_prefix
    successor = today(low)
    return [name for name in (successor, split(successor)[0]) if name in names][:1]
