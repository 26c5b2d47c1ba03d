"""Import many damaged, hostile and merely odd files, each in a process of its own, and say what happened.

Usage: python benchmarks/import_fuzz.py [FILES] [FIRST]

Prints how many files were imported and how many refused, and the worst time and peak memory. Ends with 1 if
any file gave a traceback, took more than 5 s of CPU or 1 GB, or left part of itself in the store.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import resource
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS, PEAK_BYTES = 5.0, 1_000_000_000
BACKBONES = (
    "resnet50",
    "resnet18",
    "convnext_tiny.fb_in1k",
    "vit_small_patch16_224",
    "ResNet-50",
    "swin_tiny_patch4_window7_224",
)
ODD_NAMES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\x1b[31mred",
    "na\0me",
    "'; DROP TABLE observations; --",
    "../../etc/passwd",
    "Ünïcödé ☃ \u202e",
    "x" * 5000,
    "%s%n{0}{}",
)
ODD_NUMBERS = (
    "NaN",
    "inf",
    "-inf",
    "1e999",
    "-0.1",
    "1.5",
    "101",
    "0x1p3",
    "1_000",
    "٣",
    "",
    "n/a",
    "93 %",
    "0,93",
    "=1+1",
)


class FuzzedFile(NamedTuple):
    """A file to import: its name, its bytes and what was done to it."""

    name: str
    content: bytes
    story: str


def table(rng: random.Random, rows: int) -> list[list[str]]:
    """A table of results as a careful person writes it."""
    head = ["model", "dataset", "accuracy", "lr", "epochs", "seed"]
    body = [
        [
            rng.choice(BACKBONES),
            rng.choice(["pets", "CIFAR10", "beetles"]),
            f"{rng.random():.4f}",
            "0.001",
            "5",
            str(i),
        ]
        for i in range(rows)
    ]
    return [head, *body]


def text_of(cells: list[list[str]], separator: str = ",") -> str:
    """The table as CSV without any quoting, so that odd cells break it."""
    return "\n".join(separator.join(row) for row in cells) + "\n"


def truncated(rng: random.Random, data: bytes) -> bytes:
    """Cut off somewhere."""
    return data[: rng.randrange(len(data))]


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Some bytes are others."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 20)):
        out[rng.randrange(len(out))] = rng.randrange(256)
    return bytes(out)


def encoded(rng: random.Random, data: bytes) -> bytes:
    """In another encoding, with letters beyond ASCII."""
    text = data.decode("utf-8", "replace") + "Zürich,é,0.5,,,\n"
    return text.encode(
        rng.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "cp037", "shift_jis"]), "replace"
    )


def quoted(rng: random.Random, data: bytes) -> bytes:
    """Quotation marks where none belong."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 10)):
        out.insert(rng.randrange(len(out)), ord(rng.choice("\"'")))
    return bytes(out)


def separated(rng: random.Random, data: bytes) -> bytes:
    """Several separators in one file."""
    return bytes(rng.choice(b",;\t|") if byte == ord(",") and rng.random() < 0.3 else byte for byte in data)


def lines_mixed(rng: random.Random, data: bytes) -> bytes:
    """Every kind of line ending."""
    return b"".join(line + rng.choice([b"\n", b"\r\n", b"\r", b"\n\n"]) for line in data.split(b"\n"))


MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    truncated,
    flipped,
    encoded,
    quoted,
    separated,
    lines_mixed,
)


def odd_cells(rng: random.Random) -> bytes:
    """Hostile names, impossible numbers and formulas in some cells."""
    cells = table(rng, rng.randrange(1, 60))
    for row in cells[1:]:
        if rng.random() < 0.5:
            row[rng.randrange(2)] = rng.choice(ODD_NAMES)
        if rng.random() < 0.5:
            row[rng.randrange(2, 6)] = rng.choice(ODD_NUMBERS)
    return text_of(cells).encode()


def odd_header(rng: random.Random) -> bytes:
    """Columns doubled, emptied, hostile or without a meaning."""
    cells = table(rng, 20)
    for _ in range(rng.randrange(1, 4)):
        cells[0][rng.randrange(6)] = rng.choice(
            [*cells[0], *ODD_NAMES, "", "acc", "error", "score", "val_acc"]
        )
    return text_of(cells).encode()


def wide(rng: random.Random) -> bytes:
    """A million columns, in the header or in a row."""
    cells = table(rng, 10)
    many = [rng.choice(["", "x", "0.5", "abc"])] * 1_000_000
    cells[rng.randrange(2)] = many
    return text_of(cells).encode()


def long(rng: random.Random) -> bytes:
    """Many rows that are all wrong, one endless line, or one endless quotation."""
    kind = rng.randrange(5)
    if kind == 0:
        return text_of(
            [["model", "dataset", "acc"], *([f"x{i}", f"d{i}", "0.5"] for i in range(100_000))]
        ).encode()
    if kind == 1:
        return b"model,dataset,acc\n" + b"a" * 30_000_000
    if kind == 2:
        return b'model,dataset,acc\n"' + b"a\n" * 15_000_000
    if kind == 3:
        return b"model,dataset,acc\n" * 1_000_000
    return b"\n" * 20_000_000 + b"model,dataset,acc\n"


def json_text(rng: random.Random) -> bytes:
    """JSON lines with odd values, deep nesting, huge numbers."""
    rows = []
    for row in table(rng, 20)[1:]:
        value = dict(zip(("model", "dataset", "accuracy", "lr", "epochs", "seed"), row, strict=True))
        if rng.random() < 0.3:
            odd = [*ODD_NAMES, None, [], {"a": 1}, True, 1e308, -1, [[1]], {"accuracy": {"x": 1}}, 10**30]
            value[rng.choice(list(value))] = rng.choice(odd)  # pyright: ignore[reportArgumentType]
        rows.append(json.dumps(value))
    if rng.random() < 0.3:
        odd_lines = [
            "[" * 200_000,
            "{" + '"a":{' * 50_000,
            "9" * 100_000,
            '"\\ud800"',
            '{"\\ud800": "\\udfff"}',
            "NaN",
        ]
        rows.insert(rng.randrange(len(rows)), rng.choice(odd_lines))
    return "\n".join(rows).encode()


def excel(rng: random.Random) -> bytes:
    """A workbook, whole or with some bytes of its sheet changed before it is zipped again."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in table(rng, 20):
        sheet.append([rng.choice([cell, "=1/0", cell]) for cell in row])
    if rng.random() < 0.2:
        sheet.cell(row=1_048_576, column=16_384, value="far away")
    out = io.BytesIO()
    book.save(out)
    if rng.random() < 0.5:
        return out.getvalue()
    again = io.BytesIO()
    with zipfile.ZipFile(out) as source, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if rng.random() < 0.4:
                content = flipped(rng, content)
            if rng.random() < 0.9:
                target.writestr(name, content)
    return again.getvalue()


def excel_bomb(rng: random.Random) -> bytes:
    """A workbook that unpacks to gigabytes, or claims to be small; or XML entities that multiply."""
    out = io.BytesIO()
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    laughs = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><worksheet>&a9;</worksheet>'
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if rng.random() < 0.5:
            with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
                for _ in range(100):
                    part.write(b" " * 1_000_000)
        else:
            book = zipfile.ZipFile(io.BytesIO(excel(random.Random(1))))  # noqa: S311  # repeatable, no secret
            for name in book.namelist():
                archive.writestr(name, laughs if name.endswith("sheet1.xml") else book.read(name))
    return out.getvalue()


def parquet(rng: random.Random) -> bytes:
    """A Parquet file, mostly damaged."""
    import pandas as pd

    cells = table(rng, 30)
    out = io.BytesIO()
    pd.DataFrame(cells[1:], columns=cells[0]).astype({"accuracy": float}).to_parquet(out)
    return out.getvalue() if rng.random() < 0.2 else rng.choice([flipped, truncated])(rng, out.getvalue())


_BOMB: list[bytes] = []


def gzip_bomb(_: random.Random) -> bytes:
    """Two gigabytes of zeros in two megabytes."""
    if not _BOMB:
        _BOMB.append(gzip.compress(b"0" * 100_000_000) * 20)
    return _BOMB[0]


def fuzzed_file(seed: int) -> FuzzedFile:
    """Return the file of this number; the same number gives the same file."""
    rng = random.Random(seed)  # noqa: S311  # repeatable, no secret
    rare = rng.random()
    if rare < 0.02:
        make, name = rng.choice(
            [(wide, "wide.csv"), (long, "long.csv"), (gzip_bomb, "bomb.csv.gz"), (excel_bomb, "bomb.xlsx")]
        )
        return FuzzedFile(name, make(rng), make.__name__)
    if rare < 0.15:
        make, name = rng.choice(
            [(excel, "book.xlsx"), (parquet, "t.parquet"), (json_text, "t.jsonl"), (json_text, "t.json")]
        )
        return FuzzedFile(name, make(rng), make.__name__)
    plain = rng.random() < 0.1
    make = rng.choice([odd_cells, odd_header])
    data = text_of(table(rng, rng.randrange(1, 200))).encode() if plain or rng.random() < 0.4 else make(rng)
    chosen = [] if plain else rng.sample(MUTATIONS, rng.randrange(3))
    for mutate in chosen:
        data = mutate(rng, data) if data else data
    packed = rng.random() < 0.1
    story = "+".join(["plain" if plain else make.__name__, *(m.__name__ for m in chosen)])
    if not packed:
        return FuzzedFile(rng.choice(["t.csv", "t.csv", "t.csv", "t.tsv"]), data, story)
    data = gzip.compress(data)
    return FuzzedFile(
        "t.csv.gz", rng.choice([data, truncated(rng, data), flipped(rng, data)]), story + "+gzip"
    )


def _import(path: Path, store_path: Path) -> int:
    from archimeter.data.errors import ArchimeterError
    from archimeter.data.importing import import_results
    from archimeter.data.store import Store

    try:
        with Store(store_path) as store:
            import_results(path, store)
    except ArchimeterError:
        return 3
    return 0


def main(files: int = 2000, first: int = 0) -> int:
    """Import the files and print what happened; return the exit status."""
    import openpyxl  # noqa: F401  # once, before the forks
    import pyarrow.parquet  # noqa: F401

    import archimeter.data.importing  # noqa: F401
    from archimeter.data.resolving import KnownNames
    from archimeter.data.store import Store

    known = KnownNames.shipped()
    KnownNames.shipped = classmethod(lambda _: known)  # pyright: ignore[reportAttributeAccessIssue]
    seen, bad = Counter(), []
    slowest, largest, base = (0.0, ""), (0, ""), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    with tempfile.TemporaryDirectory() as scratch:
        store_path = Path(scratch) / "runs.db"
        for number in range(first, first + files):
            fuzzed = fuzzed_file(number)
            path = Path(scratch) / fuzzed.name
            path.write_bytes(fuzzed.content)
            with Store(store_path) as store:
                before = store.counts()
            began = time.perf_counter()
            child = os.fork()
            if child == 0:
                code = 70
                try:
                    code = _import(path, store_path)
                finally:
                    os._exit(code)
            _, status, used = os.wait4(child, 0)
            wall, peak = time.perf_counter() - began, used.ru_maxrss * 1024
            took = used.ru_utime + used.ru_stime  # what other programs do meanwhile is no hang of ours
            outcome = os.waitstatus_to_exitcode(status)
            what = f"file {number} ({fuzzed.story}, {fuzzed.name})"
            slowest, largest = (
                max(slowest, (took, f"{wall:.1f} s on the clock, {what}")),
                max(largest, (peak, what)),
            )
            seen[{0: "imported", 3: "refused"}.get(outcome, f"exit {outcome}")] += 1
            if outcome not in (0, 3) or took > SECONDS or peak > PEAK_BYTES:
                bad.append(f"{what}: exit {outcome}, {took:.1f} s of CPU, {peak / 1e6:.0f} MB")
            with Store(store_path) as store:
                if outcome != 0 and store.counts() != before:
                    bad.append(f"{what}: part of it is in the store")
            path.unlink()
        with Store(store_path) as store:
            bad += [f"store: {problem}" for problem in store.check()]
            rows = store.counts()["observations"]
    print(f"{files} files: {dict(seen)}; store {rows}")
    print(f"slowest {slowest[0]:.2f} s of CPU, {slowest[1]}")
    print(f"largest {largest[0] / 1e6:.0f} MB, {largest[1]} (this process itself: {base / 1e6:.0f} MB)")
    print("\n".join(bad) if bad else "no traceback, no hang, no part of a file in the store")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
