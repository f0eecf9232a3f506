"""A tiny cohort with two visits a patient, on which a two-layer network can learn."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.study import load_study, write_study_file

SHAPE = (12, 14, 12)
AFFINE = np.array([[-14.0, 0, 0, 80], [0, 14.0, 0, -110], [0, 0, 14.0, -70], [0, 0, 0, 1]])

NETWORK = """
import os
import time
from pathlib import Path
from torch import nn
from mriinterp.models import register_architecture


@register_architecture("NAME")
class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(1, 4, 3, stride=2)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool3d(2)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        hold = os.environ.get("SMALL_HOLD")  # a file: once it is there, the network stops where it is
        while hold and Path(hold).exists():
            time.sleep(0.01)
        return self.out(self.drop(self.pool(self.relu(self.conv(x))).flatten(1)))
"""


def make_cohort(folder: Path, patients: int = 24, visits: int = 1, signal: float = 15.0, seed: int = 0, **more) -> Path:
    """Write a study of noise scans; those of the ill are brighter in one corner."""
    import torch

    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"small_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    (folder / "net.py").write_text(NETWORK.replace("NAME", name), encoding="utf-8")
    shapes = {"conv.weight": (4, 1, 3, 3, 3), "conv.bias": (4,), "out.weight": (2, 32), "out.bias": (2,)}
    torch.save({key: torch.zeros(shape) for key, shape in shapes.items()}, folder / "weights.pt")
    card = {
        "name": "small",
        "architecture": name,
        "grid": {"shape": list(SHAPE), "affine": AFFINE.tolist()},
        "classes": ["healthy", "ill"],
        "weights": ["weights.pt"],
        "normalisation": {"kind": "scan_zscore"},
    }
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    labels = np.zeros(SHAPE, np.int16)
    for index in range(4):
        labels[1 + 2 * index : 3 + 2 * index, 2:12, 2:10] = index + 1
    write_volume(Volume(labels, AFFINE), folder / "labels.nii.gz")
    table = pd.DataFrame({"index": [1, 2, 3, 4], "name": ["A_L", "A_R", "B_L", "B_R"]})
    table.to_csv(folder / "areas.csv", index=False)
    rows = []
    for patient in range(patients):
        ill = patient % 2
        own = rng.gamma(2.0, size=SHAPE)
        for visit in range(visits):
            scan = own + 0.5 * rng.gamma(2.0, size=SHAPE)
            scan[:5, :5, :5] += signal * ill
            name = f"I{patient:03d}v{visit}"
            write_volume(Volume(scan.astype(np.float32), AFFINE), folder / "scans" / f"{name}.nii.gz")
            rows.append(
                {
                    "scan_id": name,
                    "subject": f"P{patient:03d}",
                    "group": ("CN", "AD")[ill],
                    "age": 60 + (patient * 7) % 20,
                    "sex": "FM"[(patient // 2) % 2],
                    "SITE_ID": "ABC"[patient // 4 % 3],
                    "filepath": f"scans/{name}.nii.gz",
                }
            )
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    entries = {
        "name": "small",
        "subjects": {"table": "table.csv", "check_space": False},
        "groups": {"reference": "CN", "positive": "AD", "classes": {"CN": "healthy", "AD": "ill"}},
        "split": {"test": 2},
        "model": {"card": "card.json", "code": "net.py"},
        "atlas": {"image": "labels.nii.gz", "table": "areas.csv"},
    }
    write_study_file({**entries, **more}, folder / "study.toml")
    return folder / "study.toml"


@pytest.fixture(scope="package")
def cohort_file(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("cohort"), visits=2)


@pytest.fixture
def cohort(cohort_file):
    return load_study(cohort_file, trust_code=True)
