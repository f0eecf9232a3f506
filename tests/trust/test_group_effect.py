import numpy as np
import pytest
from scipy import stats

from mriinterp.trust import Cohort, get_measure

MEASURE = get_measure("group_effect")


@pytest.fixture
def cohort(rng):
    """Twelve subjects a group, twenty areas; the first four differ by three standard deviations."""
    positive = np.repeat([True, False], 12)
    densities, voxels = rng.normal(size=(24, 20)), rng.normal(size=(24, 300))
    densities[:12, :4] += 3
    voxels[:12, :40] += 4
    truth = np.arange(300) < 40
    return Cohort(densities, positive, [f"area {n}" for n in range(20)], voxels, np.arange(20) < 4, truth)


def test_planted_areas_are_found(cohort):
    outcome = MEASURE.run(cohort, None, permutations=200)
    assert outcome.values["auc_truth"] == 1
    assert outcome.values["areas_fdr"] == pytest.approx(4 / 20, abs=0.051)
    assert outcome.values["voxels_in_truth"] > 0.9
    p = stats.ttest_ind(cohort.densities[:12], cohort.densities[12:], equal_var=False).pvalue
    adjusted = stats.false_discovery_control(p)
    np.testing.assert_allclose(outcome.details["p_fdr"], adjusted)
    pooled = np.sqrt((cohort.densities[:12].var(0, ddof=1) + cohort.densities[12:].var(0, ddof=1)) / 2)
    d = (cohort.densities[:12].mean(0) - cohort.densities[12:].mean(0)) / pooled
    np.testing.assert_allclose(outcome.details["g"], d * (1 - 3 / (4 * 22 - 1)), rtol=1e-3)


def test_nothing_is_found_where_nothing_is(rng):
    positive = np.repeat([True, False], 12)
    cohort = Cohort(rng.normal(size=(24, 20)), positive, voxels=rng.normal(size=(24, 300)))
    values = MEASURE.run(cohort, None, permutations=200).values
    assert values["areas_fdr"] <= 0.05
    assert values["voxels_max_t"] == 0
    assert np.isnan(values["voxels_in_truth"])
    assert np.isnan(values["auc_truth"])


def test_one_group_is_no_cohort(rng):
    with pytest.raises(ValueError, match="needs maps of both groups"):
        MEASURE.run(Cohort(rng.normal(size=(5, 3)), np.array([True] * 5)), None)
