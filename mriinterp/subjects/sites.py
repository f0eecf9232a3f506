"""Sites whose patients are all of one group: a network can learn the scanner instead of the disease."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mriinterp.subjects.split import patient_groups
from mriinterp.subjects.table_report import Report

__all__ = ["check_sites"]

SITE_PATIENTS = 5  # patients of a site that are all of one group: fewer may be by chance


def check_sites(frame: pd.DataFrame, report: Report, priority: Sequence[str] = ()) -> None:
    """Report how many sites there are, and those that have patients of one group only; nothing where no site is known.

    Parameters
    ----------
    frame : DataFrame
        Columns subject, group, site; one row a scan.
    report : Report
    priority : sequence of str
        As of `patient_groups`.
    """
    first = frame.drop_duplicates("subject")
    sites, groups = first["site"].fillna(""), first["subject"].map(patient_groups(frame, priority))
    known = sites != ""
    counts = pd.crosstab(sites[known], groups[known])
    if len(counts) < 2:
        return
    report.add("info", f"Scans come from {len(counts)} sites; spread them evenly over folds to be on the safe side")
    alone = counts.index[(counts.sum(axis=1) >= SITE_PATIENTS) & (counts.gt(0).sum(axis=1) == 1)].tolist()
    if alone:
        share = counts.loc[alone].to_numpy().sum() / len(sites)
        report.add(
            "warning",
            f"Sites with patients of one group only ({len(alone)}, {share:.0%} of the patients): a network can learn the "
            "site instead of the disease; take such sites out of the table, or add scans of the other group from there",
            alone,
        )
