"""Voxels compared: against scipy and every permutation; refused where there is nothing to compare."""

import json
from itertools import combinations

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriinterp.base.progress import Cancelled
from mriinterp.cli import main
from mriinterp.cohort import run_cohort
from mriinterp.cohort.voxels import compare_voxels, significant_areas
from mriinterp.image.volume import Volume
from mriinterp.study import load_study

from .conftest import make_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return load_study(make_study(tmp_path_factory.mktemp("voxels") / "study"), trust_code=True)


@pytest.fixture(scope="module")
def result(study, tmp_path_factory):
    return run_cohort(study, ["sensitivity"], out=tmp_path_factory.mktemp("voxels") / "out", split="all")


def box(result):
    inside = np.zeros(result.grid.shape, bool)
    inside[4:8, 5:9, 3:7] = True
    return inside, Volume(inside.astype(np.float32), result.grid.affine)


@pytest.mark.parametrize("kind", ["reading", "signed"])
def test_against_scipy_and_every_permutation(result, kind):
    inside, mask = box(result)
    steps = []
    found = compare_voxels(
        result, "sensitivity", mask, kind=kind, progress=lambda done, total: steps.append(done / total)
    )
    ids = [*result.ids("sensitivity", "AD"), *result.ids("sensitivity", "CN")]
    maps = np.array([result.map("sensitivity", i).volume.data[inside] for i in ids], float)
    maps = np.abs(maps) if kind == "reading" else maps
    t = stats.ttest_ind(maps[:4], maps[4:]).statistic
    np.testing.assert_allclose(found.t.data[inside], t, rtol=1e-4, atol=1e-6)
    assert (found.t.data[~inside] == 0).all()
    assert (found.p.data[~inside] == 1).all()
    largest = []
    for chosen in combinations(range(8), 4):
        rest = [i for i in range(8) if i not in chosen]
        largest.append(np.abs(stats.ttest_ind(maps[list(chosen)], maps[rest]).statistic).max())
    p = np.mean(np.array(largest) >= np.abs(t).max() * (1 - 1e-9))
    assert found.p.data.min() == pytest.approx(p, abs=1e-6)
    assert found.statistics.exhaustive
    assert steps == sorted(steps)
    assert steps[-1] == 1.0


def test_age_is_held_fixed(result):
    inside, mask = box(result)
    found = compare_voxels(result, "sensitivity", mask, kind="reading", covariates=["age"], n_permutations=20)
    sample = found.sample
    maps = np.array([np.abs(result.map("sensitivity", i).volume.data[inside]) for i in sample.ids], float)
    design = np.column_stack([sample.in_positive, np.ones(8), result.subjects.loc[sample.ids, "age"]]).astype(float)
    fit, rest, _, _ = np.linalg.lstsq(design, maps, rcond=None)
    error = np.sqrt(rest / 5 * np.linalg.inv(design.T @ design)[0, 0])
    np.testing.assert_allclose(found.t.data[inside], fit[0] / error, rtol=1e-4)


def test_it_can_be_cancelled_and_leaves_no_file(result, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _, mask = box(result)
    with pytest.raises(Cancelled):
        compare_voxels(result, "sensitivity", mask, cancel=lambda: True)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="a mask with voxels"):
        compare_voxels(result, "sensitivity", mask.with_data(mask.data * 0))


def test_maps_of_several_targets_are_refused(study, tmp_path):
    mixed = run_cohort(study, ["sensitivity"], out=tmp_path / "out", target="true", split="all")
    with pytest.raises(ValueError, match="another class in each group"):
        compare_voxels(mixed, "sensitivity", box(mixed)[1])


def test_areas_of_significant_voxels(study, result):
    _, mask = box(result)
    found = compare_voxels(result, "sensitivity", mask)
    labels = study.atlas().on(result.grid).labels.data
    marked = np.zeros(result.grid.shape, np.float32)
    marked[labels == 10] = 3
    where = tuple(np.argwhere(labels == 50)[0])
    marked[where] = -2
    table = significant_areas(type(found)(**{**vars(found), "found": found.found.with_data(marked)}), study.atlas())
    assert table["area"].tolist() == ["A_L", "Mid"]
    assert table["voxels"].tolist() == [int((labels == 10).sum()), 1]
    assert table["share_of_area"].tolist() == pytest.approx([1, 1 / (labels == 50).sum()])


def test_the_command(study, result, tmp_path, capsys):
    out = tmp_path / "stats"
    file = study.settings.path
    command = ["statistics", str(result.folder), "--voxels", "--permutations", "50", "--out", str(out)]
    assert main([*command, "--study", str(file), "--trust-code"]) == 0
    said = capsys.readouterr().out
    assert "voxels differ at a family-wise error of 5%" in said
    entries = json.loads((out / "sensitivity_voxels.json").read_text(encoding="utf-8"))
    t, p = (nib.load(out / f"sensitivity_voxels_{what}.nii.gz").get_fdata() for what in "tp")
    assert (p <= 0.05).sum() == entries["found"]
    assert entries["permutations"] == 50
    assert t.shape == result.grid.shape
    assert pd.read_csv(out / "sensitivity_voxels.csv")["voxels"].sum() <= entries["found"]
    assert f"{entries['found']:,} of {entries['voxels']:,} voxels" in said
