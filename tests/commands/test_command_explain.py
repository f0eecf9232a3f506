"""``python -m mriinterp explain`` on simulated and real scans, and on wrong input of every kind."""

import json
import shutil

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mriinterp.base.atomic import write_text
from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.cli import main
from mriinterp.commands import explain as command
from mriinterp.image.space import MNI_CORRELATION, mni_correlation
from mriinterp.image.write import write_volume
from mriinterp.simulation.subjects import DEMO, simulate_subject


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Two simulated scans as ``simulate`` writes them."""
    folder = tmp_path_factory.mktemp("scans")
    assert main(["simulate", "--n", "2", "--out", str(folder)]) == 0
    return folder


def explain(*arguments, out):
    return main(["explain", *map(str, arguments), "--model", "demo", "--method", "sensitivity", "--out", str(out)])


def test_a_simulated_scan_end_to_end(scans, tmp_path, capsys):
    assert explain(scans / "sim-001_T1w.nii.gz", "--set", "score=logit", out=tmp_path) == 0
    stem = "sim-001_T1w_sensitivity"
    assert {p.name for p in tmp_path.iterdir()} == {
        f"{stem}_relevance.nii.gz",
        f"{stem}_relevance.json",
        f"{stem}_areas.csv",
    }
    image = nib.load(tmp_path / f"{stem}_relevance.nii.gz")
    np.testing.assert_allclose(image.affine, nib.load(scans / "sim-001_T1w.nii.gz").affine)
    assert image.header.get_sform(coded=True)[1] == 4
    assert np.abs(image.get_fdata()).max() > 0
    sidecar = json.loads((tmp_path / f"{stem}_relevance.json").read_text(encoding="utf-8"))
    assert sidecar["method"] == "sensitivity"
    assert sidecar["parameters"] == {"score": "logit"}
    assert set(sidecar["sha256"]) == {"scan", "model"}
    assert sidecar["simulated_scan"] is True
    table = pd.read_csv(tmp_path / f"{stem}_areas.csv")
    assert len(table) == 62
    assert table["share"].sum() == pytest.approx(1)
    said = capsys.readouterr().out
    assert "prediction:" in said
    assert said.count("%") >= 11  # two classes and ten areas


def test_tissue_that_is_never_hidden_is_said(scans, tmp_path, capsys):
    settings = ["--method", "occlusion", "--set", "size=30", "--set", "stride=60"]
    assert (
        main(["explain", str(scans / "sim-001_T1w.nii.gz"), "--model", "demo", *settings, "--out", str(tmp_path)]) == 0
    )
    warning = "of the voxels lie in no box and are never hidden: the stride of 60 is larger than the box of 30 voxels"
    assert warning in capsys.readouterr().err
    sidecar = json.loads(next(tmp_path.glob("*_relevance.json")).read_text(encoding="utf-8"))
    assert sidecar["warnings"]["parameters"][0].endswith(warning)


def test_unusual_intensities_are_said(scans, tmp_path, capsys):
    """On standard error before the work, and in the JSON; the scan's own name stands before it."""
    image = nib.load(scans / "sim-001_T1w.nii.gz")
    raised = tmp_path / "raised.nii.gz"
    nib.save(nib.Nifti1Image(image.get_fdata(dtype="f4") + 10, image.affine), raised)
    assert explain(raised, "--set", "score=logit", out=tmp_path / "out") == 0
    told = capsys.readouterr()
    start = "raised.nii.gz: the air around the head has an intensity of 10, expected 0 (the brain has "
    assert f"mriinterp: warning: {start}" in told.err
    assert start not in told.out
    sidecar = json.loads((tmp_path / "out" / "raised_sensitivity_relevance.json").read_text(encoding="utf-8"))
    (text,) = sidecar["warnings"]["scan"]
    assert start.endswith(text[:60]) or text in told.err
    assert "caution" in sidecar, "said also where the prediction is withheld"
    assert explain(scans / "sim-001_T1w.nii.gz", "--set", "score=logit", out=tmp_path / "usual") == 0
    assert "warning" not in capsys.readouterr().err
    assert "warnings" not in next((tmp_path / "usual").glob("*.json")).read_text(encoding="utf-8")


def test_a_broken_reference_is_said(scans, tmp_path, capsys):
    image = nib.load(scans / "sim-002_T1w.nii.gz")
    reference = tmp_path / "mean.nii.gz"
    nib.save(nib.Nifti1Image(image.get_fdata(dtype="f4") + 10, image.affine), reference)
    more = ["--set", "fill=reference", "--set", "size=60", "--set", "stride=60", "--reference", str(reference)]
    arguments = ["explain", str(scans / "sim-001_T1w.nii.gz"), "--model", "demo", "--method", "occlusion", *more]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert f"warning: {reference}: the air around the head" in capsys.readouterr().err


def test_intensities_without_meaning_are_refused(scans, tmp_path, capsys):
    image = nib.load(scans / "sim-001_T1w.nii.gz")
    for name, data in (("negative", -image.get_fdata(dtype="f4")), ("shifted", image.get_fdata(dtype="f4") - 3000)):
        nib.save(nib.Nifti1Image(data, image.affine), tmp_path / f"{name}.nii.gz")
        assert explain(tmp_path / f"{name}.nii.gz", "--no-space-check", out=tmp_path / "out") == 1
        assert f"{name}.nii.gz: expected a scan" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_real_scan_gets_no_diagnosis_from_the_demo_network(shared_data, tmp_path, capsys):
    scan = shared_data / "ds002748" / "mni" / "sub-59_space-MNI152_desc-brain_T1w.nii.gz"
    assert explain(scan, out=tmp_path) == 0
    said = capsys.readouterr().out
    assert f"  {SIMULATED_ONLY}\n" in said
    assert "prediction:" not in said
    assert "target AD (always this one" in said
    described = json.loads(next(tmp_path.glob("*_relevance.json")).read_text(encoding="utf-8"))
    assert described["target"] == "AD"
    assert described["caution"] == SIMULATED_ONLY
    assert "prediction" not in described
    own = nib.load(next(tmp_path.glob("*_relevance_scan.nii.gz")))
    assert own.shape == (182, 218, 182)
    np.testing.assert_allclose(own.affine, nib.load(scan).affine)
    assert nib.aff2axcodes(own.affine) == ("L", "A", "S")


def test_the_published_network_keeps_left_left(shared_data, tmp_path):
    """The map in the scan's own LAS order is the map in RAS order, mirrored, at the same millimetres."""
    weights = [shared_data / "ncomms2022" / f"{name}_58.pth" for name in ("backbone", "COG")]
    scan = shared_data / "ds002748" / "mni" / "sub-58_space-MNI152_desc-brain_T1w.nii.gz"
    arguments = ["explain", str(scan), "--model", "ncomms2022", "--weights", *map(str, weights)]
    assert main([*arguments, "--method", "layer_cam", "--out", str(tmp_path)]) == 0
    ras = nib.load(next(tmp_path.glob("*_relevance.nii.gz")))
    las = nib.load(next(tmp_path.glob("*_relevance_scan.nii.gz")))
    assert nib.aff2axcodes(ras.affine) == ("R", "A", "S")
    data = ras.get_fdata()
    assert np.array_equal(las.get_fdata(), data[::-1])
    assert not np.array_equal(data, data[::-1])
    sidecar = json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))
    assert sidecar["prediction"]["outputs"]["COG"] == pytest.approx(0.453, abs=1e-3)


def test_bad_scans_are_named_and_the_others_done(scans, shared_data, tmp_path, capsys):
    truncated = tmp_path / "half.nii.gz"
    truncated.write_bytes((scans / "sim-001_T1w.nii.gz").read_bytes()[:5000])
    native = shared_data / "ds002748" / "native" / "sub-52_T1w.nii.gz"
    out = tmp_path / "out"
    assert explain(truncated, native, tmp_path / "none.nii", scans / "sim-002_T1w.nii.gz", out=out) == 1
    told = capsys.readouterr().err
    assert "does not lie in MNI space" in told
    assert "--no-space-check" in told
    assert "3 of 4 scans failed" in told
    assert {p.name.split("_")[0] for p in out.iterdir()} == {"sim-002"}


def test_no_space_check_leaves_a_trace(scans, tmp_path, capsys):
    made = simulate_subject(DEMO, "sim-003").volume
    upside_down = made.with_data(np.ascontiguousarray(made.data[:, :, ::-1]))
    path = write_volume(upside_down, tmp_path / "turned.nii")
    assert explain(path, out=tmp_path / "a") == 1
    capsys.readouterr()
    assert explain(path, scans / "sim-001_T1w.nii.gz", "--no-space-check", out=tmp_path / "b") == 0
    told = capsys.readouterr().err
    assert told.count("does not look like a scan in MNI space") == 1
    assert "warning: turned.nii" in told
    found = {
        path.name.split("_")[0]: json.loads(path.read_text(encoding="utf-8"))["space_check"]
        for path in (tmp_path / "b").glob("*.json")
    }
    assert (found["turned"]["matches"], found["turned"]["checked"]) == (False, False)
    assert found["turned"]["correlation"] == pytest.approx(mni_correlation(upside_down), abs=1e-4)
    assert found["turned"]["correlation"] < found["turned"]["expected"] == MNI_CORRELATION
    assert (found["sim-001"]["matches"], found["sim-001"]["checked"]) == (True, False)


def test_a_checked_scan_says_so(scans, tmp_path):
    assert explain(scans / "sim-001_T1w.nii.gz", out=tmp_path) == 0
    found = json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))["space_check"]
    assert (found["matches"], found["checked"]) == (True, True)
    assert found["correlation"] > MNI_CORRELATION


def test_without_a_terminal_each_scan_is_counted(scans, tmp_path, capsys):
    names = ["sim-001_T1w.nii.gz", "sim-002_T1w.nii.gz"]
    assert explain(*(scans / name for name in names), tmp_path / "none.nii", out=tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert [f"{n} of 3: " in told for n in (1, 2, 3)] == [True] * 3
    assert "2 of 3: sim-002_T1w" in told


def test_an_interrupt_lists_what_is_done_and_what_is_not(scans, tmp_path, capsys, monkeypatch):
    run = command.explain

    def interrupted(model, scan, *args, **more):
        if len(list((tmp_path / "out").glob("*.json"))) == 1:
            raise KeyboardInterrupt
        return run(model, scan, *args, **more)

    monkeypatch.setattr(command, "explain", interrupted)
    shutil.copy(scans / "sim-001_T1w.nii.gz", tmp_path / "a b.nii.gz")
    paths = [scans / "sim-001_T1w.nii.gz", tmp_path / "none.nii", scans / "sim-002_T1w.nii.gz", tmp_path / "a b.nii.gz"]
    assert explain(*paths, out=tmp_path / "out") == 130
    told = capsys.readouterr().err
    assert f"done (1): {paths[0]}\n" in told
    assert f"failed (1): {paths[1]}\n" in told
    assert f'not done (2): {paths[2]} "{paths[3]}"\n' in told


def test_scans_of_one_name_are_refused_before_work_starts(scans, tmp_path, capsys):
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / "SIM-001_T1w.nii"
    twin.write_bytes(b"")
    assert explain(scans / "sim-001_T1w.nii.gz", twin, out=tmp_path / "out") == 2
    assert "overwrite" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "size=40"], "available: score"),
        (["--set", "score"], "NAME=VALUE"),
        (["--set", "score=guess"], "one of"),
        (["--preset", "rieke2019"], "available: rieke2018"),
        (["--target", "MCI"], "available: "),
        (["--atlas", "AAL9"], "available: "),
        (["--weights", "none.pt"], "there is none"),
        (["--trust-code", "none.py"], "there is none"),
    ],
)
def test_wrong_usage(scans, tmp_path, capsys, arguments, words):
    assert explain(scans / "sim-001_T1w.nii.gz", *arguments, out=tmp_path / "out") == 2
    assert words in capsys.readouterr().err


def test_unknown_method_and_missing_options(scans, tmp_path):
    for arguments in (
        ["explain"],
        ["explain", "x.nii", "--model", "demo", "--method", "magic", "--out", str(tmp_path)],
        [],
    ):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2


def test_own_architecture_in_a_python_file(tmp_path, capsys):
    import torch

    code = tmp_path / "my_net.py"
    code.write_text(
        "import torch\n"
        "from mriinterp.models import register_architecture\n"
        "@register_architecture('tiny_mean')\n"
        "class TinyMean(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.scale = torch.nn.Parameter(torch.ones(2))\n"
        "    def forward(self, x):\n"
        "        return x.mean(dim=(1, 2, 3, 4))[:, None] * self.scale\n",
        encoding="utf-8",
    )
    torch.save({"scale": torch.tensor([1.0, -2.0])}, tmp_path / "w.pt")
    made = simulate_subject(DEMO, "sim-001").volume
    grid = {"shape": list(made.grid.shape), "affine": made.affine.tolist()}
    card = {"name": "tiny", "architecture": "tiny_mean", "grid": grid, "classes": ["A", "B"], "weights": ["w.pt"]}
    (tmp_path / "card.json").write_text(json.dumps(card), encoding="utf-8")
    scan = write_volume(made, tmp_path / "scan.nii")
    arguments = [
        "explain",
        str(scan),
        "--model",
        str(tmp_path / "card.json"),
        "--method",
        "sensitivity",
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(arguments) == 2  # without the code nobody knows the architecture
    assert main([*arguments, "--trust-code", str(code), "--set", "score=logit", "--target", "B"]) == 0
    data = nib.load(next((tmp_path / "o").glob("*relevance.nii.gz"))).get_fdata()
    np.testing.assert_allclose(data, -2.0 / made.data.size, rtol=1e-5)


def test_a_scan_with_a_name_as_long_as_may_be_is_explained(tmp_path):

    longest = "x" * (255 - len(".nii.gz"))
    names = command._stems([f"{longest}.nii.gz", f"{longest[:-1]}y.nii.gz"])
    assert names[0] != names[1]
    for name in names:
        written = f".{name}_integrated_gradients_relevance_scan.nii.gz.01234567.part"
        assert len(written) <= 255


def test_a_file_whose_name_is_as_long_as_may_be_is_written(tmp_path):
    path = tmp_path / ("ü" * 125 + ".json")
    write_text(path, "{}")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
