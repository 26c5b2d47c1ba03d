"""How long loading every shipped table takes, after pandas and pyarrow are imported; the bar is 0.3 s."""

import time

import pandas as pd  # noqa: F401  # its import is not what is measured
import pyarrow.parquet  # noqa: F401

from archimeter.data.tables import TABLES, load_table, manifest


def main() -> None:
    """Print wall and processor seconds, first and best of five, and the size on disk."""
    names = [entry.table for entry in manifest()]
    walls, works = [], []
    for _ in range(5):
        wall, work = time.perf_counter(), time.process_time()
        rows = sum(len(load_table(name)) for name in names)
        walls.append(time.perf_counter() - wall)
        works.append(time.process_time() - work)
    size = sum(path.stat().st_size for path in TABLES.iterdir()) / 1e6
    print(f"{len(names)} tables, {rows:,} rows, {size:.2f} MB")
    print(f"wall: first {walls[0]:.3f} s, best {min(walls):.3f} s (bar 0.3 s)")
    print(f"processor: first {works[0]:.3f} s, best {min(works):.3f} s")


if __name__ == "__main__":
    main()
