"""Names become targets, and what cannot be one says why."""

from __future__ import annotations

import contextlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archimeter.data.errors import InputError, TargetError, UnknownNameError
from archimeter.profilers.targets import Target, known_backbones, resolve_targets


def test_globs_names_and_tags():
    assert [t.ref for t in resolve_targets("resnet18")] == ["resnet18"]
    assert [t.ref for t in resolve_targets("resnet18.a1_in1k")] == ["resnet18"]
    found = [t.ref for t in resolve_targets(["convnext_t*", "resnet18", "resnet18"])]
    assert found.count("resnet18") == 1
    assert found[0].startswith("convnext_t")
    assert [t.ref for t in resolve_targets("resnet1?")] == ["resnet18"]
    assert len(resolve_targets("*")) == len(known_backbones())


def test_timm_arguments():
    (target,) = resolve_targets("vit_tiny_patch16_224?depth=2&img_size=(64,64)")
    assert target.arguments == (("depth", 2), ("img_size", (64, 64)))
    assert len(target.build().module.blocks) == 2


def test_a_file_keeps_its_neighbours_and_cleans_up(tmp_path):
    (tmp_path / "neighbour.py").write_text("WIDTH = 3\n")
    file = tmp_path / "net.py"
    file.write_text(
        "import torch, neighbour\ndef build(depth=1, name='x'):\n"
        "    return torch.nn.Sequential(*[torch.nn.Linear(neighbour.WIDTH, 3) for _ in range(depth)])\n"
    )
    (target,) = resolve_targets(f"{file}:build?depth=2&name=tiny net")
    assert target.arguments == (("depth", 2), ("name", "tiny net"))
    again = pickle.loads(pickle.dumps(target))  # noqa: S301  # our own bytes
    assert len(again.build().module) == 2
    import sys

    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def build():\n    return 3\n", "returned int; it must return a torch.nn.Module"),
        ("def build():\n    raise KeyError('width')\n", "raised KeyError while it was built"),
        ("raise RuntimeError('no licence')\n", "raised RuntimeError when imported: no licence"),
        ("def biuld():\n    pass\n", "has no 'build'. Did you mean biuld"),
        ("build = 3\n", "must be a class or a function"),
        ("import sys\ndef build():\n    sys.exit(3)\n", "raised SystemExit while it was built: 3"),
    ],
)
def test_files_that_are_no_factories(tmp_path, text, message):
    file = tmp_path / "net.py"
    file.write_text(text)
    (target,) = resolve_targets(f"{file}:build")
    with pytest.raises(TargetError, match=message):
        target.build()


@pytest.mark.parametrize(
    ("pattern", "error", "message"),
    [
        ("net.py", InputError, "names a file but no factory"),
        ("net.py:", InputError, "names no factory after the colon"),
        ("net.py:a b", InputError, "names no factory"),
        ("convnxt_tiny", UnknownNameError, "convnext_tiny"),
        ("a.pt2", InputError, "There is no file"),
    ],
)
def test_names_that_are_no_targets(pattern, error, message):
    with pytest.raises(error, match=message):
        resolve_targets(pattern)


def test_other_files_with_the_right_ending(tmp_path):
    for name in ("net.pt", "net.pt2"):
        (tmp_path / name).write_bytes(b"not a model")
        with pytest.raises(TargetError, match=r"is no (TorchScript|torch\.export) file"):
            resolve_targets(str(tmp_path / name))[0].build()


@given(st.text(max_size=30))
def test_any_text_is_a_target_or_one_clear_error(text):
    found = []
    with contextlib.suppress(InputError, UnknownNameError):
        found = resolve_targets(text)
    assert all(isinstance(target, Target) for target in found)
