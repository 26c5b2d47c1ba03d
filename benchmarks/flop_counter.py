"""Our MACs against `torch.utils.flop_counter` on the meta device, for every architecture of timm.

    python benchmarks/flop_counter.py [PROCESSES]

torch's counter runs the module without our rules, cache or dispatch mode: the two agree to the unit, or the
architecture is printed.
"""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

from archimeter.profilers.meta import build_on_meta
from archimeter.profilers.static import profile
from archimeter.profilers.targets import known_backbones


def compare(name: str) -> tuple[str, int, int]:
    """Return the name, our MACs and torch's."""
    torch.set_num_threads(1)
    model = build_on_meta(lambda: timm.create_model(name)).eval().requires_grad_(requires_grad=False)
    image = torch.empty(1, *model.default_cfg["input_size"], device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    return name, profile(name).macs or 0, counter.get_total_flops() // 2


def main() -> None:
    """Compare all and print the differences as they are found."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    context = multiprocessing.get_context("spawn")
    same = compared = 0
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for name, ours, theirs in pool.map(compare, known_backbones(), chunksize=5):
            compared += 1
            same += ours == theirs
            if ours != theirs:
                print(f"  {name}: {ours:,} here, {theirs:,} by torch", flush=True)
            if compared % 100 == 0:
                print(f"{same} of {compared} the same", flush=True)
    print(f"{same} of {compared} architectures have the same MACs by both counters")


if __name__ == "__main__":
    main()
