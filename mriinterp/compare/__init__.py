"""How far apart relevance maps are, and how alike: distances, similarities and matrices of them."""

from .areas import top_area_overlap
from .matrix import METRICS, Metric, distance_matrix, get_metric, paired_values
from .measures import (
    apply_reading,
    dice_top,
    heatmap_distance,
    spearman,
    ssim,
)

__all__ = [
    "METRICS",
    "Metric",
    "apply_reading",
    "dice_top",
    "distance_matrix",
    "get_metric",
    "heatmap_distance",
    "paired_values",
    "spearman",
    "ssim",
    "top_area_overlap",
]
