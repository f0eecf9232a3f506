"""What may stand beside the weights in a checkpoint, and is read without running anything.

`torch.load(weights_only=True)` knows tensors and plain containers. Training
programs also keep the last score (a NumPy scalar), their arguments (a
Namespace), histories, times and paths. Those are let in by name, as functions
and types that hold data and do nothing else; a path becomes one that touches
no disk.
"""

from __future__ import annotations

import argparse
import datetime
import threading
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import torch

__all__ = ["side_data"]

_lock = threading.Lock()  # the list of what is let in belongs to the process
Allowed = Callable | tuple[Callable, str]  # as `torch.serialization.safe_globals` takes them
TIMES = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone)
PLAIN_CODECS = ("latin1", "latin-1", "utf-8", "utf8", "ascii")


def _encode(text: str, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    """Make bytes of text, as pickles of protocol 2 write them."""
    if not isinstance(text, str) or encoding.lower() not in PLAIN_CODECS:
        raise ValueError(f"expected text in {', '.join(PLAIN_CODECS)}, got {encoding!r}")
    return text.encode(encoding, errors)


def _default_dict(factory: object = None) -> dict:
    """Make a plain dictionary of a `defaultdict`: what would make missing values is left out."""
    return {}


def _deque(items: Iterable = (), longest: int | None = None) -> list:
    """Make a list of a `deque`."""
    return list(items)


def _allowed() -> list[Allowed]:
    scalar: Any = np.float64(0).__reduce__()[0]
    reconstruct: Any = np.zeros(1).__reduce__()[0]
    found: list[Allowed] = [
        (np.ndarray, "numpy.ndarray"),
        (np.dtype, "numpy.dtype"),
        (_encode, "_codecs.encode"),
    ]
    for room in ("numpy.core.multiarray", "numpy._core.multiarray"):
        found += [(scalar, f"{room}.scalar"), (reconstruct, f"{room}._reconstruct")]
    kinds = {type(np.dtype(code)) for code in np.typecodes["All"] if code != "O"}
    found += [(kind, f"numpy.dtypes.{kind.__name__}") for kind in kinds]
    for room in ("pathlib", "pathlib._local"):
        found += [(PurePosixPath, f"{room}.{name}") for name in ("PosixPath", "PurePosixPath", "Path")]
        found += [(PureWindowsPath, f"{room}.{name}") for name in ("WindowsPath", "PureWindowsPath")]
    found += [(_default_dict, "collections.defaultdict"), (_deque, "collections.deque")]
    found += [(kind, f"builtins.{kind.__name__}") for kind in (list, dict, int, float)]  # what a defaultdict makes
    found += [(kind, f"datetime.{kind.__name__}") for kind in TIMES]
    return [*found, (argparse.Namespace, "argparse.Namespace"), (types.SimpleNamespace, "types.SimpleNamespace")]


@contextmanager
def side_data() -> Iterator[None]:
    """Let `torch.load(weights_only=True)` read NumPy scalars and arrays, namespaces, histories, times and paths, nothing else more."""
    with _lock, torch.serialization.safe_globals(_allowed()):
        yield
