"""A part of the page that is text and tables: made by its own module, drawn by its own template."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["TEMPLATES", "Section", "environment", "part"]

TEMPLATES = Path(__file__).parent / "templates"


class Section(NamedTuple):
    """A card between the charts and the table of models.

    key: its id, what the page's address may point at. title: a heading. finding: what it says, in a sentence.
    body: from `part`, so that every name in it is escaped. caption: how to read it, n, intervals, source.
    """

    key: str
    title: str
    finding: str
    body: Markup
    caption: str


def environment() -> Environment:
    """How every template is filled: escaped, and with nothing missing."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)


def part(template: str, **values: Any) -> Markup:
    """Fill a template of this package; what comes out may stand in the page."""
    from markupsafe import Markup

    return Markup(environment().get_template(template).render(values))  # noqa: S704  # the template escapes
