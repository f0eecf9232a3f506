"""What a network may return, and the words about what it may not."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.explain import explain
from mriinterp.image.volume import Volume
from mriinterp.models import Model, load_model, write_card
from mriinterp.models.exported import OneByOne
from mriinterp.network_check import open_network

SHAPE = (9, 10, 8)


class Net(nn.Module):
    """Returns whatever is made of image, maps and two outputs."""

    def __init__(self, made, channels=1, outputs=2):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.last, self.made = nn.Conv3d(channels, 4, 3), nn.Linear(4, outputs), made

    def forward(self, x):
        maps = self.conv(x).relu()
        return self.made(maps, self.last(maps.mean((2, 3, 4))))


@pytest.fixture
def scan():
    affine = np.diag([8.0, 8, 8, 1])
    affine[:3, 3] = (-32, -40, -30)
    return Volume(np.random.default_rng(0).uniform(0, 1, SHAPE).astype(np.float32), affine)


def of(made, scan, classes=("CN", "AD"), **more):
    return Model.from_module(Net(made, **more).eval(), grid=scan, classes=list(classes))


def exported(folder, made, scan, **more):
    path = folder / "net.pt2"
    example = torch.zeros(1, more.get("channels", 1), *SHAPE)
    torch.export.save(torch.export.export(Net(made, **more).eval(), (example,)), path)
    return open_network(path, scan, trust_code=True)


REFUSED = {
    "a map": (lambda maps, z: maps, "A number for each voxel is no output of a scan"),
    "two that fit": (lambda maps, z: {"a": z, "b": 2 * z}, "name the entry that is meant: pick=… in Python"),
    "class numbers": (lambda maps, z: z.argmax(1), "got int64: have its forward return the logits"),
    "truth values": (lambda maps, z: z > 0, "got bool: have its forward return the logits"),
    "complex numbers": (lambda maps, z: z.to(torch.complex64), "got complex64"),
    "nothing": (lambda maps, z: None, "got a NoneType; have its forward return a tensor of PyTorch"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_output_of_a_scan_is_refused_in_words(tmp_path, scan, case):
    made, words = REFUSED[case]
    with pytest.raises(ValueError, match="expected") as error:
        of(made, scan)
    assert words in str(error.value)
    with pytest.raises(ValueError, match="expected") as error:
        exported(tmp_path, made, scan)
    assert words in str(error.value)
    assert len(str(error.value)) < 400, "no list of sixty numbers"


@pytest.mark.parametrize("made", [lambda maps, z: "logits", lambda maps, z: z.detach().numpy()])
def test_other_objects_are_refused_in_words(scan, made):
    with pytest.raises(ValueError, match="have its forward return a tensor of PyTorch"):
        of(made, scan)


def test_an_entry_of_an_entry_is_read(tmp_path, scan):
    model = of(lambda maps, z: {"out": {"logits": z, "maps": maps}, "aux": [maps]}, scan)
    assert model.card.pick == "out.logits"
    plain = of(lambda maps, z: z, scan)
    assert model.predict(scan).outputs == pytest.approx(plain.predict(scan).outputs)
    first = of(lambda maps, z: (z, [2 * z, 3 * z]), scan)
    assert first.card.pick == 0, "an entry goes before entries of entries"
    opened, _ = exported(tmp_path, lambda maps, z: {"out": {"logits": z, "maps": maps}}, scan)
    assert opened.card.pick == "out.logits"
    assert opened.independent


@pytest.mark.parametrize("channels", [2, 3])
def test_a_network_of_several_channels_asks_for_names_of_images(tmp_path, scan, channels):
    words = rf'It reads {channels} channels, each an image of a scan: name them, images=\[…\] in Python, "images"'
    with pytest.raises(ValueError, match=words):
        of(lambda maps, z: z, scan, channels=channels)
    with pytest.raises(ValueError, match=words):
        exported(tmp_path, lambda maps, z: z, scan, channels=channels)


def test_a_program_of_another_size_names_it(tmp_path, scan):
    exported(tmp_path, lambda maps, z: z, scan)
    larger = Volume(np.random.default_rng(0).uniform(0, 1, (9, 10, 11)).astype(np.float32), scan.affine)
    with pytest.raises(ValueError, match="It was exported for 8 voxels along axis 2"):
        open_network(tmp_path / "net.pt2", larger, trust_code=True)


class TwoInputs(nn.Module):
    """Reads a number beside the image."""

    def __init__(self):
        super().__init__()
        self.conv, self.age = nn.Conv3d(1, 2, 3), nn.Linear(1, 2)

    def forward(self, x, age):
        return self.conv(x).mean((2, 3, 4)) + self.age(age)


@pytest.mark.parametrize("kind", ["vector", "keywords"])
def test_a_program_that_reads_a_number(tmp_path, scan, kind):
    torch.manual_seed(0)
    net, image, age = TwoInputs().eval(), torch.zeros(1, 1, *scan.grid.shape), torch.zeros(1, 1)
    given = (image, age) if kind == "vector" else (image,)
    named = {} if kind == "vector" else {"age": age}
    torch.export.save(torch.export.export(net, given, named), tmp_path / "net.pt2")
    with pytest.raises(ValueError, match=r"program of 1 input, got 2 \(x, age\).*--numbers age"):
        open_network(tmp_path / "net.pt2", scan, trust_code=True)
    about = {"classes": ["CN", "AD"], "numbers": ["age"], "numbers_as": kind}
    model, _ = open_network(tmp_path / "net.pt2", scan, about=about, trust_code=True)
    asked = {"t1": scan, "age": 0.5}
    expected = net(model.prepare(asked), torch.tensor([[0.5]]))[0].tolist()
    assert list(model.predict(asked).outputs.values()) == pytest.approx(expected, rel=1e-5)
    windows = explain(model, asked, "occlusion", size=3, stride=3)
    plain = explain(Model.from_module(net, grid=scan, **about), asked, "occlusion", size=3, stride=3)
    np.testing.assert_allclose(windows.volume.data, plain.volume.data, atol=1e-6)
    write_card(model.card, tmp_path / "net.json")
    assert load_model(tmp_path / "net.pt2", trust_code=True).digest == model.digest


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (
            lambda net, image: (net, torch.cat([image, image])),
            r"for one scan at a time or for any number, got one for 2",
        ),
        (lambda net, image: (net.double(), image.double()), r"weights are float32, got float64; call net\.float\(\)"),
    ],
)
def test_programs_that_fit_no_scan_name_the_export(tmp_path, scan, spoilt, words):
    net, image = spoilt(nn.Sequential(nn.Conv3d(1, 2, 3), nn.Flatten()).eval(), torch.zeros(1, 1, *scan.grid.shape))
    torch.export.save(torch.export.export(net, (image,)), tmp_path / "net.pt2")
    with pytest.raises(ValueError, match=words):
        open_network(tmp_path / "net.pt2", scan, trust_code=True)


def test_many_outputs_are_bins_or_named_classes(tmp_path, scan):
    with pytest.raises(ValueError, match="Of bins say what each stands for"):
        exported(tmp_path, lambda maps, z: z, scan, outputs=100)
    about = {"classes": ["age"], "output": "bins", "centres": list(range(100))}
    model, _ = open_network(tmp_path / "net.pt2", scan, about=about, trust_code=True)
    assert 0 < model.predict(scan).outputs["age"] < 99
    entries = {"name": "own", "architecture": "torch.export", "grid": {"shape": SHAPE, "affine": scan.affine.tolist()}}
    (tmp_path / "net.json").write_text(json.dumps(entries | about), encoding="utf-8")
    assert load_model(tmp_path / "net.pt2", trust_code=True).digest == model.digest


def test_programs_for_one_scan_return_the_same_of_several():
    def program(x):
        return {"z": x.mean((2, 3, 4)), "pair": (x, x.mean()), "name": "net"}

    x = torch.rand(3, 2, 4, 4, 4)
    found = OneByOne(program)(x)
    torch.testing.assert_close(found["z"], x.mean((2, 3, 4)))
    torch.testing.assert_close(found["pair"][0], x)
    torch.testing.assert_close(found["pair"][1], x.mean((1, 2, 3, 4)))
    assert found["name"] == "net"
