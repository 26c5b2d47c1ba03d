"""`archimeter recommend`: which backbones to try on data that nobody has measured yet."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from ..data.errors import InputError
from .answering import show
from .own import OnlyFlag, ResultsFile, StoreOption, own_evidence
from .render import CsvFlag, JsonFlag, OutputFile, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..analysis.evidence import Evidence
    from ..analysis.query import Query
    from ..profilers.probe import Weights
    from .comparing import Reference

__all__ = ["recommend"]

Some = list[str] | None


def recommend(
    path: Annotated[
        Path | None,
        typer.Argument(help="Your images: class folders, or a folder with --labels.", show_default=False),
    ] = None,
    *,
    labels: Annotated[
        Path | None, typer.Option(help="CSV or Parquet: one image and its labels a row.", show_default=False)
    ] = None,
    images: Annotated[int | None, typer.Option(help="Training images.", show_default=False)] = None,
    classes: Annotated[int | None, typer.Option(help="Classes or labels.", show_default=False)] = None,
    domain: Annotated[
        str | None, typer.Option(help="What the images are of, e.g. remote-sensing.", show_default=False)
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Pixels of the shorter side.", show_default=False)
    ] = None,
    channels: Annotated[int | None, typer.Option(help="Channels.", show_default=False)] = None,
    recipe: Annotated[str, typer.Option(help="fine-tune, linear-probe, knn or zero-shot.")] = "fine-tune",
    max_params: Annotated[str | None, typer.Option(help="E.g. 50M.", show_default=False)] = None,
    max_macs: Annotated[str | None, typer.Option(help="E.g. 4.5G.", show_default=False)] = None,
    within: Annotated[
        Some,
        typer.Option(help="Time per image on a device: '5 ms @ RTX 4090', '5 ms p90 @ MINE'; repeatable."),
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(help="Of a training step: 8GB, or '8GB @ 64' images (32).", show_default=False),
    ] = None,
    max_inference_memory: Annotated[
        str | None,
        typer.Option(help="Of an inference step: 2GB, or '2GB @ 8' images (1).", show_default=False),
    ] = None,
    optimiser: Annotated[str, typer.Option(help="sgd or adamw, for --max-memory.")] = "sgd",
    max_fit_time: Annotated[
        Some, typer.Option(help="Of the whole fine-tune on a device: '2 h @ RTX 3090'; repeatable.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the fine-tune.")] = 6,
    licence: Annotated[Some, typer.Option(help="Allowed licence or glob; repeatable.")] = None,
    exclude_pretraining: Annotated[
        Some, typer.Option(help="Pretraining to leave out, or glob; repeatable.")
    ] = None,
    anchor: Annotated[Some, typer.Option(help="Your own run: 'resnet50=0.041' (error); up to three.")] = None,
    model: Annotated[
        Some, typer.Option(help="Your own network beside the known: net.py:build; repeatable.")
    ] = None,
    probe: Annotated[
        Some,
        typer.Option(help="Weights at hand, tried on your images: resnet18, or NAME=FILE; repeatable."),
    ] = None,
    reference: Annotated[
        Some,
        typer.Option(help="Known images to compare yours with: eurosat=./EuroSAT; repeatable."),
    ] = None,
    results: ResultsFile = None,
    only: OnlyFlag = False,
    store_path: StoreOption = None,
    top: Annotated[int, typer.Option(min=1, help="Rows wanted.")] = 10,
    as_json: JsonFlag = False,
    as_csv: CsvFlag = False,
    output: OutputFile = None,
) -> None:
    """Rank backbones by the error to expect on images like yours, within your budget.

    With -o answer.html the answer is a page.

    Example: archimeter recommend --images 1000 --classes 17 --domain remote-sensing --max-params 50M
    """
    from ..analysis.limits import (
        parse_anchor,
        parse_count,
        parse_fit_budget,
        parse_latency_budget,
        parse_memory_budget,
    )
    from ..analysis.query import Query
    from ..analysis.recommend import recommend as answer_to

    budgets = {
        "max_params": parse_count(max_params) if max_params else None,
        "max_macs": parse_count(max_macs) if max_macs else None,
        "within": tuple(parse_latency_budget(text) for text in within or ()),
        "memory": (
            *([parse_memory_budget(max_memory, "training")] if max_memory else ()),
            *([parse_memory_budget(max_inference_memory, "inference")] if max_inference_memory else ()),
        ),
        "optimiser": optimiser,
        "fit_within": tuple(parse_fit_budget(text) for text in max_fit_time or ()),
        "epochs": epochs,
        "licences": tuple(licence or ()),
        "exclude_pretraining": tuple(exclude_pretraining or ()),
    }
    stated = {
        "images": images,
        "classes": classes,
        "domain": domain,
        "image_size": image_size,
        "channels": channels,
    }
    said = {name: value for name, value in stated.items() if value is not None}
    asked = {"recipe": recipe, **budgets, "top": top, "anchors": tuple(map(parse_anchor, anchor or ()))}
    seen = None
    if path is not None or labels is not None:
        from .looking import look_at

        Query(
            **said | {"images": images or 1, "classes": None}, **asked
        )  # what is wrong is said before the look
        beside = _references(reference, results, only=only, store=store_path)
        weights = _at_hand(probe)
        seen = look_at(path, labels)
        if beside:
            seen = seen.compared(beside, weights)
        said = seen.answers(stated)
        if weights and beside and seen.facts.multi_label:
            note("--probe only compares here: k-NN judges one label per image; these have several, or none.")
        elif weights:
            counts = recipe == "knn" and not only  # then a probe is a run of the recipe that is asked for
            seen = seen.probed(weights, asked["anchors"] if counts else None)
            asked["anchors"] += seen.anchors
    elif probe:
        raise InputError("--probe needs your images: archimeter recommend ./images --probe resnet18.")
    elif reference:
        raise InputError(
            "--reference needs your images: archimeter recommend ./images --reference eurosat=./EuroSAT."
        )
    query = Query(**said, **asked)
    answer = answer_to(query, _evidence(query, model or (), results, only=only, store=store_path))
    if seen is not None:
        seen.say(domain)
    show(answer, seen=seen, as_json=as_json, as_csv=as_csv, output=output)


def _at_hand(probe: Some) -> list[Weights]:
    if not probe:
        return []
    from .probing import at_hand

    return at_hand(probe)


def _references(given: Some, results: Path | None, *, only: bool, store: Path | None) -> list[Reference]:
    if not given:
        return []
    from ..analysis.own_results import own_rows
    from .comparing import references_of

    own = {row["dataset"] for row in own_rows(results, only=only, store=store)}
    return references_of(given, own)


def _evidence(
    query: Query, models: Sequence[str], results: Path | None, *, only: bool, store: Path | None
) -> Evidence:
    """The shipped tables with what the user adds to them."""
    known = own_evidence(results, only=only, store=store)
    if models:
        from .own_models import profiled

        timed = query.within or query.fit_within  # times are foretold from both, see analysis.latency_model
        modes = {"training", "inference"} if timed else {budget.mode for budget in query.memory}
        rows = profiled(models, store, weighed=modes, optimiser=query.optimiser)
        known = known.with_models(rows)
    return known
