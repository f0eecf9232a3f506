"""Maps inside a network during one forward pass: their names, their places, and whether everything passes through them."""

from __future__ import annotations

import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mriinterp.methods.graph import order_of_nodes
from mriinterp.methods.tape import (
    ACTIVATIONS,
    CONVOLUTIONS,
    PADS,
    PERMUTATIONS,
    POOLS,
    VIEWS,
    Geometry,
    follow,
    operator_name,
)

__all__ = ["Recording", "Step", "record"]

# Results that are no map of their own: pooled, copied or cut from one.
SKIPPED = (
    POOLS | PADS | VIEWS | PERMUTATIONS | {"dropout", "feature_dropout", "alpha_dropout", "dropout2d", "dropout3d"}
)
SKIPPED |= {"clone", "contiguous", "detach", "to", "float", "__getitem", "requires_grad", "__get", "alias", "identity"}
KEPT_BYTES = 2**28  # of maps whose values are kept; one from before that is made again


@dataclass(eq=False)
class Step:
    """A map that a network made on the way.

    Parameters
    ----------
    name : str
        Of the module that made it; ``module.operation`` for a function that a
        module with parts calls; ``:2`` for the second use of a name.
    kind : {"convolution", "join", "activation", "other"}
        join: made of two or more maps (a sum, a concatenation).
    values : Tensor or None
        With its graph; None if it must be made again.
    geometry : Geometry
    call : int
        Number of the call that made it.
    whole : bool
        Whether all of the output that depends on the scan passes through it.
    as_tokens : bool
        Whether the network goes on with its cells in another form, as
        transformers do with tokens.
    """

    name: str
    kind: str
    values: Tensor | None
    geometry: Geometry
    call: int
    shape: torch.Size
    whole: bool = False
    as_tokens: bool = False
    node: object = field(default=None, repr=False)
    version: int = field(default=0, repr=False)

    @property
    def cells(self) -> tuple[int, ...]:
        """Number of cells along each axis of the scan."""
        return tuple(self.shape[axis] for axis in self.geometry.axes)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.shape.numel() // self.shape[0] // torch.Size(self.cells).numel()

    @property
    def bytes(self) -> int:
        """Memory of the values."""
        return 0 if self.values is None else self.values.numel() * self.values.element_size()

    @property
    def lost(self) -> bool:
        """Whether the values are gone, or a layer in place has written over them."""
        return self.values is None or self.values._version != self.version

    def arranged(self, values: Tensor) -> Tensor:
        """Return a tensor of the map's shape as (n, channels, *cells)."""
        last = range(values.ndim - len(self.geometry.axes), values.ndim)
        return values.movedim(self.geometry.axes, tuple(last)).reshape(values.shape[0], -1, *self.cells)

    def centres(self) -> list[Tensor]:
        """Return the centres of the receptive fields along each axis, in voxels; ValueError if they are unknown."""
        return self.geometry.centres(self.cells)

    def __str__(self) -> str:
        return f"{self.name} ({self.channels} channels, {' × '.join(map(str, self.cells))} cells)"


class _Tape(TorchFunctionMode):
    """Records the maps of one forward pass of this thread.

    Parameters
    ----------
    x : Tensor, shape (1, C, *spatial)
    path : list of str
        Names of the modules under way, kept up to date by `_named_modules`.
    keep : int, optional
        Number of a call whose result is kept as it is, whatever follows.
    """

    def __init__(self, x: Tensor, path: list[tuple[str, bool]], keep: int | None = None):
        super().__init__()
        self.rank, self.path, self.keep = x.ndim - 2, path, keep
        self.steps: list[Step] = []
        self.tokens: list[object] = []
        self._calls = 0
        self._names: Counter[str] = Counter()
        self._held: deque[Step] = deque()
        self._known: dict[int, tuple[weakref.ref, Geometry]] = {}
        self._know(x, Geometry.of_input(self.rank))

    def __torch_function__(self, func: Callable, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        sources = self._sources(args, kwargs)
        source, geometry = sources[0] if sources else (None, None)
        result = func(*args, **kwargs)
        self._calls += 1
        step = None
        for values in result if isinstance(result, (tuple, list)) else [result]:
            if not isinstance(values, Tensor) or values.grad_fn is None:
                continue
            name, place = operator_name(func), follow(func, args, kwargs, source, geometry, values, self.rank)
            self._know(values, place)
            if place is None and name in ACTIVATIONS and sum(n > 1 for n in values.shape[1:]) > 1:
                self.tokens.append(values.grad_fn)
            if place is not None and name not in SKIPPED and values.ndim == self.rank + 2:
                step = self._recorded(name, values, place, joined=len(sources) > 1)
        if step is None or self._calls != self.keep or isinstance(result, (tuple, list)):
            return result
        passed_on = result.clone()  # a later in-place layer must not overwrite what is kept
        self._know(passed_on, step.geometry)
        return passed_on

    def _know(self, values: Tensor, place: Geometry | None) -> None:
        if place is None:
            self._known.pop(id(values), None)  # changed in place
        else:
            self._known[id(values)] = weakref.ref(values), place

    def _recorded(self, name: str, values: Tensor, place: Geometry, *, joined: bool) -> Step:
        kind = "convolution" if name in CONVOLUTIONS else "activation" if name in ACTIVATIONS else "other"
        step = Step(self._name(name), "join" if joined else kind, values, place, self._calls, values.shape)
        step.node, step.version = values.grad_fn, values._version
        self.steps.append(step)
        self._held.append(step)
        while sum(held.bytes for held in self._held) > KEPT_BYTES:
            oldest = self._held.popleft()  # early maps are large and seldom asked for
            oldest.values = oldest.values if oldest.call == self.keep else None
        return step

    def _name(self, operation: str) -> str:
        path, has_parts = self.path[-1] if self.path else ("", True)
        name = ".".join(filter(None, [path, operation])) if has_parts else path
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}:{self._names[name]}"

    def _sources(self, args, kwargs) -> list[tuple[Tensor, Geometry]]:
        """Return arguments that are maps; one with a known place and the most cells first."""
        candidates = [*args, *kwargs.values()]
        candidates += [item for group in args if isinstance(group, (list, tuple)) for item in group]
        known = [(c, *self._known[id(c)]) for c in candidates if isinstance(c, Tensor) and id(c) in self._known]
        found = [(c, place) for c, reference, place in known if reference() is c]
        return sorted(found, key=lambda pair: (-pair[0].numel(), pair[1].jump is None))


@contextmanager
def _named_modules(module: nn.Module) -> Iterator[list[tuple[str, bool]]]:
    """Yield the names of the modules that this thread is running, outermost first, and whether each has parts."""
    path: list[tuple[str, bool]] = []
    thread, handles = threading.get_ident(), []

    def watch(name: str, child: nn.Module) -> None:
        entry = name, any(True for _ in child.children())

        def enter(*_):
            if threading.get_ident() == thread:
                path.append(entry)

        def leave(*_):
            if threading.get_ident() == thread and path:
                path.pop()

        handles.append(child.register_forward_pre_hook(enter))
        handles.append(child.register_forward_hook(leave, always_call=True))

    inner: Any = module
    while [name for name, _ in inner.named_children()] == ["module"]:  # a wrapper is no part of the network's names
        inner = inner.module
    try:
        for name, child in inner.named_modules():
            if name and not isinstance(child, torch.jit.ScriptModule):
                watch(name, child)
        yield path
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True, eq=False)
class Recording:
    """One forward pass of a network.

    Parameters
    ----------
    output : Tensor, shape (1, classes)
        Differentiable with respect to every recorded map.
    steps : list of Step
        Maps that the output depends on, in the order in which they were made.
    """

    output: Tensor
    steps: list[Step]


def record(model: nn.Module, x: Tensor, keep: int | None = None) -> Recording:
    """Run a network on (1, C, *spatial), keeping the graph and the maps.

    Parameters
    ----------
    keep : int, optional
        `Step.call` of a map whose values must not be lost.
    """
    with torch.enable_grad():
        leaf = x.detach().clone().requires_grad_(True)
        start = leaf.clone()  # not a leaf: the network may change it in place
        with _named_modules(model) as path, _Tape(start, path, keep) as tape:
            output = model(start)
    if output.grad_fn is None:
        raise ValueError("expected a network whose output depends on the scan, got one whose output has no gradient")
    order = order_of_nodes(output, leaf)
    steps = [step for step in tape.steps if step.node in order]
    tokens = [order[node][0] for node in tape.tokens if node in order]
    for step in steps:
        place, step.whole = order[step.node]
        step.as_tokens = any(above < place for above in tokens)
    return Recording(output, steps)
