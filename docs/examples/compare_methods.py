"""Compare methods on one scan: how far apart are their maps?

The distance is the one of Rieke et al. 2018: both maps scaled to sum 1, then
the Euclidean distance.
"""

from itertools import combinations

import numpy as np

import mriinterp
from mriinterp.compare import spearman

study = mriinterp.load_study("demo")
model, scan = study.model(), study.scan("sim-003")

names = "sensitivity", "gradient_x_input", "layer_cam"
maps = {name: np.abs(mriinterp.explain(model, scan, name).volume.data) for name in names}  # the distance takes no sign
for first, second in combinations(maps, 2):
    distance = mriinterp.heatmap_distance(maps[first], maps[second])
    rank = spearman(maps[first], maps[second])
    print(f"{first} and {second}: distance {1e4 * distance:.1f}e-4, Spearman's rho {rank:.2f}")
