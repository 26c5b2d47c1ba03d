import math

import numpy as np
import pytest

from archimeter.analysis.atlas import load_atlas
from archimeter.analysis.calibration import PROBES, Probe, calibrate, calibrated, save
from archimeter.analysis.latency_transfer import fit_line
from archimeter.analysis.limits import LatencyBudget
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend
from archimeter.data.errors import InputError
from archimeter.data.tables import load_profiles

BASE = "NVIDIA GeForce RTX 4090"


@pytest.fixture(scope="module")
def atlas():
    return load_atlas()


@pytest.fixture(scope="module")
def doubled(atlas):
    """A device that takes exactly twice as long as a published one."""
    return {name: 2 * float(atlas.times(BASE)[atlas.place[name]]) for name in PROBES}


def probes_of(times, p90=1.1):
    return [Probe(backbone=name, seconds=s, p90_s=p90 * s) for name, s in times.items()]


def test_a_device_that_is_twice_as_slow_is_found_and_predicted(atlas, doubled):
    line = fit_line(atlas, doubled)
    assert (line.device, line.base) == (BASE, atlas.entries.index((BASE, "inference")))
    assert line.offset == pytest.approx(math.log(2))
    s, low, high = line.predict("resnet101")
    assert s == pytest.approx(2 * atlas.times(BASE)[atlas.place["resnet101"]], rel=1e-6)
    assert low < s < high
    assert line.predict("no_such_net") is None


def test_far_from_the_probes_the_interval_is_wider(atlas, doubled):
    line = fit_line(atlas, doubled)

    def width(name):
        _, low, high = line.predict(name)
        return math.log(high / low)

    assert width("resnet50") < width("eva_giant_patch14_560")


def test_a_calibration_is_kept_and_replaced_by_name(tmp_path, doubled):
    path = tmp_path / "deep" / "calibrations.json"
    save(calibrate("my box, batch 1", "batch 1", probes_of(doubled)), path)
    save(calibrate("other, batch 1", "batch 1", probes_of(doubled)), path)
    again = calibrate("my box, batch 1", "batch 1, quiet", probes_of(doubled))
    save(again, path)
    held = calibrated(path)
    assert set(held) == {"my box, batch 1", "other, batch 1"}
    assert held["my box, batch 1"] == again
    assert calibrated(tmp_path / "none.json") == {}


def test_a_damaged_file_says_what_to_do(tmp_path):
    path = tmp_path / "calibrations.json"
    path.write_text("{")
    with pytest.raises(InputError, match="calibrate again"):
        calibrated(path)


@pytest.mark.parametrize(
    ("probes", "message"),
    [
        ([Probe(backbone="resnet50", seconds=1, p90_s=1)], "1 were measured"),
        ([Probe(backbone=name, seconds=1, p90_s=1) for name in ("a", "b", "c")], "'a' is not in the tables"),
    ],
)
def test_too_few_or_foreign_probes_are_refused(probes, message):
    with pytest.raises(InputError, match=message):
        calibrate("box", "", probes)


def test_recommend_knows_a_calibrated_device_by_its_name(tmp_path, monkeypatch, doubled, atlas):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path))
    made = calibrate("my box, batch 1", "batch 1, float32", probes_of(doubled, p90=1.25))
    save(made)
    limit = LatencyBudget(1e-3, "my box")
    rows = recommend(Query(within=(limit,), top=2000)).rows
    by_name = {row.backbone: row.speeds[0] for row in rows}
    probe = by_name["cspresnext50"]
    assert probe.source == "measured: batch 1, float32"
    assert probe.seconds_per_image == pytest.approx(doubled["cspresnext50"])
    assert probe.p90_s == pytest.approx(1.25 * doubled["cspresnext50"])
    other = by_name["resnet101"]
    assert "predicted from 10 probes" in other.source
    assert other.seconds_per_image == pytest.approx(2 * atlas.times(BASE)[atlas.place["resnet101"]], rel=1e-6)
    for speed in by_name.values():
        assert speed.verdict == ("keeps" if speed.high <= 1e-3 else "measure")
        assert speed.low <= 1e-3


def test_nine_of_ten_steps_can_be_asked_to_keep_a_limit(tmp_path, monkeypatch, doubled):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path))
    save(calibrate("my box, batch 1", "batch 1, float32", probes_of(doubled, p90=1.25)))
    seconds = doubled["cspresnext50"]

    def models(factor, percentile):
        limit = LatencyBudget(factor * seconds, "my box", percentile)
        rows = recommend(Query(within=(limit,), top=2000)).rows
        return {row.backbone: row.speeds[0] for row in rows}

    assert models(1.01, 50)["cspresnext50"].verdict == "keeps"
    assert "cspresnext50" not in models(1.24, 90)
    speed = models(1.26, 90)["cspresnext50"]
    assert (speed.seconds_per_image, speed.p90_s) == pytest.approx((seconds, 1.25 * seconds))
    assert speed.verdict == "keeps"
    with pytest.raises(InputError, match=r"p90\) nobody published.*archimeter calibrate"):
        recommend(Query(within=(LatencyBudget(1, "RTX 4090", 90),)))


def test_a_network_of_ones_own_is_timed_by_its_counts(doubled):
    row = load_profiles().set_index("backbone").loc["resnet101"].to_dict()
    made = calibrate("my box, batch 1", "batch 1", probes_of(doubled))
    own, known = made.seconds("net:build", row), made.seconds("resnet101")
    assert own[0] == pytest.approx(known[0], rel=0.3)
    assert own[1] < own[0] < own[2]


def test_what_is_shown_says_how_the_other_probes_foretell_each(doubled):
    document = calibrate("my box, batch 1", "batch 1", probes_of(doubled)).as_document()
    assert document["base"] == BASE
    assert document["left_out"] < 0.02
    assert [row["backbone"] for row in document["probes"]] == list(PROBES)


def test_probes_that_stray_widen_every_interval(atlas, doubled):
    rng = np.random.default_rng(0)
    noisy = {name: s * math.exp(rng.normal(0, 0.8)) for name, s in doubled.items()}
    quiet, wild = fit_line(atlas, doubled), fit_line(atlas, noisy)
    assert quiet.noisier == 1
    assert wild.noisier > 1.5

    def width(line):
        _, low, high = line.predict("resnet101")
        return math.log(high / low)

    assert width(wild) > 1.5 * width(quiet)
