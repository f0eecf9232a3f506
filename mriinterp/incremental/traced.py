"""Networks that were taken apart, kept while the program runs.

`torch.export` takes seconds, so a network is taken apart once, not once a
scan. What is kept stays in this process: an exported program cannot be read
from a file without running what the file says.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict

from torch import Tensor, nn

from mriinterp.incremental.digest import digest_of
from mriinterp.incremental.network import Network
from mriinterp.incremental.trace import Untraceable, trace

__all__ = ["forget_networks", "take_apart"]

MOST_NETWORKS = 8
MOST_BYTES = 2**29
"""Of the weights of all networks kept; the last one is kept whatever its size."""

Found = tuple[Network | None, str | None]

_lock = threading.Lock()
_kept: OrderedDict[tuple, tuple[Found, int]] = OrderedDict()


def forget_networks() -> None:
    """Drop all networks that were kept."""
    with _lock:
        _kept.clear()


def take_apart(module: nn.Module, x: Tensor) -> Found:
    """Return the steps of a network for images like `x`, or None and the reason why there are none.

    A network is taken apart once for each digest, shape and data type, on a
    copy of its own that nothing else can change.
    """
    if x.device.type not in ("cpu", "cuda"):
        return None, f"partial recomputation is not available on {x.device.type}"
    digest = digest_of(module)
    if digest is None:
        return _take_apart(module, x)
    key = (digest, tuple(x.shape), x.dtype, str(x.device))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][0]
    try:
        own = copy.deepcopy(module)
    except Exception:  # a module's own way of being copied may raise anything
        return _take_apart(module, x)
    found = _take_apart(own, x)
    size = sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))
    with _lock:
        _kept[key] = found, size
        while len(_kept) > MOST_NETWORKS or (len(_kept) > 1 and sum(n for _, n in _kept.values()) > MOST_BYTES):
            _kept.popitem(last=False)
    return found


def _take_apart(module: nn.Module, x: Tensor) -> Found:
    try:
        return trace(module, x.shape[1], tuple(x.shape[2:]), x.dtype), None
    except Untraceable as reason:
        return None, str(reason)
