"""What a cohort run explains, and how it computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CohortOptions"]


@dataclass(frozen=True)
class CohortOptions:
    """Settings of `mriinterp.cohort.run_cohort`.

    Parameters
    ----------
    split : str, optional
        Only this split of the study; "all": all scans; None: "test" if the
        study has such a split, else all scans.
    target : str, optional
        The output that maps explain. "positive": the class of the study's
        positive group, the same for all scans, with its logit margin as score
        unless `params` name another; the name of an output: that one;
        "predicted": the class the network gives each scan, as in Rieke et al.
        2018; "true": the class of each scan's group. Groups are compared only
        where one output is explained. None: "positive"; with a preset
        "predicted", as was published.
    n, seed : int
        Only `n` scans, drawn at random, evenly from the groups.
    params : mapping of method to parameters
        Where they differ from the defaults of cohorts.
    preset : str, optional
        Parameters of a publication, e.g. "rieke2018".
    maps : bool
        Keep a map a scan. Without them, averages and tables are the same.
    device : str
    threads : int
        CPU threads inside each worker. Other numbers, other last bits.
    check_space : bool, optional
        Leave out scans that do not match the MNI template (see
        `mriinterp.image.space`), and say so; default: as the study has it.
    pair : (str, str), optional
        The groups that are compared, the first with the second; default: the
        study's positive with its reference group. All groups are computed.
    """

    split: str | None = None
    target: str | None = None
    n: int | None = None
    seed: int = 0
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    preset: str | None = None
    maps: bool = True
    device: str = "auto"
    threads: int = 1
    check_space: bool | None = None
    pair: Sequence[str] | None = None
