"""Damaged and hostile files, the same that benchmarks/import_fuzz.py makes by the thousand."""

import importlib.util
import random
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archimeter.data.errors import ArchimeterError
from archimeter.data.importing import import_results, read_results
from archimeter.data.resolving import KnownNames
from archimeter.data.store import Store

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "import_fuzz.py"
spec = importlib.util.spec_from_file_location("import_fuzz", SCRIPT)
assert spec is not None
assert spec.loader is not None
fuzz = importlib.util.module_from_spec(spec)
sys.modules["import_fuzz"] = fuzz
spec.loader.exec_module(fuzz)

NAMES = {name.partition(".")[0] for name in fuzz.BACKBONES} - {"ResNet-50"}
WEIGHTS = {name for name in fuzz.BACKBONES if "." in name}
KNOWN = KnownNames(frozenset(NAMES), frozenset(WEIGHTS), {"pets": None, "cifar-10": None})


def outcome(attempt):
    """What an import gives: its result, or its message."""
    try:
        return attempt(), None
    except ArchimeterError as error:
        return None, str(error)


def test_a_hundred_odd_files_are_imported_whole_or_refused_whole(tmp_path):
    imported = refused = 0
    with Store(tmp_path / "runs.db") as store:
        for number in range(100):
            fuzzed = fuzz.fuzzed_file(number)
            path = tmp_path / fuzzed.name
            path.write_bytes(fuzzed.content)
            before = sum(store.counts()["observations"].values())
            began = time.process_time()
            found, message = outcome(lambda path=path: import_results(path, store, known=KNOWN))
            assert time.process_time() - began < 5, fuzzed.story
            added = 0
            if message is None:
                imported += 1
                added = found.written.added
            else:
                refused += 1
                assert len(message) < 100_000, fuzzed.story
                assert message.replace("\n", "").isprintable(), fuzzed.story
            assert sum(store.counts()["observations"].values()) == before + added, fuzzed.story
        assert store.check() == []
    assert imported > 5, "some of these files are good"
    assert refused > 5, "most of these files are bad"


@pytest.mark.parametrize("make", ["wide", "long", "gzip_bomb", "excel_bomb"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_large_ones_are_refused_in_time(tmp_path, make, seed):
    name = {"gzip_bomb": "bomb.csv.gz", "excel_bomb": "bomb.xlsx"}.get(make, "large.csv")
    path = tmp_path / name
    path.write_bytes(getattr(fuzz, make)(random.Random(seed)))  # noqa: S311
    began = time.process_time()
    with pytest.raises(ArchimeterError):
        read_results(path, known=KNOWN)
    assert time.process_time() - began < 5


CELL = st.sampled_from([*fuzz.ODD_NAMES, *fuzz.ODD_NUMBERS, *fuzz.BACKBONES, "pets", "0.93"]) | st.text(
    max_size=12
)
HEADER = st.sampled_from(
    ["model", "dataset", "accuracy", "error", "lr", "epochs", "seed", "metric", "value", "weights"]
)


@settings(max_examples=200, deadline=None)
@given(
    header=st.lists(HEADER | st.text(max_size=12), min_size=1, max_size=8),
    rows=st.lists(st.lists(CELL, max_size=8), max_size=6),
    separator=st.sampled_from([",", ";", "\t"]),
    keep=st.booleans(),
)
def test_any_table_is_read_or_refused_with_a_message(tmp_path_factory, header, rows, separator, keep):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    text = "\n".join(separator.join(row) for row in [header, *rows])
    path.write_bytes(text.encode("utf-8", "replace"))
    found, message = outcome(lambda: read_results(path, known=KNOWN, keep_unknown=keep))
    if found is None:
        assert message
        return
    assert found.observations
    for observation in found.observations:
        assert observation.error is None or 0 <= observation.error <= 1
        assert observation.study != ""
