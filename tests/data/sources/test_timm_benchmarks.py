import csv
import json

import pytest

from archimeter.data.sources import timm_benchmarks
from archimeter.data.tables import load_benchmarks, load_profiles, manifest


@pytest.fixture(scope="module")
def speeds():
    frame = load_benchmarks()
    frame["step_s"] = [json.loads(text)[0] if text != "[]" else None for text in frame["latencies_s"]]
    frame["size"] = [json.loads(text)[0][1] for text in frame["input_shapes"]]
    frame["remark"] = frame["reason"].fillna("")
    return frame


def test_a_published_row_is_found_again(speeds):
    """benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv: test_vit, 188343.61/s, 5.426 ms, batch 1024."""
    row = speeds[
        (speeds["backbone"] == "test_vit")
        & (speeds["device"] == "NVIDIA GeForce RTX 4090")
        & (speeds["torch_version"] == "2.4.0")
        & (speeds["memory_format"] == "contiguous")
        & ~speeds["compiled"]
    ].iloc[0]
    assert (row["throughput"], row["step_s"], row["batch_size"]) == (188343.61, 0.005426, 1024)
    assert (row["params"], row["macs_fvcore"], row["activations"]) == (370_000, 40_000_000, 480_000)
    assert (row["dtype"], row["mode"], row["size"]) == ("amp-float16", "inference", 160)


def test_every_file_is_one_setting(speeds):
    files = speeds["source_ref"].str.split(":").str[0]
    setting = ["device", "mode", "dtype", "memory_format", "torch_version", "compiled"]
    assert files.nunique() == 16
    assert speeds.groupby(setting).ngroups == 16
    assert (speeds.groupby(files)[setting].nunique() == 1).all(axis=None)
    assert not speeds.duplicated(["source_ref", "size"]).any()


def test_devices_and_modes(speeds):
    assert speeds.groupby("device")["mode"].unique().map(sorted).to_dict() == {
        "Intel Core i7-12700H": ["inference"],
        "Intel Core i9-10940X": ["inference"],
        "NVIDIA GeForce RTX 3090": ["inference", "training"],
        "NVIDIA GeForce RTX 4090": ["inference"],
    }
    cpu = speeds["device"].str.startswith("Intel")
    assert speeds.loc[cpu, "compiled"].all()
    assert set(speeds.loc[cpu, "batch_size"]) == {1}
    assert (speeds["compiled"] == speeds["source_ref"].str.contains("-dynamo")).all()
    assert (speeds["memory_format"] == "channels_last").equals(speeds["source_ref"].str.contains("-nhwc-"))


def test_a_step_is_a_batch_and_agrees_with_the_throughput(speeds):
    ok = speeds[speeds["status"] == "ok"]
    relative = (ok["batch_size"] / ok["throughput"] / ok["step_s"] - 1).abs()
    assert relative.max() < 0.032
    assert relative.median() < 1e-4


def test_a_coarsely_rounded_throughput_is_recomputed(speeds):
    """The slowest row prints 0.05 images/s beside a step of 21.270331 s."""
    slowest = speeds.loc[speeds["throughput"].idxmin()]
    assert slowest["backbone"] == "samvit_huge_patch16"
    assert slowest["throughput"] == pytest.approx(1 / 21.270331)


def test_counts_that_miss_fused_attention_are_left_out(speeds, raw):
    old = speeds["torch_version"] == "2.1.0"
    assert speeds.loc[old, ["macs_fvcore", "activations"]].isna().all(axis=None)
    assert speeds.loc[old, "remark"].str.contains("fused attention was not counted").all()
    assert speeds.loc[old, "params"].notna().all()
    with (raw / "timm" / "benchmark-infer-amp-nchw-pt210-cu121-rtx3090.csv").open() as file:
        wrong = next(row for row in csv.DictReader(file) if row["model"] == "vit_base_patch16_224")
    assert float(wrong["infer_gmacs"]) == pytest.approx(16.87)  # with attention it is 17.58
    right = speeds.loc[~old & (speeds["backbone"] == "vit_base_patch16_224"), "macs_fvcore"].dropna()
    assert set(right) == {17_580_000_000}


def test_re_parameterised_rows_are_marked(speeds):
    merged = speeds[speeds["remark"].str.contains("re-parameterised")]
    assert set(merged["torch_version"]) == {"2.9.1"}
    assert {"repvgg_b3", "mobileone_s0", "fastvit_t8", "repvit_m1", "ghostnetv3_100"} <= set(
        merged["backbone"]
    )


def test_unmarked_rows_of_a_backbone_and_size_agree_on_its_counts(speeds):
    plain = speeds[(speeds["remark"] == "") & (speeds["mode"] == "inference")]
    for column, unit in (("params", 1e4), ("macs_fvcore", 1e7)):
        spread = plain.groupby(["backbone", "size"])[column].agg(["min", "max"]).dropna()
        off = spread[spread["max"] - spread["min"] > (0.01 * spread["min"]).clip(lower=1.01 * unit)]
        assert off.empty, (column, off)


def test_redefined_backbones_are_what_timm_says_today():
    import timm
    import torch

    for name, millions in timm_benchmarks.CHANGED.items():
        with torch.device("meta"):
            model = timm.create_model(name)
        assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.0051), name


def test_unmarked_rows_have_the_parameters_of_todays_backbone(speeds):
    if "profiles" not in {entry.table for entry in manifest()}:
        pytest.skip("the profiles' table is not there")
    today = load_profiles().set_index("backbone")["params"]
    unmarked = ~speeds["remark"].str.contains("re-parameterised|redefined", regex=True)
    ours = speeds["backbone"].map(today)
    off = speeds[unmarked & ours.notna() & ((speeds["params"] - ours).abs() > 6000)]
    assert off.empty, off[["backbone", "params", "source_ref"]]


def test_rows_without_a_measurement_are_failed(speeds):
    failed = speeds[speeds["status"] == "failed"]
    assert sorted(failed["backbone"]) == ["eva02_enormous_patch14_clip_224", "vit_huge_patch16_gap_448"]
    assert failed["remark"].str.startswith("published without a measurement").all()
    assert failed["throughput"].isna().all()


def test_names_of_2022_stand_under_todays_backbone(speeds):
    import timm

    gone = set(speeds["backbone"]) - set(timm.list_models())
    assert len(gone) == 12, gone  # backbones that timm dropped
    assert speeds.loc[speeds["source_ref"].str.endswith(":tv_resnet50"), "backbone"].unique().tolist() == [
        "resnet50"
    ]


def test_an_unknown_file_name_is_not_guessed(tmp_path):
    (tmp_path / "timm").mkdir()
    (tmp_path / "timm" / "benchmark-infer-bf16.csv").write_text("model\n")
    with pytest.raises(KeyError, match="does not say precision"):
        list(timm_benchmarks.rows(tmp_path))
