"""A label of a known area: what it is made of, that it can be learnt, and that methods which find the area are found."""

import numpy as np
import pandas as pd
import pytest

from crossval.conftest import AFFINE, SHAPE, make_cohort
from mriinterp.cli import main
from mriinterp.crossval.coarse_scans import coarse_grid, read_coarse
from mriinterp.crossval.known_area import KnownAreaOptions, on_voxels, run_known_area
from mriinterp.crossval.known_area_report import known_area_findings
from mriinterp.crossval.known_label import known_label
from mriinterp.image.nifti import read_volume
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume
from mriinterp.study import load_study
from mriinterp.training.loop import FitSettings
from mriinterp.trust.explainers import Explainer

FITTING = FitSettings(epochs=40, batch=4, learning_rate=2e-3, weight_decay=0.1, smoothing=0.0, patience=30)


def test_the_label_is_what_the_other_areas_do_not_explain():
    rng = np.random.default_rng(0)
    common, own = rng.standard_normal(400), rng.standard_normal(400)
    others = common[:, None] + 0.1 * rng.standard_normal((400, 9))
    found = known_label(np.column_stack([others[:, :4], 3 * common + own, others[:, 4:]]), 4)
    assert found.high.sum() == 200
    assert np.corrcoef(found.rest, own)[0, 1] > 0.95
    assert np.mean(found.high == (own > np.median(own))) > 0.9
    assert found.explained == pytest.approx(0.9, abs=0.03)
    assert abs(np.corrcoef(found.rest, common)[0, 1]) < 0.1
    assert known_label(np.column_stack([others, own]), 9, components=0).explained == pytest.approx(0)


def test_a_label_that_cannot_be_made_is_refused():
    areas = np.random.default_rng(0).standard_normal((30, 5))
    with pytest.raises(ValueError, match="the same in all"):
        known_label(np.column_stack([areas, np.ones(30)]), 5)
    with pytest.raises(ValueError, match="they explain"):
        known_label(np.column_stack([areas, areas.sum(axis=1)]), 5, components=5)


def test_a_coarse_grid_has_cells_of_whole_voxels_in_the_same_place():
    grid = Grid((7, 8, 9), np.array([[2.0, 0, 0, -10], [0, 2, 0, 4], [0, 0, 2, 7], [0, 0, 0, 1]]))
    coarse, step = coarse_grid(grid)
    assert step == 3
    assert coarse.shape == (3, 3, 3)
    np.testing.assert_allclose(coarse.affine[:3, 3], grid.affine[:3, 3] + 2)  # the middle of three voxels
    np.testing.assert_allclose(np.diag(coarse.affine)[:3], 6)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Scans of noise, in which one of four areas is brighter or darker from patient to patient."""
    file = make_cohort(tmp_path_factory.mktemp("known"), patients=64, signal=0.0)
    labels = read_volume(file.parent / "labels.nii.gz").data
    rng = np.random.default_rng(1)
    for path in sorted((file.parent / "scans").glob("*.nii.gz")):
        scan = read_volume(path).data + 3.0
        write_volume(Volume(np.where(labels == 3, scan + rng.uniform(0, 16), scan).astype(np.float32), AFFINE), path)
    return load_study(file, trust_code=True)


@pytest.fixture(scope="module")
def found(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    told = []
    methods = [Explainer(name) for name in ("gradient_x_input", "grad_cam")]
    options = KnownAreaOptions("B_L", folds=2, explained=4, components=0, fitting=FITTING)
    result = run_known_area(study, options, methods, out, progress=lambda *step: told.append(step))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]
    return result, out, options, methods


def test_networks_learn_the_label_and_methods_find_the_area(found):
    result = found[0]
    assert result.auc.low > 0.7
    assert result.linear.value > 0.7
    means = result.table.groupby(["quantity", "method"])["value"].mean()
    assert means["auprc", "gradient_x_input"] > 2 * result.chance
    assert means["mass", "gradient_x_input"] > means["mass", "null_random"]
    assert means["place", "gradient_x_input"] > 0.6  # of four areas
    assert set(result.table["method"]) >= {"null_random", "null_edges", "null_intensity", "null_blur"}
    said = " ".join(known_area_findings(result, "B_L"))
    assert "NOT above chance" not in said
    assert "Gradient × input" in said


def test_boxes_of_occlusion_are_as_wide_on_any_grid():
    usual, given = Explainer("occlusion"), Explainer("occlusion", {"size": 5, "stride": 5})
    assert on_voxels(usual, Grid((9, 9, 9), np.diag([6.0, 6, 6, 1]))).name == "occlusion[size=4,stride=2]"
    assert on_voxels(usual, Grid((9, 9, 9), np.diag([14.0, 14, 14, 1]))).name == "occlusion[size=2,stride=1]"
    assert on_voxels(given, Grid((9, 9, 9), np.diag([6.0, 6, 6, 1]))) is given


def test_scans_are_kept_and_the_same_run_gives_the_same_numbers(found, study, monkeypatch):
    result, out, options, methods = found
    monkeypatch.setattr(type(study), "scan", lambda *_: pytest.fail("a scan was read again"))
    again = run_known_area(study, options, methods, out)
    pd.testing.assert_frame_equal(again.table, result.table)
    assert len(list(out.glob("known_area_fold*.safetensors"))) == 2


def test_a_damaged_file_of_scans_is_made_again(found, study):
    out = found[1]
    (out / "known_area_scans.npz").write_bytes(b"PK cut off")
    sources = [(name, study.source(name)) for name in study.subjects.index[:3]]
    scans = read_coarse(study, sources, out / "known_area_scans.npz")
    assert scans.data.shape == (3, *SHAPE)
    np.testing.assert_allclose([data[data > 0].mean() for data in scans.data], 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("area", "options", "words"),
    [
        ("Hippocampus", {}, "expected an area of the atlas .* got 'Hippocampus'; available: A_L, A_R"),
        ("B_L", {"folds": 1}, "two folds or more"),
        ("B_L", {"scans": 4}, "at least .* patients of each group"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(study, tmp_path, area, options, words):
    with pytest.raises((KeyError, ValueError), match=words):
        run_known_area(study, KnownAreaOptions(area, **options), [Explainer("sensitivity")], tmp_path)


def test_the_command_writes_a_page_and_says_whether_anything_was_learnt(study, tmp_path, capsys):
    options = ["--trust-code", "--known-area", "A_R", "--folds", "2", "--methods", "sensitivity", "--subjects", "2"]
    assert main(["trust", str(study.settings.path), *options, "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "Networks separate scans with more in A_R" in told
    assert "better than every null map" in told
    page = (tmp_path / "known_area.html").read_text(encoding="utf-8")
    assert "Known area: A_R" in page
    rows = pd.read_csv(tmp_path / "known_area_summary.tsv", sep="\t")
    assert set(rows["quantity"]) == {"mass", "auprc", "place"}
    assert main(["trust", str(study.settings.path), *options, "--expected", "x.tsv", "--out", str(tmp_path)]) == 2
    assert "expected one of --known-area and --expected" in capsys.readouterr().err
