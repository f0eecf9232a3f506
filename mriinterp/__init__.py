"""mriinterp: relevance maps for 3D convolutional networks that read brain MRI.

>>> import mriinterp
>>> model = mriinterp.load_model("demo")  # doctest: +SKIP
>>> scan = mriinterp.read_volume("scan.nii.gz")  # doctest: +SKIP
>>> relevance = mriinterp.explain(model, scan, "occlusion", size=20, stride=12)  # doctest: +SKIP
>>> areas = mriinterp.area_table(relevance, mriinterp.load_atlas("AAL"))  # doctest: +SKIP

The names of `__all__` are the public interface. Each is imported when it is
first used, so that ``import mriinterp`` loads neither PyTorch nor Streamlit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mriinterp.base.first_use import import_on_first_use

if TYPE_CHECKING:
    from mriinterp.areas import Atlas, area_table, load_atlas
    from mriinterp.cohort import run_cohort
    from mriinterp.compare import heatmap_distance
    from mriinterp.explain import explain, relevance
    from mriinterp.image.nifti import read_volume
    from mriinterp.image.volume import Grid, Volume
    from mriinterp.image.write import write_volume
    from mriinterp.methods import method_names
    from mriinterp.models import Model, load_model
    from mriinterp.prepare import prepare_scan
    from mriinterp.relevance_map import RelevanceMap
    from mriinterp.study import load_study

__version__ = "0.2.0"

__all__ = [
    "Atlas",
    "Grid",
    "Model",
    "RelevanceMap",
    "Volume",
    "area_table",
    "explain",
    "heatmap_distance",
    "load_atlas",
    "load_model",
    "load_study",
    "method_names",
    "prepare_scan",
    "read_volume",
    "relevance",
    "run_cohort",
    "write_volume",
]

import_on_first_use(
    __name__,
    {
        "areas": ("Atlas", "area_table", "load_atlas"),
        "cohort": ("run_cohort",),
        "compare": ("heatmap_distance",),
        "explain": ("explain", "relevance"),
        "image.nifti": ("read_volume",),
        "image.write": ("write_volume",),
        "image.volume": ("Grid", "Volume"),
        "methods": ("method_names",),
        "models": ("Model", "load_model"),
        "prepare": ("prepare_scan",),
        "relevance_map": ("RelevanceMap",),
        "study": ("load_study",),
    },
)
