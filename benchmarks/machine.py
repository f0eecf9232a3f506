"""Where and how the figures of a table were measured: one line for all of them."""

from __future__ import annotations

import datetime
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

__all__ = ["conditions"]

SIDE, TIMES = 1500, 5  # of the matrices whose products show the machine's speed


def conditions(graphics: str = "") -> str:
    """Return date, processor (and graphics card), cores, speed, system, versions and load.

    Parameters
    ----------
    graphics : str
        Name of the graphics card, where one was used.
    """
    about = [datetime.date.today().isoformat(), *filter(None, [graphics]), cpu_name(), f"{os.cpu_count()} cores"]
    about.append(f"{matrix_speed():.0f} GFLOP/s")
    if torch := sys.modules.get("torch"):  # what measures the app alone does not load it
        about += [f"{torch.get_num_threads()} threads, torch {torch.__version__}"]
    about += [" ".join(platform.libc_ver()).strip() or platform.system(), f"Python {platform.python_version()}"]
    if hasattr(os, "getloadavg"):
        about.append(f"load average {os.getloadavg()[0]:.1f}")
    return ", ".join(about)


def matrix_speed() -> float:
    """Return how fast float32 matrices are multiplied now, GFLOP/s: the same machine may be half as fast on another day."""
    matrix = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - began)
    return 2 * SIDE**3 / min(seconds) / 1e9


def cpu_name() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
