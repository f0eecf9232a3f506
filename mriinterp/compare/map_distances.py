"""Measures of how far apart two relevance maps are, or how alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from mriinterp.image.volume import Volume, check_same_grid

__all__ = [
    "dice_top",
    "heatmap_distance",
    "spearman",
    "ssim",
]

SSIM_K1, SSIM_K2, SSIM_SIGMA = 0.01, 0.03, 1.5  # Wang et al. 2004


def _as_volume(item: Any) -> Volume | np.ndarray:
    """Return a Volume, the volume of a RelevanceMap, or a plain array as a volume."""
    inner = getattr(item, "volume", item)
    return inner if isinstance(inner, Volume) else np.asarray(inner)


def map_values(item: Any) -> np.ndarray:
    inner = _as_volume(item)
    data = inner.data if isinstance(inner, Volume) else inner
    if data.dtype.kind not in "biuf":
        raise ValueError(f"expected a map of numbers, got an array of {data.dtype}")
    if data.size == 0:
        raise ValueError(f"expected a map with at least one voxel, got shape {data.shape}")
    return data.astype(np.float64)


def check_grids(a: Any, b: Any, a_name: str = "first", b_name: str = "second") -> None:
    """Raise ValueError unless both maps have the same voxels (affines compared where both have one)."""
    one, two = _as_volume(a), _as_volume(b)
    if isinstance(one, Volume) and isinstance(two, Volume):
        check_same_grid(one, two, a_name, b_name)
    shape_a, shape_b = (v.data.shape if isinstance(v, Volume) else v.shape for v in (one, two))
    if shape_a != shape_b:
        raise ValueError(f"expected maps of one shape, got {a_name}: {shape_a}; {b_name}: {shape_b}")


def _pair(a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    check_grids(a, b)
    return map_values(a), map_values(b)


def values_inside(data: np.ndarray, mask: Any) -> np.ndarray:
    """Return values inside a mask, shape (n_inside,); all of them without a mask."""
    if mask is None:
        return data.ravel()
    inside = map_values(mask) != 0
    if inside.shape != data.shape:
        raise ValueError(f"expected a mask of shape {data.shape}, got {inside.shape}")
    if not inside.any():
        raise ValueError("expected a mask with at least one voxel inside, got an empty one")
    return data[inside]


def unit_sum(data: np.ndarray, name: str = "map") -> np.ndarray:
    """Return a non-negative map divided by its sum; ValueError where that has no meaning."""
    bad = int(data.size - np.count_nonzero(np.isfinite(data)))
    if bad:
        raise ValueError(f"expected finite relevance, got {bad} voxels of NaN or infinity in the {name}")
    negative = int(np.count_nonzero(data < 0))
    if negative:
        raise ValueError(
            f"expected relevance of 0 or more, got {negative} negative voxels in the {name} "
            f"(lowest {data.min():.3g}); take its absolute or positive part first"
        )
    peak = float(data.max())
    if peak == 0:
        raise ValueError(f"expected a map with a sum above 0, got a {name} of zeros")
    scaled = data / peak  # sums of very small or very large maps stay in range
    return scaled / scaled.sum()


def heatmap_distance(a: Any, b: Any) -> float:
    """Return the Euclidean distance of two maps, each scaled to sum 1 (Rieke et al. 2018, table 2).

    Parameters
    ----------
    a, b : RelevanceMap, Volume or array
        Maps on one grid, without negative values.

    Returns
    -------
    float
        0 for proportional maps, at most √2. The paper prints it in 1e-4.

    Raises
    ------
    ValueError
        For different grids or shapes, negative or non-finite values, or a sum of 0.
    """
    one, two = _pair(a, b)
    return float(np.linalg.norm((unit_sum(one, "first map") - unit_sum(two, "second map")).ravel()))


def standard_ranks(values: np.ndarray) -> np.ndarray:
    """Rank values (ties averaged), centred and of length 1, so that a dot product is Spearman's ρ."""
    if not np.isfinite(values).all():
        raise ValueError("expected finite relevance, got NaN or infinity")
    ranks = scipy.stats.rankdata(values)
    ranks -= ranks.mean()
    length = np.linalg.norm(ranks)
    if length == 0:
        raise ValueError("expected a map that varies, got the same value in every voxel; its ranks have no correlation")
    return ranks / length


def spearman(a: Any, b: Any, mask: Any = None) -> float:
    """Return Spearman's rank correlation ρ of two maps over the voxels of a mask.

    Parameters
    ----------
    a, b : RelevanceMap, Volume or array
        Maps on one grid.
    mask : Volume or array, optional
        Voxels other than 0 are compared; without it all are, and the ties of
        an empty background pull ρ towards 1.

    Raises
    ------
    ValueError
        For different grids, an empty mask, or a map that does not vary inside it.
    """
    one, two = _pair(a, b)
    rho = standard_ranks(values_inside(one, mask)) @ standard_ranks(values_inside(two, mask))
    return float(np.clip(rho, -1, 1))


def _window_filter(window: str, sigma: float, size: int) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """Return the local mean, and how many voxels the window reaches from its middle."""
    if window == "gaussian":
        if not sigma > 0:
            raise ValueError(f"expected a sigma above 0, got {sigma}")
        reach = window_reach(sigma)
        return lambda data: scipy.ndimage.gaussian_filter(data, sigma, radius=reach), reach
    if window == "uniform":
        if size < 1 or size % 2 == 0:
            raise ValueError(f"expected a window of an odd number of voxels, got {size}")
        return lambda data: scipy.ndimage.uniform_filter(data, size), size // 2
    raise ValueError(f"expected a window, got {window!r}; available: gaussian, uniform")


def window_reach(sigma: float = SSIM_SIGMA) -> int:
    """Return voxels from the middle of a Gaussian window of `ssim` to its edge: 5, a window of 11, as published."""
    return int(3.5 * sigma + 0.5)


def ssim(
    a: Any,
    b: Any,
    mask: Any = None,
    *,
    window: str = "gaussian",
    sigma: float = SSIM_SIGMA,
    size: int = 7,
    data_range: float | None = None,
) -> float:
    """Return the structural similarity of two maps, mean over voxels (Wang et al. 2004), in 2D or 3D.

    Voxels count whose window lies inside the map, as published: elsewhere a
    window would hold voxels that are not there.

    Parameters
    ----------
    a, b : RelevanceMap, Volume or array
        Maps on one grid.
    mask : Volume or array, optional
        Where the local similarity is averaged.
    window : {"gaussian", "uniform"}
        Weights of the local means and variances.
    sigma : float
        Standard deviation of the Gaussian window in voxels.
    size : int
        Edge of the uniform window in voxels, odd.
    data_range : float, optional
        Range of the values of both maps, as they are. Without it each map is
        divided by its largest absolute value (methods differ by orders of
        magnitude) and the range is 2 if either has negative values, else 1.

    Returns
    -------
    float
        1 for equal maps.

    Raises
    ------
    ValueError
        For different grids, values that are not finite, a map smaller than
        the window, or a mask without a voxel whose window lies inside it.
    """
    one, two = _pair(a, b)
    smooth, reach = _window_filter(window, sigma, size)
    if min(one.shape) <= 2 * reach:
        raise ValueError(
            f"expected maps of at least {2 * reach + 1} voxels along each axis, the edge of the window, got {one.shape}"
        )
    if not (np.isfinite(one).all() and np.isfinite(two).all()):
        raise ValueError("expected finite relevance, got NaN or infinity")
    if data_range is None:
        peaks = np.abs(one).max(), np.abs(two).max()
        one, two = (m / peak if peak > 0 else m for m, peak in zip((one, two), peaks, strict=True))
        data_range = 2.0 if min(one.min(), two.min()) < 0 else 1.0
    if not data_range > 0:
        raise ValueError(f"expected a data range above 0, got {data_range}")
    mean_one, mean_two = smooth(one), smooth(two)
    var_one = np.maximum(smooth(one * one) - mean_one**2, 0)
    var_two = np.maximum(smooth(two * two) - mean_two**2, 0)
    covariance = smooth(one * two) - mean_one * mean_two
    c1, c2 = (SSIM_K1 * data_range) ** 2, (SSIM_K2 * data_range) ** 2
    local = (2 * mean_one * mean_two + c1) * (2 * covariance + c2)
    local /= (mean_one**2 + mean_two**2 + c1) * (var_one + var_two + c2)
    whole = tuple(slice(reach, n - reach) for n in local.shape)
    if mask is None:
        return float(local[whole].mean())
    inside = np.zeros(local.shape, bool)
    inside[whole] = True
    values = values_inside(np.where(inside, local, np.nan), mask)
    if np.isnan(values).all():
        raise ValueError("expected a mask with a voxel whose window lies inside the map, got none")
    return float(np.nanmean(values))


def _top(values: np.ndarray, fraction: float) -> np.ndarray:
    """Return whether a voxel is among the most relevant: above 0 and at least the k-th largest value.

    Ties at the k-th value are all in: breaking them by position would make two
    blocky maps look alike for no reason.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"expected a fraction above 0 and at most 1, got {fraction}")
    k = max(1, round(fraction * values.size))
    least = np.partition(values, values.size - k)[values.size - k]
    return (values >= least) & (values > 0)


def dice_top(a: Any, b: Any, mask: Any = None, *, fraction: float = 0.05) -> float:
    """Return the Dice overlap of the most relevant voxels of two maps.

    Parameters
    ----------
    a, b : RelevanceMap, Volume or array
        Maps on one grid; only relevance above 0 counts.
    mask : Volume or array, optional
        Voxels that may be chosen.
    fraction : float
        Share of the voxels that counts as most relevant. Voxels equal to the
        last chosen one are chosen too.

    Returns
    -------
    float
        0 (no voxel shared) to 1. Raises ValueError if neither map has relevance above 0.
    """
    one, two = _pair(a, b)
    top_one, top_two = _top(values_inside(one, mask), fraction), _top(values_inside(two, mask), fraction)
    total = int(top_one.sum()) + int(top_two.sum())
    if total == 0:
        raise ValueError("expected relevance above 0 in at least one map, got none in either")
    return float(2 * np.count_nonzero(top_one & top_two) / total)
