"""A mask cut into blocks of equal volume."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["equal_blocks"]


def equal_blocks(mask: np.ndarray, count: int) -> np.ndarray:
    """Return compact blocks of the same number of voxels, whatever the shape of the mask.

    The mask is cut across its longest extent into two parts of equal blocks,
    and so on. Cubes cut by the brain's border would differ in volume, and
    then hiding k of them would hide different amounts of brain.

    Parameters
    ----------
    mask : array of bool, any dimension
    count : int
        Blocks; at most as many as there are voxels.

    Returns
    -------
    array of int32, shape of `mask`
        Number of the block, 0 … count − 1, and −1 outside the mask. Sizes
        differ by the rounding of the cuts, by a voxel or a few.
    """
    voxels = int(np.count_nonzero(mask))
    if not 1 <= count <= voxels:
        raise ValueError(f"expected 1 to {voxels} blocks (the voxels of the mask), got {count}")
    return _blocks(np.ascontiguousarray(mask, dtype=bool).tobytes(), mask.shape, count)


@lru_cache(maxsize=4)
def _blocks(content: bytes, shape: tuple[int, ...], count: int) -> np.ndarray:
    places = np.argwhere(np.frombuffer(content, dtype=bool).reshape(shape)).astype(np.int32)
    numbers = np.empty(len(places), np.int32)
    waiting = [(np.arange(len(places)), 0, count)]
    while waiting:
        members, first, blocks = waiting.pop()
        if blocks == 1:
            numbers[members] = first
            continue
        inside = places[members]
        axis = int(np.ptp(inside, axis=0).argmax())
        # ties along the axis are cut by the other coordinates, so that parts stay compact
        order = np.lexsort([inside[:, (axis + step) % inside.shape[1]] for step in range(inside.shape[1] - 1, -1, -1)])
        left = blocks // 2
        cut = round(len(members) * left / blocks)
        waiting.append((members[order[:cut]], first, left))
        waiting.append((members[order[cut:]], first + left, blocks - left))
    result = np.full(shape, -1, np.int32)
    result[tuple(places.T)] = numbers
    result.flags.writeable = False
    return result
