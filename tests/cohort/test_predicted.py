"""The predictions that a packed cohort has kept, and only those of this network and these scans."""

from dataclasses import replace

import pytest

from mriinterp.cohort import open_cohort
from mriinterp.cohort.packed import shipped_folder
from mriinterp.cohort.predicted import packed_predictions
from mriinterp.study import DemoStudy


@pytest.fixture(scope="module")
def study():
    return DemoStudy()


@pytest.fixture(scope="module")
def result(study):
    return open_cohort(shipped_folder(study))


def test_every_scan_of_the_demo_study_is_predicted(study, result):
    found = packed_predictions(result, study, result.run["model"]["sha256"])
    assert list(found) == study.subjects.index.tolist()
    table = result.subjects
    for subject, prediction in found.items():
        assert prediction.predicted == table.loc[subject, "predicted"]
        assert prediction.predicted == max(prediction.probabilities, key=prediction.probabilities.__getitem__)
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-6)


def test_another_network_and_other_scans_have_none(study, result):
    assert packed_predictions(result, study, "0" * 64) == {}
    other = DemoStudy(replace(study.settings, seed=study.settings.seed + 1))
    assert packed_predictions(result, other, result.run["model"]["sha256"]) == {}
