"""What a network says of the scans of a packed cohort: its table has kept it."""

from __future__ import annotations

import mriinterp
from mriinterp.cohort.packed import packed_of
from mriinterp.cohort.result import CohortResult
from mriinterp.models import Prediction
from mriinterp.study import Study

__all__ = ["packed_predictions"]


def packed_predictions(result: CohortResult, study: Study, model_digest: str) -> dict[str, Prediction]:
    """Return what a network says of the scans of a packed cohort, without its raw outputs; of scans as they are now.

    Parameters
    ----------
    result : CohortResult
    study : Study
    model_digest : str
        Of the network that is asked for: of another one nothing is known.
    """
    about = packed_of(result)
    if about is None or result.run["model"]["sha256"] != model_digest or about.version != mriinterp.__version__:
        return {}
    found = {}
    for subject, row in result.subjects.iterrows():
        sure = {name: float(row[f"p_{name}"]) for name in study.classes.values() if f"p_{name}" in row}
        if row["predicted"] not in sure or subject not in study.subjects.index:
            continue
        if study.source(str(subject)).fingerprint() == about.fingerprints.get(str(subject)):
            found[str(subject)] = Prediction({}, sure, str(row["predicted"]))
    return found
