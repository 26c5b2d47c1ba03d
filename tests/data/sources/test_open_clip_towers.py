import pytest

from archimeter.data.sources.open_clip_towers import TOWERS
from archimeter.data.tables import load_table


@pytest.fixture(scope="module")
def towers():
    return load_table("open-clip-towers")


def test_mapped_towers_have_the_parameters_of_timms_architecture(towers, raw):
    import csv

    import timm
    import torch

    with (raw / "transfer" / "open_clip_model_profile.csv").open() as file:
        widths = {row["model"]: int(row["embed_dim"]) for row in csv.DictReader(file)}
    mapped = towers[towers["reason"].isna() & (towers["params"] < 3e8)].drop_duplicates("backbone")
    for row in [*mapped.itertuples()][::7]:  # all take minutes and agree
        width = widths[row.source_ref.removeprefix("open_clip:")]
        with torch.device("meta"):
            nets = [timm.create_model(row.backbone, num_classes=n) for n in (0, width)]
        counts = [sum(p.numel() for p in net.parameters()) for net in nets]
        assert min(abs(n / row.params - 1) for n in counts) < 0.002, row.source_ref


def test_towers_called_the_same_have_the_same_parameters(towers):
    """Within a projection's width: the widest is 1,280 × 1,664 weights."""
    spread = towers[towers["reason"].isna()].groupby("backbone")["params"].agg(["min", "max"])
    assert ((spread["max"] - spread["min"]) < 0.005 * spread["min"]).all()


def test_work_is_in_multiply_accumulates(towers):
    """ViT-B/32 at 224 is 4.41 GMACs by fvcore; the file says 8.82 G operations."""
    plain = towers[towers["source_ref"] == "open_clip:ViT-B-32"].iloc[0]
    assert plain["macs_fvcore"] == 4.41e9
    assert plain["params"] == 87.85e6


def test_every_configuration_is_there_once(towers):
    assert len(towers) == 85
    assert not towers["source_ref"].duplicated().any()
    assert towers["reason"].notna().sum() == 85 - len(TOWERS)
