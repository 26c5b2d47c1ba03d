"""`archimeter profile`: count and measure backbones."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..data.errors import InputError
from .batches import read_batches, search_largest
from .breakdown import show_breakdown
from .measuring import (
    COUNT_COLUMNS,
    DIFFERENCE_COLUMNS,
    FIT_COLUMNS,
    TIMED_COLUMNS,
    check,
    exit_code,
    fits,
    place,
    read_conditions,
    read_size,
    row_of,
    say_what_failed,
)
from .progress import Progress
from .render import CsvFlag, JsonFlag, OutputFile, emit
from .store import StoreOption, open_store

__all__ = ["profile"]

MEASURE, PLACE = "Measure", "Where and how long"


def profile(
    targets: Annotated[
        list[str],
        typer.Argument(help="timm names, globs, file.py:factory, package.module:Class, .pt or .pt2 files."),
    ],
    *,
    size: Annotated[
        str | None, typer.Option(help="Input side in pixels, or channels,height,width.", show_default=False)
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Where it lies: module (a tree; a page with -o tree.html) or kind.", show_default=False
        ),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=0, help="Levels of the tree; 2 on a terminal.", show_default=False)
    ] = None,
    check_with: Annotated[
        str | None, typer.Option("--check", help="A second opinion on the MACs: fvcore.", show_default=False)
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Time and weigh it there: cpu, cuda, cuda:1, or several.",
            show_default=False,
            rich_help_panel=MEASURE,
        ),
    ] = None,
    batch: Annotated[
        str,
        typer.Option(
            help="Batch sizes: 1,64; max (the largest that fits); 1..max (1, 2, 4 … up to it).",
            rich_help_panel=MEASURE,
        ),
    ] = "1",
    dtype: Annotated[
        str,
        typer.Option(help="float32, tf32, amp-float16, amp-bfloat16, or several.", rich_help_panel=MEASURE),
    ] = "float32",
    channels_last: Annotated[
        bool, typer.Option("--channels-last", help="Weights and images so.", rich_help_panel=MEASURE)
    ] = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Through torch.compile.", rich_help_panel=MEASURE)
    ] = False,
    attention_fused: Annotated[
        bool, typer.Option("--fused-attention/--no-fused-attention", rich_help_panel=MEASURE)
    ] = True,
    training: Annotated[
        bool,
        typer.Option(
            "--training", help="A whole training step instead of inference.", rich_help_panel=MEASURE
        ),
    ] = False,
    optimiser: Annotated[
        str, typer.Option("--optimizer", help="Of a training step: sgd or adamw.", rich_help_panel=MEASURE)
    ] = "sgd",
    budget: Annotated[
        str | None,
        typer.Option(
            "--fits",
            help="Predict the largest batch that fits into so much memory, e.g. 8GB; with --batch max "
            "measure at it.",
            show_default=False,
            rich_help_panel=MEASURE,
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Seconds for each row; 120 to count, 600 to measure.",
            show_default=False,
            rich_help_panel=PLACE,
        ),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Do again what the store holds.", rich_help_panel=PLACE)
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            help="On a Ray cluster: auto (this machine's, else a new one), local (a new one), or host:port.",
            show_default=False,
            rich_help_panel=PLACE,
        ),
    ] = None,
    store_path: StoreOption = None,
    as_json: JsonFlag = False,
    as_csv: CsvFlag = False,
    output: OutputFile = None,
) -> None:
    """Count parameters, MACs, activations, depth and width; with --device also time and weigh.

    Every row is kept in the store as soon as it is there: the same command continues where it stopped.

    Example: archimeter profile convnext_tiny 'vit_small*' ./net.py:build --device cpu --batch 1,64
    """
    from ..profilers.survey import resolve_each, survey

    input_size = read_size(size)
    if by is not None:
        failed, tried = show_breakdown(
            targets, by=by, depth=depth, input_size=input_size, as_json=as_json, as_csv=as_csv, output=output
        )
        raise typer.Exit(exit_code(failed, tried))
    batches = read_batches(batch)
    if batches.largest and device is None:
        raise InputError("--batch max is measured: say --device. To predict the largest batch, --fits 8GB.")
    conditions = read_conditions(
        device,
        sizes=(1,) if batches.largest else batches.sizes,
        dtype=dtype,
        channels_last=channels_last,
        compiled=compiled,
        attention_fused=attention_fused,
        training=training,
        optimiser=optimiser,
        predict=budget is not None,
    )
    found, unknown = resolve_each(targets)
    differences: list[dict[str, Any]] | None = None
    with place(ray) as machine, open_store(store_path, create=True) as store:
        if budget is not None and not batches.largest:
            rows = fits(found, conditions, budget, input_size, timeout_s=timeout, machine=machine)
            columns = FIT_COLUMNS
        else:
            plan: Any = conditions
            if batches.largest:
                plan, unfit = search_largest(
                    found,
                    conditions,
                    batches,
                    budget=budget,
                    size=input_size,
                    timeout_s=timeout,
                    machine=machine,
                )
                unknown += unfit
            made = survey(
                found,
                plan,
                store=store,
                input_size=input_size,
                timeout_s=timeout,
                refresh=refresh,
                machine=machine,
                watch=Progress,
            )
            columns = TIMED_COLUMNS if conditions else COUNT_COLUMNS
            if check_with is not None:
                made, differences = check(
                    found, made, input_size, check_with, timeout_s=timeout, machine=machine, store=store
                )
            rows = [row_of(row) for row in made]
    rows += [row_of(row) for row in unknown]
    document = None if differences is None else {"profiles": rows, "differences": differences}
    plainly = as_json or as_csv or output is not None
    if plainly or any(row["status"] != "failed" for row in rows):
        emit(rows, columns, as_json=as_json, as_csv=as_csv, output=output, document=document)
    if differences and not plainly:
        emit(differences, DIFFERENCE_COLUMNS, title="\nWhat fvcore counts differently")
    raise typer.Exit(exit_code(say_what_failed(rows), len(rows)))
