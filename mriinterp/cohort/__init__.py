"""Cohorts: methods over all scans of a study, averages of groups, tables; stopped and continued at any time."""

from mriinterp.cohort.changes import Changes, changes_since
from mriinterp.cohort.choose import choose_methods, select_subjects
from mriinterp.cohort.options import CohortOptions
from mriinterp.cohort.result import CohortResult, open_cohort
from mriinterp.cohort.run import run_cohort
from mriinterp.cohort.workers import default_workers

__all__ = [
    "Changes",
    "CohortOptions",
    "CohortResult",
    "changes_since",
    "choose_methods",
    "default_workers",
    "open_cohort",
    "run_cohort",
    "select_subjects",
]
