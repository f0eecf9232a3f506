"""Tables of a cohort: its scans, its groups, and the relevance of every area in every scan."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from mriinterp.base.fingerprint import file_stamp
from mriinterp.base.map_parts import PARTS, SIZES
from mriinterp.base.tables import read_tsv
from mriinterp.cohort.area_values import areas_by_scan
from mriinterp.cohort.averages import CohortMeans
from mriinterp.cohort.kinds import derived_values, reading_of_kind
from mriinterp.results.verified import check_unchanged

__all__ = ["PART", "CohortTables"]

PART = "fold"  # column of subjects.tsv: the folder that holds the maps of a scan, where several cohorts are pooled
SUBJECT_TEXT = (
    "id", "subject", "group", "sex", "visit", PART, "split", "label", "class", "predicted", "target", "failure",
    "warnings",
)  # fmt: skip


class CohortTables(CohortMeans):
    """Tables of scans, groups and areas; each is read when it is asked for, if it is as the run wrote it."""

    @cached_property
    def subjects(self) -> pd.DataFrame:
        """One row a scan, index id: group, sex, age, training, predicted, correct (bool or missing), p_CLASS, failure …"""
        table = read_tsv(self._unchanged(self.layout.subjects), SUBJECT_TEXT)
        words = table["correct"].astype(object).map({"true": True, "false": False, True: True, False: False})
        table["correct"] = words.astype("boolean")
        table["training"] = table["training"].astype(str).str.lower() == "true"
        for column in table.columns.intersection(["failure", "warnings", "sex", "visit", "split"]):
            table[column] = table[column].fillna("").astype(str)
        return table.set_index("id", drop=False)

    @cached_property
    def group_table(self) -> pd.DataFrame:
        """One row a group, index group: scans, people, failed, judged, correct, share_correct with low and high."""
        table = read_tsv(self._unchanged(self.layout.groups), ["group"])
        return table.set_index("group", drop=False)

    def _unchanged(self, path: Path) -> Path:
        """Return a table, if it is the one that the run wrote; DamagedFile otherwise. Digests of older runs were not kept."""
        digest = self.run.get("files_sha256", {}).get(path.name)
        stamp = file_stamp([path], read=0)
        if digest is not None and self._verified.get(path.name) != stamp:
            check_unchanged(path, digest)
            self._verified[path.name] = stamp
        return path

    @cached_property
    def _verified(self) -> dict[str, str]:
        return {}

    @property
    def outside_space(self) -> dict[str, float]:
        """Scans that were explained although they do not match the MNI template, with their correlation."""
        return self.run.get("outside_space", {})

    @property
    def failures(self) -> dict[str, dict[str, str]]:
        """Why scans, or maps of single methods, were left out."""
        return self.run["failed"]

    def ids(self, method: str, group: str | None = None) -> list[str]:
        """Return the scans that have a map of a method, in order."""
        self._check(method, group)
        failed = {i for i, why in self.failures.items() if "scan" in why or method in why}
        groups = zip(self.subjects.index, self.subjects["group"], strict=True)
        return [i for i, known in groups if i not in failed and group in (None, known)]

    def area_rows(self, method: str) -> pd.DataFrame:
        """Return the stored table of areas: one row a scan and area, hemispheres apart."""
        self._check(method)
        table = self._unchanged(self.layout.table)
        return pd.read_parquet(table, filters=[("method", "==", method)]).reset_index(drop=True)

    def _sums(self, method: str) -> tuple[pd.Index, np.ndarray, np.ndarray]:
        """Return scan, sum of the signed map and of the method's reading in each row of `area_rows`, kept by method."""
        if method not in self._kept_sums:
            rows = self.area_rows(method)
            self._kept_sums[method] = (
                pd.Index(rows["id"]), rows["signed_sum"].to_numpy(float), rows["sum"].to_numpy(float)
            )  # fmt: skip
        return self._kept_sums[method]

    @cached_property
    def _kept_sums(self) -> dict[str, tuple[pd.Index, np.ndarray, np.ndarray]]:
        return {}

    def areas(
        self, method: str, *, merge_hemispheres: bool = True, value: str = "share", kind: str = "reading"
    ) -> pd.DataFrame:
        """Return the relevance per area of every scan.

        Parameters
        ----------
        merge_hemispheres : bool
        value : {"share", "sum", "mean"}
            Share of the sum over all areas; sum; mean of a voxel.
        kind : str
            As of `mean`.

        Returns
        -------
        DataFrame
            Scans (index, ids, in the order of `subjects`) × areas, in the atlas's order.
        """
        rows, reading = self.area_rows(method), self.reading(method)
        return areas_by_scan(rows, self.subjects.index, reading, merge_hemispheres, value, kind)

    def part_shares(self, method: str, ids: Iterable[str] | None = None) -> dict[str, float]:
        """Return how much of the relevance in all areas each part of the maps holds; NaN where there is none.

        Of some scans, or of all: "supports", what is above 0, and "against".
        """
        if self.reading(method) == "signed":
            return dict.fromkeys(PARTS, np.nan)
        scans, *stored = self._sums(method)
        chosen = scans.isin(self.ids(method) if ids is None else list(ids))
        reading = self.reading(method)
        values = {part: derived_values(reading_of_kind(SIZES[part], reading), reading, *stored) for part in PARTS}
        sums = {part: float(np.nansum(found[chosen])) for part, found in values.items()}
        return {part: value / (sums["both"] or np.nan) for part, value in sums.items()}
