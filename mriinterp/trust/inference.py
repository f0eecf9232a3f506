"""Inference over all verdicts of a benchmark: Holm and sign-flip max-T."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import scipy

from mriinterp.trust.measure_registry import get_measure, table_heads

__all__ = ["family_p", "holm", "sign_flip_max_t"]

EXHAUSTIVE = 13  # subjects up to which all sign flips are taken, 8192
DRAWS = 1999
TIE = 1e-9  # statistics this close are equal


def holm(p: np.ndarray) -> np.ndarray:
    """Return p values adjusted by Holm's step-down method; NaN stays NaN and is no part of the family."""
    p = np.asarray(p, float)
    found, known = np.full(p.shape, np.nan), np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return found


def _flips(n: int, seed: int) -> np.ndarray:
    """Return signs, shape (flips, n), the first row all 1: every combination for few subjects, else random ones."""
    if n <= EXHAUSTIVE:
        return np.array(list(product((1.0, -1.0), repeat=n)))
    drawn = np.random.default_rng(seed).choice([1.0, -1.0], (DRAWS, n))
    return np.vstack([np.ones(n), drawn])


def _t(sums: np.ndarray, squares: np.ndarray, n: int) -> np.ndarray:
    """Return Student's t of columns from their sums and sums of squares; ±inf where values do not vary, 0 where all are 0."""
    mean = sums / n
    spread = np.sqrt(np.maximum(squares / n - mean**2, 0) / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            (spread > 1e-12 * np.abs(mean)) | (mean == 0),
            mean / np.where(spread > 0, spread, 1),
            np.sign(mean) * np.inf,
        )


def sign_flip_max_t(differences: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Return one-sided p values of many paired differences, corrected for all of them.

    Under the null hypothesis each subject's differences could as well have
    the other sign, all together: flips keep how comparisons depend on one
    another (Westfall & Young 1993; Winkler et al. 2014).

    Parameters
    ----------
    differences : array, shape (subjects, comparisons)
        Above 0: in favour.

    Returns
    -------
    array, shape (comparisons,)
        Share of flips whose largest t reaches the comparison's; 1/2ⁿ at least. NaN for fewer than two subjects.
    """
    d = np.asarray(differences, float)
    n = len(d)
    if n < 2:
        return np.full(d.shape[1:], np.nan)
    squares = (d**2).sum(0)
    signs = _flips(n, seed)
    largest = _t(signs @ d, squares, n).max(1)
    own = _t(d.sum(0), squares, n)
    return np.array(
        [(largest >= t - TIE * max(1.0, abs(t))).mean() if np.isfinite(t) else (largest >= t).mean() for t in own]
    )


def family_p(
    tables: Mapping[tuple[str, str], pd.DataFrame], nulls: Sequence[str], same: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return corrected p values of "better than every null map", over all methods and the quantities of the main table.

    Parameters
    ----------
    tables : mapping of (measure, quantity) to DataFrame
        Subjects × methods: from `mriinterp.trust.wide.wide_tables`.
    nulls : sequence of str
        Methods that are null maps.
    same : mapping of method to method, optional
        Methods that draw the same map as another: they are part of no family, and have the p of that other.

    Returns
    -------
    DataFrame
        Columns measure, quantity, method, p (paired t, two-sided, the largest over the null maps: all must be beaten),
        p_holm (over the rows), p_max_t (sign flips of subjects, over all rows and null maps; the largest over the null
        maps). Measures taken of other subjects are families of their own, and p is multiplied by the number of families.
        A subject without a number is no evidence either way.
    """
    rows: list[dict[str, Any]] = []
    columns: list[tuple[tuple, np.ndarray]] = []
    methods = dict.fromkeys(m for table in tables.values() for m in table if m not in nulls and m not in (same or {}))
    for name, quantity in table_heads():
        measure = get_measure(name)
        better = measure.quantity(quantity).better
        wide = tables.get((name, quantity))
        if wide is None or not measure.against_null_maps or not better:
            continue
        present = [null for null in nulls if null in wide]
        sign, against = 1.0 if better == "higher" else -1.0, wide[present].to_numpy(float)
        for method in methods if present else ():
            if method not in wide:
                continue
            apart = sign * (wide[method].to_numpy(float)[:, None] - against)
            columns.append((tuple(wide.index), apart))
            p = _paired_p(apart[~np.isnan(apart).any(1)])
            rows.append({"measure": name, "quantity": quantity, "method": method, "p": p})
    found = pd.DataFrame(rows, columns=["measure", "quantity", "method", "p"])
    found["p_holm"] = holm(found["p"].to_numpy(float))
    found["p_max_t"] = _max_t(columns)
    twins = [found[found["method"] == first].assign(method=own) for own, first in (same or {}).items()]
    return pd.concat([found, *twins], ignore_index=True) if twins else found


def _paired_p(apart: np.ndarray) -> float:
    """Return the largest two-sided p of paired t tests in favour; 1 for one that is not in favour."""
    if len(apart) < 2:
        return float("nan")
    t = _t(apart.sum(0), (apart**2).sum(0), len(apart))
    return float(np.minimum(2 * scipy.special.stdtr(len(apart) - 1, -t), 1.0).max())


def _max_t(columns: list[tuple[tuple, np.ndarray]]) -> list[float]:
    """Return the largest corrected p of each comparison, in one family a set of subjects, corrected for the families.

    `columns`: of each comparison its subjects, and its differences, shape (subjects, null maps).
    """
    found = [float("nan")] * len(columns)
    families: dict[tuple, list[int]] = {}
    for at, (subjects, _) in enumerate(columns):
        families.setdefault(subjects, []).append(at)
    for subjects, members in families.items():
        if len(subjects) < 2:
            continue
        apart = [columns[at][1] for at in members]
        p = sign_flip_max_t(np.nan_to_num(np.hstack(apart), nan=0.0, posinf=np.inf, neginf=-np.inf)) * len(families)
        ends = np.cumsum([own.shape[1] for own in apart])[:-1]
        for at, part in zip(members, np.split(p, ends), strict=True):
            found[at] = float(min(part.max(), 1.0))
    return found
