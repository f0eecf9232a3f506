"""Why Grad-CAM failed: sentences from the network's own sizes and the measured figures."""

from pathlib import Path

import pandas as pd

import mriinterp.trust
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.trust import summary
from mriinterp.trust.grad_cam_story import narrowing_table, reasons


def test_the_reasons_hold_computed_figures():
    table = summary(Path(mriinterp.trust.__file__).parent / "measured" / "demo")
    words = reasons(ClassificationModel3D(), (113, 137, 113), 1.5, table)
    assert "5×7×5 cells of a scan of 113×137×113 voxels: one every 18 mm" in words[0]
    assert f"{1 - 78 * 114 * 78 / (113 * 137 * 113):.0%}" in words[1]
    assert "38 voxels (56 mm)" in words[2]
    assert "empty in 6 of 6 subjects" in words[3]
    shares = table[(table["quantity"] == "mass_accuracy_read") & (table["method"] == "grad_cam")]["mean"].dropna()
    assert [f"{share:.1%}" in "".join(words[4:]) for share in shares] == [True] * len(words[4:])


def test_what_does_not_hold_is_left_out():
    words = reasons(ClassificationModel3D(features=5120), (193, 229, 193), 1.0, pd.DataFrame())
    assert len(words) == 3
    assert "12×15×12 cells" in words[0]
    assert "sees 4×5×4" in words[0]
    rows = narrowing_table(ClassificationModel3D(features=5120), (193, 229, 193), 1.0)
    assert rows["cells"].tolist()[-1] == "4×5×4"
