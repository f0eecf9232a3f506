"""A scattered mask becomes few outlines: what is dense stays, specks go, and the brain's border is kept."""

import numpy as np

from mriinterp.image.dense import SHARE, SMALLEST_ML, dense_part
from mriinterp.image.template import DEMO_GRID, brain_mask
from mriinterp.image.volume import Volume
from mriinterp.simulation import subjects


def scattered(share, rng, box=np.s_[30:60, 50:80, 40:70]):
    mask = np.zeros(DEMO_GRID.shape, bool)
    mask[box] = rng.random(mask[box].shape) < share
    return mask & brain_mask(DEMO_GRID).data


def test_what_is_dense_is_one_part_and_what_is_thin_is_none(rng):
    dense = dense_part(Volume(scattered(2 * SHARE, rng), DEMO_GRID.affine)).data
    assert dense[35:55, 55:75, 45:65].all()
    assert not dense[:20].any()
    assert not dense_part(Volume(scattered(SHARE / 2, rng), DEMO_GRID.affine)).data.any()


def test_specks_are_left_out():
    mask = np.zeros(DEMO_GRID.shape, bool)
    mask[50:54, 60:64, 50:54] = True  # 0.2 ml
    assert mask.sum() * DEMO_GRID.voxel_volume < 1000 * SMALLEST_ML
    assert not dense_part(Volume(mask, DEMO_GRID.affine)).data.any()
    assert not dense_part(Volume(np.zeros_like(mask), DEMO_GRID.affine)).data.any()


def test_it_holds_most_of_a_simulated_disease_and_nothing_outside_the_brain():
    made = subjects.simulate_subject(subjects.DEMO, "sim-003")
    place = dense_part(made.truth).data
    changed = made.truth.data
    assert (place & changed).sum() > 0.75 * changed.sum()
    assert not (place & ~brain_mask(DEMO_GRID).data & ~changed).any()
