"""Ten million results in Parquet parts: joined with the profiles and summarised within 2 GB.

Usage: python benchmarks/lake.py [ROWS] [FOLDER]

Makes the parts (in a process of its own, unless FOLDER holds them already), joins every result with the
shipped profiles, groups them, and prints time and peak memory. Ends with 1 beyond 2 GB.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from archimeter.data.lake import Lake, write_table_part
from archimeter.data.records import Observation
from archimeter.data.tables import load_profiles, schema_of

if TYPE_CHECKING:
    import pandas as pd

PART_ROWS = 500_000
PEAK_BYTES = 2_000_000_000
DATASETS = 120


def profiles() -> pd.DataFrame:
    """The shipped profiles with the columns that this joins."""
    return load_profiles()[["backbone", "family", "params", "macs"]]


def make_parts(folder: str, rows: int, backbones: list[str]) -> None:
    """Write parts with random results, as many writers would; each key is its own."""
    rng = np.random.default_rng(0)
    schema = schema_of(Observation)
    for start in range(0, rows, PART_ROWS):
        size = min(PART_ROWS, rows - start)
        columns = {
            "study": pa.array(["mine"] * size),
            "dataset": pa.array([f"set-{i}" for i in range(DATASETS)]).take(
                pa.array(rng.integers(0, DATASETS, size))
            ),
            "backbone": pa.array(backbones).take(pa.array(rng.integers(0, len(backbones), size))),
            "match": pa.array(["architecture"] * size),
            "recipe": pa.array(["fine-tune"] * size),
            "error": pa.array(rng.beta(2, 8, size)),
            "metric": pa.array(["top1"] * size),
            "replicate": pa.array(np.arange(start, start + size)),
            "fit_time_s": pa.array(rng.gamma(2, 100, size)),
            "status": pa.array(["ok"] * size),
        }
        missing = {f.name: pa.nulls(size, f.type) for f in schema if f.name not in columns}
        table = pa.table({name: (columns | missing)[name] for name in schema.names})
        keys = pa.array(rng.integers(-(2**63), 2**63 - 1, size))
        write_table_part(folder, table.append_column("key", keys), Observation)


def main(rows: int = 10_000_000, folder: str | None = None) -> int:
    """Make, join, summarise; print the figures."""
    side = profiles()
    with tempfile.TemporaryDirectory() as scratch:
        where = folder or scratch
        began = time.perf_counter()
        if not (Path(where) / "observations").exists():
            maker = multiprocessing.get_context("spawn").Process(
                target=make_parts, args=(where, rows, side["backbone"].tolist())
            )
            maker.start()
            maker.join()
            size = sum(p.stat().st_size for p in Path(where).rglob("*.parquet"))
            took = time.perf_counter() - began
            print(f"made {rows:,} results, {size / 1e6:.0f} MB of Parquet, in {took:.1f} s")
        lake = Lake(where)
        for by in (["family", "dataset"], ["backbone", "dataset"]):
            began, worked = time.perf_counter(), time.process_time()
            summary = lake.summarise(by, side)
            took = f"{time.perf_counter() - began:.1f} s ({time.process_time() - worked:.1f} s of CPU)"
            groups = " × ".join(by)
            print(f"{groups}: {summary.rows:,} results joined, {len(summary.frame):,} groups, {took}")
            assert summary.frame["n"].sum() + summary.not_ok == summary.rows - summary.repeated
        began = time.perf_counter()
        cells = lake.cells()
        print(f"cells: {len(cells):,} settings with mean and spread, {time.perf_counter() - began:.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"peak memory {peak / 1e9:.2f} GB (limit {PEAK_BYTES / 1e9:.0f} GB)")
    return 1 if peak > PEAK_BYTES else 0


if __name__ == "__main__":
    sys.exit(main(*[int(sys.argv[1])] if len(sys.argv) > 1 else [], *sys.argv[2:3]))
