"""Frozen features: which weights are at hand, which files fit, and what comes out of them."""

import pickle

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from archimeter.data.errors import InputError, TargetError, UnknownNameError
from archimeter.profilers.probe import Weights, frozen_features, load_frozen, weights_at_hand

NAME = "test_resnet.r160_in1k"


@pytest.fixture(autouse=True)
def nothing_cached(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "torch"))


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    return timm.create_model("test_resnet", num_classes=7)


@pytest.fixture
def checkpoint(module, tmp_path):
    save_file(module.state_dict(), tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(path)
    return paths


def test_a_named_file_is_taken_with_the_default_tags_preprocessing(checkpoint):
    found = weights_at_hand(f"test_resnet={checkpoint}")
    assert found == Weights(NAME, checkpoint, given=True)


def test_weights_in_the_hubs_cache_are_found_and_nothing_is_asked_of_the_hub(tmp_path, module):
    repository = tmp_path / "hub" / "models--timm--test_resnet.r160_in1k"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    file = snapshot / "model.safetensors"
    whole = timm.create_model("test_resnet")  # as published: 1,000 classes
    save_file(whole.state_dict(), file)
    found = weights_at_hand("test_resnet")
    assert (found.name, found.file, found.given) == (NAME, file, False)
    assert load_frozen(found).num_features == module.num_features


def test_missing_weights_say_how_to_get_them():
    with pytest.raises(TargetError, match=r"none are downloaded.*create_model\('test_resnet.r160_in1k'"):
        weights_at_hand("test_resnet")


@pytest.mark.parametrize("name", ["no_such_net", "test_resnet.no_such_tag"])
def test_an_unknown_name_is_one(name):
    with pytest.raises(UnknownNameError):
        weights_at_hand(name)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"no file 'gone\.pth'"):
        weights_at_hand("test_resnet=gone.pth")


def test_features_are_those_of_the_pooled_module_on_prepared_images(module, checkpoint, pictures):
    features, places = frozen_features(load_frozen(Weights(NAME, checkpoint, given=True)), pictures)
    assert places == [0, 1, 2, 3, 4]
    # by hand: 160 pixels, the shorter side scaled to 160 / 0.95, mean and deviation 0.5
    with Image.open(pictures[3]) as image:
        scaled = image.resize((round(168 * 50 / 40), 168), Image.Resampling.BILINEAR)
    left, top = (scaled.width - 160) // 2, (scaled.height - 160) // 2
    pixels = np.asarray(scaled.crop((left, top, left + 160, top + 160)), np.float32) / 255
    batch = torch.from_numpy((pixels - 0.5) / 0.5).permute(2, 0, 1)[None]
    with torch.inference_mode():
        expected = module.eval().forward_features(batch).mean((2, 3))[0].numpy()
    assert features[3] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_twice_is_the_same_and_broken_images_are_left_out(checkpoint, pictures, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    frozen, done = load_frozen(Weights(NAME, checkpoint, given=True)), []
    paths = [pictures[0], broken, *pictures[1:]]
    features, places = frozen_features(frozen, paths, step=done.append)
    again, _ = frozen_features(frozen, paths)
    assert places == [0, 2, 3, 4, 5]
    assert len(done) == 6
    assert np.array_equal(features, again)


def test_headless_weights_fit_too(module, tmp_path):
    held = {name: value for name, value in module.state_dict().items() if not name.startswith("fc.")}
    torch.save({"state_dict": held}, tmp_path / "headless.pth")
    assert load_frozen(Weights(NAME, tmp_path / "headless.pth", given=True)).num_classes == 0


def test_another_networks_weights_are_refused(tmp_path):
    save_file(timm.create_model("test_vit").state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(TargetError, match=r"does not fit test_resnet"):
        load_frozen(Weights(NAME, tmp_path / "other.safetensors", given=True))


def test_a_tensor_that_is_missing_is_not_passed_over(module, tmp_path):
    held = dict(module.state_dict())
    held.pop(next(name for name in held if "layer" in name or "stages" in name or "conv" in name))
    save_file(held, tmp_path / "holed.safetensors")
    with pytest.raises(TargetError, match="does not fit"):
        load_frozen(Weights(NAME, tmp_path / "holed.safetensors", given=True))


class _Trap:
    def __reduce__(self):
        return (pytest.fail, ("the file ran code",))


def test_a_file_that_would_run_code_is_refused(tmp_path):
    (tmp_path / "trap.pth").write_bytes(pickle.dumps(_Trap()))
    with pytest.raises(TargetError, match="cannot be read as weights"):
        load_frozen(Weights(NAME, tmp_path / "trap.pth", given=True))
