"""Batches of windows side by side, one core each.

Small operations split over cores spend their time waiting for each other,
the more the busier the machine is. So each core takes whole batches instead.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

__all__ = ["cores", "in_order", "seconds_now"]

Result = TypeVar("Result")

_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # threads do not survive a fork


def _pool(count: int) -> ThreadPoolExecutor:
    """Return a pool of `count` threads in which PyTorch uses one core each; made once and kept."""
    with _lock:
        if count not in _pools:
            barrier = threading.Barrier(count)

            def start() -> None:
                torch.set_num_threads(1)  # counts for the calling thread, and for threads not yet started
                barrier.wait()

            pool = ThreadPoolExecutor(count, thread_name_prefix="occlusion")
            before = torch.get_num_threads()
            for started in [pool.submit(start) for _ in range(count)]:
                started.result()
            torch.set_num_threads(before)  # for threads that start later
            _pools[count] = pool
        return _pools[count]


def cores(device: torch.device) -> int:
    """Return how many tasks should run side by side for a device."""
    return torch.get_num_threads() if device.type == "cpu" else 1


def seconds_now(device: torch.device) -> float:
    """Return seconds for differences: of this thread alone where it does all the work, which other programs disturb less."""
    return time.thread_time() if device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter()


def in_order(tasks: Iterable[Callable[[], Result]], count: int) -> Generator[Result, None, None]:
    """Yield the results of tasks in their order, `count` of them running at a time.

    Tasks are drawn as they are needed, so few results wait. When the
    consumer stops or a task raises, tasks under way are waited for and no
    other starts.
    """
    if count < 2:
        for task in tasks:
            yield task()
        return
    pool, waiting = _pool(count), deque[Future]()
    try:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            if not future.cancel():
                future.exception()
