"""How many processes a run on this computer should have."""

from __future__ import annotations

import math
import os

import torch

from mriinterp.image.volume import Grid

__all__ = ["default_workers"]

WORKER_BYTES, VOXEL_BYTES = (
    400 * 2**20,
    450,
)  # measured: what a worker takes, and more for each voxel of the network's grid
MOST = 61  # Windows waits for no more processes at once


def default_workers(grid: Grid, device: torch.device) -> int:
    """One worker a processor core, as far as memory goes; on a GPU one.

    Parameters
    ----------
    grid : Grid
        Of the network: what a worker holds grows with its voxels.
    """
    if device.type != "cpu":
        return 1
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    cores = min(cores, MOST)
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return cores
    each = WORKER_BYTES + VOXEL_BYTES * math.prod(grid.shape)
    return max(1, min(cores, int(0.75 * memory / each)))
