"""Displacements against known ones: divergence, inverse, balance, Jacobian determinant."""

import numpy as np
import pytest

from mriinterp.image.volume import Grid
from mriinterp.simulation import atrophy, displacement
from mriinterp.simulation.areas import AREA_WEIGHTS, COUNT, FLUID_WEIGHTS, parts_of
from mriinterp.simulation.atrophy import atrophy_amounts, disease_field
from mriinterp.simulation.displacement import Shift

SIZES = (1.5, 2.0, 2.5)


def grid_of(*shape):
    return Grid(shape, np.diag([*SIZES, 1.0]))


def bump(shape, centre, sigma):
    """A Gaussian of height 1; all in voxels."""
    squares = sum((axis - c) ** 2 for axis, c in zip(np.indices(shape), centre, strict=True))
    return np.exp(-squares / (2 * sigma**2))


def divergence(displacement):
    """By central differences of the fourth order, inside."""
    total = 0.0
    for axis, part in enumerate(displacement.astype(np.float64)):
        two_before, before, after, two_after = (np.roll(part, -step, axis) for step in (-2, -1, 1, 2))
        total = total + (two_before - 8 * before + 8 * after - two_after) / 12
    return total


@pytest.mark.parametrize("shape", [(40, 36, 32), (37, 34, 31)])
def test_volumes_change_by_the_rate(shape):
    """Two bumps that cancel, on voxels of three sizes; 37, 34 and 31 are no lengths that the transform likes."""
    rate = 0.3 * bump(shape, (14, 16, 12), 3.0)
    taken = bump(shape, (24, 20, 20), 3.5)
    rate -= taken * rate.sum() / taken.sum()
    moved = displacement.moved_by(rate.astype(np.float32), grid_of(*shape))
    inner = (slice(3, -3),) * 3
    np.testing.assert_allclose(divergence(moved)[inner], rate[inner], atol=0.01 * rate.max())


def test_a_wave_moves_tissue_as_mathematics_say():
    """For the rate cos(πk(i + ½)/n) along one axis, the displacement is sin(πk(i + ½)/n)·n/(πk), 0 along the others."""
    shape = (40, 36, 32)
    for axis in range(3):
        n, k = shape[axis], 3
        phase = np.pi * k * (np.arange(n) + 0.5) / n
        reach = [-1 if a == axis else 1 for a in range(3)]
        rate = np.broadcast_to(np.cos(phase).reshape(reach), shape).astype(np.float32)
        moved = displacement.moved_by(rate, grid_of(*shape))
        expected = np.broadcast_to((np.sin(phase) * n / (np.pi * k)).reshape(reach), shape)
        for a in range(3):
            np.testing.assert_allclose(moved[a], expected if a == axis else 0, atol=1e-3)


def test_nothing_flows_round_nor_through_the_border():
    """In mm the displacement is a gradient: no curl. Half a voxel beyond the first, its part across the border is 0."""
    shape = (40, 36, 32)
    rate = 0.3 * (bump(shape, (8, 8, 8), 2.5) - bump(shape, (20, 14, 12), 2.5))
    moved = displacement.moved_by(rate.astype(np.float32), grid_of(*shape)).astype(np.float64)
    in_mm = [part * size for part, size in zip(moved, SIZES, strict=True)]
    inner = (slice(2, -2),) * 3
    for a, b in ((0, 1), (0, 2), (1, 2)):
        one = np.gradient(in_mm[a], SIZES[b], axis=b)
        other = np.gradient(in_mm[b], SIZES[a], axis=a)
        np.testing.assert_allclose(one[inner], other[inner], atol=0.002)
        assert np.abs(one).max() > 0.02
    for axis, part in enumerate(moved):
        first, second = (np.take(part, i, axis) for i in (0, 1))
        beyond = 1.5 * first - 0.5 * second
        assert np.abs(beyond).max() < 0.1 * np.abs(second).max()


def test_a_displacement_turned_round_leads_back():
    """Where a voxel's value comes from, x = y + d(y): from there, tissue moves to y."""
    shape = (30, 28, 26)
    y = np.indices(shape).astype(np.float64)

    def forward(at):
        waves = [2 * np.pi * (at[(a + 1) % 3] / n) for a, n in enumerate(shape)]
        return np.stack([1.3 * np.sin(wave + a) for a, wave in enumerate(waves)])

    back = displacement.turned_round(forward(y).astype(np.float32))
    inner = (slice(None), *(slice(3, -3),) * 3)
    off = np.abs(y + back + forward(y + back) - y)[inner].max()
    unturned = np.abs(forward(y - forward(y)) - forward(y))[inner].max()
    assert off < 0.03
    assert unturned > 10 * off  # the displacement with its sign changed would not do
    wanted = bump(shape, (15, 14, 13), 5.0) > 0.3
    some = displacement.turned_round(forward(y).astype(np.float32), wanted)
    np.testing.assert_array_equal(some[:, wanted], back[:, wanted])
    np.testing.assert_array_equal(some[:, ~wanted], -forward(y).astype(np.float32)[:, ~wanted])


def test_what_tissue_loses_fluid_nearby_gains():
    grid, shape = grid_of(40, 36, 32), (40, 36, 32)
    takers = (bump(shape, (22, 18, 16), 4.0) > 0.3).astype(np.float32)
    takers[36:] = 1  # out of reach
    loss = 0.3 * (bump(shape, (16, 18, 16), 3.0) > 0.5) * (1 - takers)
    rate = atrophy._balanced(loss.astype(np.float32), takers, grid, 6.0)
    assert abs(rate.sum()) < 1e-4 * loss.sum()
    tissue = takers == 0
    np.testing.assert_allclose(rate[tissue], -loss[tissue], atol=1e-6)  # all that was asked
    assert rate[takers > 0].min() >= 0
    assert np.abs(rate[36:]).max() == 0


def test_without_fluid_nearby_little_is_lost():
    grid, shape = grid_of(40, 36, 32), (40, 36, 32)
    takers = np.zeros(shape, np.float32)
    takers[30:] = 1  # from 21 mm on
    loss = 0.3 * (bump(shape, (14, 18, 16), 2.0) > 0.5)
    rate = atrophy._balanced(loss.astype(np.float32), takers, grid, 6.0)
    assert np.abs(rate).max() < 0.02
    assert abs(rate.sum()) < 1e-6 * loss.sum() + 1e-5


def test_no_fluid_gives_more_than_it_has():
    """Tissue that grows beside a little fluid."""
    grid, shape = grid_of(40, 36, 32), (40, 36, 32)
    takers = (bump(shape, (24, 18, 16), 1.5) > 0.5).astype(np.float32)
    growth = -0.5 * (bump(shape, (16, 18, 16), 4.0) > 0.5).astype(np.float32)
    rate = atrophy._balanced(growth, takers, grid, 6.0)
    assert -0.8 < rate.min() < -0.2
    assert rate[growth < 0].min() >= 0
    assert rate[growth < 0].max() < 0.5  # less than was asked
    assert abs(rate.sum()) < 1e-4 * -growth.sum()


def test_the_local_change_of_volume_is_that_of_a_known_displacement(oblique_affine):
    """d(y) = A·y on turned axes and voxels of three sizes: the determinant is that of I + A everywhere."""
    grid = Grid((9, 8, 7), oblique_affine)
    mm = grid.to_mm(np.indices(grid.shape).reshape(3, -1).T).T
    by = np.array([[0.10, 0.05, -0.03], [-0.02, -0.08, 0.04], [0.06, 0.01, 0.15]])
    shift = Shift((by @ mm).reshape(3, *grid.shape).astype(np.float32), grid)
    np.testing.assert_allclose(shift.log_jacobian(), np.log(np.linalg.det(np.eye(3) + by)), atol=1e-4)
    same = Shift((0.1 * mm).reshape(3, *grid.shape).astype(np.float32), grid)
    np.testing.assert_allclose(same.log_jacobian(), 3 * np.log(1.1), atol=1e-4)
    field = disease_field(same, shift)
    assert field.grid.matches(grid)
    np.testing.assert_allclose(field.data, np.abs(3 * np.log(1.1) - np.log(np.linalg.det(np.eye(3) + by))), atol=2e-4)


def test_a_fold_has_a_finite_change_of_volume():
    grid = grid_of(6, 6, 6)
    mm = grid.to_mm(np.indices(grid.shape).reshape(3, -1).T).T
    folded = Shift((np.diag([-1.5, 0, 0]) @ mm).reshape(3, *grid.shape).astype(np.float32), grid)
    np.testing.assert_allclose(folded.log_jacobian(), np.log(displacement.SMALLEST_VOLUME), rtol=1e-6)


def test_a_shift_is_read_at_points_in_millimetres(oblique_affine):
    grid = Grid((9, 8, 7), oblique_affine)
    mm = grid.to_mm(np.indices(grid.shape).reshape(3, -1).T).T
    by = np.array([[0.10, 0.05, -0.03], [-0.02, -0.08, 0.04], [0.06, 0.01, 0.15]])
    shift = Shift((by @ mm).reshape(3, *grid.shape).astype(np.float32), grid)
    points = grid.to_mm(np.array([[1.5, 2.25, 3.0], [6.1, 4.7, 2.2]])).T
    np.testing.assert_allclose(shift.at(points), by @ points, atol=1e-4)


def test_amounts_follow_weights_sides_and_severity():
    amounts = atrophy_amounts(0.5, asymmetry=0.2)
    assert amounts.shape == (COUNT,)
    weights = AREA_WEIGHTS | FLUID_WEIGHTS
    for name, weight in weights.items():
        assert amounts[parts_of(name, "L")] == pytest.approx(0.5 * weight * 1.2)
        assert amounts[parts_of(name, "R")] == pytest.approx(0.5 * weight * 0.8)
    assert (amounts > 0).sum() == 2 * len(weights)
    np.testing.assert_allclose(atrophy_amounts(1.0, asymmetry=0.2), 2 * amounts)
    assert not atrophy_amounts(0.0).any()
    assert max(AREA_WEIGHTS, key=AREA_WEIGHTS.get) == "Hippocampus"


def test_jitter_is_drawn_by_structure_and_side_and_never_negative():
    drawn = np.stack([atrophy_amounts(1.0, asymmetry=0, jitter=0.5, seed=seed) for seed in range(300)])
    left, right = (drawn[:, parts_of("Amygdala", side)] for side in "LR")
    assert left.min() == 0
    assert left.mean() == pytest.approx(AREA_WEIGHTS["Amygdala"], rel=0.1)
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.2
    np.testing.assert_array_equal(drawn[7], atrophy_amounts(1.0, asymmetry=0, jitter=0.5, seed=7))


@pytest.mark.parametrize(
    ("severity", "asymmetry", "words"), [(-0.1, 0, "severity"), (np.nan, 0, "severity"), (0.5, 1.2, "asymmetry")]
)
def test_impossible_amounts_are_refused(severity, asymmetry, words):
    with pytest.raises(ValueError, match=words):
        atrophy_amounts(severity, asymmetry=asymmetry)


def test_parts_are_known_by_name_and_side():
    assert (parts_of("Hippocampus", "L"), parts_of("Hippocampus", "R")) == (37, 38)
    assert (parts_of("Ventricle", "L"), parts_of("Temporal_Horn", "R")) == (117, 120)
    for wrong in (("Thalamus", "L"), ("Hippocampus", "left")):
        with pytest.raises(KeyError, match="available: Hippocampus"):
            parts_of(*wrong)
