"""Surveys of real targets: what is known beforehand, what is kept, where it runs."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest
import timm

from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.store import Store
from archimeter.profilers.conditions import Condition
from archimeter.profilers.execution import Job, run_local
from archimeter.profilers.isolation import Outcome
from archimeter.profilers.static import profile
from archimeter.profilers.survey import _counting, ask_each, resolve_each, survey


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "runs.db") as opened:
        yield opened


class _Here:
    """A machine that runs jobs in this process: quick, and it counts them."""

    def __init__(self):
        self.ran = []

    def _execute(self, jobs):
        for job in jobs:
            self.ran.append(job.spec)
            yield job, Outcome(status="ok", value=job.function(job.spec))

    def counting(self):
        return self._execute

    def timing(self, device):
        def execute(jobs):
            for job in jobs:
                target, condition, _ = job.spec
                self.ran.append(job.spec)
                row = profile(target, input_size=32).as_row()
                yield job, Outcome(status="ok", value=row | {"latencies_s": [0.1 * condition.batch_size] * 3})

        return execute

    def device_names(self, device):
        return frozenset({f"a {device}"})


def test_names_resolve_one_by_one():
    targets, failed = resolve_each(["test_vit", "resnet18x", "test_v*"])
    assert [target.ref for target in targets][:1] == ["test_vit"]
    assert len(targets) == len({target.ref for target in targets}) > 1
    assert [(row.backbone, row.status) for row in failed] == [("resnet18x", "failed")]


def test_nothing_that_resolves_is_an_error():
    with pytest.raises(UnknownNameError, match="Did you mean resnet18"):
        resolve_each(["resnet18x"])
    with pytest.raises(InputError, match=r"resnet18x[\s\S]*resnet19x"):
        resolve_each(["resnet18x", "resnet19x"])


@pytest.mark.parametrize("size", [None, 64, (3, 64, 96)])
def test_key_is_known_before_a_timm_backbone_is_counted(size):
    names = ["test_resnet", "test_convnext", "efficientnet_b0", "resnet26t", "mobilenetv3_small_050"]
    for target in resolve_each(names)[0]:
        task = _counting(target, size)
        row = profile(target, input_size=size)
        assert {name: getattr(row, name) for name in task.fixed} == task.fixed


def test_counts_are_taken_from_the_store_for_timm_and_made_anew_for_files(store, tmp_path):
    (tmp_path / "net.py").write_text("import torch\ndef build():\n    return torch.nn.Conv2d(3, 4, 3)\n")
    targets, _ = resolve_each(["test_resnet", f"{tmp_path / 'net.py'}:build"])
    machine = _Here()
    first = survey(targets, store=store, machine=machine)
    assert [row.status for row in first] == ["ok", "ok"]
    assert len(machine.ran) == 2
    survey(targets, store=store, machine=machine)
    assert [target.form for target, _ in machine.ran] == ["timm", "file", "file"]


def test_changed_file_is_measured_again(store, tmp_path):
    net = tmp_path / "net.py"
    net.write_text("import torch\ndef build():\n    return torch.nn.Conv2d(3, 4, 3)\n")
    targets, _ = resolve_each([f"{net}:build"])
    condition = Condition(device="cpu")

    def timings():
        machine = _Here()
        [row] = survey(targets, [condition], store=store, input_size=32, machine=machine)
        return row.macs, sum(len(spec) == 3 for spec in machine.ran)

    assert timings() == (27 * 4 * 900, 1)
    assert timings() == (27 * 4 * 900, 0)
    net.write_text("import torch\ndef build():\n    return torch.nn.Conv2d(3, 8, 3)\n")
    later = time.time() + 5
    os.utime(net, (later, later))
    assert timings() == (27 * 8 * 900, 1)


def test_every_condition_is_a_row_of_its_own(store):
    targets, _ = resolve_each(["test_resnet"])
    base = Condition(device="cpu")
    conditions = [base]
    conditions += [
        replace(base, **{name: value})
        for name, value in {
            "batch_size": 2,
            "dtype": "amp-bfloat16",
            "memory_format": "channels_last",
            "compiled": True,
            "attention_fused": False,
            "mode": "training",
        }.items()
    ]
    conditions.append(replace(base, mode="training", optimiser="adamw"))
    rows = survey(targets, conditions, store=store, input_size=32, machine=_Here())
    assert len(rows) == len(conditions)
    assert [row.batch_size for row in rows] == [condition.batch_size for condition in conditions]
    assert store.counts()["profiles"] == {"ok": len(conditions) + 1}
    again = _Here()
    assert survey(targets, conditions, store=store, input_size=32, machine=again) == rows
    assert again.ran == []


def test_what_cannot_be_counted_is_one_failed_row_and_is_not_measured(store, tmp_path):
    (tmp_path / "net.py").write_text("def build():\n    return 3\n")
    targets, _ = resolve_each([f"{tmp_path / 'net.py'}:build"])

    class Machine(_Here):
        def counting(self):
            return run_local

    conditions = [Condition(device="cpu", batch_size=n) for n in (1, 2)]
    machine = Machine()
    [row] = survey(targets, conditions, store=store, machine=machine)
    assert row.status == "failed"
    assert "must return a torch.nn.Module" in row.reason
    assert machine.ran == []


def test_answers_come_in_the_order_of_the_questions():
    class Backwards(_Here):
        def counting(self):
            return lambda jobs: reversed([(job, Outcome(status="ok", value=-job.spec)) for job in jobs])

    outcomes = ask_each(abs, [1, 2, 3], what="asking", machine=Backwards())
    assert [outcome.value for outcome in outcomes] == [-1, -2, -3]
    assert Job(key="0", function=abs, spec=1).timeout_s is None


def test_timm_version_and_torch_version_are_in_the_row(store):
    [row] = survey(resolve_each(["test_resnet"])[0], store=store, machine=_Here())
    assert row.timm_version == timm.__version__
    assert row.torch_version
