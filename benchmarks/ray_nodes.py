"""How much faster two Ray nodes of one core each are than one, on work that only computes.

Usage: python benchmarks/ray_nodes.py [JOBS] [SECONDS] [compute|wait]

Each job computes until it has used so many seconds of CPU time, in its own process. What counts is the time
from the first row to the last: starting actors and importing torch on a node is the same for any number
of jobs. On a machine whose cores others use, two nodes cannot get twice the time of one: `wait` lets each
job sleep instead, which shows what handing out the jobs costs whatever the cores do.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray.cluster_utils import Cluster

from archimeter.profilers.execution import Job, usable_cores
from archimeter.profilers.ray_sweep import run_ray

WORK = "[sum(range(10**5)) for _ in iter(lambda: __import__('time').process_time() < {until}, False)] and 1"

WAIT = "__import__('time').sleep({until}) or 1"


def measure(nodes: int, jobs: int, spec: str) -> tuple[float, float]:
    """Return wall seconds from the first row to the last, and rows a second."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(nodes - 1):
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    cluster.connect()
    try:
        run = run_ray([Job(key=str(i), function=eval, spec=spec) for i in range(jobs + 4 * nodes)])
        for _ in range(4 * nodes):  # until every actor works
            next(run)
        began = time.monotonic()
        assert all(outcome.ok for _, outcome in run)
        wall = time.monotonic() - began
    finally:
        ray.shutdown()
        cluster.shutdown()
    return wall, jobs / wall


def main() -> None:
    """Print both and their ratio."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    print(f"{usable_cores()} cores, load {os.getloadavg()[0]:.1f}, {jobs} jobs of {seconds:g} CPU s")
    work = WAIT if sys.argv[3:] == ["wait"] else WORK
    rates = []
    for nodes in (1, 2):
        wall, rate = measure(nodes, jobs, work.format(until=seconds))
        rates.append(rate)
        print(
            f"{nodes} node(s): {wall:.1f} s, {rate:.2f} jobs/s, {jobs * seconds / wall:.2f} s of work per s"
        )
    print(f"two nodes are {rates[1] / rates[0]:.2f} times one; load now {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
