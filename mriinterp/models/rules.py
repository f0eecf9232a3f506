"""The kinds of normalisation: what each does to a scan, its parameters, and which scans it holds for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mriinterp.models.needs import (
    AIR_IS_DARKEST,
    AIR_IS_ONE_VALUE,
    AIR_IS_ZERO,
    BRAIN_ABOVE_ZERO,
    BRAIN_VARIES,
    MOST_OF_BRAIN_ABOVE_ZERO,
    NO_AIR_ABOVE_ZERO,
    NO_SPIKE,
    Need,
    near_training_mean,
)

__all__ = ["NORMALISATIONS", "Rule"]

VOXELWISE_EPSILON = 1e-10  # as in the original code: keeps voxels of zero deviation finite
LOWER, UPPER = 1.0, 99.0  # percentiles
STANDARDISED = 0.1  # standard deviations from 0: training scans whose mean is no farther were brought to mean 0
AIR_AND_BRAIN = AIR_IS_ONE_VALUE, AIR_IS_DARKEST, BRAIN_VARIES


def _none(data: np.ndarray, params: dict) -> np.ndarray:
    return data


def _scan_mean(data: np.ndarray, params: dict) -> np.ndarray:
    mean = float(data.mean(dtype=np.float64))
    if mean <= 0:
        raise ValueError(f"expected a scan of positive mean intensity, got mean {mean:.4g}: it cannot be divided by it")
    return np.clip(data / np.float32(mean), *params["clip"]) if "clip" in params else data / np.float32(mean)


def _scan_zscore(data: np.ndarray, params: dict) -> np.ndarray:
    inside = data > 0
    values = data[inside].astype(np.float64)
    std = values.std() if values.size else 0
    if std == 0:
        raise ValueError("expected a scan with varying intensities above zero, got none: it cannot be standardised")
    below = np.count_nonzero(data < 0)
    if below > values.size:
        raise ValueError(
            f"expected a scan whose brain is above 0, got {below:,} voxels below 0 and {values.size:,} above: what is "
            "standardised are the voxels above 0"
        )
    values -= values.mean()
    values /= std
    scaled = np.zeros(data.shape, dtype=np.float32)
    scaled[inside] = values
    return scaled


def _voxelwise(data: np.ndarray, params: dict) -> np.ndarray:
    mean, std = params["mean"], params["std"]
    varies = std > 0
    scaled = (data - mean) / (std + VOXELWISE_EPSILON)
    return np.where(varies, scaled, 0).astype(np.float32)


def _volume_zscore(data: np.ndarray, params: dict) -> np.ndarray:
    values = data.astype(np.float64)
    std = values.std()
    if std == 0:
        raise ValueError("expected a scan with varying intensities, got one value: it cannot be standardised")
    return ((values - values.mean()) / std).astype(np.float32)


def _scaled(data: np.ndarray, low: float, high: float, params: dict) -> np.ndarray:
    """Bring low … high to the range that is wanted."""
    if not high > low:
        raise ValueError(
            f"expected a scan with varying intensities, got {low:.4g} to {high:.4g}: it cannot be brought to a range"
        )
    first, last = params.get("range", (0.0, 1.0))
    return ((data.astype(np.float64) - low) / (high - low) * (last - first) + first).astype(np.float32)


def _min_max(data: np.ndarray, params: dict) -> np.ndarray:
    return _scaled(data, float(data.min()), float(data.max()), params)


def _percentile(data: np.ndarray, params: dict) -> np.ndarray:
    values = data[data > 0] if params.get("over") == "brain" else data
    if values.size == 0:
        raise ValueError("expected a scan with intensities above zero, got none: it has no percentiles")
    low, high = np.percentile(values, [params.get("lower", LOWER), params.get("upper", UPPER)]).tolist()
    return _scaled(np.clip(data, low, high) if params.get("clip", True) else data, low, high, params)


def _fixed(data: np.ndarray, params: dict) -> np.ndarray:
    return ((data.astype(np.float64) - params["mean"]) / params["std"]).astype(np.float32)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_range(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_is_number, value)) and value[0] < value[1]


def _problems_of_clip(params: dict) -> list[str]:
    clip = params.get("clip")
    return [] if clip is None or _is_range(clip) else [f"expected clip as [lowest, highest], got {clip!r}"]


def _problems_of_range(params: dict) -> list[str]:
    value = params.get("range", (0, 1))
    return [] if _is_range(value) else [f"expected range as [lowest, highest], got {value!r}"]


def _problems_of_percentiles(params: dict) -> list[str]:
    found, ends = _problems_of_range(params), [params.get("lower", LOWER), params.get("upper", UPPER)]
    if not _is_range(ends) or ends[0] < 0 or ends[1] > 100:
        found.append(f"expected percentiles lower < upper within 0 to 100, got {ends[0]!r} and {ends[1]!r}")
    if not isinstance(params.get("clip", True), bool):
        found.append(f"expected clip as true or false, got {params['clip']!r}")
    if params.get("over", "all") not in ("all", "brain"):
        found.append(f"expected percentiles over 'all' or 'brain' (voxels above 0), got {params['over']!r}")
    return found


def _problems_of_fixed(params: dict) -> list[str]:
    if missing := {"mean", "std"} - params.keys():
        return [f"expected the numbers mean and std, missing: {', '.join(sorted(missing))}"]
    if not _is_number(params["mean"]) or not _is_number(params["std"]) or params["std"] <= 0:
        return [f"expected mean and std as numbers, std above 0, got {params['mean']!r} and {params['std']!r}"]
    return []


@dataclass(frozen=True)
class Rule:
    """A kind of normalisation.

    Parameters
    ----------
    apply : callable
        ``apply(data, params)``: voxels (i, j, k) to network input.
    does : str
        What it does to a scan, in words.
    needs : tuple of Need, or callable
        Which scans it holds for; ``needs(params)`` where its parameters decide.
    parameters : frozenset of str
    check : callable
        ``check(params)``: what is wrong with values of parameters, in words.
    """

    apply: Callable[[np.ndarray, dict], np.ndarray]
    does: str
    needs: tuple[Need, ...] | Callable[[dict], tuple[Need, ...]]
    parameters: frozenset[str] = frozenset()
    check: Callable[[dict], list[str]] = _problems_of_clip

    def needs_of(self, params: dict) -> tuple[Need, ...]:
        """Return which scans it holds for with these parameters."""
        return self.needs(params) if callable(self.needs) else self.needs


NORMALISATIONS: dict[str, Rule] = {
    # networks that take intensities as they are may well be trained on standardised scans, whose brain has mean 0
    "none": Rule(
        _none, "takes intensities as they are", (AIR_IS_ZERO, MOST_OF_BRAIN_ABOVE_ZERO, BRAIN_VARIES, NO_SPIKE)
    ),
    "scan_mean": Rule(
        _scan_mean,
        "divides by the mean of all voxels",
        (AIR_IS_ZERO, BRAIN_ABOVE_ZERO, BRAIN_VARIES, NO_SPIKE),
        frozenset({"clip"}),
    ),
    "scan_zscore": Rule(
        _scan_zscore,
        "standardises the voxels above 0",
        (NO_AIR_ABOVE_ZERO, BRAIN_ABOVE_ZERO, BRAIN_VARIES, NO_SPIKE),
    ),
    "voxelwise": Rule(
        _voxelwise,
        "compares each voxel with the training scans",
        (AIR_IS_ZERO, BRAIN_ABOVE_ZERO, BRAIN_VARIES, NO_SPIKE),
        frozenset({"mean", "std"}),
    ),
    # these shift and scale, so neither the zero nor the unit of a scan matters; how air and brain lie to each other does
    "volume_zscore": Rule(_volume_zscore, "standardises all voxels, air included", (*AIR_AND_BRAIN, NO_SPIKE)),
    "min_max": Rule(
        _min_max,
        "brings the smallest and the largest value to a range",
        (*AIR_AND_BRAIN, NO_SPIKE),
        frozenset({"range"}),
        _problems_of_range,
    ),
    "percentile": Rule(
        _percentile,
        "brings two percentiles to a range",
        # the voxels above 0 are the brain only where air is 0; without clipping a spike stays one
        lambda params: (
            *((NO_AIR_ABOVE_ZERO, BRAIN_ABOVE_ZERO, BRAIN_VARIES) if params.get("over") == "brain" else AIR_AND_BRAIN),
            *(() if params.get("clip", True) else (NO_SPIKE,)),
        ),
        frozenset({"range", "lower", "upper", "clip", "over"}),
        _problems_of_percentiles,
    ),
    "fixed": Rule(
        _fixed,
        "subtracts a number and divides by another",
        # a mean well above 0 is that of scans as they were acquired, whose brain is above 0
        lambda params: (
            AIR_IS_ZERO,
            *((BRAIN_ABOVE_ZERO,) if params["mean"] > STANDARDISED * params["std"] else ()),
            near_training_mean(params["mean"], params["std"]),
            BRAIN_VARIES,
            NO_SPIKE,
        ),
        frozenset({"mean", "std"}),
        _problems_of_fixed,
    ),
}
