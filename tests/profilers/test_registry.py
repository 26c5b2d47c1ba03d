"""timm's registry as rows."""

import pytest
import timm
from timm.data import resolve_data_config

from archimeter.data.tables import manifest, read_table
from archimeter.data.weights import Weights
from archimeter.profilers import registry


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    out = tmp_path_factory.mktemp("tables")
    assert registry.main([str(out)]) == 0
    return out, read_table(out / "weights.parquet")


def test_every_set_of_weights_is_a_row(table):
    _, frame = table
    assert frame["weights"].tolist() == sorted(timm.list_pretrained())
    assert set(frame["backbone"]) == {name.partition(".")[0] for name in timm.list_pretrained()}


def test_each_backbone_has_one_default(table):
    _, frame = table
    assert (frame.groupby("backbone")["is_default"].sum() == 1).all()
    default = frame[frame["is_default"]].set_index("backbone")["weights"]
    assert default["convnext_tiny"] == "convnext_tiny.in12k_ft_in1k"


@pytest.mark.parametrize(
    "name", ["resnet18.tv_in1k", "swinv2_cr_tiny_ns_224.sw_in1k", "mobilenetv3_small_050.lamb_in1k"]
)
def test_preprocessing_is_what_timm_would_do(table, name):
    _, frame = table
    row = Weights.from_row(frame.set_index("weights", drop=False).loc[name].to_dict())
    with_timm = resolve_data_config(model=timm.create_model(name, pretrained=False))
    for key in ("input_size", "interpolation", "mean", "std", "crop_pct", "crop_mode"):
        assert getattr(row, key) == with_timm[key]


def test_licences_are_stated_or_empty(table):
    _, frame = table
    licence = frame.set_index("weights")["licence"]
    assert licence["vit_base_patch16_dinov3.lvd1689m"] == "dinov3-license"
    assert licence["resnet50.a1_in1k"] == "apache-2.0"
    assert "unknown" not in set(licence)


def test_the_same_registry_gives_the_same_bytes_and_a_line_in_the_manifest(table, tmp_path):
    out, frame = table
    registry.main([str(tmp_path / "weights.parquet")])
    assert (tmp_path / "weights.parquet").read_bytes() == (out / "weights.parquet").read_bytes()
    (entry,) = manifest(out)
    assert (entry.table, entry.rows) == ("weights", len(frame))


def test_a_wrong_call_is_refused(tmp_path, capsys):
    assert registry.main([]) == 2
    assert registry.main([str(tmp_path / "other.parquet")]) == 1
    assert "named weights.parquet" in capsys.readouterr().err
