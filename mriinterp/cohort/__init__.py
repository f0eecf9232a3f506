"""Cohorts: methods over all scans of a study, averages of groups, tables; stopped and continued at any time."""

from typing import TYPE_CHECKING

from mriinterp.base.first_use import import_on_first_use

if TYPE_CHECKING:
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

import_on_first_use(
    __name__,
    {
        "changes": ("Changes", "changes_since"),
        "choose": ("choose_methods", "select_subjects"),
        "options": ("CohortOptions",),
        "result": ("CohortResult", "open_cohort"),
        "run": ("run_cohort",),
        "workers": ("default_workers",),
    },
)
