"""Small weights in timm's cache are found, in a fixed order, without torch."""

import subprocess
import sys

import pytest

from archimeter.data.names import split
from archimeter.profilers.cached import SMALL, small_weights_here


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_of_an_empty_or_missing_cache_nothing_is_found(hub, monkeypatch):
    assert small_weights_here() == []
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub / "none"))
    assert small_weights_here() == []


def test_small_ones_come_in_their_order_and_large_or_foreign_ones_do_not(hub):
    for name in (
        "models--timm--resnet50.a1_in1k",
        "models--timm--resnet18.a2_in1k",
        "models--timm--resnet18.a1_in1k",
        "models--timm--vit_large_patch16_224.augreg_in21k",
        "models--google--vit",
        "datasets--timm--resnet18",
    ):
        (hub / name).mkdir()
    assert small_weights_here() == ["resnet18.a1_in1k", "resnet18.a2_in1k", "resnet50.a1_in1k"]


def test_each_is_one_of_timms_of_at_most_5_g_macs_in_colour():
    from archimeter.data.tables import load_profiles

    profiles = load_profiles().drop_duplicates("backbone").set_index("backbone")
    assert all(profiles.loc[name, "macs"] <= 5e9 for name in SMALL)
    assert all(split(name) == (name, None) for name in SMALL)


def test_torch_is_not_loaded_to_look():
    script = (
        "import sys; from archimeter.profilers.cached import small_weights_here; small_weights_here(); "
        "print({'torch', 'timm'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
