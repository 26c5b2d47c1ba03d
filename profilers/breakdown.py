"""Where a backbone's parameters, work and memory lie: by module tree, or by kind of work."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from torch import nn

from ..data.errors import InputError
from .running import Inputs, Pass, run_pass
from .static import chosen_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .targets import Target

__all__ = ["Part", "breakdown", "by_kind", "by_module", "own_shares"]

ELEMENTWISE = "element-wise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One module of the tree with everything inside it, or one kind of work.

    Attributes:
        backbone: whose part. path: dotted name, "" for the whole; or the kind of work.
        parent: path of the module that holds it, None for the whole. depth: how far down the tree.
        type: class name, None of a kind. calls: times its forward ran; of a kind, operator calls.
        params: elements; a tensor that several modules share belongs to the first.
        macs, activations, elementwise_ops: as in Profile, of what ran inside it.
        output_bytes: new memory that its operators filled, all together (not at one time).
        params_share, macs_share: of the whole's.
    """

    backbone: str
    path: str
    parent: str | None
    depth: int
    type: str | None
    calls: int
    params: int
    macs: int
    activations: int
    elementwise_ops: int
    output_bytes: int
    params_share: float | None
    macs_share: float | None

    def as_row(self) -> dict[str, Any]:
        """Return the fields as a flat mapping."""
        return asdict(self)


def breakdown(
    target: str | Target | nn.Module,
    *,
    by: Literal["module", "kind"] = "module",
    depth: int | None = None,
    input_size: int | Sequence[int] | None = None,
    inputs: Inputs | None = None,
    name: str | None = None,
) -> list[Part]:
    """Profile a backbone and split it, by the same pass and rules as `profile`.

    Args:
        target: what to profile, as for `profile`.
        by: `module` for the tree, `kind` for kinds of work.
        depth: levels below the whole that are shown (a row includes what is inside it); all if None.
        input_size: as for `profile`.
        inputs: as for `profile`.
        name: as for `profile`.

    Returns:
        By module: every module that has parameters or ran, parents before children, in the order of
        definition; each row includes what is inside, so the first row is the whole. By kind: one row per kind
        that occurs, most MACs first, and one for element-wise work.

    Raises:
        InputError, UnknownNameError, TargetError: as for `profile`.
    """
    if by not in {"module", "kind"}:
        raise InputError(f"Cannot break down by {by!r}; write 'module' or 'kind'.")
    if depth is not None and depth < 0:
        raise InputError(f"depth is {depth}; it must be 0 (the whole) or more.")
    chosen = chosen_target(target)
    ran = run_pass(chosen, input_size=input_size, inputs=inputs, name=name)
    label = name or (type(chosen).__name__ if isinstance(chosen, nn.Module) else chosen.backbone)
    return by_kind(ran, label) if by == "kind" else by_module(ran, label, depth=depth)


def by_module(ran: Pass, backbone: str, *, depth: int | None = None) -> list[Part]:
    """Split a pass by module; see `breakdown`."""
    own = _own_work(ran)
    totals: dict[str, Counter[str]] = {}
    for path, work in own.items():
        for ancestor in ancestors(path):
            totals.setdefault(ancestor, Counter()).update(work)
    whole = totals.get("", Counter())
    return [
        _part(backbone, path, totals[path], whole, cls=type(module).__name__, calls=ran.traced.calls[path])
        for path, module in ran.module.named_modules()
        if path in totals and (depth is None or _level(path) <= depth)
    ]


def own_shares(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Return each module's own share of params, macs and activations, without the modules inside it.

    Args:
        parts: one backbone's, as `breakdown` by module gives them.
    """
    inside: dict[str, Counter[str]] = {}
    for part in parts:
        if part.parent is not None:
            inside.setdefault(part.parent, Counter()).update(_shares(part))
    return [
        {
            "module": part.path,
            **{k: n - inside.get(part.path, Counter())[k] for k, n in _shares(part).items()},
        }
        for part in parts
    ]


def _shares(part: Part) -> dict[str, int]:
    return {"params": part.params, "macs": part.macs, "activations": part.activations}


def by_kind(ran: Pass, backbone: str) -> list[Part]:
    """Split a pass by kind of work; see `breakdown`."""
    totals: dict[str, Counter[str]] = {}
    for (_, kind), tally in ran.traced.tallies.items():
        totals.setdefault(kind or ELEMENTWISE, Counter()).update(_numbers(tally))
    whole: Counter[str] = sum(totals.values(), Counter())
    kinds = sorted(totals, key=lambda kind: (-totals[kind]["macs"], kind))
    return [_part(backbone, kind, totals[kind], whole, calls=totals[kind]["calls"]) for kind in kinds]


def ancestors(path: str) -> list[str]:
    """The paths of a module and of all that hold it, the whole ("") first."""
    parts = path.split(".") if path else []
    return [".".join(parts[:n]) for n in range(len(parts) + 1)]


def _level(path: str) -> int:
    return path.count(".") + 1 if path else 0


def _own_work(ran: Pass) -> dict[str, Counter[str]]:
    """What each module itself holds and ran, without its children."""
    own: dict[str, Counter[str]] = {path: Counter(calls=n) for path, n in ran.traced.calls.items() if n}
    for (path, _), tally in ran.traced.tallies.items():
        own.setdefault(path, Counter()).update(_numbers(tally))
    for name, parameter in ran.module.named_parameters():  # a shared tensor is named once
        if not nn.parameter.is_lazy(parameter):
            own.setdefault(name.rpartition(".")[0], Counter())["params"] += parameter.numel()
    return own


def _numbers(tally: Any) -> dict[str, int]:
    return {
        "calls": tally.calls,
        "macs": tally.macs,
        "activations": tally.activations,
        "elementwise_ops": tally.elementwise,
        "output_bytes": tally.bytes_out,
    }


def _part(
    backbone: str, path: str, total: Counter[str], whole: Counter[str], *, calls: int, cls: str | None = None
) -> Part:
    in_tree = cls is not None
    return Part(
        backbone=backbone,
        path=path,
        parent=path.rpartition(".")[0] if in_tree and path else None,
        depth=_level(path) if in_tree else 0,
        type=cls,
        calls=calls,
        params=total["params"],
        macs=total["macs"],
        activations=total["activations"],
        elementwise_ops=total["elementwise_ops"],
        output_bytes=total["output_bytes"],
        params_share=total["params"] / whole["params"] if whole["params"] else None,
        macs_share=total["macs"] / whole["macs"] if whole["macs"] else None,
    )
