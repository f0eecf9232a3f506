"""Check a map against known atrophy: how much relevance lies where the disease is?

A map that knows nothing of the network (a null map) stands beside it.
"""

import numpy as np

import mriinterp
from mriinterp.image.volume import resample
from mriinterp.trust.measures.localisation import average_precision, mass_accuracy

study = mriinterp.load_study("demo")
model, scan = study.model(), study.scan("sim-003")
truth = resample(study.truth("sim-003"), model.grid).data > 0

relevance = mriinterp.explain(model, scan, "gradient_x_input", target="AD")
values = np.abs(resample(relevance.volume, model.grid).data)
null = np.random.default_rng(0).random(values.shape)

print(f"share of the voxels that the disease changed: {truth.mean():.3f}")
for name, map_values in (("gradient x input", values), ("null map (random)", null)):
    mass, precision = mass_accuracy(map_values, truth), average_precision(map_values.ravel(), truth.ravel())
    print(f"{name}: {mass:.3f} of the relevance lies there; average precision {precision:.3f}")
