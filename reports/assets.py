"""The scripts and styles that a page carries inside it, and the policy that lets it carry nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["asset", "content_security_policy", "vendored", "write_page"]

ASSETS = Path(__file__).parent / "assets"


def vendored() -> dict[str, dict[str, str]]:
    """What is vendored: file name → npm package, version, licence (its text lies beside it)."""
    return json.loads((ASSETS / "VENDORED.json").read_text(encoding="utf-8"))


def asset(name: str) -> str:
    """Text of a vendored file, fit to stand inside a script or style element.

    Raises:
        InputError: if the file is missing from the installation, or would end its element early.
    """
    try:
        text = (ASSETS / name).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The page's part {name} cannot be read: {error.strerror}. Reinstall archimeter."
        ) from error
    for trap in ("</script", "</style", "<!--"):
        if trap in text.lower():
            raise InputError(f"The page's part {name} holds {trap!r} and cannot stand inside a page.")
    return text


def content_security_policy(scripts: Iterable[str]) -> str:
    """Allow these scripts by their hashes, styles, pictures made in the page, and no network at all."""
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )


def write_page(path: Path, text: str) -> Path:
    """Write a page, with the same bytes on every system.

    Raises:
        InputError: if the file cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(
            f"Cannot write {path}: {error.strerror or error}. Give a path that can be written."
        ) from error
    return path


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
