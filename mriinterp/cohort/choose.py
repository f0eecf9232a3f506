"""Choose methods, scans and compared groups of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.methods import get_method
from mriinterp.study import Study

__all__ = ["MethodChoice", "choose_methods", "chosen_split", "compared_first", "select_subjects"]

TEST, TRAIN = "test", "train"  # splits; a scan of the second trained the network


@dataclass(frozen=True)
class MethodChoice:
    """A method with all its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None

    @property
    def reading(self) -> str:
        """How its maps are read where no sign is wanted."""
        return get_method(self.name).reading

    @property
    def parts(self) -> tuple[str, ...]:
        """Of what there are group means: the signed map, and its reading."""
        return ("signed",) if self.reading == "signed" else ("signed", self.reading)


def compared_first(groups: Sequence[str], pair: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return groups with the compared two in front, reference first.

    Parameters
    ----------
    groups : sequence of str
    pair : (str, str), optional
        The first is compared with the second.

    Raises
    ------
    KeyError, ValueError
        For a group that is not there, or one named twice.
    """
    if pair is None:
        return tuple(groups)
    positive, reference = pair
    for group in pair:
        if group not in groups:
            raise KeyError(f"expected a group to compare, got {group!r}; available: {', '.join(groups)}")
    if positive == reference:
        raise ValueError(f"expected two groups to compare, got {positive!r} twice")
    return (reference, positive, *(g for g in groups if g not in pair))


def choose_methods(
    methods: Sequence[str], params: Mapping[str, Mapping[str, Any]] | None = None, preset: str | None = None
) -> tuple[MethodChoice, ...]:
    """Return methods with all their parameters checked.

    Parameters
    ----------
    methods : sequence of str
    params : mapping of method to parameters, optional
        What differs from the defaults, and from the method's own in a cohort.
    preset : str, optional
        E.g. ``"rieke2018"``; the method's cohort defaults still hold, as they did there.

    Raises
    ------
    KeyError, ValueError
        For unknown methods and for parameters that do not fit.
    """
    params = dict(params or {})
    names = list(dict.fromkeys(methods))
    if not names:
        raise ValueError("expected at least one method, got none")
    strangers = [name for name in params if name not in names]
    if strangers:
        raise ValueError(f"expected parameters of {', '.join(names)}, got some for {', '.join(strangers)}")
    chosen = []
    for name in names:
        entry = get_method(name)
        given = {**entry.cohort, **params.get(name, {})}
        entry.resolve(given, preset)
        chosen.append(MethodChoice(name, given, preset))
    return tuple(chosen)


def chosen_split(study: Study, split: str | None = None) -> str:
    """Return the split of a run: as asked, else "test" if the study has it, else "all".

    Raises
    ------
    ValueError
        For a split that the study does not have.
    """
    known = sorted(set(study.subjects["split"]) - {""})
    if split is None:
        return TEST if TEST in known else "all"
    if split not in (*known, "all"):
        raise ValueError(f"expected a split, got {split!r}; available: {', '.join(known) or 'none'}, all")
    return split


def select_subjects(study: Study, split: str | None = None, n: int | None = None, seed: int = 0) -> pd.DataFrame:
    """Return the rows of a study that a run is about, in the study's order.

    Parameters
    ----------
    split : str, optional
        See `chosen_split`.
    n : int, optional
        Only so many scans in all, drawn at random, as evenly from the groups
        as can be. A smaller n of the same seed draws among the same.

    Raises
    ------
    ValueError
        For an unknown split, or if nothing is left.
    """
    rows = study.subjects
    split = chosen_split(study, split)
    if split != "all":
        rows = rows[rows["split"] == split]
    rows = rows[rows["group"].isin(study.groups)]
    if n is not None:
        if n < 1:
            raise ValueError(f"expected a number of scans of 1 or more, got {n}")
        rng = np.random.default_rng(seed)
        queues = [rng.permutation(sorted(rows.index[rows["group"] == g])).tolist() for g in study.groups]
        drawn = [
            queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)
        ]
        rows = rows[rows.index.isin(drawn[:n])]
    if rows.empty:
        raise ValueError(f"expected scans in study {study.name!r}, got none")
    return rows
