"""The same training on labels that mean nothing: what it reaches above chance has leaked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mriinterp.stats.patients import PatientBootstrap
from mriinterp.subjects.split import patient_groups

__all__ = ["permuted_groups", "permuted_row"]


def permuted_groups(frame: pd.DataFrame, positive: str, seed: int) -> pd.DataFrame:
    """Return the frame with the groups of patients assigned anew at random, each patient's scans all of one group.

    The scans that are held out keep theirs: they are in no fold.
    """
    inside = frame[frame["split"] != "test"]
    groups = patient_groups(inside, (positive,))  # sorted by patient: whatever the order of rows
    dealt = pd.Series(np.random.default_rng(seed).permutation(groups.to_numpy()), index=groups.index)
    group = frame["subject"].map(dealt).where(frame["split"] != "test", frame["group"])
    return frame.assign(group=group)


def permuted_row(frame: pd.DataFrame, margins: pd.Series, positive: str) -> dict[str, Any]:
    """Return the AUC of permuted labels as a row of the table of measures."""
    rows = frame.set_index("id").loc[margins.index]
    draws = PatientBootstrap(rows["subject"], rows["group"] == positive)
    found = draws.measure(margins.to_numpy())["auc"]
    return {
        "classifier": "network, permuted labels", "set": "pooled", "measure": "auc", "value": found.value,
        "low": found.low, "high": found.high, "scans": len(rows), "patients": rows["subject"].nunique(),
    }  # fmt: skip
