"""Agreement: how alike are the maps that different methods draw of one scan by one network?

No measure of trust: methods may agree and be wrong together, and answer
different questions. It shows how much of a map is the method's own.
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mriinterp.base.files import read_json
from mriinterp.compare.map_distances import standard_ranks
from mriinterp.trust.null_maps import present_name
from mriinterp.trust.results import map_entries, mean_and_interval

__all__ = ["SAME", "TOP", "agreement_of", "load_agreement", "pack_agreement", "same_maps"]

TOP = 10  # areas
SAME = 0.999  # mean ρ from which on two methods draw the same map
COLUMNS = ["subject", "method", "other", "rho", "overlap"]


def _pairs(maps: dict[str, tuple[np.ndarray, np.ndarray]]) -> list[tuple[str, str, float, float]]:
    """Return both figures of every pair of one subject's maps, each pair once."""
    tops = {name: set(np.argsort(-areas, kind="stable")[:TOP].tolist()) for name, (areas, _) in maps.items()}
    places = {name: standard_ranks(cells) if np.ptp(cells) > 0 else None for name, (_, cells) in maps.items()}
    found = []
    for one, other in itertools.combinations(maps, 2):
        a, b = places[one], places[other]
        rho = float(np.clip(a @ b, -1, 1)) if a is not None and b is not None and a.size == b.size else math.nan
        found.append((one, other, rho, len(tops[one] & tops[other]) / TOP))
    return found


def load_agreement(folder: Path | str) -> pd.DataFrame:
    """Return the agreement of all pairs of maps of each subject, from the benchmark's own maps.

    Parameters
    ----------
    folder : Path
        Of `run_benchmark`, or one with the ``agreement.json`` of a report.

    Returns
    -------
    DataFrame
        Columns subject, method, other, rho (Spearman's ρ over cells of 4
        voxels inside Ω, of the maps as they are read), overlap (share of the
        `TOP` areas with the highest mean relevance that both have). Every
        pair twice, once from either side.
    """
    path, rows = Path(folder) / "agreement.json", []
    by_subject: dict[str, dict[str, tuple]] = {}
    for method, subject, details, cells in map_entries(folder):
        by_subject.setdefault(subject, {})[method] = np.array(details["densities"]), cells
    for subject, maps in by_subject.items():
        rows += [(subject, *pair) for pair in _pairs(maps)]
    if not rows and path.is_file():
        rows = _unpack(read_json(path))
    rows += [(subject, other, one, rho, overlap) for subject, one, other, rho, overlap in rows]
    return pd.DataFrame(rows, columns=COLUMNS)


def pack_agreement(table: pd.DataFrame) -> str:
    """Return `load_agreement` as JSON: the upper triangle of each subject, three digits."""
    methods = list(dict.fromkeys(table["method"]))
    packed: dict[str, Any] = {"methods": methods, "subjects": {}}
    for subject, rows in table.groupby("subject", sort=False):
        known = rows.set_index(["method", "other"])
        packed["subjects"][subject] = {
            name: [_plain(known[name].get(pair, math.nan)) for pair in itertools.combinations(methods, 2)]
            for name in ("rho", "overlap")
        }
    return json.dumps(packed, separators=(",", ":"), ensure_ascii=False)


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 3)


def _unpack(packed: dict[str, Any]) -> list[tuple]:
    pairs = list(itertools.combinations(map(present_name, packed["methods"]), 2))
    rows = []
    for subject, found in packed["subjects"].items():
        for pair, rho, overlap in zip(pairs, found["rho"], found["overlap"], strict=True):
            if overlap is not None:
                rows.append((subject, *pair, math.nan if rho is None else rho, overlap))
    return rows


def agreement_of(table: pd.DataFrame, method: str, subject: str | None = None) -> pd.DataFrame:
    """Return how alike one method's maps are to those of every other, most alike first.

    Parameters
    ----------
    table : DataFrame
        From `load_agreement`.
    subject : str, optional
        Adds its own figures.

    Returns
    -------
    DataFrame
        Columns other, n, rho, low, high, overlap (means over subjects, 95%
        interval of ρ), own_rho, own_overlap (NaN without the subject).
    """
    rows = []
    for other, found in table[table["method"] == method].groupby("other", sort=False):
        own = found[found["subject"] == subject]
        rho, low, high = mean_and_interval(found["rho"].to_numpy(float))
        rows.append(
            {
                "other": other,
                "n": int(found["rho"].notna().sum()),
                "rho": rho,
                "low": low,
                "high": high,
                "overlap": found["overlap"].mean(),
                "own_rho": own["rho"].mean(),
                "own_overlap": own["overlap"].mean(),
            }
        )
    columns = ["other", "n", "rho", "low", "high", "overlap", "own_rho", "own_overlap"]
    return pd.DataFrame(rows, columns=columns).sort_values("rho", ascending=False, ignore_index=True)


def same_maps(table: pd.DataFrame) -> dict[str, str]:
    """Return methods that draw the same map as another one, by the one that was measured first.

    Gradient × input and the ε rule of LRP, say, are one map on a network of
    convolutions and ReLU: counting both would count one result twice.

    Parameters
    ----------
    table : DataFrame
        From `load_agreement`.
    """
    order = pd.concat([table["method"], table["other"]]).unique().tolist()
    rho = table.groupby(["method", "other"])["rho"].mean()
    found: dict[str, str] = {}
    for place, method in enumerate(order):
        twins = [m for m in order[:place] if m not in found and rho.get((method, m), 0.0) >= SAME]
        if twins:
            found[method] = twins[0]
    return found
