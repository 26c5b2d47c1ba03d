"""Predicted against measured peak memory on 55 small networks, on this machine's CPU.

    python benchmarks/memory_prediction.py [--dtype amp-bfloat16] [-o rows.jsonl] [NAME …]

The sample is stratified: of each model file of timm 1.0.31 the architecture with the fewest MACs by
timm's own benchmark tables (its `test_*` miniatures left out), and of those 89 the 55 cheapest. Batch 2,
random weights, one thread. Compared is what the step itself adds (activations, and gradients in
training); parameters, buffers, inputs and SGD's momentum, which are exact by construction, would only
make the errors smaller. A name is compared in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

SAMPLE = [
    "lcnet_035",
    "tinynet_e",
    "ghostnet_050",
    "repghostnet_050",
    "efficientvit_m0",
    "starnet_s050",
    "efficientvit_b0",
    "regnetx_002",
    "hardcorenas_a",
    "shvit_s1",
    "edgenext_xx_small",
    "mobileone_s0",
    "convnext_zepto_rms",
    "levit_128s",
    "hgnetv2_b0",
    "fasternet_t0",
    "mobilevit_xxs",
    "nf_regnet_b0",
    "ese_vovnet19b_slim_dw",
    "efficientformerv2_s0",
    "rexnet_100",
    "vit_tiny_r_s16_p8_224",
    "inception_next_atto",
    "pit_ti_224",
    "pvt_v2_b0",
    "dla46x_c",
    "xcit_nano_12_p16_224",
    "swiftformer_xs",
    "cs3darknet_focus_s",
    "fastvit_t8",
    "resnet10t",
    "repvit_m0_9",
    "mixer_s32_224",
    "deit_tiny_patch16_224",
    "vit_tiny_patch16_224",
    "mambaout_femto",
    "tiny_vit_5m_224",
    "convit_tiny",
    "visformer_tiny",
    "crossvit_tiny_240",
    "efficientformer_l1",
    "csatv2",
    "eva02_tiny_patch14_224",
    "coat_lite_tiny",
    "hrnet_w18_small",
    "maxvit_pico_rw_256",
    "dpn48b",
    "legacy_seresnet18",
    "poolformer_s12",
    "resnetv2_18",
    "skresnet18",
    "haloregnetz_b",
    "gcvit_xxtiny",
    "cait_xxs24_224",
    "resnest14d",
]
BATCH = 2


def compare_here(name: str, dtype: Any) -> dict[str, Any]:
    """Predict and measure one network's two steps in this process."""
    import time

    import timm
    import torch

    from archimeter.profilers.conditions import Condition
    from archimeter.profilers.memory import measure_step_memory, predict_step_memory
    from archimeter.profilers.meta import build_on_meta
    from archimeter.profilers.steps import Step

    torch.set_num_threads(1)
    row: dict[str, Any] = {"name": name}
    for mode in ("inference", "training"):
        condition = Condition(mode=mode, batch_size=BATCH, dtype=dtype)
        hollow = build_on_meta(lambda: timm.create_model(name))
        images = torch.empty(BATCH, *hollow.pretrained_cfg["input_size"], device="meta")
        start = time.perf_counter()
        predicted = predict_step_memory(hollow, (images,), None, condition)
        row[f"{mode}_s"] = time.perf_counter() - start
        module = timm.create_model(name)
        measured = measure_step_memory(Step(module, (torch.randn(images.shape),), None, condition))
        momentum = 4 * sum(p.numel() for p in module.parameters()) if condition.training else 0
        row[f"{mode}_measured"] = measured.step_bytes - momentum
        row[f"{mode}_predicted"] = predicted.step_bytes - momentum
        row[f"{mode}_at"] = predicted.peak_operator
    return row


def print_errors(rows: list[dict[str, Any]]) -> None:
    """Print one line a network, then the shares that the bars are stated in."""
    for row in rows:
        cells = []
        for mode in ("inference", "training"):
            measured, predicted = row[f"{mode}_measured"], row[f"{mode}_predicted"]
            cells.append(f"{mode} {measured / 2**20:8.2f} MiB {100 * (predicted / measured - 1):+7.2f} %")
        print(f"{row['name']:26s} {'   '.join(cells)}")
    for mode in ("inference", "training"):
        ratio = [row[f"{mode}_predicted"] / row[f"{mode}_measured"] for row in rows]
        errors = np.abs(np.array(ratio) - 1)
        p90, p95 = np.quantile(errors, [0.9, 0.95])
        print(
            f"{mode}: n {len(rows)}, median {np.median(errors):.2%}, p90 {p90:.2%}, p95 {p95:.2%}, "
            f"max {errors.max():.2%}, within 10 % {np.mean(errors <= 0.1):.0%}, "
            f"rms {np.sqrt(np.mean(errors**2)):.2%}; "
            f"prediction {np.median([row[f'{mode}_s'] for row in rows]):.2f} s a network"
        )


def compare(name: str, dtype: str) -> dict[str, Any] | None:
    """Compare one network in a process of its own; None, with the reason on stderr, if that failed."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", name, "--dtype", dtype],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="float32", help="float32 or amp-bfloat16")
    parser.add_argument("-o", "--output", type=Path, help="keep the rows as JSON lines")
    parser.add_argument("names", nargs="*", default=SAMPLE)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(compare_here(options.one, options.dtype)))
    else:
        found = []
        for name in options.names:
            row = compare(name, options.dtype)
            found += [row] if row else []
            if row and options.output:
                with options.output.open("a") as file:
                    file.write(json.dumps(row) + "\n")
        print_errors(found)
