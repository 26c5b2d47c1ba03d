"""Small tables whose every number is known, and one page made from them."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archimeter.data.records import Observation, Profile
from archimeter.data.tables import TableEntry, read_table, write_table
from archimeter.reports.page import Tables, report

EVIL = "evil_<img src=x onerror=alert(1)>_</script><script>alert(2)</script>"
FAMILIES = {"vit": "attention", "resnet": "convolutional", "evil<b>": "other"}


def backbones():
    """Thirty backbones: ten per family, each ten percent larger than the one before; the last is evil."""
    for number in range(30):
        family = list(FAMILIES)[number // 10]
        name = EVIL if number == 29 else f"{family}_{number:02d}".replace("<b>", "")
        yield number, name, family


def profile(number, name, family):
    return Profile(
        backbone=name,
        family=family,
        kind=FAMILIES[family],
        input_shapes=((3, 224, 224),),
        params=int(1e6 * 1.1**number),
        macs=int(1e8 * 1.2**number),
        activations=int(1e6 * 1.15**number),
        depth=10 + number,
    )


def results():
    """Fine-tuning: vit's error falls by 0.02 per tenfold of MACs, resnet's is noise, three runs each."""
    noise = np.random.default_rng(7)
    for number, name, family in backbones():
        base = 0.3 - 0.02 * np.log10(1e8 * 1.2**number) if family == "vit" else 0.12 + noise.normal(0, 0.01)
        for replicate in range(3):
            for rate in (0.008, 0.002) if number % 2 else (0.008,):
                yield Observation(
                    study="<i>study</i>",
                    dataset="pets",
                    backbone=name,
                    match="architecture",
                    error=float(base + 0.001 * (replicate - 1) + (0.01 if rate == 0.002 else 0)),
                    metric="top1",
                    recipe_detail="five epochs",
                    learning_rate=rate,
                    replicate=replicate,
                    fit_time_s=30.0 + number,
                )


def small_results():
    for number, name, _ in list(backbones())[:5]:
        yield Observation(study="tiny", dataset="cars", backbone=name, error=0.1 + number / 100)


@pytest.fixture(scope="session")
def tables():
    speeds = [
        replace(
            profile(*one),
            source="published",
            device="NVIDIA GeForce RTX 4090",
            mode="inference",
            dtype="amp-float16",
            torch_version="2.4.0",
            throughput=5000.0 / (one[0] + 1),
        )
        for one in backbones()
    ]
    manifest = TableEntry(
        table="study",
        record="Observation",
        study="<i>study</i>",
        title="A study <script>alert(3)</script>",
        rows_are="runs",
        built_by="tests",
        licence="MIT",
        citation="Nobody & Sons, 2026",
        commit="abc",
        repository="nobody/sons",
        notes=("A trap.", "Gaps: EfficientNet was not tried."),
        rows=135,
        rows_by_status={"ok": 135},
    )
    return Tables(
        profiles=frame(profile(*one) for one in backbones()),
        observations=frame([*results(), *small_results()]),
        benchmarks=frame(speeds),
        manifest=(manifest,),
    )


def frame(records):
    """Records as a frame, by the way a shipped table takes: onto disk and back."""
    records = list(records)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        write_table(path, records, type(records[0]))
        return read_table(path)


@pytest.fixture(scope="session")
def page_file(tables, tmp_path_factory):
    return report(tmp_path_factory.mktemp("page") / "report.html", tables=tables)


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium through Playwright; skipped with a reason where either is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium on the PATH (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()
