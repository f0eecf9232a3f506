import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from mriinterp.trust import Cohort, get_measure

MEASURE = get_measure("dose_response")


@pytest.fixture
def cohort(rng):
    """Twelve subjects a group, ten areas; in the first three maps of patients grow with severity."""
    ill = np.repeat([True, False], 12)
    severity = np.where(ill, rng.uniform(0.2, 1, 24), 0)
    densities = rng.normal(size=(24, 10))
    densities[:, :3] += 10 * severity[:, None]
    age = rng.uniform(60, 90, 24)
    return Cohort(densities, ill, truth_areas=np.arange(10) < 3, severity=severity, age=age)


def test_it_is_spearmans_rho_over_patients_inside_and_outside(cohort):
    values = MEASURE.run(cohort, None).values
    inside, outside = cohort.densities[:, :3].mean(1), cohort.densities[:, 3:].mean(1)
    assert values["rho"] == pytest.approx(stats.spearmanr(inside[:12], cohort.severity[:12]).statistic)
    assert values["rho_elsewhere"] == pytest.approx(stats.spearmanr(outside[:12], cohort.severity[:12]).statistic)
    assert values["rho_age"] == pytest.approx(stats.spearmanr(inside[12:], cohort.age[12:]).statistic)
    assert 0.5 < values["rho_low"] < values["rho"] < values["rho_high"] <= 1


def test_the_site_is_told_by_scikit_learns_auc_of_people_without_the_disease(cohort):
    site = np.array(list("AB" * 12))
    shifted = cohort.densities + (site == "B")[:, None] * [1.5] * 10
    values = MEASURE.run(Cohort(**(vars(cohort) | {"site": site, "densities": shifted})), None).values
    assert values["auc_site"] == pytest.approx(roc_auc_score(site[12:] == "B", shifted[12:, :3].mean(1)))
    assert values["auc_site"] > 0.8
    for other in (None, ["A"] * 24, list("ABC" * 8)):
        assert "auc_site" not in MEASURE.run(Cohort(**(vars(cohort) | {"site": other})), None).values


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ({"severity": None}, "a known severity"),
        ({"severity": np.ones(24)}, "a known severity"),
        ({"truth_areas": None}, "known areas that the disease shrinks"),
    ],
)
def test_what_it_needs_is_named(cohort, change, lacking):
    with pytest.raises(ValueError, match=lacking):
        MEASURE.run(Cohort(**(vars(cohort) | change)), None)


@pytest.mark.parametrize("controls", [2, 3])
def test_with_few_people_without_the_disease_only_their_age_is_left_out(cohort, controls):
    few = {name: None if value is None else value[: 12 + controls] for name, value in vars(cohort).items()}
    values = MEASURE.run(Cohort(**(few | {"truth_areas": cohort.truth_areas, "names": cohort.names})), None).values
    assert values["rho"] == pytest.approx(MEASURE.run(cohort, None).values["rho"])
    assert not {name for name in values if name.startswith("rho_age")}
