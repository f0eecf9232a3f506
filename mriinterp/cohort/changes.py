"""Whether the results of a cohort are still those of the study as it is on disk."""

from __future__ import annotations

from dataclasses import dataclass

from mriinterp.base.files import read_json
from mriinterp.cohort.result import CohortResult
from mriinterp.study import Study

__all__ = ["Changes", "changes_since"]


@dataclass(frozen=True)
class Changes:
    """What of a study has changed since its cohort was run.

    Parameters
    ----------
    replaced : tuple of str
        Scans whose file is another now.
    gone : tuple of str
        Scans that have no file any more, or that the study no longer names.
    regrouped : tuple of str
        Scans that are in another group now.
    """

    replaced: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    regrouped: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.replaced or self.gone or self.regrouped)


def changes_since(result: CohortResult, study: Study) -> Changes:
    """Compare the scans of a finished run with those of the study; reads no voxel.

    A scan whose file was not noted (the run's working folder was removed) counts as unchanged.
    """
    replaced, gone, regrouped = [], [], []
    for scan, row in result.subjects.iterrows():
        try:
            fingerprint = study.source(scan).fingerprint()
        except (KeyError, OSError):
            gone.append(scan)
            continue
        try:
            seen = read_json(result.layout_of(scan).seen(row["label"]))["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError):
            seen = fingerprint
        if seen != fingerprint:
            replaced.append(scan)
        if study.group_of(scan) != row["group"]:
            regrouped.append(scan)
    return Changes(tuple(replaced), tuple(gone), tuple(regrouped))
