"""timm's registry as rows: every set of pretrained weights, its origin, licence and preprocessing.

`python -m archimeter.profilers.registry OUT` writes them into the folder OUT (or that of OUT, a
`weights.parquet`), with their line in its manifest. Nothing is downloaded: all of it stands in timm's source.
"""

from __future__ import annotations

import sys
from pathlib import Path

import timm
from timm.models import get_pretrained_cfg

from ..data.errors import ArchimeterError, InputError
from ..data.names import family, finetuned_on, kind, pretraining, split
from ..data.tables import TableEntry, publish
from ..data.weights import Weights

__all__ = ["ENTRY", "main", "rows"]

ENTRY = TableEntry(
    table="weights",
    record="Weights",
    title="Pretrained weights of timm",
    rows_are="one set of pretrained weights",
    built_by="archimeter.profilers.registry",
    repository="huggingface/pytorch-image-models",
    commit=f"v{timm.__version__}",
    path="timm/models",
    licence="Apache-2.0 (the code; every row states the licence of its weights)",
    citation="Ross Wightman: PyTorch Image Models, 2019, doi:10.5281/zenodo.4414861",
    notes=(
        "family, kind, pretraining and finetuned_on are told from the names by data.names",
        "licence is empty where timm states none or 'unknown'",
    ),
)


def rows() -> list[Weights]:
    """Return every set of weights that timm can load, sorted by name."""
    return [_row(name) for name in sorted(timm.list_pretrained())]


def _row(weights: str) -> Weights:
    backbone, tag = split(weights)
    config, default = get_pretrained_cfg(weights), get_pretrained_cfg(backbone)
    if config is None:
        raise InputError(f"timm lists {weights!r} but has no configuration for it; install timm anew.")
    return Weights(
        weights=weights,
        backbone=backbone,
        family=family(backbone),
        kind=kind(backbone),
        pretraining=pretraining(weights),
        finetuned_on=finetuned_on(weights),
        licence=None if config.license in (None, "unknown") else config.license,
        is_default=default is not None and default.tag == tag,
        num_classes=config.num_classes,
        input_size=tuple(config.input_size),
        fixed_input_size=config.fixed_input_size,
        interpolation=config.interpolation,
        crop_pct=config.crop_pct,
        crop_mode=config.crop_mode,
        mean=tuple(config.mean),
        std=tuple(config.std),
    )


def main(arguments: list[str]) -> int:
    """Run from the command line: OUT, a folder or the `weights.parquet` in it; returns the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m archimeter.profilers.registry OUT\n")
        return 2
    out = Path(arguments[0])
    try:
        entry = publish(ENTRY, rows(), Weights, _folder(out))
    except ArchimeterError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{entry.table}: {entry.rows} rows\n")
    return 0


def _folder(out: Path) -> Path:
    if out.suffix != ".parquet":
        return out
    if out.name != ENTRY.file:
        raise InputError(f"The table's file is named {ENTRY.file}, not {out.name!r}; give that or a folder.")
    return out.parent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
