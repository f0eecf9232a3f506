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
        Only this split of the study; None or "all": all scans.
    target : str
        "predicted": each scan is explained for the class the network gives it
        (so a group's mean mixes targets where the network is wrong); "true":
        for the class of its group; or the name of one class for all.
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
    target: str = "predicted"
    n: int | None = None
    seed: int = 0
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    preset: str | None = None
    maps: bool = True
    device: str = "auto"
    threads: int = 1
    check_space: bool | None = None
    pair: Sequence[str] | None = None
