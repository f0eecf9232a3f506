"""What differs between healthy people: heads, sizes alike within a lobe, age, lesions of the white matter."""

import numpy as np
import pytest

from mriinterp.image.template import DEMO_GRID, tissue
from mriinterp.simulation.areas import COUNT, FLUID_SPACES, LOBES, part_labels
from mriinterp.simulation.healthy import deformation, own_sizes, smooth_noise, years
from mriinterp.simulation.lesions import lesions


def sizes_of(age, people=400):
    return np.stack([own_sizes(np.random.default_rng(number), age) for number in range(people)])


@pytest.fixture(scope="module")
def sizes():
    return sizes_of(70.0)


def test_deformations_do_not_fold():
    for number in (1, 2):
        points = deformation(np.random.default_rng(number), DEMO_GRID)
        jacobian = np.stack([np.stack(np.gradient(part, 1.5)) for part in points])
        determinant = np.linalg.det(jacobian.transpose(2, 3, 4, 0, 1))
        assert determinant.min() > 0.05


def test_smooth_noise_is_smooth_and_as_large_at_every_spacing():
    for spacing in (7.0, 30.0):
        field = smooth_noise(np.random.default_rng(3), DEMO_GRID, spacing)
        assert field.shape == DEMO_GRID.shape
        assert 0.25 < field.std() < 0.42  # the spread of cubic B-splines' sums of N(0, 1): 0.33
        steps = np.diff(field, axis=0).std()
        assert steps < 2.5 * field.std() * 1.5 / spacing


def test_sizes_are_alike_within_a_lobe(sizes):
    """Between areas of one lobe, of two, and between tissue and fluid."""
    assert sizes.shape[1] == COUNT
    assert not sizes[:, 0].any()
    correlation = np.corrcoef(sizes[:, 1:].T)

    def between(one, other):
        block = correlation[np.ix_(np.array(list(LOBES[one])) - 1, np.array(list(LOBES[other])) - 1)]
        return block[~np.eye(*block.shape, dtype=bool)].mean() if one == other else block.mean()

    for lobe in LOBES:
        assert 0.35 < between(lobe, lobe) < 0.8, lobe
    for one, other in (("frontal", "temporal"), ("medial temporal", "occipital"), ("parietal", "cerebellum")):
        assert 0.05 < between(one, other) < 0.35
    assert abs(np.mean([correlation[116:, number - 1].mean() for number in (3, 45, 81)])) < 0.15


def test_the_medial_temporal_lobe_varies_most_of_all_tissue(sizes):
    spread = {lobe: sizes[:, list(numbers)].std(axis=0).mean() for lobe, numbers in LOBES.items()}
    tissue_lobes = {lobe: value for lobe, value in spread.items() if lobe != "ventricles"}
    assert max(tissue_lobes, key=tissue_lobes.get) == "medial temporal"
    assert spread["ventricles"] > spread["medial temporal"] > 1.5 * spread["frontal"]


def test_age_shrinks_tissue_and_widens_ventricles():
    young, old = sizes_of(58.0), sizes_of(88.0)
    change = (old - young).mean(axis=0)  # the same people
    assert change[1:].min() > 0.1
    assert change[list(FLUID_SPACES.values())].min() > change[37] > change[5]
    assert (own_sizes(np.random.default_rng(1), 120.0) == own_sizes(np.random.default_rng(1), 88.0)).all()
    assert (years(58), years(73), years(88)) == (0, 0.5, 1)


def test_scale_zero_makes_everybody_alike():
    assert not own_sizes(np.random.default_rng(1), 80.0, 0.0).any()
    np.testing.assert_allclose(
        own_sizes(np.random.default_rng(1), 80.0, 0.5), own_sizes(np.random.default_rng(1), 80.0) / 2
    )


@pytest.fixture(scope="module")
def spots():
    """Lesions of a dozen people at 60 and at 88 years."""
    return {age: [lesions(np.random.default_rng(number), age) for number in range(12)] for age in (60.0, 88.0)}


def test_lesions_lie_in_white_matter_near_the_ventricles(spots):
    together = np.sum(spots[88.0], axis=0)
    assert together.dtype == np.float32
    assert together.sum() > 0
    assert not together[tissue("wm").data < 0.5].any()
    far = np.ones(DEMO_GRID.shape, bool)
    at = np.argwhere(part_labels(DEMO_GRID) >= 117)
    low, high = at.min(axis=0) - 24, at.max(axis=0) + 25  # 36 mm
    far[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = False
    assert together[far].sum() < 0.02 * together.sum()
    for one in spots[88.0]:
        assert one.min() >= 0
        assert one.max() <= 1


def test_lesions_grow_with_age(spots):
    millilitres = {
        age: np.array([one.sum() for one in made]) * DEMO_GRID.voxel_volume / 1000 for age, made in spots.items()
    }
    assert (millilitres[88.0] >= millilitres[60.0]).all()  # the same people
    assert millilitres[88.0].mean() > 4 * millilitres[60.0].mean()
    assert millilitres[88.0].std() > 0.2 * millilitres[88.0].mean()  # people differ


def test_no_lesions_without_ageing():
    assert not lesions(np.random.default_rng(0), 88.0, 0.0).any()
