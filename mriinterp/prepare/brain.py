"""Find the brain in a T1 scan of the head.

Two small U-Nets of deepbet (Fisch et al. 2024, doi:10.1016/j.compmedimag.2024.102458; MIT): the first finds the head's
part that holds the brain, the second marks the brain in it. The weights are read from the installed package. Its own
Python is not imported, since that needs a graphical toolkit; the steps below are those of its version 1.0.2.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import scipy
import torch
from torch import Tensor
from torch.nn import functional as F

from mriinterp.base.errors import words_with_kind
from mriinterp.base.progress import Cancel, check_cancel
from mriinterp.image.volume import Volume

__all__ = ["find_brain", "weights_digest"]

FINDER_SHAPE = (128, 128, 128)
MARKER_SHAPE = (256, 256, 256)
MARGIN = 0.1  # of the box around the brain, added on each side
INTENSITIES = (0.005, 0.995)  # quantiles between which the networks see intensities
MEAN, DEVIATION = 0.449, 0.226  # of the networks' input
THRESHOLD = 0.5

logger = logging.getLogger(__name__)


def _weights(name: str) -> Path:
    try:
        path = Path(str(distribution("deepbet").locate_file(f"data/models/{name}.pt")))
    except PackageNotFoundError:
        path = None
    if path is None or not path.is_file():
        raise FileNotFoundError(
            "expected the package deepbet, which holds the weights of the brain extraction; "
            "pip install -r requirements.txt"
        )
    return path


@lru_cache(maxsize=2)
def _network(name: str, device: str) -> torch.jit.ScriptModule:
    return torch.jit.load(str(_weights(name)), map_location=device).eval()


@lru_cache(maxsize=1)
def weights_digest() -> str:
    """Return the SHA-256 over both networks' weights files."""
    digest = hashlib.sha256()
    for name in ("bbox_model", "model"):
        digest.update(_weights(name).read_bytes())
    return digest.hexdigest()


def find_brain(
    volume: Volume,
    *,
    device: str | torch.device = "cpu",
    found: Callable[[], None] | None = None,
    cancel: Cancel | None = None,
) -> Volume:
    """Mark the brain, cerebrospinal fluid around it included.

    Parameters
    ----------
    volume : Volume
        T1-weighted scan of a head or of a brain without its skull, RAS+.
    device : str or torch.device
        Where the networks work. Where that fails, as for want of the
        graphics card's memory, they work on the processor.
    found : callable, optional
        Called when the part of the head that holds the brain is known, after
        about a quarter of the time.
    cancel : callable, optional

    Returns
    -------
    Volume
        bool, on the grid of the scan: one connected part without holes.

    Raises
    ------
    ValueError
        If no brain is found.
    FileNotFoundError
        If the weights are not installed.
    """
    device = torch.device(device)
    try:
        return volume.with_data(_find(volume.data, str(device), found, cancel))
    except RuntimeError as error:
        if device.type == "cpu":
            raise
        logger.warning("the brain is sought on the processor, as %s failed: %s", device, words_with_kind(error))
        return volume.with_data(_find(volume.data, "cpu", found, cancel))


def _find(data: np.ndarray, device: str, found: Callable[[], None] | None, cancel: Cancel | None) -> np.ndarray:
    """Return the brain mask of a scan, bool, shape of `data`."""
    scan = _on_device(data, device)
    with torch.inference_mode():
        small = _stretch(scan, FINDER_SHAPE)
        low, high = small.quantile(INTENSITIES[0]), small.quantile(INTENSITIES[1])
        if not high > low:
            raise ValueError("expected a T1 scan, got an image with one intensity nearly everywhere")
        likely = _network("bbox_model", device)(_standardise(small, low, high)[None, None])[0, 1]
        box = _box(_largest_part((likely > THRESHOLD).cpu().numpy()), data.shape)
        if found is not None:
            found()
        check_cancel(cancel)
        inside = _stretch(scan[box], MARKER_SHAPE)
        marked = _network("model", device)(_standardise(inside, low, high)[None, None])[0, 1]
        check_cancel(cancel)
        marked = _stretch(marked, tuple(part.stop - part.start for part in box)) > THRESHOLD
    mask = np.zeros(data.shape, bool)
    mask[box] = scipy.ndimage.binary_fill_holes(_largest_part(marked.cpu().numpy()))
    return mask


def _on_device(data: np.ndarray, device: str) -> Tensor:
    return torch.from_numpy(np.array(data, dtype=np.float32)).to(device)


def _stretch(image: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the nearest voxels of an image on a lattice of another shape."""
    return F.interpolate(image[None, None], shape, mode="nearest-exact")[0, 0]


def _standardise(image: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Scale intensities to those the networks were trained on."""
    clipped = ((image - low) / (high - low)).clamp(0, 1)
    return DEVIATION * (clipped - clipped.mean()) / clipped.std() + MEAN


def _largest_part(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected part of a mask; ValueError if it is empty."""
    parts, n = scipy.ndimage.label(mask, scipy.ndimage.generate_binary_structure(3, 3))
    if n == 0:
        raise ValueError("expected a T1 scan of a head, got an image in which no brain was found")
    return parts == np.bincount(parts.ravel())[1:].argmax() + 1


def _box(mask: np.ndarray, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the box around a mask on the finder's lattice, widened by the margin, on a scan of a shape."""
    slices = []
    for axis, n in enumerate(shape):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(mask.mean(axis=others) > 0.02)
        if not filled.size:
            raise ValueError("expected a T1 scan of a head, got an image in which no brain was found")
        scale = n / mask.shape[axis]
        centre = round(scale * (filled[-1] + 1 + filled[0]) / 2)
        size = round((1 + 2 * MARGIN) * scale * (filled[-1] + 1 - filled[0]))
        slices.append(slice(max(0, int(centre - size / 2)), min(n, int(centre + size / 2))))
    return tuple(slices)
