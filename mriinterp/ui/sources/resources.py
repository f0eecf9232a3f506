"""What sessions share: studies, models, scans, known maps.

Caches are keyed on strings, never on volumes: Streamlit samples large
arrays when it hashes them, so two scans could share a key. A name is no key
either: stamps of the files behind it are part of every key, so that what is
shown is what is on disk.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mriinterp.areas.atlas import Atlas
from mriinterp.base.allocator import give_back
from mriinterp.base.files import check_file
from mriinterp.cohort import open_cohort
from mriinterp.cohort.packed import shipped_folder
from mriinterp.cohort.predicted import packed_predictions
from mriinterp.image.volume import Volume, resample
from mriinterp.models import Model, Prediction
from mriinterp.relevance_map import RelevanceMap
from mriinterp.results.home import default_folder
from mriinterp.results.predictions import Predictions
from mriinterp.results.store import Store
from mriinterp.study import AtlasRecipe, DemoStudy, ModelRecipe, PreparedScan, Study, load_study
from mriinterp.study.consent import recipes_of
from mriinterp.study.first_map import FIRST_MAP, first_prediction
from mriinterp.study.folders import check_network_file
from mriinterp.ui.base.words import Remedied, words_of
from mriinterp.ui.session.life import forgotten_with_uploads
from mriinterp.ui.session.runs import once_a_run
from mriinterp.ui.sources.consent import check_code, current_permission
from mriinterp.ui.sources.scans import READING, HeldScan, Preparation, way_back

__all__ = [
    "atlas_of",
    "known_map",
    "known_predictions",
    "layers_of",
    "model_of",
    "network_at",
    "network_of",
    "on_grid_of",
    "prediction_of",
    "preparation_of",
    "recipe_at",
    "reference_of",
    "scan_of",
    "scan_stamp",
    "store",
    "study_of",
    "truth_of",
]

STUDIES = 16  # all that the sidebar offers, and some more


def _is_current(study: Study) -> bool:
    allowed = study.permission in (False, current_permission())
    return allowed and once_a_run(("study", id(study), study.opened), study.is_current)


def _stamp(recipe: ModelRecipe | AtlasRecipe) -> str:
    return once_a_run(recipe, recipe.stamp)


@st.cache_resource(max_entries=STUDIES, show_spinner="Opening the study …", validate=_is_current)
def study_of(name: str) -> Study:
    """Return a study by name or study file; opened again when its file, table, network or atlas, or permission to run code, has changed."""
    if name == DemoStudy.name:
        return DemoStudy(kept=default_folder() / "scans")  # a scan takes seconds to make, and milliseconds to read
    return load_study(name, trust_code=current_permission())


@st.cache_resource(max_entries=8, show_spinner="Loading the network …")
def _model(recipe: ModelRecipe, stamp: str, device: str) -> Model:
    return recipe.load(device)


def model_of(study: str, device: str = "auto") -> Model:
    """Return the network of a study, on the GPU if there is one.

    Raises
    ------
    Remedied
        If it comes with code that may not run here, or without a card.
    """
    found = study_of(study)
    check_code(recipes_of(found), study)
    recipe = found.model_recipe
    try:
        return _model(recipe, _stamp(recipe), device)
    except ValueError as error:
        if recipe.lacks_card():
            raise Remedied(words_of(error), lambda: _link_to_card(study)) from None
        raise


def _link_to_card(study: str) -> None:
    """Show the way to the page that guesses a card."""
    query = {} if study == DemoStudy.name else {"study": study}
    words = "Make a card on the page Network"
    st.page_link(Path("pages/network.py"), label=words, icon=":material/id_card:", query_params=query)


def network_of(study: str, name: str = "") -> Model:
    """Return a fold of a study's network, or a packaged network; "": the study's own."""
    if not name:
        return model_of(study)
    found = study_of(study)
    check_code(recipes_of(found), study)
    recipe = found.folds.get(name) or ModelRecipe(name)
    return _model(recipe, _stamp(recipe), "auto")


def recipe_at(path: str) -> ModelRecipe:
    """Return how to load a network of a card (.json) or an exported program (.pt2).

    Raises
    ------
    FileNotFoundError, ValueError
        If it is another file, or one that this server does not open.
    """
    file = Path(path)
    if file.suffix.lower() not in (".json", ".pt2"):
        raise ValueError(f"expected a model card (.json) or an exported program (.pt2), got {file.name}")
    check_network_file(file)
    check_file(file, "a model card or an exported program")
    return ModelRecipe(path, trust_code=current_permission())


def network_at(path: str, study: str) -> Model:
    """Return the network of `recipe_at`; errors as of `model_of` and `recipe_at`."""
    recipe = recipe_at(path)
    check_code([recipe], study)
    return _model(recipe, _stamp(recipe), "auto")


@st.cache_resource(max_entries=4, show_spinner=False)
def _atlas(recipe: AtlasRecipe, stamp: str) -> Atlas:
    return recipe.load()


def atlas_of(study: str) -> Atlas:
    """Return the atlas of a study."""
    recipe = study_of(study).atlas_recipe
    return _atlas(recipe, _stamp(recipe))


def scan_stamp(study: str, subject: str) -> str:
    """Return a text that changes when the file of a subject's scan does; OSError if there is none."""
    return study_of(study).source(subject).stamp()


@st.cache_resource(max_entries=12, show_spinner="Opening the scan …")
def _scan(study: str, opened: str, subject: str, stamp: str) -> Volume:
    with READING:
        scan = study_of(study).scan(subject)
    if scan_stamp(study, subject) != stamp:
        raise ValueError(f"the scan of {subject} was replaced while it was read; open it again")
    return scan


def scan_of(study: str, subject: str) -> Volume:
    """Return a subject's scan, as it is on disk now."""
    return _scan(study, study_of(study).opened, subject, scan_stamp(study, subject))


@st.cache_resource(max_entries=4, show_spinner="Opening the scan as it came …")
def _preparation(study: str, opened: str, subject: str, stamp: str) -> Preparation:
    source = study_of(study).source(subject)
    if not isinstance(source, PreparedScan):
        raise ValueError(f"expected a study that prepares its scans, got {study}")
    with READING:
        made = source.job.open()
    picture = source.job.files.picture.read_bytes()
    return Preparation(made.volume, way_back(made, made.volume), picture, "A scan of the study.")


def preparation_of(study: str, subject: str) -> Preparation:
    """Return how a subject's raw scan was prepared."""
    return _preparation(study, study_of(study).opened, subject, scan_stamp(study, subject))


@st.cache_resource(max_entries=4, show_spinner="Opening the reference scan …")
def _reference(study: str, opened: str, stamp: str) -> Volume | None:
    source = study_of(study).background_source()
    return None if source is None else source.load()


def reference_of(study: str) -> Volume | None:
    """Return what fills called "reference" put in: the study's mean training scan, or the template."""
    found = study_of(study)
    return _reference(study, found.opened, found.background_stamp())


@st.cache_resource(max_entries=12, show_spinner=False)
def _truth(study: str, opened: str, subject: str, stamp: str) -> Volume | None:
    return study_of(study).truth(subject)


def truth_of(study: str, subject: str) -> Volume | None:
    """Return where disease changed a subject's brain, if that is known."""
    return _truth(study, study_of(study).opened, subject, scan_stamp(study, subject))


@forgotten_with_uploads
@st.cache_resource(max_entries=256, show_spinner="Predicting …")
def _prediction(model: str, scan: str, _model: Model, _scan: Volume, _kept_as: str | None) -> Prediction:
    known = None if _kept_as is None else Predictions(model).all().get(_kept_as) or first_prediction(model, scan)
    return _model.predict(_scan) if known is None else known


@st.cache_resource(max_entries=256, show_spinner=False)
def _remember(model: str, stamp: str, scan: str, _prediction: Prediction) -> bool:
    kept = Predictions(model)
    if kept.all().get(stamp) != _prediction:
        kept.add(stamp, _prediction)
    return True


def prediction_of(
    study: str, digest: str, _scan: Volume, subject: str | None = None, *, network: str = ""
) -> Prediction:
    """Return what a study's network, or one of its folds, says of a scan (`digest` is the scan's).

    With the subject whose scan it is, it is remembered for later sessions and
    taken from earlier ones, if that is still the scan in the subject's file.
    """
    model = network_of(study, network)
    kept_as = None
    if subject is not None:
        stamp = scan_stamp(study, subject)
        kept_as = stamp if _scan_digest(study, subject, stamp) == digest else None
    prediction = _prediction(model.digest, digest, model, _scan, kept_as)
    if kept_as is not None:
        _remember(model.digest, kept_as, digest, prediction)
    return prediction


def _scan_digest(study: str, subject: str, stamp: str) -> str:
    return _scan(study, study_of(study).opened, subject, stamp).digest


@st.cache_resource(max_entries=4, show_spinner=False)
def _shipped_predictions(study: str, opened: str, model: str, folder: str, _study: Study) -> dict[str, Prediction]:
    return packed_predictions(open_cohort(folder), _study, model)


def known_predictions(study: str) -> dict[str, Prediction]:
    """Return the known predictions of the study's network, by subject: those made here, and those shipped, without outputs."""
    model, opened = model_of(study), study_of(study)
    known = Predictions(model.digest).all()
    folder = shipped_folder(opened)
    found = (
        {} if folder is None else dict(_shipped_predictions(study, opened.opened, model.digest, str(folder), opened))
    )
    for subject in opened.subjects.index if known else ():
        try:
            stamp = scan_stamp(study, subject)
        except OSError:  # the scan is gone: reported when it is chosen
            continue
        if stamp in known:
            found[subject] = known[stamp]
    return found


@st.cache_data(max_entries=8, show_spinner="Looking for layers …")
def layers_of(digest: str, _model: Model) -> list[str]:
    """Return the layers that a class activation map may be taken from, the last first (`digest` is the model's)."""
    from mriinterp.methods.cam import model_layers

    found = model_layers(_model)
    give_back()
    return found


@st.cache_data(max_entries=256, show_spinner="Planning …")
def _cost(model: str, atlas: str, method: str, params: dict, _model: Model, _atlas: Atlas) -> str:
    from mriinterp.cost import describe_cost

    return describe_cost(_model, method, params, _atlas)


def cost_of(study: str, digest: str, method: str, params: dict) -> str:
    """Return what a map will cost (`digest` is the model's)."""
    return _cost(digest, atlas_of(study).digest, method, params, model_of(study), atlas_of(study))


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """Return the maps on disk, shared by all sessions and by command-line runs, and the one that comes with the package."""
    return Store(shipped=FIRST_MAP)


@st.cache_resource(max_entries=32, show_spinner=False)
def _read_map(key: str) -> RelevanceMap:
    found = store().get(key)
    if found is None:
        raise LookupError(key)  # not cached: the map may be there the next time
    return found


def known_map(key: str) -> RelevanceMap | None:
    """Return a map made before, or None."""
    if key not in store():
        return None
    try:
        return _read_map(key)
    except LookupError:
        return None


@forgotten_with_uploads
@st.cache_resource(max_entries=24, show_spinner=False)
def _on_grid(digest: str, grid: str, order: int, _volume: Volume, _like: Volume) -> Volume:
    return resample(_volume, _like.grid, order)


def on_grid_of(volume: Volume, like: Volume, order: int = 1) -> Volume:
    """Return a volume on the grid of another, made once."""
    if volume.grid.matches(like.grid):
        return volume
    if isinstance(volume, HeldScan):  # nothing of an uploaded scan outlives its session
        return resample(volume, like.grid, order)
    grid = f"{like.grid.shape}{like.affine.tobytes().hex()}"
    return _on_grid(volume.digest, grid, order, volume, like)
