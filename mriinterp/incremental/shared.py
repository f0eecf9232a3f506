"""One clean pass an explanation: what the prediction computed, handed on to the method that needs it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor

from mriinterp.incremental.network import Network

__all__ = ["SMALL_IMAGE", "claim", "clean_passes", "offer"]

SMALL_IMAGE = 2**16
"""Numbers of an image under which a pass takes milliseconds, and nothing can be saved."""

Pass = TypeVar("Pass")


@dataclass(frozen=True, eq=False)
class _Offer:
    value: Any
    network: Network
    x: Tensor  # referenced, so that its memory holds no other image
    version: int


_offers: ContextVar[list[_Offer] | None] = ContextVar("clean passes", default=None)


@contextmanager
def clean_passes() -> Iterator[None]:
    """Let this thread hand on clean passes inside the block."""
    token = _offers.set([])
    try:
        yield
    finally:
        _offers.reset(token)


def offer(value: object, network: Network, x: Tensor) -> None:
    """Keep the clean pass of an image for whoever claims it first; nothing happens outside `clean_passes`."""
    offers = _offers.get()
    if offers is not None and not x.is_inference():
        offers.append(_Offer(value, network, x, x._version))


def claim(kind: type[Pass], network: Network, x: Tensor) -> Pass | None:
    """Return, once, the clean pass of this kind that was offered for the same network and image; None if there is none.

    The same image is the same memory with nothing written to it since.
    """
    offers = _offers.get()
    if offers is None or x.is_inference():
        return None
    for number, known in enumerate(offers):
        same = known.x.data_ptr() == x.data_ptr() and known.x.shape == x.shape and known.version == x._version
        if same and known.network.steps is network.steps and isinstance(known.value, kind):
            return offers.pop(number).value
    return None
