"""The graph of a backward pass: which nodes all paths pass through."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from torch import Tensor

__all__ = ["order_of_nodes"]


def order_of_nodes(output: Tensor, leaf: Tensor) -> dict[Any, tuple[int, bool]]:
    """Return the nodes of the graph between an output and a leaf, by their order from the output on.

    Returns
    -------
    dict of node to (int, bool)
        Place in an order in which every node comes before those it was
        computed from, and whether every path from output to leaf passes
        through it.
    """
    following: dict[Any, list[Any]] = {}
    reaches: dict[Any, bool] = {}
    stack: list[Any] = [output.grad_fn]
    while stack:  # depth first, children before parents
        node = stack[-1]
        if node not in following:
            following[node] = [child for child, _ in node.next_functions if child is not None]
            stack += [child for child in following[node] if child not in following]
            continue
        stack.pop()
        own = getattr(node, "variable", None) is leaf
        reaches[node] = own or any(reaches.get(child, False) for child in following[node])
    following = {n: [c for c in children if reaches[c]] for n, children in following.items() if reaches[n]}
    coming = Counter(child for children in following.values() for child in children)
    ready = deque([output.grad_fn] if reaches[output.grad_fn] else [])
    found: dict[Any, tuple[int, bool]] = {}
    open_edges = 0
    waiting = Counter(coming)
    while ready:  # a node in which all open paths meet is one that all paths pass through
        node = ready.popleft()
        open_edges -= coming[node]
        found[node] = len(found), open_edges == 0
        open_edges += len(following[node])
        for child in following[node]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    return found
