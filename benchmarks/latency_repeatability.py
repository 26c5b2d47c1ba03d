"""Do two runs of the same condition agree within the intervals that they print?

    python benchmarks/latency_repeatability.py [-o runs.jsonl]

Twenty small backbones of different kinds, batch 1, inference, one thread. Each is timed in two passes over
the whole list, so that minutes lie between its two runs, and each run has a process of its own. Printed
per model: both medians, both intervals, whether the intervals overlap (agreement), and whether each
median lies in the other's interval (stricter). Last the share, and the spread between runs that
`intervals.UNSEEN_ON_CORES` allows for.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import statistics
from pathlib import Path
from typing import Any

from archimeter.profilers.intervals import Interval, median_interval

MODELS = [
    "lcnet_035",
    "tinynet_e",
    "ghostnet_050",
    "efficientvit_m0",
    "starnet_s050",
    "regnetx_002",
    "edgenext_xx_small",
    "levit_128s",
    "hgnetv2_b0",
    "fasternet_t0",
    "mobilevit_xxs",
    "mobilenetv3_small_100",
    "efficientnet_lite0",
    "rexnet_100",
    "pit_ti_224",
    "vit_tiny_patch16_224",
    "mixer_s32_224",
    "resnet18",
    "convnext_zepto_rms",
    "swiftformer_xs",
]


def time_here(name: str) -> dict[str, Any]:
    """Time one backbone in this process."""
    import timm
    import torch

    from archimeter.profilers.clocks import clock_for
    from archimeter.profilers.conditions import Condition
    from archimeter.profilers.latency import time_step
    from archimeter.profilers.steps import Step

    torch.set_num_threads(1)
    condition = Condition()
    module = timm.create_model(name)
    step = Step(module, (torch.randn(1, *module.pretrained_cfg["input_size"]),), None, condition)
    with condition.active():
        timing = time_step(step, clock_for("cpu"))
    return {
        "name": name,
        "samples_s": timing.samples_s,
        "core_share": timing.core_share,
        "contended": timing.contended,
        "noisy": timing.noisy,
    }


def run_all(names: list[str], output: Path | None) -> list[dict[str, Any]]:
    """Time every name twice, each time in a process of its own, the second pass after the first."""
    import timm  # noqa: F401  # imported before the fork, so that no run pays for it
    import torch  # noqa: F401

    rows = []
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for row in pool.imap(time_here, [*names, *names], chunksize=1):
            rows.append(row)
            if output:
                with output.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    return rows


def print_agreement(rows: list[dict[str, Any]]) -> None:
    """Print one line a model and the shares at the end."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_name.setdefault(row["name"], []).append(row)
    overlaps, contains, spreads = [], [], []
    for name, runs in by_name.items():
        if len(runs) < 2:
            continue
        one, two = runs
        a, b = _interval(one), _interval(two)
        overlaps.append(a.overlaps(b))
        contains.append(a.low <= b.estimate <= a.high and b.low <= a.estimate <= b.high)
        spreads.append(math.log(a.estimate / b.estimate) / math.sqrt(2))
        flags = " ".join(key for key in ("noisy", "contended") if one[key] or two[key])
        verdict = "agree" if overlaps[-1] else "DIFFER"
        shares = " / ".join(f"{row['core_share']:.0%}" for row in (one, two))
        print(f"{name:24s} {_milliseconds(a)}  {_milliseconds(b)}  {verdict} core {shares} {flags}")
    n = len(overlaps)
    print(f"\nintervals overlap: {sum(overlaps)} of {n} ({sum(overlaps) / n:.0%})")
    print(f"each median in the other's interval: {sum(contains)} of {n} ({sum(contains) / n:.0%})")
    rms = math.sqrt(statistics.fmean(s * s for s in spreads))
    print(f"spread of a median between runs, 1 sigma: {rms:.1%} (rms), {_robust(spreads):.1%} (robust)")


def _interval(row: dict[str, Any]) -> Interval:
    return median_interval(row["samples_s"], core_share=row["core_share"])


def _robust(spreads: list[float]) -> float:
    return 1.4826 * statistics.median(abs(s) for s in spreads)


def _milliseconds(interval: Interval) -> str:
    low, middle, high = (1e3 * value for value in (interval.low, interval.estimate, interval.high))
    return f"{middle:8.2f} ms [{low:8.2f}, {high:8.2f}]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, help="keep the raw samples as JSON lines")
    parser.add_argument("--from", dest="source", type=Path, help="print from kept samples")
    parser.add_argument("names", nargs="*", default=MODELS)
    options = parser.parse_args()
    if options.source:
        kept = [json.loads(line) for line in options.source.read_text().splitlines()]
    else:
        kept = run_all(options.names, options.output)
    print_agreement(kept)
