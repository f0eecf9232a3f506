"""What Single scan shows first, made before it is asked for: the usual method's map of the study's example."""

from __future__ import annotations

from collections.abc import Iterator

from mriinterp.methods import get_method, listed_methods, method_names
from mriinterp.results.maps import request_key
from mriinterp.ui.maps.badge import method_signs
from mriinterp.ui.maps.parameters import first_values
from mriinterp.ui.maps.signs import part_layer, shares_of
from mriinterp.ui.maps.truth import scan_truth
from mriinterp.ui.scan.subject import first_subject, known_subject
from mriinterp.ui.sources.resources import atlas_of, known_map, model_of, reference_of, study_of
from mriinterp.ui.viewer import pack_ahead

__all__ = ["load_ahead"]


def load_ahead(study: str) -> Iterator[None]:
    """Make what the page's first view takes long for, of the map that is known; a step each time it is asked."""
    model, opened = model_of(study), study_of(study)
    subject = known_subject(study, first_subject(opened))
    atlas, contours = atlas_of(study).on(subject.scan.grid), scan_truth(subject.truth, subject.scan)
    pack_ahead(subject.scan, atlas=atlas, contours=contours)
    yield
    method_signs(study, method_names(), model.digest)
    yield
    method = get_method(listed_methods("single")[0])
    params = first_values(method)
    reference = reference_of(study) if "reference" in params.values() else None
    key = request_key(model, subject.scan, method.name, atlas=opened.atlas(), reference=reference, **params)
    relevance = known_map(key)
    if relevance is None:
        return
    yield
    pack_ahead(subject.scan, [part_layer(method.label, relevance, "both")])
    yield
    shares_of(relevance)
