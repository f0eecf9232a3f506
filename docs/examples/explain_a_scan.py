"""Explain one scan: a relevance map, the areas behind it, and a picture.

The demo study is simulated: real anatomy of four healthy adults, artificial atrophy.
"""

from pathlib import Path

import mriinterp
from mriinterp.figures.mosaic import mosaic_png

study = mriinterp.load_study("demo")
model, scan = study.model(), study.scan("sim-003")

relevance = mriinterp.explain(model, scan, "occlusion", size=40, stride=25)
print(f"predicted: {relevance.prediction.predicted}; explained: {relevance.target} ({relevance.score})")

areas = mriinterp.area_table(relevance, study.atlas())
print(areas.nlargest(5, "share")[["area", "share"]].to_string(index=False))

out = Path("example_output")
out.mkdir(exist_ok=True)
mriinterp.write_volume(relevance.volume, out / "occlusion.nii.gz")  # with the scan's affine
(out / "occlusion.png").write_bytes(mosaic_png(scan, relevance))
