"""What fvcore counts for the same backbone, and why it differs where it does.

fvcore traces the module with real tensors on the CPU. It has no rule for fused attention, so attention is
taken apart into products and softmax while it looks; what else it does not see is named by its operator.
"""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.utils._pytree import tree_map_only

from ..data.errors import MissingPartError, TargetError
from .running import make_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from ..data.records import Profile
    from .targets import Target

__all__ = [
    "Difference",
    "Opinion",
    "SecondOpinion",
    "ask_fvcore",
    "compare_with_fvcore",
    "count_with_fvcore",
    "fvcore_answer",
]

_CONVOLUTIONS = ("convolution", "grouped", "depthwise", "transposed")
_PRODUCTS = ("linear", "product")
_PRODUCT_OPERATORS = frozenset({"addmm", "linear", "bmm", "matmul", "einsum"})
_KNOWN_GAPS = {
    "aten::_convolution_mode": "fvcore does not see convolutions with padding='same' ({calls} calls)",
    "aten::lstm": "fvcore has no rule for LSTM layers ({calls})",
    "aten::gru": "fvcore has no rule for GRU layers ({calls})",
    "aten::rnn_tanh": "fvcore has no rule for recurrent layers ({calls})",
    "aten::rnn_relu": "fvcore has no rule for recurrent layers ({calls})",
    "aten::lstm_cell": "fvcore has no rule for LSTM cells ({calls})",
    "aten::gru_cell": "fvcore has no rule for GRU cells ({calls})",
    "aten::scaled_dot_product_attention": "fvcore has no rule for fused attention ({calls} calls)",
    "aten::baddbmm": "fvcore has no rule for baddbmm ({calls} calls)",
    "aten::addbmm": "fvcore has no rule for addbmm ({calls} calls)",
    "aten::mv": "fvcore has no rule for matrix-vector products ({calls} calls)",
    "aten::dot": "fvcore has no rule for dot products ({calls} calls)",
    "aten::bilinear": "fvcore has no rule for bilinear layers ({calls} calls)",
    "aten::tensordot": "fvcore has no rule for tensordot ({calls} calls)",
}
_GAPS_OF = {
    "convolutions": ("aten::_convolution_mode",),
    "recurrent layers": tuple(op for op in _KNOWN_GAPS if any(word in op for word in ("lstm", "gru", "rnn"))),
    "matrix products": (
        "aten::scaled_dot_product_attention",
        "aten::baddbmm",
        "aten::addbmm",
        "aten::mv",
        "aten::dot",
        "aten::bilinear",
        "aten::tensordot",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """What fvcore says of a module and one input.

    macs: its total (it calls it FLOPs; one multiply-add is one). macs_by_operator: the same, split.
    activations: its count. uncounted: operator → calls, for those that it skips.
    """

    macs: int
    macs_by_operator: Mapping[str, int]
    activations: int
    uncounted: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is counted differently.

    what: kind of work, or `activations`. ours, theirs: the two counts. reason: why. known: whether the
    reason was told from what fvcore did; False is an open question and worth a report.
    """

    what: str
    ours: int
    theirs: int
    reason: str
    known: bool = True

    def as_row(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


class Opinion(NamedTuple):
    """fvcore's counts of a target, and what differs from ours."""

    counts: SecondOpinion
    differences: tuple[Difference, ...]


def count_with_fvcore(module: nn.Module, args: tuple[Any, ...]) -> SecondOpinion:
    """Let fvcore count one forward pass in evaluation mode on the CPU, attention taken apart.

    Args:
        module: with weights (any values), on the CPU.
        args: its positional inputs, real tensors.

    Raises:
        MissingPartError: if fvcore is not installed.
        TargetError: if fvcore cannot trace the module.
    """
    try:
        from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis
    except ImportError as error:
        raise MissingPartError("fvcore is not installed: `pip install fvcore`.") from error
    module = module.eval()
    with _unfused_attention(), torch.no_grad(), warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")  # torch.jit's farewell and fvcore's list of operators
        work = FlopCountAnalysis(module, args).unsupported_ops_warnings(enabled=False)
        outputs = ActivationCountAnalysis(module, args).unsupported_ops_warnings(enabled=False)
        try:
            by_operator = {name: int(macs) for name, macs in work.by_operator().items()}
            activations = int(outputs.total())
        except Exception as error:  # tracing runs the module: anything may come out
            raise TargetError(
                f"fvcore cannot trace it ({type(error).__name__}: {str(error).splitlines()[0][:200]}). "
                "Leave out --check fvcore; our own count does not trace."
            ) from error
        uncounted = dict(work.unsupported_ops())
    return SecondOpinion(
        macs=sum(by_operator.values()),
        macs_by_operator=by_operator,
        activations=activations,
        uncounted=uncounted,
    )


def compare_with_fvcore(profile: Profile, opinion: SecondOpinion) -> list[Difference]:
    """Name every difference between a profile's counts and fvcore's, with its reason.

    Args:
        profile: static counts, batch 1.
        opinion: what fvcore counted for the same input.
    """
    theirs = dict(opinion.macs_by_operator)
    ours = profile.macs_by_kind
    convolutions = theirs.pop("conv", 0)
    products = sum(theirs.pop(name, 0) for name in _PRODUCT_OPERATORS)
    pairs = [
        ("convolutions", sum(ours.get(kind, 0) for kind in _CONVOLUTIONS), convolutions),
        ("matrix products", sum(ours.get(kind, 0) for kind in _PRODUCTS), products),
        ("recurrent layers", ours.get("recurrent", 0), 0),
    ]
    found = [_explained(*pair, opinion.uncounted) for pair in pairs if pair[1] != pair[2]]
    rest = {name: macs for name, macs in theirs.items() if macs}
    if rest:
        parts = ", ".join(
            f"{name} {macs:,}" for name, macs in sorted(rest.items(), key=lambda item: -item[1])
        )
        reason = f"fvcore adds norms, pooling and resizing ({parts}); we count them as elementwise_ops"
        found.append(Difference(what="norms and pooling", ours=0, theirs=sum(rest.values()), reason=reason))
    if profile.activations is not None and profile.activations != opinion.activations:
        gaps = _gaps(opinion.uncounted, [op for ops in _GAPS_OF.values() for op in ops])
        found.append(_difference("activations", profile.activations, opinion.activations, gaps))
    return found


def ask_fvcore(target: Target, profile: Profile, input_size: int | tuple[int, ...] | None = None) -> Opinion:
    """Build a target on the CPU, let fvcore count it, and name what differs from its profile.

    Args:
        target: what was profiled.
        profile: its counts, for the same input size.
        input_size: as it was profiled with.

    Raises:
        TargetError: if it cannot be built on the CPU or fvcore cannot trace it.
    """
    built = target.build()
    args, kwargs = make_inputs(built, input_size=input_size)
    args, kwargs = tree_map_only(torch.Tensor, _real, (args, kwargs))
    module = _Positional(built.module, tuple(kwargs)) if kwargs else built.module
    opinion = count_with_fvcore(module, (*args, *kwargs.values()))
    return Opinion(opinion, tuple(compare_with_fvcore(profile, opinion)))


def fvcore_answer(spec: tuple[Target, Profile, Any]) -> dict[str, Any]:
    """`ask_fvcore` as a call with one argument and a plain answer, for a process of its own."""
    counts, differences = ask_fvcore(*spec)
    return {
        "macs_second_opinion": counts.macs,
        "macs_by_operator": dict(counts.macs_by_operator),
        "differences": [difference.as_row() for difference in differences],
    }


class _Positional(nn.Module):
    """fvcore gives inputs by position only."""

    def __init__(self, module: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.module, self.names = module, names

    def forward(self, *inputs: Any) -> Any:
        return self.module(**dict(zip(self.names, inputs, strict=True)))


def _real(tensor: Tensor) -> Tensor:
    return torch.zeros_like(tensor, device="cpu") if tensor.is_meta else tensor.cpu()


def _explained(what: str, ours: int, theirs: int, uncounted: Mapping[str, int]) -> Difference:
    return _difference(what, ours, theirs, _gaps(uncounted, _GAPS_OF[what]) if ours > theirs else [])


def _difference(what: str, ours: int, theirs: int, reasons: list[str]) -> Difference:
    reason = "; ".join(reasons) or "not explained: please report it with the model"
    return Difference(what=what, ours=ours, theirs=theirs, reason=reason, known=bool(reasons))


def _gaps(uncounted: Mapping[str, int], operators: Any) -> list[str]:
    return [_KNOWN_GAPS[op].format(calls=uncounted[op]) for op in operators if uncounted.get(op)]


@contextlib.contextmanager
def _unfused_attention() -> Iterator[None]:
    fused, fast = functional.scaled_dot_product_attention, torch.backends.mha.get_fastpath_enabled()
    functional.scaled_dot_product_attention = _attention
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = fused
        torch.backends.mha.set_fastpath_enabled(fast)


def _attention(  # noqa: PLR0917  # torch's own signature
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,  # noqa: ARG001  # evaluation mode
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if enable_gqa:
        key, value = (t.repeat_interleave(query.shape[-3] // t.shape[-3], -3) for t in (key, value))
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        allowed = attn_mask.dtype == torch.bool
        scores = scores.masked_fill(~attn_mask, -math.inf) if allowed else scores + attn_mask
    return scores.softmax(-1) @ value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("fvcore.nn.jit_analysis")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
