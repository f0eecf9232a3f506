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

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

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

_MODULES = {
    "mriinterp.areas": ("Atlas", "area_table", "load_atlas"),
    "mriinterp.cohort": ("run_cohort",),
    "mriinterp.compare": ("heatmap_distance",),
    "mriinterp.explain": ("explain", "relevance"),
    "mriinterp.image.nifti": ("read_volume",),
    "mriinterp.image.write": ("write_volume",),
    "mriinterp.image.volume": ("Grid", "Volume"),
    "mriinterp.methods": ("method_names",),
    "mriinterp.models": ("Model", "load_model"),
    "mriinterp.prepare": ("prepare_scan",),
    "mriinterp.relevance_map": ("RelevanceMap",),
    "mriinterp.study": ("load_study",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """The package; `mriinterp.explain` is the function, also once the module of that name is imported.

    The import system binds every submodule to its package under its own name.
    The function has the same name as its module, and the public name wins;
    ``from mriinterp.explain import …`` finds the module as before.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
