"""Predictions of all subjects of a study, made in the background while a page is read."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mriinterp.base.processes import give_way
from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.models import Model
from mriinterp.results.predictions import Predictions
from mriinterp.study import PreparedScan, Study
from mriinterp.ui.base.jobs import current_job, start_job
from mriinterp.ui.session.runs import wait_until_quiet
from mriinterp.ui.sources.resources import known_predictions
from mriinterp.ui.sources.scans import READING

__all__ = ["predict_all"]

SLOT = "predictions"
MOST = 200  # subjects of a study: of more, the list learns what is opened

logger = logging.getLogger(__name__)


def predict_all(name: str, study: Study, model: Model) -> None:
    """Start to predict the subjects of a study that were not predicted yet; once a session, study and network.

    Nothing is started where predictions of the study's scans may not be shown.
    """
    key = f"predictions {name} {study.opened} {model.digest}"
    job = current_job(SLOT)
    if (
        (job is not None and job.key == key)
        or len(study.subjects) > MOST
        or (model.card.simulated and not study.simulated)
    ):
        return
    known = known_predictions(name)
    wanted = [subject for subject in study.subjects.index if subject not in known]
    if wanted:
        start_job(
            SLOT,
            "Predictions",
            key,
            lambda progress, cancel: _predict(study, model, wanted, progress, cancel),
            shared=True,
        )


def _predict(
    study: Study, model: Model, subjects: Sequence[str], progress: Progress | None, cancel: Cancel | None
) -> int:
    """Predict and remember subjects one by one; return how many were. A scan that cannot be read is left out."""
    give_way()  # to pages, which are waited for, as far as the system lets it
    kept, done = Predictions(model.digest), 0
    for n, subject in enumerate(subjects):
        check_cancel(cancel)
        wait_until_quiet(cancel)
        tell(progress, n, len(subjects))
        source = study.source(subject)
        if isinstance(source, PreparedScan) and not source.is_ready():
            continue
        try:
            stamp = source.stamp()
            with READING:
                scan = study.scan(subject)
            kept.add(stamp, model.predict(scan))
        except (OSError, ValueError) as error:  # shown where the subject is chosen
            logger.info("no prediction of %s: %s", subject, error)
            continue
        done += 1
    return done
