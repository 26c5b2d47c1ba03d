"""One pass over a module's forward: every operator call seen once and counted by its rule.

The caller's module is never hooked or patched: operators are seen by a dispatch mode, module boundaries by
torch's global forward hooks, both gone when the pass ends.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from .flow import INPUT, WEIGHT, Node, join, node_of, set_node, storage_id
from .replay import Call, Done, perform, read_call, shares_memory, tensors_in
from .rules import rule_for
from .tree import Tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .rules import Work

__all__ = ["FeatureMap", "Layer", "Tally", "Trace", "trace"]

_SUMS = frozenset({"add", "add_"})


@dataclass(slots=True)
class Tally:
    """Work of one module's own calls, of one kind; see `rules.Work`. `bytes_out`: new memory they filled."""

    calls: int = 0
    macs: int = 0
    activations: int = 0
    elementwise: int = 0
    fvcore_extra: int = 0
    bytes_out: int = 0

    def add(self, work: Work, bytes_out: int) -> None:
        """Add one call."""
        self.calls += 1
        self.macs += work.macs
        self.activations += work.activations
        self.elementwise += work.elementwise
        self.fvcore_extra += work.fvcore_extra
        self.bytes_out += bytes_out


class Layer(NamedTuple):
    """One run of a weighted layer: a convolution, a matrix product with a weight, or a recurrent layer.

    Attributes:
        path: of the module that ran it. kind: of its MACs. macs: how many. width: channels out of it.
        fan_in: channels into it. weight: identity of its weight's memory.
    """

    path: str
    kind: str
    macs: int
    width: int
    fan_in: int
    weight: int


class FeatureMap(NamedTuple):
    """One output of a weighted layer or of a pooling on a path from the input.

    Attributes:
        path: of the module that made it. depth: weighted layers before it.
        positions: elements per channel. side: spatial size, empty for tokens.
        weighted: whether a weighted layer made it.
    """

    path: str
    depth: int
    positions: int
    side: tuple[int, ...]
    weighted: bool


@dataclass(slots=True)
class Trace:
    """Everything that one pass saw.

    Attributes:
        tree: what the module is made of.
        tallies: (module path, kind of MACs or None) → work of that module's own calls.
        calls: module path → times it was called. uncounted: operator → calls that no rule covers.
        layers, maps: in the order in which they ran.
        generators: indices of layers whose results served as weights (a convolution whose kernel is mixed
            for each image): they lie beside the path, as gates do.
        residual_widths: channels at sums of two values that an input reaches.
        depth: weighted layers before the deepest output. output_shapes: of the output's tensors.
        fused_attention: whether an attention operator ran whole; None without attention products.
    """

    tree: Tree
    tallies: dict[tuple[str, str | None], Tally] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    uncounted: Counter[str] = field(default_factory=Counter)
    layers: list[Layer] = field(default_factory=list)
    maps: list[FeatureMap] = field(default_factory=list)
    generators: set[int] = field(default_factory=set)
    residual_widths: set[int] = field(default_factory=set)
    depth: int = 0
    output_shapes: tuple[tuple[int, ...], ...] = ()
    fused_attention: bool | None = None

    def total(self, name: str) -> int:
        """Sum of one of Tally's fields over all modules and kinds."""
        return sum(getattr(tally, name) for tally in self.tallies.values())

    def macs_by_kind(self) -> dict[str, int]:
        """MACs by kind, largest first; sums to `total("macs")`."""
        sums: Counter[str] = Counter()
        for (_, kind), tally in self.tallies.items():
            if kind is not None and tally.macs:
                sums[kind] += tally.macs
        return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def trace(
    module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None, *, whole: bool = True
) -> Trace:
    """Run `module` once, in the mode in which it is, and return what its operators did.

    Args:
        module: on the meta device (answered from remembered shapes, no memory) or on the CPU (really run).
        args: positional inputs, tensors or nests of them.
        kwargs: inputs by name.
        whole: see composite operators (linear, attention, LSTM) undivided, under `torch.inference_mode()`. A
            forward that differentiates cannot run there; without, its operators are seen in their parts.

    Raises whatever the forward raises.
    """
    kwargs = dict(kwargs or {})
    result = Trace(read_tree(module))
    for parameter in result.tree.parameters:
        if not nn.parameter.is_lazy(parameter):
            set_node(parameter, WEIGHT)
    for value in pytree.tree_leaves((args, kwargs)):
        if isinstance(value, Tensor):
            set_node(value, INPUT)
    with (
        torch.inference_mode(whole),
        torch.no_grad(),
        _unfused_multihead(),
        _paths(result) as path,
        _Counting(result, path),
    ):
        output = module(*args, **kwargs)
    leaves = [leaf for leaf in pytree.tree_leaves(_plain(output)) if isinstance(leaf, Tensor)]
    result.output_shapes = tuple(tuple(leaf.shape) for leaf in leaves)
    result.depth = max([0, *(node_of(leaf).depth for leaf in leaves)])
    if result.fused_attention is None and "product" in result.macs_by_kind():
        result.fused_attention = False
    return result


def _plain(output: Any) -> Any:
    """Other libraries' output objects hold their tensors as attributes."""
    simple = isinstance(output, Tensor | dict | list | tuple) or not hasattr(output, "__dict__")
    return output if simple else vars(output)


@contextlib.contextmanager
def _unfused_multihead() -> Iterator[None]:
    """Switch `nn.MultiheadAttention`'s fused shortcut off: it hides its products in one opaque call."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextlib.contextmanager
def _paths(result: Trace) -> Iterator[list[str]]:
    """Keep the path of the running module on top of the yielded list."""
    names, path = result.tree.paths, [""]

    def enter(part: nn.Module, _: Any) -> None:
        name = names.get(id(part), path[-1])
        result.calls[name] += 1
        path.append(name)

    def leave(_: nn.Module, __: Any, ___: Any) -> None:
        path.pop()

    hooks = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True)]
    try:
        yield path
    finally:
        for hook in hooks:
            hook.remove()


class _Counting(TorchDispatchMode):
    """Sees every operator call of the pass."""

    def __init__(self, result: Trace, path: list[str]) -> None:
        super().__init__()
        self.result = result
        self.path = path

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and the guard costs more than the call

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        rule, kwargs = rule_for(func), kwargs or {}
        if rule.handling == "view":
            return func(*args, **kwargs)
        if rule.handling == "drop" and not args[2]:
            return args[0]
        if rule.handling == "skip":
            return None
        if rule.handling == "decompose":
            with self:
                out = func.decompose(*args, **kwargs)
            if out is not NotImplemented:
                return out
        call = read_call(func, rule, args, kwargs)
        if rule.handling == "maybe view" and shares_memory(call):
            return func(*call.args, **call.kwargs)
        done = perform(call)
        if done.outputs:
            self._record(call, done)
        if rule.inplace and call.args[0] is not args[0]:  # a constant that was written to, on the side
            set_node(args[0], node_of(call.args[0]))
            return args[0]
        return done.out

    def _record(self, call: Call, done: Done) -> None:
        """Add the call's work to its module's tally, and give its results their node."""
        work, result, path = done.work, self.result, self.path[-1]
        if not work.counted:
            result.uncounted[call.func.name().partition(".")[0]] += 1
        if work.kind is None:
            node, kind = join(call.tensors, gate=call.rule.gate), None
            if node.depth > 0:
                self._note_sum(call, node)
        elif work.kind == "recurrent":
            node, kind = self._recurrent(call, work)
        else:
            node, kind = self._multiply(call, work)
        if work.positions and node.depth >= 0 and kind != "product":
            result.maps.append(FeatureMap(path, node.depth, work.positions, work.side, kind is not None))
        tally = result.tallies.get((path, kind))
        if tally is None:
            tally = result.tallies[path, kind] = Tally()
        tally.add(work, done.bytes_out)
        for output in done.outputs:
            set_node(output, max(node, node_of(output)) if call.rule.inplace else node)

    def _multiply(self, call: Call, work: Work) -> tuple[Node, str]:
        """Node and kind of a convolution or matrix product; with a learned factor it is a layer."""
        node, kind = join(call.tensors, gate=False), str(work.kind)
        if not work.layers:
            self.result.fused_attention = True
            return node, kind
        first, second = (call.args[index] for index in work.factors)
        one, two = node_of(first), node_of(second)
        both = one.reached and two.reached
        if kind == "product" and not both:
            kind = "linear"
        if kind == "product" or not node.reached or not (both or one.learned or two.learned):
            return node, kind
        if both:  # a kernel made from the input only gates the path through the image
            self.result.generators.add(two.layer)
            node = one
        weight = second if one.reached else first
        width = work.width
        if kind == "linear" and weight is first and weight.dim() > 1:
            width = weight.shape[-2]  # the weight stands on the left: its rows are the channels out
        fan_in = weight.numel() // max(1, width) if kind == "linear" else weight.shape[1]
        node = Node(node.depth + 1, width=width, layer=len(self.result.layers))
        self._note_layer(kind, work.macs, width, fan_in, storage_id(weight))
        return node, kind

    def _recurrent(self, call: Call, work: Work) -> tuple[Node, str]:
        """A recurrent layer is one layer however long its sequence: its state does not lengthen the path."""
        data = node_of(call.args[0])
        through = data.depth + work.layers if data.reached else -1
        depth = max([through, *(node_of(tensor).depth for tensor in tensors_in(call.args[1:]))])
        node = Node(depth, width=work.width, layer=len(self.result.layers))
        if depth >= 0:
            weight = next(t for t in tensors_in(call.args[1:]) if node_of(t).learned)
            self._note_layer("recurrent", work.macs, work.width, call.args[0].shape[-1], storage_id(weight))
        return node, "recurrent"

    def _note_layer(self, kind: str, macs: int, width: int, fan_in: int, weight: int) -> None:
        self.result.layers.append(Layer(self.path[-1], kind, macs, width, fan_in, weight))

    def _note_sum(self, call: Call, node: Node) -> None:
        """A sum of two values of one shape, both reached by an input, is where a residual stream runs."""
        if len(call.tensors) != 2 or call.func.overloadpacket.__name__ not in _SUMS:
            return
        one, two = call.tensors
        if one.shape == two.shape and one.dim() > 1 and node_of(one).reached and node_of(two).reached:
            self.result.residual_widths.add(_channels(tuple(one.shape[1:]), node.width))


def _channels(shape: tuple[int, ...], width: int) -> int:
    """Channels of a feature map in either layout: the last layer's width where a dimension has it."""
    if width in shape:
        return width
    first, *_, last = (*shape, 0) if len(shape) == 1 else shape
    return first if len(shape) != 2 and first > last else last
