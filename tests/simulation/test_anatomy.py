"""The real anatomies: in place, with the template's levels, and none of them a scan that networks are checked on."""

import numpy as np
import pytest

from mriinterp.image.template import DEMO_GRID, template, tissue
from mriinterp.simulation.anatomy import ANATOMIES, FLUID, FOLDER, GREY, WHITE, anatomy
from mriinterp.simulation.areas import AAL_AREAS, COUNT, FLUID_SPACES, LOBES, part_labels


@pytest.fixture(scope="module", params=range(len(ANATOMIES)), ids=ANATOMIES)
def brain(request):
    """An anatomy, whether each voxel is inside, and what it shows on the demo grid."""
    made = anatomy(request.param)
    inside = made.inside > 0.5
    points = DEMO_GRID.to_mm(np.argwhere(inside)).T.astype(np.float32)
    seen = np.zeros(DEMO_GRID.shape, np.float32)
    seen[inside] = made.sample(points)
    return made, inside, seen


def test_scans_that_are_held_out_are_no_anatomies():
    """Networks and pages are checked on sub-56 to sub-59 of the same data set."""
    people = {name.rpartition("-")[2] for name in ANATOMIES}
    assert len(people) == len(ANATOMIES) == 4
    assert not people & {"56", "57", "58", "59"}
    held = {path.name for path in FOLDER.glob("*.nii*")}
    assert held == {f"{name}.nii.gz" for name in ANATOMIES}


def test_tissues_have_the_levels_that_scanners_expect(brain):
    _, inside, seen = brain
    white = seen[inside & (tissue("wm").data > 0.95)]
    grey = seen[inside & (tissue("gm").data > 0.9)]
    assert np.median(white) == pytest.approx(WHITE, abs=5)
    assert np.median(grey) == pytest.approx(GREY, abs=12)
    ventricle = seen[inside & (part_labels(DEMO_GRID) >= min(FLUID_SPACES.values()))]
    assert np.percentile(ventricle, 25) == pytest.approx(FLUID, abs=20)
    assert FLUID < GREY < WHITE


def test_they_lie_on_the_template(brain):
    _, inside, seen = brain
    reference = template().data
    both = inside & (reference > 0)
    assert np.corrcoef(seen[both], reference[both])[0, 1] > 0.8
    assert 2 * both.sum() / (inside.sum() + (reference > 0).sum()) > 0.95


def test_left_is_left(brain):
    """Mirrored they match the template's folds no better."""
    _, inside, seen = brain
    assert seen[:, :20].sum() > 0
    grid_x = DEMO_GRID.to_mm(np.argwhere(inside))[:, 0]
    assert abs(grid_x.mean()) < 3


def test_tissues_and_fluid_are_told_apart(brain):
    made, _, _ = brain
    tissues = made.tissues
    assert tissues.grid.shape == tissues.fluid.shape == tissues.takers.shape
    for share in (tissues.fluid, tissues.solid, tissues.white, tissues.takers):
        assert share.min() >= -1e-6
        assert share.max() <= 1 + 1e-6
    centre = tuple(np.round(tissues.grid.to_voxel(np.array([-12.0, -20, 24]))).astype(int))  # the left ventricle
    around = tuple(slice(i - 2, i + 3) for i in centre)
    assert tissues.fluid[around].max() > 0.8
    assert tissues.takers[0, 0, 0] == 1  # outside the brain is room
    assert tissues.fluid[0, 0, 0] == 0


def test_parts_are_numbered_once():
    labels = part_labels(DEMO_GRID)
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == set(range(COUNT))
    numbers = [number for lobe in LOBES.values() for number in lobe]
    assert sorted(numbers) == list(range(1, COUNT))  # every part has one lobe
    assert AAL_AREAS == 116
    for (name, side), number in FLUID_SPACES.items():
        x = DEMO_GRID.to_mm(np.argwhere(labels == number))[:, 0].mean()
        assert (x < 0) == (side == "L"), name
    assert not labels.flags.writeable
