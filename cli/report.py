"""`archimeter report`: everything known, as one page that needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .own import OnlyFlag, ResultsFile, StoreOption, own_evidence, own_results
from .render import note

__all__ = ["report"]


def report(
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The page to write; an existing file is replaced.")
    ] = Path("report.html"),
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset", help="A data set or glob to show, repeatable; all large enough ones otherwise."
        ),
    ] = None,
    images: Annotated[
        int | None, typer.Option(help="Training images of your own: adds what to try.", show_default=False)
    ] = None,
    classes: Annotated[int | None, typer.Option(help="Their classes or labels.", show_default=False)] = None,
    domain: Annotated[
        str | None, typer.Option(help="What they are of, e.g. remote-sensing.", show_default=False)
    ] = None,
    results: ResultsFile = None,
    only: OnlyFlag = False,
    store_path: StoreOption = None,
) -> None:
    """Write one HTML page: cost against error, trends by family, correlations, all models, all sources.

    With --images, --classes or --domain it also says which backbones to try on such images. The page works
    offline: it holds its data and its scripts, and loads nothing. Results that you imported take part.

    Example: archimeter report -o report.html --dataset pets --dataset planet
    """
    from dataclasses import replace

    from ..data.join import with_own
    from ..reports.page import Tables
    from ..reports.page import report as write_report

    own, tables = own_results(results, only=only, store=store_path), Tables.shipped()
    tables = replace(
        tables,
        observations=own.observations,
        profiles=with_own(tables.profiles, own.profiles),
        manifest=tuple(one for one in tables.manifest if not (only and one.record == "Observation")),
    )
    if images or classes or domain:
        from ..analysis.query import Query
        from ..analysis.recommend import recommend

        query = Query(images=images, classes=classes, domain=domain or "unknown")
        answer = recommend(query, own_evidence(results, only=only, store=store_path, quiet=True))
        tables = replace(tables, answer=answer)
    path = write_report(output, datasets=dataset or (), tables=tables)
    note(f"{path} written ({path.stat().st_size / 1e6:.1f} MB). Open it in any browser; it needs no network.")
