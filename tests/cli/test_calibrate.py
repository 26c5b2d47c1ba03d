import json

import pytest
from typer.testing import CliRunner

from archimeter.analysis.atlas import load_atlas
from archimeter.analysis.calibration import PROBES, calibrated
from archimeter.cli import app
from archimeter.data.errors import TargetError
from archimeter.data.records import Profile


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The command with probes that were timed elsewhere: half as fast as a published GPU."""
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path))
    atlas = load_atlas()
    times = atlas.times("NVIDIA GeForce RTX 3090")
    broken = set()

    def survey(targets, conditions, **_):
        return [
            Profile(
                backbone=target.backbone, device="My GPU", batch_size=condition.batch_size, dtype="float32",
                torch_version="2.9", mode="inference", status="failed" if target.backbone in broken else "ok",
                reason="out of memory" if target.backbone in broken else None,
                latencies_s=tuple(
                    2 * float(times[atlas.place[target.backbone]]) * condition.batch_size * k
                    for k in (0.9, 1.0, 1.0, 1.0, 1.2)
                ),
            )
            for target in targets for condition in conditions
        ]  # fmt: skip

    monkeypatch.setattr("archimeter.profilers.survey.survey", survey)
    return lambda *arguments, fail=(): (
        broken.update(fail) or CliRunner().invoke(app, ["calibrate", *arguments])
    )


def test_the_probes_are_timed_kept_and_shown(run):
    found = run("--batch", "1,64")
    assert found.exit_code == 0
    assert set(calibrated()) == {"My GPU, batch 1", "My GPU, batch 64"}
    assert found.stdout.count("cspresnext50") == 2
    assert "recommend --within '5 ms @ My GPU, batch 64'" in found.stderr
    one = calibrated()["My GPU, batch 64"]
    assert [probe.backbone for probe in one.probes] == list(PROBES)
    assert one.probes[0].p90_s > one.probes[0].seconds


def test_a_device_may_be_given_a_name(run):
    document = json.loads(run("--name", "laptop", "--json").stdout)
    assert document[0]["device"] == "laptop, batch 1"
    assert document[0]["base"] == "NVIDIA GeForce RTX 3090"
    assert set(calibrated()) == {"laptop, batch 1"}


def test_a_probe_that_fails_is_named_and_the_others_are_used(run):
    found = run(fail=["visformer_tiny"])
    assert found.exit_code == 3
    assert "failed: visformer_tiny at batch 1: out of memory" in found.stderr
    assert len(calibrated()["My GPU, batch 1"].probes) == 9


def test_too_few_probes_are_no_calibration(run):
    found = run(fail=PROBES[2:])
    assert isinstance(found.exception, TargetError)
    assert "Only 2 probes" in str(found.exception)
    assert calibrated() == {}
