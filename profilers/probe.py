"""Frozen features of images by weights that lie on this machine; nothing is ever downloaded.

Weights are found where timm looks for them: in the cache of the Hugging Face hub, or in that of torch.hub. Or
they are a checkpoint that the user names, `resnet18=weights.safetensors`. Of a file only tensors are read.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import timm
import torch
from huggingface_hub import try_to_load_from_cache
from PIL import Image
from timm.data.config import resolve_model_data_config
from timm.data.transforms_factory import create_transform
from timm.models import get_pretrained_cfg, load_state_dict

from ..data.errors import InputError, TargetError, UnknownNameError
from ..data.imagelook import as_rgb
from ..data.names import split
from .targets import first_line, known_backbones

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import nn

__all__ = ["Weights", "frozen_features", "load_frozen", "weights_at_hand"]

BATCH = {"cuda": 32, "cpu": 8}
"""Images at once; on a CPU 32 take half as much time again, in fetching memory."""
FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that lie here.

    Attributes:
        name: timm's, with the tag that says how images are to be prepared. file: where they are.
        given: whether the user named the file; what is in it only they know.
    """

    name: str
    file: Path
    given: bool = False


def weights_at_hand(asked: str) -> Weights:
    """Find weights by `resnet18`, `resnet18.a1_in1k`, or `name=path`.

    Without a tag the default weights are looked for first, then any other of the architecture.

    Raises:
        UnknownNameError: for a name that timm does not have.
        InputError: if a file is named that is not there.
        TargetError: if no weights of that name lie here; the message says how to get them.
    """
    name, equals, path = asked.partition("=")
    backbone, tag = split(name)
    if backbone not in known_backbones():
        raise UnknownNameError("backbone", backbone, known_backbones())
    names = _tagged(backbone, tag)
    if equals:
        if not Path(path).is_file():
            raise InputError(f"There is no file {path!r}, named by --probe {asked}.")
        return Weights(names[0] if names else name, Path(path), given=True)
    for one in names:
        file = _cached(one)
        if file is not None:
            return Weights(one, file)
    if not names:
        raise TargetError(f"{name}: nobody published weights of it. Give your own: --probe {name}=FILE.")
    raise TargetError(
        f'{name}: no weights lie here, and none are downloaded. Get them once, `python -c "import timm; '
        f"timm.create_model('{names[0]}', pretrained=True)\"`, or give a file: --probe {name}=FILE."
    )


def _tagged(backbone: str, tag: str | None) -> list[str]:
    known = timm.list_pretrained(f"{backbone}.*")
    if tag:
        if f"{backbone}.{tag}" not in known:
            raise UnknownNameError("weights", f"{backbone}.{tag}", known)
        return [f"{backbone}.{tag}"]
    default = get_pretrained_cfg(backbone)
    first = f"{backbone}.{default.tag}" if default is not None else ""
    return sorted(known, key=lambda name: (name != first, name))


def _cached(name: str) -> Path | None:
    stated = get_pretrained_cfg(name)
    if stated is None:
        return None
    if stated.hf_hub_id:
        for file in filter(None, (stated.hf_hub_filename, *FILES)):
            held = try_to_load_from_cache(stated.hf_hub_id, file)
            if isinstance(held, str):
                return Path(held)
    if stated.url:
        file = Path(torch.hub.get_dir()) / "checkpoints" / Path(str(stated.url)).name
        return file if file.is_file() else None
    return None


def load_frozen(weights: Weights) -> nn.Module:
    """Build the backbone with its weights, without its classifier, every tensor accounted for.

    Raises:
        TargetError: if the file cannot be read, or does not fit the architecture.
    """
    stated = get_pretrained_cfg(weights.name)
    own = stated.num_classes if stated is not None else 1000
    held = _classes_in(weights, stated)
    attempts = dict.fromkeys((held, own) if weights.given else (own, held))
    problem: Exception | None = None
    for n_classes in attempts:
        try:
            # with as many classes as the file has, timm refuses a file that lacks or exceeds a tensor
            module = timm.create_model(
                weights.name,
                pretrained=True,
                num_classes=n_classes,
                pretrained_cfg_overlay={"file": str(weights.file), "num_classes": n_classes},
            )
        except Exception as error:  # noqa: BLE001  # whatever torch and timm say of a file
            problem = problem or error
        else:
            module.reset_classifier(0)  # pyright: ignore[reportCallIssue]
            return module.eval().requires_grad_(requires_grad=False)
    why = " ".join(str(problem).split())
    raise TargetError(f"{weights.file} does not fit {weights.name}: {why[:160]}{'…' * (len(why) > 160)}")


def _classes_in(weights: Weights, stated: Any) -> int:
    """How many classes the file's classifier tells apart; 0 where it has none."""
    if weights.file.suffix == ".npz":
        return stated.num_classes if stated is not None else 0
    try:
        held = load_state_dict(str(weights.file), weights_only=True)
    except Exception as error:
        raise TargetError(
            f"{weights.file} cannot be read as weights ({type(error).__name__}: {first_line(error)}). Give a "
            "file of tensors: .safetensors, or a state_dict that torch.save wrote."
        ) from error
    classifier = getattr(stated, "classifier", None) or ()
    names = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    rows = [len(held[f"{name}.weight"]) for name in names if f"{name}.weight" in held]
    return rows[0] - (getattr(stated, "label_offset", None) or 0) if rows else 0


def frozen_features(
    module: nn.Module,
    paths: Sequence[Path],
    *,
    step: Callable[[str], Any] = lambda _: None,
    device: str | None = None,
) -> tuple[np.ndarray, list[int]]:
    """Pooled features of images, prepared as the weights expect.

    Args:
        module: of `load_frozen`.
        paths: the images.
        step: told of every image that is done.
        device: where to run; a GPU where there is one, when None.

    Returns:
        Features `[images that can be read, dimensions]`, and the places of these images in `paths`.

    Raises:
        TargetError: if the module takes no colour images, or gives no vector per image.
    """
    stated = resolve_model_data_config(module)
    if stated["input_size"][0] != 3:
        raise TargetError(f"It takes images of {stated['input_size'][0]} channels; a probe has 3 to give.")
    prepare: Any = create_transform(**stated, is_training=False)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    module = module.to(device)
    found, places = [], []
    with (
        ThreadPoolExecutor(4) as pool,
        torch.inference_mode(),
        torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False),
    ):
        for at in _batches(len(paths), BATCH["cuda" if device.startswith("cuda") else "cpu"]):
            images = list(pool.map(lambda i: _prepared(paths[i], prepare), at))
            good = [i for i, image in zip(at, images, strict=True) if image is not None]
            if good:
                batch = torch.stack([image for image in images if image is not None]).to(device)
                found.append(module(batch).float().cpu().numpy())
                places += good
            for i in at:
                step(paths[i].name)
    features = np.concatenate(found) if found else np.empty((0, 0), np.float32)
    if features.ndim != 2:
        raise TargetError(f"It gives {features.ndim - 1} dimensions per image, not a vector.")
    return features, places


def _batches(n: int, size: int) -> Iterator[range]:
    return (range(start, min(start + size, n)) for start in range(0, n, size))


def _prepared(path: Path, prepare: Callable[[Image.Image], Any]) -> torch.Tensor | None:
    try:
        with Image.open(path) as image:
            return prepare(as_rgb(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
