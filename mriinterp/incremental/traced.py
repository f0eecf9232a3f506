"""Networks that were taken apart, kept while the program runs.

`torch.export` takes seconds, so a network is taken apart once, not once a
scan. What is kept stays in this process: an exported program cannot be read
from a file without running what the file says.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mriinterp.incremental.device import exact_arithmetic
from mriinterp.incremental.digest import digest_of
from mriinterp.incremental.engine import Engine
from mriinterp.incremental.macs import Counting, keep_macs
from mriinterp.incremental.network import Network
from mriinterp.incremental.plain import flat_outputs
from mriinterp.incremental.steps import MapShape
from mriinterp.incremental.trace import Untraceable, trace
from mriinterp.incremental.workers import seconds_now
from mriinterp.models.batch import FAILURES

__all__ = ["Apart", "forget_networks", "take_apart"]

log = logging.getLogger(__name__)

AGREE = 1e-4
"""Of the largest output: by how much a network that was taken apart may differ through rounding."""

MOST_NETWORKS = 8
MOST_BYTES = 2**29
"""Of the weights of all networks kept; the last one is kept whatever its size."""


@dataclass(frozen=True, eq=False)
class Apart:
    """A network taken apart, or the reason why it cannot be.

    Parameters
    ----------
    network : Network or None
    reason : str or None
    key : hashable or None
        The same for the same network and images of the same kind; None where
        that is not known.
    """

    network: Network | None
    reason: str | None
    key: Hashable | None = None


_lock = threading.Lock()
_kept: OrderedDict[tuple, tuple[Apart, int]] = OrderedDict()


def forget_networks() -> None:
    """Drop all networks that were kept."""
    with _lock:
        _kept.clear()


def take_apart(module: nn.Module, x: Tensor, keep: MapShape = (), *, whole: bool = False) -> Apart:
    """Return the steps of a network for images like `x`, or None and the reason why there are none.

    A network is taken apart once for each digest, shape, data type, `keep` and `whole`,
    on a copy of its own that nothing else can change.

    Parameters
    ----------
    module : nn.Module
    x : Tensor, shape (1, C, *spatial)
    keep, whole
        See `mriinterp.incremental.trace.trace`.
    """
    if x.device.type not in ("cpu", "cuda"):
        return Apart(None, f"partial recomputation is not available on {x.device.type}")
    digest = digest_of(module)
    if digest is None:
        return _take_apart(module, x, keep, whole, None)
    key = (digest, tuple(x.shape), x.dtype, str(x.device), keep, whole)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key][0]
    try:
        own = copy.deepcopy(module)
    except Exception:  # a module's own way of being copied may raise anything
        return _take_apart(module, x, keep, whole, key)
    found = _take_apart(own, x, keep, whole, key)
    size = sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers()))
    with _lock:
        _kept[key] = found, size
        while len(_kept) > MOST_NETWORKS or (len(_kept) > 1 and sum(n for _, n in _kept.values()) > MOST_BYTES):
            _kept.popitem(last=False)
    return found


def _take_apart(module: nn.Module, x: Tensor, keep: MapShape, whole: bool, key: Hashable | None) -> Apart:
    counting = Counting()
    try:
        shape = tuple(x.shape[2:])
        network = trace(
            module, x.shape[1], shape, x.dtype, agrees=lambda n: _agrees(n, module, x, counting), keep=keep, whole=whole
        )
    except Untraceable as reason:
        return Apart(None, str(reason), key)
    except FAILURES as error:  # whole passes are right for any network
        log.debug("it cannot be taken apart", exc_info=True)
        return Apart(
            None, f"it cannot be taken apart ({type(error).__name__}: {str(error).partition(chr(10))[0]})", key
        )
    network.tail_last = _runs_faster_last(network, x)
    keep_macs(key, counting)
    return Apart(network, None, key)


def _runs_faster_last(network: Network, x: Tensor) -> bool:
    """Return whether the tail runs as well, and faster, with channels last in memory."""
    if x.device.type != "cpu":
        return False
    with torch.inference_mode(), exact_arithmetic(x.device):
        engine = Engine(network, x)

        def run(last: bool) -> tuple[float, Tensor]:
            network.tail_last = last
            times = []
            for _ in range(2):  # the first brings weights into order
                maps = engine.clean_border()
                start = seconds_now(x.device)
                out = flat_outputs(network.run_tail(maps))
                times.append(seconds_now(x.device) - start)
            return min(times), out

        before, expected = run(False)
        try:
            after, found = run(True)
        except FAILURES as error:  # a view of maps that lie otherwise
            log.debug("the tail needs its usual arrangement in memory: %s", error)
            return False
    return after < before and _close(found, expected)


def _agrees(network: Network, module: nn.Module, x: Tensor, counting: Counting) -> bool:
    """Return whether a network that was taken apart gives for an image of noise what the module gives, whose pass is counted."""
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)).to(x)
    with torch.inference_mode(), exact_arithmetic(x.device):
        expected = _counted(module, noise, counting)
        try:
            found = flat_outputs(network.run_tail(Engine(network, noise).clean_border()))
        except FAILURES as error:
            log.debug("what was traced cannot be run: %s", error)
            return False
        if _close(found, expected):
            return True
        return not _close(flat_outputs(module(noise.clone())), expected)  # it is random


def _counted(module: nn.Module, x: Tensor, counting: Counting) -> Tensor:
    """Return a module's outputs, and count its work where it lets itself be watched."""
    counting.flops = 0
    try:
        with counting:
            return flat_outputs(module(x.clone()))
    except FAILURES:
        counting.flops = 0
        return flat_outputs(module(x.clone()))


def _close(found: Tensor, expected: Tensor) -> bool:
    if found.shape != expected.shape:
        return False
    size = expected[expected.isfinite()].abs()
    return torch.allclose(found, expected, 0, AGREE * max(1e-6, float(size.max()) if len(size) else 0), equal_nan=True)
