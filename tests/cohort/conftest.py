"""A tiny study: scans of 14×15×13 voxels, a small network, an atlas of five areas, on disk."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.study import write_study_file

SHAPE = (14, 15, 13)
AFFINE = np.array([[-12.0, 0, 0, 80], [0, 12.0, 0, -110], [0, 0, 12.0, -70], [0, 0, 0, 1]])  # LAS on disk

NETWORK = """
import os
import time
from pathlib import Path
from torch import nn
from mriinterp.models import register_architecture


@register_architecture("NAME")
class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(1, 4, 3, stride=2)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool3d(2)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        time.sleep(float(os.environ.get("TINY_SLEEP", "0")))
        hold = os.environ.get("TINY_HOLD")  # a folder: with five maps in it, the network stops where it is
        while hold and len(list(Path(hold).glob("sub-*/anat/*_relevance.json"))) >= 5:
            time.sleep(0.01)
        DEADLY
        return self.out(self.pool(self.relu(self.conv(x))).flatten(1))
"""


DEADLY = """if float(x.detach().max()) > 1e6:
            os._exit(9)  # as the system does to a process that takes all memory"""


def make_study(
    folder: Path, per_group: int = 4, groups=("CN", "AD"), seed: int = 0, deadly: bool = False, **more
) -> Path:
    """Write a study and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    name = f"tiny_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    (folder / "net.py").write_text(
        NETWORK.replace("NAME", name).replace("DEADLY", DEADLY if deadly else ""), encoding="utf-8"
    )
    write_weights(folder, seed)
    card = {
        "name": "tiny",
        "architecture": name,
        "grid": {"shape": list(SHAPE), "affine": AFFINE.tolist()},
        "classes": ["healthy", "ill"],
        "weights": ["weights.pt"],
    }
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    labels = np.zeros(SHAPE, np.int16)
    for index in range(5):
        labels[1 + 2 * index : 3 + 2 * index, 2:12, 2:10] = 10 * (index + 1)
    write_volume(Volume(labels, AFFINE), folder / "labels.nii.gz")
    names = pd.DataFrame({"index": [10, 20, 30, 40, 50], "name": ["A_L", "A_R", "B_L", "B_R", "Mid"]})
    names.to_csv(folder / "areas.csv", index=False)
    rows = []
    for index in range(per_group * len(groups)):
        rows.append(
            {
                "scan_id": f"I{100 + index}",
                "subject": f"P{index:03d}",
                "group": groups[index % len(groups)],
                "age": 60 + index,
                "filepath": f"scans/I{100 + index}.nii.gz",
                "split": "train" if index % 4 == 0 else "test",
            }
        )
        write_scan(folder, f"I{100 + index}", rng)
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    entries = {
        "name": "tiny",
        "subjects": {"table": "table.csv", "check_space": False},  # noise looks like no brain
        "groups": {"reference": "CN", "positive": "AD", "classes": {"CN": "healthy", "AD": "ill"}},
        "model": {"card": "card.json", "code": "net.py"},
        "atlas": {"image": "labels.nii.gz", "table": "areas.csv"},
    }
    if len(groups) > 2:
        entries["groups"]["labels"] = {group: [group] for group in groups}
        entries["groups"]["classes"] |= {group: "ill" for group in groups if group != "CN"}
    write_study_file({**entries, **more}, folder / "study.toml")
    return folder / "study.toml"


def write_scan(folder: Path, name: str, rng, scale: float = 1.0) -> None:
    data = (scale * rng.gamma(2.0, size=SHAPE)).astype(np.float32)
    write_volume(Volume(data, AFFINE), folder / "scans" / f"{name}.nii.gz")


def write_weights(folder: Path, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"conv.weight": (4, 1, 3, 3, 3), "conv.bias": (4,), "out.weight": (2, 32), "out.bias": (2,)}
    torch.save({k: 0.5 * torch.randn(v, generator=generator) for k, v in shapes.items()}, folder / "weights.pt")


def content(folder: Path) -> dict[str, bytes]:
    """Every file but run.json, which holds times, and the lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("run.json", "lock")
    }


@pytest.fixture
def study_file(tmp_path):
    return make_study(tmp_path / "study")


@pytest.fixture
def study(study_file):
    from mriinterp.study import load_study

    return load_study(study_file, trust_code=True)
