"""Test the demo network on new simulated subjects and on real brains with known atrophy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import scipy

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.image.volume import Volume
from mriinterp.models import Model
from mriinterp.simulation.subjects import SimulationSettings, apply_atrophy, simulate_subject, subjects_table
from mriinterp.training.metrics import Performance, measure

__all__ = ["SEVERITIES", "evaluate", "real_anatomy"]

SEVERITIES = tuple(np.linspace(0, 1, 9).round(3).tolist())


def evaluate(
    model: Model,
    study: SimulationSettings,
    ids: Sequence[str] | None = None,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> tuple[Performance, pd.DataFrame]:
    """Measure a model on whole simulated scans, by default the test split.

    Returns
    -------
    Performance, DataFrame
        Over all subjects, and their rows with a column `margin` (logit of the
        diseased class minus the other).
    """
    table = subjects_table(study)
    rows = table[table["split"] == "test"] if ids is None else table[table["id"].isin(list(ids))]
    rows = rows.reset_index(drop=True)
    classes = list(study.groups)

    def margin(name: str) -> float:
        check_cancel(cancel)
        outputs = model.predict(simulate_subject(study, name).volume).outputs
        return outputs[classes[1]] - outputs[classes[0]]

    values = []
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for value in pool.map(margin, rows["id"]):
            values.append(value)
            tell(progress, len(values), len(rows))
    return measure(values, rows["group"] == classes[1]), rows.assign(margin=values)


def real_anatomy(
    model: Model,
    scans: dict[str, Volume],
    severities: Sequence[float] = SEVERITIES,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> dict:
    """Test whether the network's margin rises with the severity of the same atrophy in real brains.

    Parameters
    ----------
    scans : dict of name to Volume
        Skull-stripped T1 scans in MNI space, never used for training or
        selection.

    Returns
    -------
    dict
        Spearman's ρ of severity and margin by scan, their median, and the
        margins.
    """
    high, low = model.classes[1], model.classes[0]
    by_scan, total = {}, len(scans) * len(severities)
    curves: dict[str, list[float]] = {}
    for name, scan in scans.items():
        curve = []
        for severity in severities:
            check_cancel(cancel)
            outputs = model.predict(apply_atrophy(scan, severity)[0]).outputs
            curve.append(round(outputs[high] - outputs[low], 4))
            tell(progress, len(curves) * len(severities) + len(curve), total)
        curves[name] = curve
        by_scan[name] = round(float(scipy.stats.spearmanr(severities, curve).statistic), 4)
    return {
        "what": "Spearman's rho of severity and logit margin, the same atrophy applied to real scans "
        "(OpenNeuro ds002748, healthy adults), which were used for nothing else",
        "severities": list(severities),
        "rho": by_scan,
        "median_rho": round(float(np.median(list(by_scan.values()))), 4),
        "margins": curves,
    }
