"""What the demo study opens with, which comes with the package: a first start shows it at once.

The map is what `mriinterp.explain` gives, under the key of all that shapes
it; its prediction and the place of the disease are found by digests. Where
anything is another (a scan, weights, a setting, the version), they are
computed. ``write_first_map()`` makes them anew.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from mriinterp.image.nifti import read_volume
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.methods import get_method, listed_methods
from mriinterp.models import Model, Prediction
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.maps import request_key
from mriinterp.results.predictions import Predictions
from mriinterp.results.store import Store
from mriinterp.study.demo import DemoStudy
from mriinterp.study.kept_scans import EXAMPLE, SHIPPED

__all__ = ["FIRST_MAP", "compute_first_map", "first_place", "first_prediction", "write_first_map"]

FIRST_MAP = SHIPPED
"""Home of the store that holds it."""


def _request(study: DemoStudy) -> tuple[Model, Volume, str, dict[str, Any]]:
    """Return network, scan, method and settings that the page opens with."""
    entry = get_method(listed_methods("single")[0])
    settings = {name: entry.recommended.get(name, one.default) for name, one in entry.parameters.items()}
    return (
        study.model("cpu"),
        study.scan(EXAMPLE),
        entry.name,
        {
            **settings,
            "atlas": study.atlas(),
            "reference": study.background(),
        },
    )


def compute_first_map() -> tuple[str, RelevanceMap]:
    """Return the key and the map, computed now."""
    from mriinterp.explain import explain

    model, scan, method, request = _request(DemoStudy())
    return request_key(model, scan, method, **request), explain(model, scan, method, **request)


def write_first_map() -> None:
    """Compute the map, and put it, its prediction and the place of the disease where those are that ship."""
    from mriinterp.image.dense import dense_part

    key, found = compute_first_map()
    for name in ("maps", "predictions"):
        shutil.rmtree(FIRST_MAP / name, ignore_errors=True)
    Store(FIRST_MAP).put(key, found)
    Predictions(found.digests["model"], FIRST_MAP).add(found.digests["scan"], found.prediction)
    truth = DemoStudy().truth(EXAMPLE)
    for old in FIRST_MAP.glob("place_*"):
        old.unlink()
    write_volume(dense_part(truth), _place_file(truth.digest))


def first_place(truth: str) -> Volume | None:
    """Return where the disease changed most tissue (`dense_part`), by the digest of the ground truth; None if it does not ship."""
    file = _place_file(truth)
    if not file.is_file():
        return None
    place = read_volume(file)
    return Volume(place.data > 0, place.affine)


def _place_file(truth: str) -> Path:
    return FIRST_MAP / f"place_{truth}.nii.gz"


def first_prediction(model: str, scan: str) -> Prediction | None:
    """Return what a network says of a scan (digests of both), if that is the one that comes with the package."""
    return Predictions(model, FIRST_MAP).all().get(scan)
