"""The page on one's own network, and the ten lines of the README, run as they stand."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from mriinterp.cli import main
from mriinterp.image.template import template
from mriinterp.image.volume import Grid
from mriinterp.image.write import write_volume
from mriinterp.models import read_card
from mriinterp.models.architecture_registry import own_architectures

ROOT = Path(__file__).resolve().parents[1]
GRID = Grid((19, 23, 19), np.array([[9.0, 0, 0, -81], [0, 9, 0, -117], [0, 0, 9, -68], [0, 0, 0, 1]]))
BLOCK = re.compile(r"```(python|bash)\n(.*?)```", flags=re.S)


def run(line: str, folder: Path) -> None:
    """Run a line of a block: our commands in this process, which saves their start, scripts in one of their own."""
    program, *arguments = shlex.split(line)
    if program == "mriinterp":
        assert main(arguments) == 0, line
        return
    assert program == "python", line
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_from_nothing_to_a_cohort(tmp_path, monkeypatch):
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((ROOT / "docs" / "own_network.md").read_text(encoding="utf-8"))
    assert {kind for kind, _ in blocks} == {"python", "bash"}
    for kind, text in blocks:
        if kind == "python":
            name = text.partition("\n")[0].removeprefix("# ")
            assert name.endswith(".py"), text
            (tmp_path / name).write_text(text, encoding="utf-8")
            continue
        with own_architectures():
            for line in text.splitlines():
                run(line, tmp_path)
    assert read_card(tmp_path / "my_net.json").heads[0].output == "logit"
    assert nib.load(tmp_path / "relevance.nii.gz").shape == nib.load(tmp_path / "scans/sim-001_T1w.nii.gz").shape
    scans = pd.read_csv(tmp_path / "cohort" / "subjects.tsv", sep="\t")
    assert len(scans) == 8


def test_ten_lines_of_the_readme(tmp_path, monkeypatch):
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    lines = next(text for _, text in blocks if "from_module" in text)
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(tmp_path)
    write_volume(template(GRID), "scan.nii.gz", space="mni")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(4, 2))
    exec(lines, {"net": net})
    assert nib.load("relevance.nii.gz").shape == GRID.shape
    assert pd.read_csv("areas.csv")["share"].sum() == pytest.approx(1)
