"""Three groups: which two are compared is the user's choice, and costs no map."""

import numpy as np
import pytest

from mriinterp.cli import main
from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.study import load_study

from .conftest import make_study


@pytest.fixture
def file(tmp_path):
    return make_study(tmp_path / "study", per_group=3, groups=("CN", "MCI", "AD"))


def mean_of(result, group):
    maps = [np.abs(m.volume.data.astype(float)) for m in result.maps("sensitivity", result.ids("sensitivity", group))]
    assert len(maps) == 3
    return np.mean(maps, axis=0)


def test_the_pair_decides_what_is_compared(file, tmp_path):
    study, out = load_study(file, trust_code=True), tmp_path / "out"
    usual = run_cohort(study, ["grad_cam", "sensitivity"], out=out, split="all")
    assert (usual.positive, usual.reference_group) == ("AD", "CN")
    result = run_cohort(study, ["sensitivity"], out=out, pair=("MCI", "AD"), split="all")
    assert (result.positive, result.reference_group, result.groups) == ("MCI", "AD", ("AD", "MCI", "CN"))
    assert result.run["maps_computed"] == 0
    assert result.methods == ("grad_cam", "sensitivity"), "methods of the earlier run stay"
    expected = mean_of(result, "MCI") - mean_of(result, "AD")
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(result.difference("sensitivity").data, expected, rtol=1e-4, atol=1e-9)
    auc = result.run["performance"]["auc"]
    assert (auc["positive"], auc["reference"], auc["of"]) == ("MCI", "AD", "p_ill")
    scores = [result.subjects.loc[result.subjects["group"] == g, "p_ill"].to_numpy(float) for g in ("MCI", "AD")]
    assert auc["value"] == pytest.approx(np.mean([(a > b) + (a == b) / 2 for a in scores[0] for b in scores[1]]))


def test_results_are_read_for_any_pair(file, tmp_path):
    result = run_cohort(load_study(file, trust_code=True), ["sensitivity"], out=tmp_path / "out", split="all")
    turned = open_cohort(tmp_path / "out", pair=("CN", "MCI"))
    expected = result.mean("sensitivity", "CN").data - result.mean("sensitivity", "MCI").data
    np.testing.assert_array_equal(turned.difference("sensitivity").data, expected)
    np.testing.assert_allclose(
        turned.effect("sensitivity").data,
        -open_cohort(tmp_path / "out", pair=("MCI", "CN")).effect("sensitivity").data,
        atol=1e-6,
    )
    assert list(turned.group_table.index) == ["CN", "AD", "MCI"]  # tables stay as they were written
    with pytest.raises(KeyError, match="available: CN, AD, MCI"):
        open_cohort(tmp_path / "out", pair=("XX", "CN"))
    with pytest.raises(ValueError, match="'CN' twice"):
        open_cohort(tmp_path / "out", pair=("CN", "CN"))


def test_the_command(file, tmp_path, capsys):
    command = ["cohort", str(file), "--trust-code", "--workers", "1", "--methods", "sensitivity", "--split", "all"]
    assert main([*command, "--out", str(tmp_path / "out"), "--groups", "MCI", "CN"]) == 0
    assert "AUC of p_ill, MCI against CN: " in capsys.readouterr().out
    assert open_cohort(tmp_path / "out").positive == "MCI"
    assert main([*command, "--out", str(tmp_path / "no"), "--groups", "MCI", "NC"]) == 2
    assert "available: CN, AD, MCI" in capsys.readouterr().err
    assert not list(tmp_path.glob("no/sub-*"))
