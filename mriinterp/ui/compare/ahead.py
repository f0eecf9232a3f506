"""What Compare shows first, made before it is asked for: the usual methods on the study's example."""

from __future__ import annotations

from collections.abc import Iterator

from mriinterp.methods import get_method, listed_methods
from mriinterp.ui.compare.column import make_column
from mriinterp.ui.compare.columns import Choice
from mriinterp.ui.compare.entries import resolve_columns
from mriinterp.ui.compare.matrix import FIRST_METRIC, matrix_of
from mriinterp.ui.compare.view import area_tables, columns_of, truth_of_columns
from mriinterp.ui.maps.parameters import first_values
from mriinterp.ui.scan.subject import first_subject, known_subject
from mriinterp.ui.sources.resources import atlas_of, layers_of, model_of, study_of
from mriinterp.ui.viewer import pack_ahead

__all__ = ["load_ahead"]


def load_ahead(study: str) -> Iterator[None]:
    """Make what the page's first view takes long for, of the maps that are known; a step each time it is asked."""
    model = model_of(study)
    layers_of(model.digest, model)
    yield
    subject = known_subject(study, first_subject(study_of(study)))
    columns = [
        make_column(subject.name, method, first_values(get_method(method))) for method in listed_methods("compare")
    ]
    choice = Choice(columns, {subject.name: subject}, subject)
    entries = [entry for entry in resolve_columns(study, choice, None) if entry.known is not None]
    if not entries:
        return
    yield
    like = entries[0].relevance.volume
    scan, layers = columns_of(entries, "own", "both")
    pack_ahead(scan, layers, atlas=atlas_of(study).on(like.grid), contours=truth_of_columns(entries, like))
    yield
    area_tables(study, entries, "both")
    yield
    matrix_of(study, entries, FIRST_METRIC, "both")
