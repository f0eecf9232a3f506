"""Mean and spread of many volumes, one at a time, in the memory of two."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["Moments"]


class Moments:
    """Running mean and sum of squared deviations, voxel by voxel (Welford 1962).

    Attributes
    ----------
    count : int
        Volumes seen.
    mean, m2 : array, float64, or None before the first volume
        Mean, and sum of squared deviations from it.

    Examples
    --------
    >>> moments = Moments()
    >>> for value in (1.0, 2.0, 6.0):
    ...     moments.add(np.array([value]))
    >>> float(moments.mean[0]), float(moments.variance()[0])
    (3.0, 7.0)
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: np.ndarray | None = None
        self.m2: np.ndarray | None = None

    def _check(self, shape: tuple[int, ...]) -> None:
        if self.mean is not None and self.mean.shape != shape:
            raise ValueError(f"expected a volume of shape {self.mean.shape}, got {shape}")

    def add(self, volume) -> None:
        """Take one more volume into account; ValueError for another shape or values that are not finite."""
        data = np.asarray(volume, dtype=np.float64)
        self._check(data.shape)
        if not np.isfinite(data).all():
            raise ValueError("expected finite values, got NaN or infinity: one such volume would spoil the average")
        if self.mean is None or self.m2 is None:
            self.mean, self.m2 = np.zeros(data.shape), np.zeros(data.shape)
        self.count += 1
        deviation = data - self.mean
        self.mean += deviation / self.count
        deviation *= data - self.mean
        self.m2 += deviation

    def _seen(self) -> tuple[np.ndarray, np.ndarray]:
        if self.mean is None or self.m2 is None:
            raise ValueError("expected at least one volume, got none: an empty group has no mean")
        return self.mean, self.m2

    def average(self) -> np.ndarray:
        """Return the mean; ValueError for an empty group."""
        return self._seen()[0].copy()

    def variance(self, ddof: int = 1) -> np.ndarray:
        """Return the variance; all 0 for a single volume, ValueError for none."""
        _, m2 = self._seen()
        if self.count <= ddof:
            return np.zeros_like(m2)
        return np.maximum(m2, 0) / (self.count - ddof)

    def deviation(self, ddof: int = 1) -> np.ndarray:
        """Return the standard deviation; all 0 for a single volume, ValueError for none."""
        return np.sqrt(self.variance(ddof))

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays from which `from_state` makes the same again (for saving)."""
        if self.count == 0:
            return {"count": np.array(0)}
        mean, m2 = self._seen()
        return {"count": np.array(self.count), "mean": mean.copy(), "m2": m2.copy()}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> Moments:
        """Return the moments saved by `state`."""
        moments = cls()
        moments.count = int(state["count"])
        if moments.count:
            moments.mean = np.array(state["mean"], np.float64)
            moments.m2 = np.array(state["m2"], np.float64)
        return moments
