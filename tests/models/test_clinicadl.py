"""Networks of ClinicaDL and their MAPS folders, written here as ClinicaDL 1 writes them."""

import itertools
import json

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp import explain
from mriinterp.cli import main
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.models import clinicadl, load_model
from mriinterp.models.clinicadl import ClinicaCNN, read_maps

SHAPE = (21, 24, 19)


class PadMaxPool3d(nn.Module):
    """The pooling as the original computes it: a constant padding that is set at each call."""

    def __init__(self, stride):
        super().__init__()
        self.stride, self.pool, self.pad = stride, nn.MaxPool3d(stride, stride), nn.ConstantPad3d(0, 0)

    def forward(self, maps):
        coords = [self.stride - maps.size(i + 2) % self.stride for i in range(3)]
        coords = [0 if coord == self.stride else coord for coord in coords]
        self.pad.padding = (coords[2], 0, coords[1], 0, coords[0], 0)
        return self.pool(self.pad(maps))


class Original(nn.Module):
    def __init__(self, kind, outputs=2):
        super().__init__()
        widths, layers = (1, 8, 16, 32, 64, 128), []
        strided = kind == "Stride_Conv5_FC3"
        for before, after in itertools.pairwise(widths):
            layers += [
                nn.Conv3d(before, after, 3, padding=1, stride=2 if strided else 1),
                nn.BatchNorm3d(after),
                nn.ReLU(),
            ]
            layers += [] if strided else [PadMaxPool3d(2)]
        self.convolutions = nn.Sequential(*layers)
        count = self.convolutions.eval()(torch.zeros(1, 1, *SHAPE)).numel()
        one, two = (50, 40) if kind == "Conv4_FC3" else (1300, 50)
        self.fc = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(count, one), nn.ReLU(), nn.Linear(one, two), nn.ReLU(),
            nn.Linear(two, outputs),
        )  # fmt: skip

    def forward(self, x):
        return self.fc(self.convolutions(x))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(clinicadl.GRIDS, SHAPE, (-80, -100, -70))


@pytest.fixture
def scan():
    affine = np.eye(4)
    affine[:3, 3] = (-80, -100, -70)
    return Volume(np.random.default_rng(0).uniform(3, 900, SHAPE).astype(np.float32), affine)


def maps(folder, kind="Conv5_FC3", outputs=2, **more):
    torch.manual_seed(0)
    network = Original(kind, outputs).eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 2)
    images = {"preprocessing": "t1-linear", "mode": "image", "use_uncropped_image": False, "prepare_dl": True}
    entries = {
        "architecture": kind, "network_task": "classification", "label": "diagnosis", "label_code": {"AD": 0, "CN": 1},
        "input_size": [1, *SHAPE], "output_size": outputs, "normalize": True, "size_reduction": False,
        "multi_network": False, "dropout": 0.5, "preprocessing_dict": images, **more,
    }  # fmt: skip
    for place in ("split-0/best-BA", "split-0/best-loss", "split-1/best-loss"):
        (folder / place).mkdir(parents=True)
        state = {
            key: value * 2 if place.startswith("split-1") else value for key, value in network.state_dict().items()
        }
        torch.save({"model": state, "epoch": 3, "name": kind}, folder / place / "model.pth.tar")
    (folder / "maps.json").write_text(json.dumps({k: v for k, v in entries.items() if v is not None}), encoding="utf-8")
    return network


@pytest.mark.parametrize("kind", clinicadl.NETWORKS)
def test_a_maps_folder_is_a_network(tmp_path, scan, kind):
    """Outputs and maps are those of the original network on the image scaled to 0–1, as ClinicaDL feeds it."""
    original = maps(tmp_path / "maps", kind)
    model = load_model(tmp_path / "maps")
    assert model.classes == ("AD", "CN")
    assert isinstance(model.module, ClinicaCNN)
    low, high = scan.data.min(), scan.data.max()
    with torch.no_grad():
        expected = original(torch.from_numpy((scan.data - low) / (high - low))[None, None])[0]
    found = model.predict(scan).outputs
    np.testing.assert_allclose([found["AD"], found["CN"]], expected.numpy(), rtol=1e-4, atol=1e-5)
    assert explain(model, scan, "occlusion", size=8, stride=8).volume.data.any()
    assert explain(model, scan, "lrp_epsilon").volume.data.any()


def test_split_and_metric_are_chosen_by_the_path(tmp_path):
    folder = tmp_path / "maps"
    maps(folder)
    assert read_maps(folder).weights == ("split-0/best-loss/model.pth.tar",)
    assert read_maps(folder / "split-1").weights == ("split-1/best-loss/model.pth.tar",)
    assert read_maps(folder / "split-0" / "best-BA").weights == ("split-0/best-BA/model.pth.tar",)
    assert load_model(folder / "split-1").digest != load_model(folder).digest
    assert (
        load_model(folder / "split-1" / "best-loss" / "model.pth.tar").digest == load_model(folder / "split-1").digest
    )
    with pytest.raises(ValueError, match="available: split-0/best-BA, split-0/best-loss, split-1/best-loss"):
        read_maps(folder / "split-1" / "best-BA")


def test_a_regression_and_an_older_description(tmp_path):
    maps(tmp_path / "age", outputs=1, network_task="regression", label="age", label_code=None, normalize=False)
    card = read_maps(tmp_path / "age")
    assert (card.heads[0].kind, card.classes, card.normalisation) == ("scale", ("age",), {"kind": "none"})
    maps(tmp_path / "old", preprocessing_dict=None, input_size=None, preprocessing="t1-linear", mode="image")
    assert read_maps(tmp_path / "old").grid.shape == (169, 208, 179)
    maps(tmp_path / "merged", label_code={"CN": 0, "MCI": 1, "AD": 1})
    assert read_maps(tmp_path / "merged").classes == ("CN", "MCI+AD")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"architecture": "resnet18"}, "the network resnet18"),
        ({"architecture": None, "ResNet": {"spatial_dims": 3, "num_outputs": 1}}, "the network ResNet"),
        ({"multi_network": True}, "several"),
        ({"preprocessing_dict": {"preprocessing": "t1-linear", "mode": "patch"}}, "one of the mode patch"),
        ({"size_reduction": True}, "reduced ones"),
        ({"preprocessing_dict": {"preprocessing": "pet-linear", "mode": "image"}}, "pet-linear"),
        ({"input_size": [1, 128, 128, 128]}, "128, 128, 128"),
        ({"network_task": "reconstruction"}, "the task reconstruction"),
        ({"label_code": {"AD": 0}}, "AD"),
    ],
)
def test_what_is_not_read_names_the_way_out(tmp_path, more, words):
    maps(tmp_path / "maps", **more)
    with pytest.raises(ValueError, match=r"Model\.from_module takes any network") as error:
        load_model(tmp_path / "maps")
    assert words in str(error.value)


def test_the_command_checks_a_maps_folder_and_writes_its_card(tmp_path, scan, capsys):
    folder = tmp_path / "maps"
    maps(folder)
    file = write_volume(scan, tmp_path / "scan.nii.gz", space="mni")
    words = ["model", "check", str(folder / "split-1"), "--scan", str(file), "--methods", "sensitivity", "--write-card"]
    assert main(words) == 0, capsys.readouterr().err
    card = folder / clinicadl.CARD_NAME
    assert load_model(card).digest == load_model(folder / "split-1").digest
    assert main([*words[:-1], "--classes", "ill", "healthy"]) == 0
