"""What is found out once and kept while the program runs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

__all__ = ["forget", "keep", "recall", "remembered"]

MOST = 256

Value = TypeVar("Value")

_lock = threading.Lock()
_known: OrderedDict[Hashable, Any] = OrderedDict()


def forget() -> None:
    """Drop everything."""
    with _lock:
        _known.clear()


def recall(key: Hashable) -> Any:
    """Return what is known by a key; None if nothing is."""
    with _lock:
        return _known.get(key)


def keep(key: Hashable, value: Any) -> None:
    """Remember a value by its key."""
    remembered(key, lambda: value)


def remembered(key: Hashable | None, make: Callable[[], Value]) -> Value:
    """Return a value that is made once for a key; made anew for None."""
    if key is None:
        return make()
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            known: Value = _known[key]
            return known
    made = make()
    with _lock:
        value: Value = _known.setdefault(key, made)
        while len(_known) > MOST:
            _known.popitem(last=False)
    return value
