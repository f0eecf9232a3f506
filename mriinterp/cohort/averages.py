"""The mean maps of a cohort, read from its folder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mriinterp.cohort.group_means import read_group_map
from mriinterp.cohort.kinds import derived_values, reading_of_kind
from mriinterp.cohort.provenance import Provenance
from mriinterp.compare import paired_values
from mriinterp.image.volume import Volume
from mriinterp.stats import hedges_g_from_moments

__all__ = ["CohortMeans"]


class CohortMeans(Provenance):
    """Mean maps of groups and what follows from them; each is read when it is asked for."""

    def is_kept(self, method: str, kind: str) -> bool:
        """Return whether mean and deviation of a kind are in the folder; means of the others follow from these."""
        return reading_of_kind(kind, self.reading(method)) in ("signed", self.reading(method))

    def _read(self, method: str, group: str | None, kind: str, what: str, least: int) -> Volume:
        part = reading_of_kind(kind, self.reading(method)) if what != "count" else ""
        n = self.n(method, group)
        if n < least:
            whose = f"group {group}" if group else "this cohort"
            raise ValueError(f"expected {least} or more maps of {method} for a {what}, got {n} in {whose}")
        label = self.run["labels"][group] if group else ""
        return read_group_map(self.layout.group(method, label, part, what))

    def mean(self, method: str, group: str, kind: str = "reading") -> Volume:
        """Return the mean map of a group.

        Parameters
        ----------
        kind : str
            What of each map is averaged: "reading", the method's own
            (|gradient|, positive part of occlusion), "signed", "absolute",
            "positive", or "negative", the size of what is below 0.

        Raises
        ------
        KeyError
            Unknown method or group.
        ValueError
            A group without maps: see `n`; another kind.
        """
        return self._mean(method, group, kind)

    def _mean(self, method: str, group: str | None, kind: str) -> Volume:
        if self.is_kept(method, kind):
            return self._read(method, group, kind, "mean", 1)
        signed, read = (self._read(method, group, one, "mean", 1) for one in ("signed", "reading"))
        found = derived_values(kind, self.reading(method), signed.data.astype(np.float64), read.data)
        return signed.with_data(found.astype(np.float32))

    def std(self, method: str, group: str, kind: str = "reading") -> Volume:
        """Return the sample standard deviation over the maps of a group.

        ValueError for fewer than two maps, and for a kind of which it is not
        kept (`is_kept`); `moments_by_kind` makes it from the maps.
        """
        if "packed" in self.run:
            raise ValueError("expected the folder of a run, got packed averages, which hold no deviations")
        if not self.is_kept(method, kind):
            raise ValueError(f"expected a kind of which deviations are kept, got {kind!r}; moments_by_kind makes them")
        return self._read(method, group, kind, "std", 2)

    def count(self, method: str, group: str) -> Volume:
        """Return the number of maps in each voxel of a group's mean; 0 everywhere for an empty group."""
        if self.n(method, group) == 0:
            return Volume(np.zeros(self.grid.shape, np.float32), self.grid.affine)
        return self._read(method, group, "reading", "count", 1)

    def all_mean(self, method: str, kind: str = "reading") -> Volume:
        """Return the mean map over all groups; of a packed cohort from those of its groups."""
        if "packed" not in self.run:
            return self._mean(method, None, kind)
        counts = {group: self.n(method, group) for group in self.groups if self.n(method, group)}
        if not counts:
            raise ValueError(f"expected 1 or more maps of {method} for a mean, got 0 in this cohort")
        maps = [self.mean(method, group, kind) for group in counts]
        weights = [n / sum(counts.values()) for n in counts.values()]
        data = np.zeros(self.grid.shape)
        for one, weight in zip(maps, weights, strict=True):
            data += one.data * np.float64(weight)
        return maps[0].with_data(data.astype(np.float32))

    def difference(self, method: str, kind: str = "reading") -> Volume:
        """Return the mean of the positive group minus that of the reference group.

        ValueError where maps explain different outputs: see `why_no_test`.
        """
        self.check_testable(method)
        a, b = self.mean(method, self._positive(), kind), self.mean(method, self.reference_group, kind)
        return a.with_data(a.data - b.data)

    def effect(self, method: str, kind: str = "reading") -> Volume:
        """Return Hedges' g of every voxel, positive against reference group; 0 where no values differ.

        ValueError for a group of fewer than two maps, and where maps explain
        different outputs: see `why_no_test`.
        """
        self.check_testable(method)
        sides: list[Any] = []
        for group in (self._positive(), self.reference_group):
            std = self.std(method, group, kind).data.astype(np.float64)
            sides += [self.mean(method, group, kind).data.astype(np.float64), std**2, self.n(method, group)]
        g = np.nan_to_num(hedges_g_from_moments(*sides), nan=0.0, posinf=0.0, neginf=0.0)
        return Volume(g.astype(np.float32), self.grid.affine)

    def means(self, group: str | None = None, kind: str = "reading") -> dict[str, Volume]:
        """Return the mean map of every method that has one, for a group or for all."""
        found = {m: m for m in self.methods if self.n(m, group) > 0}
        return {m: self.all_mean(m, kind) if group is None else self.mean(m, group, kind) for m in found}

    def group_distances(self, metric: str = "euclidean") -> pd.Series:
        """Return how far apart the mean maps of positive and reference group are, by method."""
        first, second = (self.means(group) for group in (self._positive(), self.reference_group))
        if not set(first) & set(second):
            return pd.Series(dtype=float, name=metric)
        return paired_values(first, second, metric, reading="absolute", errors="nan")
