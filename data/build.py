"""Rebuild the shipped tables from the studies' raw files: `python -m archimeter.data.build RAW_DIR [OUT]`.

The profilers make the profiles' and the weights' tables, not raw files; those stay as they are.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import records
from .errors import ArchimeterError, InputError, UnknownNameError
from .tables import TABLES, TableEntry, publish

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HELPERS", "SOURCES", "build", "main"]

SOURCES = (
    "aitlas_arena_finetune",
    "big_transfer",
    "biobench",
    "cherti_jitsev_bit",
    "danish_fungi",
    "datasets",
    "eva_pathology",
    "fastai",
    "fungitastic",
    "google_vit",
    "juodelyte_medmnist_archs",
    "logme_tllib_finetune",
    "medmnistplus_doerrich",
    "mieb_linear_probe",
    "open_clip_towers",
    "open_clip_zeroshot",
    "parc",
    "pepr_medical",
    "salman_robust_transfer",
    "sfda_cnn_finetune",
    "timm_benchmarks",
    "timm_imagenet",
    "tllib_task_adaptation",
    "torchgeo_bench",
    "vtab_resnet50",
)
"""Modules in `data.sources`: each has ENTRY and rows(raw)."""
HELPERS = ("cited", "figures", "rawfile", "transfer")
"""Modules there that are no source."""


def build(raw: Path, out: Path = TABLES, sources: Iterable[str] = SOURCES) -> list[TableEntry]:
    """Write the tables of the named sources into `out`, with their lines in its manifest.

    Args:
        raw: folder of raw files, one subfolder per provider.
        out: where the tables go.
        sources: names of modules in `data.sources`.

    Raises:
        InputError: if the raw folder or a file in it is missing.
        UnknownNameError: for a source that does not exist.
    """
    if not raw.is_dir():
        raise InputError(
            f"The raw folder {raw} does not exist. Give the folder that holds the studies' files."
        )
    return [_build_one(name, raw, out) for name in sources]


def _build_one(name: str, raw: Path, out: Path) -> TableEntry:
    if name not in SOURCES:
        raise UnknownNameError("source", name, SOURCES)
    source = importlib.import_module(f".sources.{name}", __package__)
    try:
        return publish(source.ENTRY, source.rows(raw), getattr(records, source.ENTRY.record), out)
    except FileNotFoundError as error:
        raise InputError(f"Source {name!r} needs {error.filename}, which is not there.") from error


def main(arguments: list[str]) -> int:
    """Run from the command line: RAW_DIR [OUT]; returns the exit status."""
    if not 1 <= len(arguments) <= 2:
        sys.stderr.write("usage: python -m archimeter.data.build RAW_DIR [OUT]\n")
        return 2
    try:
        for entry in build(Path(arguments[0]), Path(arguments[1]) if arguments[1:] else TABLES):
            sys.stdout.write(f"{entry.table}: {entry.rows} rows, {entry.rows_by_status}\n")
    except ArchimeterError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
