"""What simple models reach in the same folds: age and sex, and the means of areas."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mriinterp.crossval.folds import Round
from mriinterp.crossval.scans import KeptScans

__all__ = ["BASELINES", "baseline_scores"]

BASELINES = {
    "age_sex": "age and sex, logistic regression",
    "areas_logistic": "area means, logistic regression",
    "areas_svm": "area means, linear SVM",
}
STRENGTH = {"age_sex": 1.0, "areas_logistic": 0.1, "areas_svm": 0.01}  # inverse regularisation, of standardised columns


def _features(name: str, frame: pd.DataFrame, scans: KeptScans, ids: list[str]) -> np.ndarray | None:
    """Return what a baseline reads, shape (n, features); None where the study does not have it."""
    if name != "age_sex":
        return scans.areas_of(ids)
    rows = frame.loc[ids]
    columns = [rows["age"].to_numpy(float)] if rows["age"].notna().any() else []
    if rows["sex"].isin(("M", "F")).any():
        columns.append(rows["sex"].map({"M": 1.0, "F": 0.0}).to_numpy(float))
    return np.stack(columns, axis=1) if columns else None


def _classifier(name: str):
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    kind = LinearSVC if name == "areas_svm" else LogisticRegression
    last = kind(C=STRENGTH[name], class_weight="balanced", max_iter=10_000, random_state=0)
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), last)


def baseline_scores(
    frame: pd.DataFrame, labels: pd.Series, scans: KeptScans, one: Round, held_out: list[str]
) -> dict[str, pd.Series]:
    """Return the score of each test and held-out scan of a round, by baseline; above 0 means positive.

    Imputation, scaling and fit see the round's training and validation scans, all that the network sees.

    Parameters
    ----------
    frame : DataFrame
        Indexed by id, with age and sex.
    labels : Series of 0/1, by id
    scans : KeptScans
    one : Round
    held_out : list of str
    """
    fitted, judged = [*one.train, *one.validation], [*one.test, *held_out]
    found = {}
    for name in BASELINES:
        known, asked = (_features(name, frame, scans, ids) for ids in (fitted, judged))
        if known is None or asked is None or known.shape[1] != asked.shape[1]:
            continue
        model = _classifier(name).fit(known, labels[fitted])
        found[name] = pd.Series(model.decision_function(asked), index=judged)
    return found
