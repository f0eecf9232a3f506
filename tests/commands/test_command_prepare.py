"""``prepare`` and ``explain --prepare``: from the raw file to maps on its own grid."""

import importlib.util
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from mriinterp import read_volume
from mriinterp.areas.atlas import load_atlas
from mriinterp.cli import main
from mriinterp.image.template import native_template
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.prepare import batch
from mriinterp.prepare.transform import Transform
from mriinterp.simulation.subjects import DEMO, simulate_subject

spec = importlib.util.spec_from_file_location("stand_in", Path(__file__).parents[1] / "prepare" / "stand_in.py")
stand_in = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stand_in)

# Scan to template: head tilted, shifted and turned; the file is LAS and oblique.
TURN = np.array([[0.97, 0.15, 0.05, 6.0], [-0.14, 0.95, 0.22, -9.0], [-0.02, -0.21, 1.02, 12.0], [0, 0, 0, 1]])


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """A brain of known place, oblique and LAS on disk; its preparation knows where it lies."""
    stand_in.use(monkeypatch.setattr)
    quick = stand_in.prepare_scan

    def prepare(path, *, grid, **more):
        made, transform = quick(path, grid=grid, **more), Transform(TURN)
        volume = Volume(transform.scan_on(made.scan, grid).data, grid.affine, preparation=made.volume.preparation)
        return type(made)(volume, made.mask, transform, made.qc, made.scan, made.digests)

    monkeypatch.setattr(batch, "prepare_scan", prepare)

    def write(name="sub-07_T1w.nii.gz"):
        brain = simulate_subject(DEMO, "sim-003").volume
        own = Volume(np.ascontiguousarray(brain.data[::-1]), TURN @ brain.affine @ np.diag([-1.0, 1, 1, 1]) + 0)
        corner = brain.affine @ [brain.data.shape[0] - 1, 0, 0, 1]
        affine = own.affine.copy()
        affine[:, 3] = TURN @ corner
        return write_volume(Volume(own.data, affine), tmp_path / name, space="scanner")

    return write


def explain(*arguments, out):
    return main(["explain", *map(str, arguments), "--model", "demo", "--method", "sensitivity", "--out", str(out)])


def test_maps_and_areas_come_home(raw, tmp_path, capsys):
    path = raw()
    assert nib.aff2axcodes(nib.load(path).affine) == ("L", "A", "S")
    assert explain(path, "--prepare", out=tmp_path / "out") == 0
    stem = tmp_path / "out" / "sub-07_T1w_sensitivity"
    on_disk = nib.load(path)
    for part in ("relevance", "areas"):
        home = nib.load(f"{stem}_{part}_scan.nii.gz")
        assert home.shape == on_disk.shape
        np.testing.assert_allclose(home.affine, on_disk.affine, atol=1e-4)
        assert home.header.get_sform(coded=True)[1] == 1, "scanner coordinates"
    found = read_volume(f"{stem}_relevance_scan.nii.gz")
    there = Transform(TURN).map_on(read_volume(f"{stem}_relevance.nii.gz"), found.grid)
    np.testing.assert_allclose(found.data, there.data, atol=1e-6 * np.abs(there.data).max())
    areas = read_volume(f"{stem}_areas_scan.nii.gz")
    atlas = load_atlas("AAL")
    label = int(atlas.areas.set_index("name").loc["Hippocampus_L", "label"])
    centre = areas.grid.to_mm(np.argwhere(areas.data == label)).mean(axis=0)
    assert Transform(TURN).to_template(centre[None])[0, 0] < -20, "left is left"
    sidecar = json.loads(Path(f"{stem}_relevance.json").read_text())
    assert sidecar["preparation"]["Verdict"] == "good"
    assert sidecar["preparation"]["as"]["kind"] == "linear"
    assert "sub-07" in (tmp_path / "out" / "prepared" / "qc.html").read_text()
    capsys.readouterr()


def test_a_second_method_does_not_prepare_again(raw, tmp_path, monkeypatch):
    path = raw()
    assert explain(path, "--prepare", out=tmp_path / "out") == 0
    monkeypatch.setattr(batch, "prepare_scan", None)
    assert explain(path, "--prepare", out=tmp_path / "out") == 0


def test_a_refused_one_is_not_explained_and_a_doubtful_one_is_with_a_warning(raw, tmp_path, capsys):
    assert explain(raw("refused.nii.gz"), raw("doubtful.nii.gz"), "--prepare", out=tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert "refused.nii.gz: its preparation is not usable: It does not lie in place" in said.replace(
        str(tmp_path) + "/", ""
    )
    assert "warning: doubtful.nii.gz: its preparation is in doubt" in said
    assert not list((tmp_path / "out").glob("refused*"))
    sidecar = json.loads((tmp_path / "out" / "doubtful_sensitivity_relevance.json").read_text())
    assert "its preparation is in doubt" in sidecar["warnings"]["scan"][0]


def test_options_that_need_each_other(raw, tmp_path, capsys):
    path = raw()
    for wrong in (["--nonlinear"], ["--series", "3"], ["--prepare", "--no-space-check"]):
        assert explain(path, *wrong, out=tmp_path / "out") == 2
        assert "--prepare" in capsys.readouterr().err


def test_a_mismatch_of_preparations_is_warned_about(raw, tmp_path, capsys):
    from mriinterp.models.builtin import PAPER_GRIDS
    from mriinterp.models.card import card_from_dict

    path = raw()
    assert main(["prepare", str(path), "--grid", "demo", "--out", str(tmp_path / "made")]) == 0
    (prepared,) = (tmp_path / "made").rglob("*desc-brain_T1w.nii.gz")
    card = json.loads((Path(__file__).parents[2] / "mriinterp" / "models" / "weights" / "demo.json").read_text())
    weights = Path(__file__).parents[2] / "mriinterp" / "models" / "weights"
    card |= {"preparation": "nonlinear", "weights": [str(weights / name) for name in card["weights"]]}
    if card.get("brain_mask"):
        card["brain_mask"] = str(weights / card["brain_mask"])
    (tmp_path / "card.json").write_text(json.dumps(card))
    command = ["explain", str(prepared), "--model", str(tmp_path / "card.json"), "--method", "sensitivity"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert "trained on scans that were warped onto the template (nonlinear), this one" in capsys.readouterr().err
    (sidecar,) = (json.loads(p.read_text()) for p in (tmp_path / "out").glob("*_relevance.json"))
    assert "trained on scans that were warped" in sidecar["warnings"]["scan"][0]
    assert (
        card_from_dict({"name": "x", "architecture": "y", "classes": ["a", "b"], "grid": PAPER_GRIDS[128]}).preparation
        is None
    )


def test_the_folder_of_prepared_scans(raw, tmp_path, capsys):
    scans = tmp_path / "in"
    scans.mkdir()
    for name in ("sub-07_T1w.nii.gz", "sub-08_ses-2_T1w.nii.gz", "head broken.nii.gz"):
        raw(name).rename(scans / name)
    out = tmp_path / "out"
    assert main(["prepare", str(scans), "--out", str(out), "--jobs", "1"]) == 1
    assert "sub-headbroken: failed: " in capsys.readouterr().err
    assert (out / "sub-08" / "ses-2" / "anat" / "sub-08_ses-2_space-MNI152NLin2009aSym_desc-brain_T1w.nii.gz").is_file()
    assert read_volume(next(out.rglob("sub-07*desc-brain_T1w.nii.gz"))).grid.matches(native_template().grid)
    assert not (out / ".mriinterp-results").exists(), "a study may take its scans from here"


def test_names_that_would_overwrite_each_other(raw, tmp_path, capsys):
    (tmp_path / "b").mkdir()
    one, two = raw("a.nii.gz"), tmp_path / "b" / "a.nii.gz"
    two.write_bytes(one.read_bytes())
    assert main(["prepare", str(one), str(two), "--out", str(tmp_path / "out")]) == 2
    assert "expected one scan a name, got several for sub-a" in capsys.readouterr().err
