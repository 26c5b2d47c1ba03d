"""Time and memory of profiling all of timm, in one and in two processes.

    python benchmarks/profile_all.py

Bars: no failure; 120 s in one process, 60 s in two, 1 GB each, on two idle cores. Processor time is printed
beside wall time, because a busy machine stretches only the latter much, and beside both what plain torch
takes to build and run the same architectures on meta: a slow machine stretches that as much.
"""

from __future__ import annotations

import subprocess
import sys

CHILD = """
import resource, sys, time
start = time.perf_counter()
from archimeter.profilers.build import profile_all
rows = profile_all(processes=int(sys.argv[1]))
own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cpu = sum(usage.ru_utime + usage.ru_stime for usage in (own, others))
peak = max(own.ru_maxrss, others.ru_maxrss) / 2**20
failed = [row.backbone for row in rows if row.status != "ok"]
print(f"{sys.argv[1]} process(es): {len(rows)} rows, failed: {failed}, "
      f"{time.perf_counter() - start:.1f} s wall, {cpu:.1f} s processor, {peak:.2f} GiB in the largest")
"""


PLAIN = """
import gc, sys, time
import timm, torch
torch.set_num_threads(1)
gc.disable()
every, names = int(sys.argv[1]), timm.list_models()
start = time.process_time()
with torch.device("meta"), torch.inference_mode():
    for name in names[::every]:
        model = timm.create_model(name).eval()
        model(torch.empty(1, *model.default_cfg["input_size"]))
spent = time.process_time() - start
print(f"plain torch: {spent:.1f} s processor for every {every}th of {len(names)}, "
      f"{spent / len(names[::every]) * len(names):.0f} s for all at that rate")
"""


def main() -> None:
    """Run the whole registry in a fresh process, once with one worker and once with two."""
    subprocess.run([sys.executable, "-c", PLAIN, "14"], check=True)
    for processes in ("1", "2"):
        subprocess.run([sys.executable, "-c", CHILD, processes], check=True)


if __name__ == "__main__":
    main()
