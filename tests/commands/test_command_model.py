"""``mriinterp model check``: from a network of which nothing is known to its card and a map."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.cli import main
from mriinterp.image.template import DEMO_GRID, brain_mask, template
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume
from mriinterp.methods import method_names
from mriinterp.models import read_card

SHAPE = (19, 23, 19)
GRID = Grid(SHAPE, np.array([[9.0, 0, 0, -81], [0, 9, 0, -117], [0, 0, 9, -68], [0, 0, 0, 1]]))
QUICK = "sensitivity,occlusion,lrp_epsilon"

CODE = """
import torch
from torch import nn
from mriinterp.models import register_architecture


class MyNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.features = nn.Sequential(nn.Conv3d(1, width, 3), nn.ReLU(), nn.Conv3d(width, width, 3), nn.ReLU())
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        return torch.sigmoid(self.last(self.features(x).mean((2, 3, 4))))


@register_architecture("my_net")
def make():
    return MyNet(width=4)
"""


def network(outputs=2, channels=1):
    torch.manual_seed(0)
    layers = [nn.Conv3d(channels, 4, 3), nn.ReLU(), nn.Conv3d(4, 4, 3), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, outputs)).eval()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_volume(template(GRID), "scan.nii.gz", space="mni")
    return tmp_path


def export(net, name="net.pt2", channels=1):
    torch.export.save(torch.export.export(net, (torch.zeros(1, channels, *SHAPE),)), name)


def test_an_exported_program_without_a_card(folder, capsys):
    export(network())
    check = ["model", "check", "net.pt2", "--trust-code", "--scan", "scan.nii.gz"]
    assert main([*check, "--write-card"]) == 0
    said, told = capsys.readouterr()
    for name in method_names():
        assert name in said
    assert "returns logits for class 0, class 1" in said
    assert "scans of a batch: independent" in said
    assert "times as fast as the plain loop" in said
    assert "2 outputs without names" in told
    assert "normalisation" in told
    card = read_card("net.json")
    assert card.grid.matches(GRID)
    assert (card.classes, card.weights, card.architecture) == (("class 0", "class 1"), ("net.pt2",), "torch.export")
    command = told.rpartition("next: ")[2].split()
    assert "--trust-code" in command
    assert main([*command[1:], "--no-space-check", "--set", "size=9", "--set", "stride=9"]) == 0
    assert nib.load("results/scan_occlusion_relevance.nii.gz").shape == SHAPE


def test_what_is_said_stands_on_the_card(folder, capsys):
    export(network())
    check = ["model", "check", "net.pt2", "--trust-code", "--scan", "scan.nii.gz", "--methods", QUICK, "--write-card"]
    settings = ["--classes", "CN", "AD", "--normalisation", '{"kind": "percentile", "upper": 98}']
    assert main([*check, *settings, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [method["name"] for method in found["methods"]] == QUICK.split(",")
    assert found["guessed"] == []
    assert found["occlusion"]["windows"] > 0
    card = read_card("net.json")
    assert card.classes == ("CN", "AD")
    assert card.normalisation == {"kind": "percentile", "upper": 98}
    assert main([*check, *settings]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*check, "--classes", "healthy", "ill", "--overwrite"]) == 0
    card = read_card("net.json")
    assert card.classes == ("healthy", "ill")
    assert card.normalisation == {"kind": "percentile", "upper": 98}, "what is not said again stays"


def test_a_python_file(folder, capsys):
    (folder / "my_net.py").write_text(CODE, encoding="utf-8")
    space: dict = {}
    exec(CODE.replace("@register", "#"), space)
    torch.manual_seed(0)
    torch.save(space["MyNet"](4).state_dict(), "my_net.pt")
    check = ["model", "check", "my_net", "--trust-code", "my_net.py", "--weights", "my_net.pt", "--scan", "scan.nii.gz"]
    assert main([*check, "--methods", QUICK, "--classes", "CN", "AD", "--write-card"]) == 0
    said, told = capsys.readouterr()
    assert "one probability, of the second class (it ends in a sigmoid) for CN, AD" in said
    card = read_card("my_net.json")
    assert card.heads[0].output == "sigmoid"
    assert "--model my_net.json --trust-code my_net.py" in told
    assert main([*told.rpartition("next: ")[2].split()[1:], "--no-space-check", "--set", "size=9"]) == 0


def test_several_inputs(folder, capsys):
    export(network(channels=2), channels=2)
    write_volume(template(GRID), "gm.nii.gz", space="mni")
    scan = ["t1=scan.nii.gz", "gm=gm.nii.gz"]
    check = ["model", "check", "net.pt2", "--trust-code", "--scan", *scan, "--images", "t1", "gm", "--methods", QUICK]
    assert main([*check, "--classes", "CN", "AD", "--write-card"]) == 0
    capsys.readouterr()
    explain = ["explain", *scan, "--model", "net.json", "--trust-code", "--method", "sensitivity", "--out", "results"]
    assert main([*explain, "--no-space-check"]) == 0
    parts = [nib.load(f"results/scan_sensitivity_{name}_relevance.nii.gz").get_fdata() for name in ("t1", "gm")]
    whole = nib.load("results/scan_sensitivity_relevance.nii.gz").get_fdata()
    np.testing.assert_allclose(sum(parts), whole, atol=1e-6 * np.abs(whole).max())


def test_the_voxel_order_of_the_file(folder, capsys):
    export(network())
    image = nib.load("scan.nii.gz")
    turned = nib.Nifti1Image(
        np.asarray(image.dataobj)[::-1],
        image.affine @ np.array([[-1.0, 0, 0, SHAPE[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    )
    nib.save(turned, "las.nii.gz")
    check = [
        "model",
        "check",
        "net.pt2",
        "--trust-code",
        "--scan",
        "las.nii.gz",
        "--methods",
        "sensitivity",
        "--write-card",
    ]
    for order, codes in (("file", "LAS"), ("ras", "RAS")):
        assert main([*check, f"{order}.json", "--order", order]) == 0
        assert read_card(f"{order}.json").grid.axis_codes == codes
        assert "LAS" in capsys.readouterr().err


def test_wrong_input(folder, capsys):
    export(network())
    torch.save(network().state_dict(), "weights.pt")
    (folder / "my_net.py").write_text(CODE, encoding="utf-8")
    for arguments, words in (
        (["nothing.pt2"], "nothing.pt2"),
        (["net.pt2"], "--trust-code"),
        (["net.pt2", "--trust-code", "--output", "odds"], "kind of output"),
        (["net.pt2", "--trust-code", "--classes", "a", "b", "c"], "expected 3 outputs"),
        (["net.pt2", "--trust-code", "--normalisation", "{no"], "a kind, or its entries in JSON"),
        (["net.pt2", "--trust-code", "--normalisation", "zscore"], "available: none"),
        (["ClassificationModel3D"], "expected weights"),
        (["weights.pt", "--classes", "a", "b"], "give them as weights (--weights weights.pt"),
        (["my_net.py", "--classes", "a", "b"], "is code: run it by --trust-code my_net.py"),
        (
            ["other", "--weights", "weights.pt", "--classes", "a", "b"],
            "expected a model name or a model card, got 'other'",
        ),
        (["ClassificationModel3D", "--weights", "."], "expected a weights file, got a folder"),
        (["net.pt2", "--trust-code", "--methods", "magic"], "magic"),
    ):
        assert main(["model", "check", *arguments, "--scan", "scan.nii.gz"]) == 2, arguments
        assert words in capsys.readouterr().err
    assert not (folder / "net.json").exists()


@pytest.mark.slow
def test_a_study_of_an_exported_program(folder, capsys):
    """From a program without a card to a cohort, by the commands that each step prints."""
    export(network())
    (folder / "table.csv").write_text(
        "id,group,filepath\n" + "".join(f"s{n},{'AD' if n % 2 else 'CN'},s{n}.nii.gz\n" for n in range(4)),
        encoding="utf-8",
    )
    for n in range(4):
        write_volume(template(GRID), f"s{n}.nii.gz", space="mni")
    init = ["study", "init", "--table", "table.csv", "--images", ".", "--model", "net.pt2", "--out", "lab.toml"]
    assert main([*init, "--trust-code"]) == 2
    told = capsys.readouterr().err
    check = told[told.index("mriinterp model check") :].split()[1:]
    assert main(["scan.nii.gz" if word == "SCAN" else word for word in check] + ["--methods", "sensitivity"]) == 0
    assert main(init) == 2
    assert "--trust-code" in capsys.readouterr().err
    assert main([*init, "--trust-code"]) == 0
    steps = [line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.startswith("  mriinterp")]
    assert [step[:2] for step in steps] == [["study", "check"], ["cohort", "lab.toml"]]
    for step in steps:
        assert "--trust-code" in step
        assert main([*step, *(["--no-space-check"] if step[0] == "cohort" else [])]) in (0, 1)
    assert (folder / "lab_first" / "run.json").is_file()


def test_what_a_network_of_simulated_brains_says_of_a_person_is_withheld(tmp_path, capsys):
    scan = tmp_path / "person.nii.gz"
    brain = np.where(brain_mask(DEMO_GRID).data, template(DEMO_GRID).data, 0)
    write_volume(Volume(brain.astype(np.float32), DEMO_GRID.affine), scan)
    command = ["model", "check", "demo", "--scan", str(scan), "--methods", "sensitivity"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert SIMULATED_ONLY in said
    assert "says of the scan" not in said
    assert main([*command, "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert entries["caution"] == SIMULATED_ONLY
    assert "prediction" not in entries
    (tmp_path / "person.json").write_text('{"simulated": true}', encoding="utf-8")
    assert main([*command, "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert set(entries["prediction"]["probabilities"]) == {"CN", "AD"}
    assert "caution" not in entries
