"""How long a cold shell waits for an answer: medians of fresh processes.

Run: python benchmarks/startup.py [runs]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "--help": (0.3, ["--help"]),
    "recommend": (
        1.0,
        [
            *("recommend", "--images", "1000", "--classes", "17", "--domain", "remote-sensing"),
            *("--max-params", "50M", "--within", "5 ms @ RTX 4090"),
        ],
    ),
}


def seconds(arguments: list[str]) -> float:
    """Wall time of one fresh process; a failure stops the benchmark."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "archimeter", *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the median, the fastest and the goal of each command, and how busy the machine was."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    for name, (goal, arguments) in COMMANDS.items():
        seconds(arguments)  # the first run also pays for the disk
        times = [seconds(arguments) for _ in range(runs)]
        print(
            f"archimeter {name:10} median {statistics.median(times):.3f} s, fastest {min(times):.3f} s, "
            f"goal {goal:.1f} s, {runs} runs, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
        )


if __name__ == "__main__":
    main()
