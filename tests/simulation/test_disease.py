"""What disease did to a simulated brain: the twin without it, and the field of the atrophy."""

import numpy as np
import pytest

from mriinterp.areas.atlas import load_atlas
from mriinterp.image.volume import Grid
from mriinterp.simulation.atrophy import Fields
from mriinterp.simulation.subjects import DEMO, simulate_disease, simulate_subject


@pytest.fixture(scope="module")
def ill():
    return simulate_subject(DEMO, "sim-003"), simulate_disease(DEMO, "sim-003")


def test_the_twin_is_the_same_scan_where_the_disease_did_nothing(ill):
    subject, disease = ill
    scan, twin, field = subject.volume.data, disease.twin.data, disease.atrophy.data
    np.testing.assert_array_equal(scan == 0, twin == 0)
    untouched = (field < 1e-6) & (subject.healthy.data == subject.diseased.data) & (scan > 0)
    assert untouched.mean() > 0.05
    np.testing.assert_array_equal(scan[untouched], twin[untouched])  # scanner and noise included
    changed = field > 0.3
    assert np.abs(scan - twin)[changed].mean() > 5 * np.abs(scan - twin)[(scan > 0) & (field < 0.01)].mean()


def test_the_field_is_strongest_where_the_disease_is(ill):
    _, disease = ill
    field = disease.atrophy.data
    aal = load_atlas("AAL").on(disease.atrophy.grid)
    hippocampus, calcarine = (field[aal.mask(name).data].mean() for name in ("Hippocampus_L", "Calcarine_L"))
    assert hippocampus > 20 * calcarine
    assert field.min() >= 0


def test_the_healthy_have_no_atrophy_and_are_their_own_twin():
    disease = simulate_disease(DEMO, "sim-002")
    assert not disease.atrophy.data.any()
    np.testing.assert_array_equal(disease.twin.data, simulate_subject(DEMO, "sim-002").volume.data)


def test_the_local_change_of_volume_is_that_of_a_known_field():
    """P = a·|y − c|²/2 moves samples by a·(y − c): every volume changes by (1 + a)³, on any voxel size."""
    grid = Grid((17, 15, 13), np.diag([1.5, 2.0, 1.0, 1.0]))
    mm = [np.arange(n) * size for n, size in zip(grid.shape, (1.5, 2.0, 1.0), strict=True)]
    squares = sum(
        (axis - axis.mean()).reshape([-1 if k == a else 1 for k in range(3)]) ** 2 for a, axis in enumerate(mm)
    )
    fields = Fields((0.1 * squares / 2).astype(np.float32), np.zeros(grid.shape, np.float32), grid)
    inner = (slice(2, -2),) * 3
    np.testing.assert_allclose(fields.log_jacobian()[inner], 3 * np.log(1.1), atol=1e-3)
