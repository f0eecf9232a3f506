"""A network taken apart: steps that can be recomputed in part, and the tail that cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.fx.node import map_aggregate

from mriinterp.incremental.steps import Step

__all__ = ["Call", "Later", "Network", "border_of", "later", "leaves", "live_calls"]


@dataclass(frozen=True, eq=False)
class Later:
    """A value that exists only while the tail runs: the output of a call, of a step, or only a step's shape."""

    source: Any
    shape_only: bool = False


@dataclass(eq=False)
class Call:
    """One operation of the tail, arguments holding `Later` values."""

    function: Callable
    args: tuple
    kwargs: dict
    overwrites: bool = False
    name: str = ""
    last_use_of: list = field(default_factory=list)


@dataclass(eq=False)
class Network:
    """A module taken apart.

    Parameters
    ----------
    steps : list of Step
        In order of computation; the first is the input.
    calls : list of Call
        The tail: everything from the first global operation.
    result : nested structure of Later
        What the module returns.
    border : list of Step
        Steps whose whole maps the tail reads.
    one_by_one : bool
        The tail holds for a batch of one only.
    tail_last : bool
        Whether the tail gets maps with their channels last in memory.
    whole_macs : int
        Multiply-accumulates of the steps, the ends of maps that nothing reads included.
    """

    steps: list[Step]
    calls: list[Call]
    result: Any
    border: list[Step]
    one_by_one: bool = False
    tail_last: bool = False
    whole_macs: int = 0
    schedules: dict[tuple, Any] = field(default_factory=dict, repr=False)  # the last ones, by what they were made for

    @property
    def read_macs(self) -> int:
        """Multiply-accumulates of the steps, without the ends of maps that are left out."""
        return sum(step.macs(step.shape) for step in self.steps)

    def for_tail(self, maps: Tensor) -> Tensor:
        """Return maps (n, C, *spatial) of the border in the arrangement in memory that the tail runs fastest with."""
        return maps.movedim(1, -1).contiguous().movedim(-1, 1) if self.tail_last else maps.contiguous()

    def run_tail(self, values: dict[Step, Tensor]) -> object:
        """Return what the module returns, given the whole maps (n, C, *spatial) of the border, which it uses up."""
        first = next(iter(values.values()))
        batch, empty = first.shape[0], first.new_empty(())
        del first
        done: dict[Any, Any] = values

        def get(later: Any) -> Any:
            if not isinstance(later, Later):
                return later
            if later.shape_only:
                step = later.source
                return empty.expand(batch, step.channels, *step.shape)
            return done[later.source]

        for call in self.calls:
            done[call] = call.function(*map_aggregate(call.args, get), **map_aggregate(call.kwargs, get))
            for used in call.last_use_of:
                done.pop(used, None)
        return map_aggregate(self.result, get)


def leaves(tree: Any) -> list[Any]:
    """Return what is in nested tuples, lists and dictionaries, in order."""
    found: list[Any] = []

    def keep(leaf: Any) -> Any:
        found.append(leaf)
        return leaf

    map_aggregate(tree, keep)
    return found


def later(tree: Any, shape_only: bool = False) -> Any:
    """Replace the steps in nested arguments by the `Later` values of their maps."""
    return map_aggregate(tree, lambda leaf: Later(leaf, shape_only) if isinstance(leaf, Step) else leaf)


def live_calls(calls: list[Call], result: object) -> list[Call]:
    """Return the calls whose value is used (in-place ones always), each with the values not needed after it."""
    wanted = {leaf.source for leaf in leaves(result) if isinstance(leaf, Later)}
    live = []
    for call in reversed(calls):
        if call.overwrites or call in wanted:
            live.append(call)
            wanted |= {leaf.source for leaf in leaves((call.args, call.kwargs)) if isinstance(leaf, Later)}
    calls = live[::-1]
    last: dict[object, Call] = {}
    for call in calls:
        for leaf in leaves((call.args, call.kwargs)):
            if isinstance(leaf, Later) and not leaf.shape_only:
                last[leaf.source] = call
    kept = {leaf.source for leaf in leaves(result) if isinstance(leaf, Later)}
    for source, call in last.items():
        if source not in kept:
            call.last_use_of.append(source)
    return calls


def border_of(calls: list[Call], result: object) -> list[Step]:
    trees = [(call.args, call.kwargs) for call in calls] + [result]
    found = [leaf for tree in trees for leaf in leaves(tree)]
    steps = [leaf.source for leaf in found if isinstance(leaf, Later) and not leaf.shape_only]
    return list(dict.fromkeys(source for source in steps if isinstance(source, Step)))
