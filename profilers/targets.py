"""What can be profiled, named in one line each: a Target is cheap to keep, to pickle and to send away.

Forms of a target:
    `convnext_tiny`, `vit_small*`          timm architectures (globs, prefixes in any case)
    `net.py:build`, `net.py:build?width=2` a factory or class in a Python file, with arguments
    `package.module:Class?depth=3`         the same in an installed package
    `net.pt`                               a TorchScript file
    `net.pt2`                              a `torch.export` file
Arguments are Python literals (`?width=2&name=tiny&sizes=(1,2)`), anything else is text. A factory returns a
module, or a module and its example inputs: `return model, (image, tokens)` or `return model, {"x": image}`.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from ..data.errors import InputError, TargetError, close_matches
from ..data.names import family, kind, select, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Built", "Target", "first_line", "known_backbones", "resolve_targets", "stated_size"]

Form = Literal["timm", "file", "package", "torchscript", "export"]
_SUFFIXES = {".pt": "torchscript", ".pth": "torchscript", ".ts": "torchscript", ".pt2": "export"}


@dataclass(frozen=True, slots=True)
class Built:
    """A module and what it takes.

    Attributes:
        module: as its factory made it. input_size: (channels, height, width) where it states one.
        inputs: example inputs where the factory or file gave them: positional (tuple) or by name (dict).
    """

    module: nn.Module
    input_size: tuple[int, ...] | None = None
    inputs: tuple[Any, ...] | dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing to profile, by name.

    Attributes:
        form: what kind of name `ref` is. ref: the name without arguments.
        arguments: keyword arguments of the factory, as pairs.
    """

    form: Form
    ref: str
    arguments: tuple[tuple[str, Any], ...] = field(default=())

    @property
    def backbone(self) -> str:
        """The short name that rows carry: the architecture, or the factory's or file's name."""
        if self.form == "timm":
            return split(self.ref)[0]
        if self.form in {"torchscript", "export"}:
            return Path(self.ref).stem
        stem, _, attribute = self.ref.rpartition(":")
        short = f"{Path(stem).stem if self.form == 'file' else stem}:{attribute}"
        return short + _written(self.arguments)

    @property
    def source(self) -> Literal["timm", "file", "object"]:
        """The record's word for where it comes from."""
        if self.form == "timm":
            return "timm"
        return "object" if self.form == "package" else "file"

    @property
    def source_ref(self) -> str:
        """The exact target, arguments included."""
        return self.ref + _written(self.arguments)

    @property
    def family(self) -> str | None:
        """The architecture's family, for timm's."""
        return family(self.backbone) if self.form == "timm" else None

    @property
    def kind(self) -> str | None:
        """The architecture's kind, for timm's."""
        return kind(self.backbone) if self.form == "timm" else None

    def build(self) -> Built:
        """Make the module: without pretrained weights, under whatever device mode is active.

        Raises:
            TargetError: if the factory fails or returns no module, or the file is not what it should be.
        """
        if self.form == "timm":
            return _build_timm(self.ref, dict(self.arguments))
        if self.form == "torchscript":
            return _load_torchscript(Path(self.ref))
        if self.form == "export":
            return _load_export(Path(self.ref))
        return self._call()

    def _call(self) -> Built:
        factory = _find(self.form, self.ref)
        try:
            made = factory(**dict(self.arguments))
        except (Exception, SystemExit) as error:
            raise TargetError(
                f"{self.source_ref} raised {type(error).__name__} while it was built: {first_line(error)}"
            ) from error
        inputs = None
        if isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], nn.Module):
            made, inputs = made
            inputs = inputs if isinstance(inputs, tuple | dict) else (inputs,)
        if not isinstance(made, nn.Module):
            raise TargetError(
                f"{self.source_ref} returned {type(made).__name__}; it must return a torch.nn.Module, "
                "or a module and its example inputs."
            )
        return Built(made, stated_size(made), inputs)


@cache
def known_backbones() -> tuple[str, ...]:
    """Return every architecture that the installed timm can build, in timm's order."""
    import timm

    return tuple(timm.list_models())


def resolve_targets(patterns: str | Iterable[str]) -> list[Target]:
    """Turn what a person wrote into targets, in the order written, each once.

    Raises:
        UnknownNameError: for a name that matches nothing; the message lists the nearest.
        InputError: for a file that is not there or arguments that cannot be read.
    """
    written = [patterns] if isinstance(patterns, str) else list(patterns)
    found = [target for pattern in written for target in _resolve(pattern.strip())]
    return list(dict.fromkeys(found))


def _resolve(pattern: str) -> list[Target]:
    ref, question, query = pattern.partition("?")
    if question and not (":" in ref or (ref and ref in known_backbones())):
        ref, query = pattern, ""  # a glob's question mark
    arguments = _arguments(query, pattern)
    path = Path(ref)
    if path.suffix in _SUFFIXES:
        if not path.is_file():
            raise InputError(
                f"There is no file {ref!r}. Give the path of a TorchScript or torch.export file."
            )
        return [Target(form=_SUFFIXES[path.suffix], ref=ref)]  # pyright: ignore[reportArgumentType]
    if ":" in ref:
        stem, _, attribute = ref.rpartition(":")
        if not attribute.isidentifier():
            raise InputError(f"{pattern!r} names no factory after the colon. Write `file.py:factory`.")
        if stem.endswith(".py"):
            if not Path(stem).is_file():
                raise InputError(f"There is no file {stem!r}. Write `path/to/file.py:factory`.")
            return [Target(form="file", ref=ref, arguments=arguments)]
        return [Target(form="package", ref=ref, arguments=arguments)]
    if path.suffix == ".py":
        raise InputError(f"{pattern!r} names a file but no factory in it. Write `{pattern}:build`.")
    if arguments:
        return [Target(form="timm", ref=ref, arguments=arguments)]
    return [Target(form="timm", ref=name) for name in _timm_names(pattern)]


def _timm_names(pattern: str) -> list[str]:
    backbone, tag = split(pattern)
    if tag and not set(pattern) & set("*?["):
        return select([backbone], known_backbones())
    return select([pattern], known_backbones())


def _arguments(query: str, pattern: str) -> tuple[tuple[str, Any], ...]:
    pairs = []
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if not (equals and name.isidentifier()):
            raise InputError(f"Cannot read the argument {part!r} in {pattern!r}. Write `?width=2&depth=3`.")
        pairs.append((name, _literal(value)))
    return tuple(pairs)


def _literal(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return tuple(value) if isinstance(value, list) else value


def _written(arguments: Sequence[tuple[str, Any]]) -> str:
    return "?" + "&".join(f"{name}={value}" for name, value in arguments) if arguments else ""


def _build_timm(name: str, arguments: dict[str, Any]) -> Built:
    import timm

    try:
        module = timm.create_model(name, pretrained=False, **arguments)
    except Exception as error:
        raise TargetError(
            f"timm could not build {name}: {type(error).__name__}: {first_line(error)}"
        ) from error
    return Built(module, stated_size(module))


def stated_size(module: nn.Module) -> tuple[int, ...] | None:
    """Return the input size that the module states the way timm's do, or None."""
    config = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None)
    size = config.get("input_size") if isinstance(config, dict) else None
    return tuple(size) if size else None


def _find(form: Form, ref: str) -> Callable[..., Any]:
    stem, _, attribute = ref.rpartition(":")
    space = _load_file(Path(stem)) if form == "file" else _load_package(stem)
    found = getattr(space, attribute, None)
    if found is None:
        near = close_matches(attribute, [name for name in vars(space) if not name.startswith("_")])
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise TargetError(f"{stem} has no {attribute!r}.{hint}")
    if not callable(found):
        raise TargetError(f"{ref} is {type(found).__name__}; it must be a class or a function.")
    return (lambda: found) if isinstance(found, nn.Module) else found


def _load_file(path: Path) -> Any:
    """Import the file under a name of its own; while it loads, its folder is on the path."""
    full = path.resolve()
    name = f"archimeter_target_{full.stem}_{hashlib.sha256(str(full).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, full)
    if spec is None or spec.loader is None:
        raise TargetError(f"{path} cannot be imported as Python.")
    space = importlib.util.module_from_spec(spec)
    sys.modules[name] = space  # dataclasses and pickles inside look their module up by name
    sys.path.insert(0, str(full.parent))
    try:
        spec.loader.exec_module(space)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise TargetError(
            f"{path} raised {type(error).__name__} when imported: {first_line(error)}"
        ) from error
    finally:
        sys.path.remove(str(full.parent))
    return space


def _load_package(name: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise TargetError(
            f"There is no module {name!r} (missing: {error.name}). Write `package.module:Class` of something "
            "installed, or `path/to/file.py:factory`."
        ) from error
    except Exception as error:
        raise TargetError(
            f"{name} raised {type(error).__name__} when imported: {first_line(error)}"
        ) from error
    finally:
        sys.path.remove(str(Path.cwd()))


def _load_torchscript(path: Path) -> Built:
    try:
        return Built(torch.jit.load(str(path), map_location="cpu"))
    except RuntimeError:
        raise TargetError(_not_a_script(path)) from None


def _not_a_script(path: Path) -> str:
    """Say what the file is instead, reading nothing but weights."""
    try:
        held = torch.load(path, map_location="meta", weights_only=True)
    except Exception:  # noqa: BLE001  # whatever is wrong with it, it is not weights
        return (
            f"{path} is no TorchScript file. A pickled module runs code when it is read and is refused: "
            "save it with torch.jit.script or torch.export, or give `file.py:factory`."
        )
    return (
        f"{path} holds weights only ({type(held).__name__}), no architecture. "
        "Give the `file.py:factory` that builds the model."
    )


def _load_export(path: Path) -> Built:
    try:
        program = torch.export.load(path)
    except Exception as error:
        raise TargetError(f"{path} is no torch.export file: {first_line(error)}") from error
    example = program.example_inputs
    inputs: Any = None
    if example:
        args, kwargs = example
        inputs = kwargs if kwargs and not args else tuple(args)
    return Built(program.module(), None, inputs)


def first_line(error: BaseException) -> str:
    """The first line of an error's text."""
    return (str(error).strip().splitlines() or ["no message"])[0]
