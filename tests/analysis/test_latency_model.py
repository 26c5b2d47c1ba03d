import numpy as np
import pytest

from archimeter.analysis.atlas import load_atlas
from archimeter.analysis.fit_latency import published_times
from archimeter.analysis.latency_model import fit_device, leave_family_out
from archimeter.data.errors import InputError
from archimeter.data.tables import load_benchmarks, load_profiles


@pytest.fixture(scope="module")
def profiles():
    return load_profiles().drop_duplicates("backbone").set_index("backbone", drop=False)


def test_the_block_formula_is_refitting_without_the_family():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 3))
    k, y = x @ x.T + np.exp(-((x[:, None] - x) ** 2).sum(-1)), rng.normal(size=12)
    families = list("aaabbbccccdd")
    held = leave_family_out(k, y, families)
    for name in "abcd":
        out = np.array(families) == name
        inner = np.linalg.solve(k[~out][:, ~out] + 0.04 * np.eye((~out).sum()), y[~out])
        assert held[out] == pytest.approx(k[out][:, ~out] @ inner)


@pytest.mark.parametrize(
    ("device", "median", "r2"),
    [
        ("NVIDIA GeForce RTX 3090", 0.105, 0.969),
        ("NVIDIA GeForce RTX 4090", 0.127, 0.963),
        ("Intel Core i9-10940X", 0.125, 0.965),
    ],
)
def test_families_left_out_are_timed_within_the_bar(profiles, device, median, r2):
    rows = published_times(load_benchmarks(), load_profiles())[device]
    facts = profiles.loc[rows["backbone"]].to_dict("records")
    seconds, families = 1 / rows["throughput"].to_numpy(), [f["family"] for f in facts]
    _, scores = fit_device((device, "inference", ""), facts, seconds, families)
    assert scores["median"] <= median
    assert scores["r2"] >= r2


def test_the_shipped_predictions_cover_every_backbone_and_are_the_models_own(profiles):
    atlas = load_atlas()
    model = atlas.model_of("NVIDIA GeForce RTX 4090", "inference")
    setting, known = atlas.foretold("NVIDIA GeForce RTX 4090", "inference")
    assert "float16" in setting
    assert set(atlas.place) == set(profiles.index)
    seconds, low, high = model.seconds([profiles.loc["resnet50"].to_dict()])
    assert known[:, atlas.place["resnet50"]] == pytest.approx([seconds[0], low[0], high[0]], rel=1e-3)
    assert low[0] < seconds[0] < high[0]


def test_a_training_step_takes_two_to_six_times_an_inference_step():
    """Forward and backward are three forwards of work; autocast's casts and the optimiser add to it."""
    atlas = load_atlas()
    device = "NVIDIA GeForce RTX 3090"
    ratio = np.median(atlas.times(device, "training") / atlas.times(device))
    assert 2 < ratio < 6


def test_a_published_time_goes_before_a_predicted_one():
    atlas, device = load_atlas(), "NVIDIA GeForce RTX 3090"
    row = published_times(load_benchmarks(), load_profiles())[device].set_index("backbone").loc["resnet50"]
    assert atlas.times(device)[atlas.place["resnet50"]] == pytest.approx(1 / row["throughput"], rel=1e-6)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(InputError, match="fit_latency"):
        load_atlas(tmp_path / "none.npz")
