"""What Cohort shows first, made before it is asked for: the averages that the page begins with."""

from __future__ import annotations

from collections.abc import Iterator

from mriinterp.ui.cohort.areas import comparable, compared, peaks_of_view
from mriinterp.ui.cohort.averages import StudyView
from mriinterp.ui.cohort.choose import known_averages
from mriinterp.ui.cohort.distances import distances_of
from mriinterp.ui.cohort.first import trust_of_groups
from mriinterp.ui.cohort.planes import pack_planes
from mriinterp.ui.sources.resources import study_of

__all__ = ["load_ahead"]


def load_ahead(study: str) -> Iterator[None]:
    """Make what the page's first view takes long for; a step each time it is asked."""
    result = next(iter(known_averages(study_of(study)).values()), None)
    if result is None:
        return
    view = StudyView(result)
    method = view.methods[0]
    for one in view.methods:
        view.part_shares(one)
    yield
    if comparable(view, method):
        view.usual_covariates(method)
        compared(view, method)
        yield
    pack_planes(study, view, method)
    yield
    peaks_of_view(study, view, method, True)
    distances_of(study, view, "euclidean")
    yield
    trust_of_groups(study, view, method)
