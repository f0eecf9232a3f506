"""Occlusion at interactive speed: recompute only what a replaced region can change.

See docs/incremental.md for the idea. Everything here is forward only and
exact: results equal one full pass per region up to rounding.
"""

from typing import TYPE_CHECKING

from mriinterp.base.first_use import import_on_first_use

if TYPE_CHECKING:
    from mriinterp.incremental.boxes import Box, BoxGrid, Regions, grid_boxes, label_regions
    from mriinterp.incremental.occlusion_plan import OcclusionPlan, plan
    from mriinterp.incremental.run import Occluder, clean_outputs, occluded_outputs

__all__ = [
    "Box",
    "BoxGrid",
    "Occluder",
    "OcclusionPlan",
    "Regions",
    "clean_outputs",
    "grid_boxes",
    "label_regions",
    "occluded_outputs",
    "plan",
]

import_on_first_use(
    __name__,
    {
        "boxes": ("Box", "BoxGrid", "Regions", "grid_boxes", "label_regions"),
        "occlusion_plan": ("OcclusionPlan", "plan"),
        "run": ("Occluder", "clean_outputs", "occluded_outputs"),
    },
)
