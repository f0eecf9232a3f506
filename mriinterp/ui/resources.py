"""What sessions share: studies, models, scans, known maps.

Caches are keyed on strings, never on volumes: Streamlit samples large
arrays when it hashes them, so two scans could share a key.
"""

from __future__ import annotations

import streamlit as st

from mriinterp.areas.atlas import Atlas
from mriinterp.cost import describe_cost
from mriinterp.explain import RelevanceMap
from mriinterp.image.volume import Volume, resample
from mriinterp.methods.cam import model_layers
from mriinterp.models import Model, Prediction, load_model
from mriinterp.results.predictions import Predictions
from mriinterp.results.store import Store, default_folder
from mriinterp.study import DemoStudy, Study, load_study

__all__ = [
    "atlas_of",
    "known_map",
    "layers_of",
    "model_of",
    "network_of",
    "on_grid_of",
    "prediction_of",
    "reference_of",
    "scan_of",
    "store",
    "study_of",
    "truth_of",
]


@st.cache_resource(max_entries=4, show_spinner="Opening the study …")
def study_of(name: str) -> Study:
    """A study by name or study file."""
    if name == DemoStudy.name:
        return DemoStudy(kept=default_folder() / "scans")  # a scan takes seconds to make, and milliseconds to read
    return load_study(name)


@st.cache_resource(max_entries=4, show_spinner="Loading the network …")
def model_of(study: str, device: str = "auto") -> Model:
    """The network of a study, on the GPU if there is one."""
    return study_of(study).model(device)


@st.cache_resource(max_entries=8, show_spinner="Loading the network …")
def _network(study: str, name: str) -> Model:
    folds = study_of(study).folds
    return folds[name].load("auto") if name in folds else load_model(name, device="auto")


def network_of(study: str, name: str = "") -> Model:
    """A fold of a study's network, or a packaged network; "": the study's own."""
    return _network(study, name) if name else model_of(study)


@st.cache_resource(max_entries=4, show_spinner=False)
def atlas_of(study: str) -> Atlas:
    """The atlas of a study."""
    return study_of(study).atlas()


@st.cache_resource(max_entries=12, show_spinner="Opening the scan …")
def scan_of(study: str, subject: str) -> Volume:
    """A subject's scan."""
    return study_of(study).scan(subject)


@st.cache_resource(max_entries=4, show_spinner="Opening the reference scan …")
def reference_of(study: str) -> Volume | None:
    """What fills called "reference" put in: the study's mean training scan, or the template."""
    source = study_of(study).background_source()
    return None if source is None else source.load()


@st.cache_resource(max_entries=12, show_spinner=False)
def truth_of(study: str, subject: str) -> Volume | None:
    """Where disease changed a subject's brain, if that is known."""
    return study_of(study).truth(subject)


@st.cache_resource(max_entries=256, show_spinner="The network looks at the scan …")
def prediction_of(study: str, digest: str, _scan: Volume, subject: str | None = None) -> Prediction:
    """What a study's network says of a scan (`digest` is the scan's); remembered for a subject of the study."""
    model = model_of(study)
    prediction = model.predict(_scan)
    if subject is not None:
        Predictions(model.digest).add(study_of(study).source(subject).fingerprint(), prediction)
    return prediction


def known_predictions(study: str) -> dict[str, Prediction]:
    """What the study's network said of its subjects before, by subject."""
    known = Predictions(model_of(study).digest).all()
    found = {}
    for subject in study_of(study).subjects.index if known else ():
        try:
            fingerprint = study_of(study).source(subject).fingerprint()
        except OSError:  # the scan is gone: told when it is chosen
            continue
        if fingerprint in known:
            found[subject] = known[fingerprint]
    return found


@st.cache_data(max_entries=8, show_spinner="Looking for layers …")
def layers_of(digest: str, _model: Model) -> list[str]:
    """Layers of a network that a class activation map may be taken from, the last first (`digest` is the model's)."""
    return model_layers(_model)


@st.cache_data(max_entries=256, show_spinner="Planning …")
def cost_of(study: str, digest: str, method: str, params: dict) -> str:
    """What a map will cost (`digest` is the model's)."""
    return describe_cost(model_of(study), method, params, atlas_of(study))


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """Maps on disk, shared by all sessions and by command-line runs."""
    return Store()


@st.cache_resource(max_entries=32, show_spinner=False)
def _read_map(key: str) -> RelevanceMap:
    found = store().get(key)
    if found is None:
        raise LookupError(key)  # not cached: the map may be there the next time
    return found


def known_map(key: str) -> RelevanceMap | None:
    """A map made before, or None."""
    if key not in store():
        return None
    try:
        return _read_map(key)
    except LookupError:
        return None


@st.cache_resource(max_entries=24, show_spinner=False)
def _on_grid(digest: str, grid: str, order: int, _volume: Volume, _like: Volume) -> Volume:
    return resample(_volume, _like.grid, order)


def on_grid_of(volume: Volume, like: Volume, order: int = 1) -> Volume:
    """A volume on the grid of another, made once."""
    if volume.grid.matches(like.grid):
        return volume
    grid = f"{like.grid.shape}{like.affine.tobytes().hex()}"
    return _on_grid(volume.digest, grid, order, volume, like)
