"""load_model: names, cards, files, exported programs, user code."""

import importlib
import io
import json
import sys
import textwrap
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.explain import explain
from mriinterp.image.nifti import read_volume
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.models import (
    architecture_names,
    get_architecture,
    load_code,
    load_model,
    packaged_models,
    read_card,
    register_architecture,
)
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.models.probe import Probe, probe_network, probe_of_logits

SHAPE = (7, 8, 9)
AFFINE = np.diag([2.0, 2, 2, 1])
AFFINE[:3, 3] = -7, -8, -9
GRID = {"shape": list(SHAPE), "affine": AFFINE.tolist()}


def small_network(final=2):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(1, 3, 3), nn.BatchNorm3d(3), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(), nn.Linear(3 * 2 * 3 * 3, final)
    ).eval()


@pytest.fixture
def scan(rng):
    return Volume(rng.uniform(0, 5, SHAPE).astype(np.float32), AFFINE)


def write(folder, entries, name="net"):
    card = {"name": name, "grid": GRID, "classes": ["no", "yes"], **entries}
    (folder / f"{name}.json").write_text(json.dumps(card), encoding="utf-8")
    return folder / f"{name}.json"


# ---- the paper's network


@pytest.mark.parametrize(("features", "shape"), [(128, (113, 137, 113)), (5120, (193, 229, 193))])
def test_number_of_inputs_tells_the_grid(tmp_path, features, shape, monkeypatch):
    unseen = lambda module, heads, *_, **__: Probe(tuple(heads), "", ())  # noqa: E731
    monkeypatch.setattr("mriinterp.models.assembly.probe_network", unseen)  # a second at 1 mm
    torch.save(ClassificationModel3D(features).state_dict(), tmp_path / "w.pt")
    model = load_model("ClassificationModel3D", tmp_path / "w.pt", device="cpu")
    assert model.grid.shape == shape
    assert model.classes == ("NC", "AD")
    assert model.normalisation.kind == "none"
    with torch.inference_mode():
        narrow = torch.zeros(1, 1, *shape)[..., :78] if features == 128 else None
        assert narrow is None or model.module.Conv_1(narrow).shape[1] == 8


def test_other_sizes_need_a_card(tmp_path):
    torch.save(ClassificationModel3D(64).state_dict(), tmp_path / "w.pt")
    with pytest.raises(ValueError, match="128 or 5120 inputs, got 64"):
        load_model("ClassificationModel3D", tmp_path / "w.pt")
    entries = {"architecture": "ClassificationModel3D", "grid": {"shape": [78, 84, 78], "affine": np.eye(4).tolist()}}
    write(tmp_path, entries, "w")
    assert load_model("ClassificationModel3D", tmp_path / "w.pt").grid.shape == (78, 84, 78), "card beside the weights"
    assert load_model(tmp_path / "w.json", tmp_path / "w.pt").grid.shape == (78, 84, 78)


def test_grid_that_does_not_fit_the_network(tmp_path):
    torch.save(ClassificationModel3D(64).state_dict(), tmp_path / "w.pt")
    card = write(tmp_path, {"architecture": "ClassificationModel3D", "weights": "w.pt"})
    with pytest.raises(ValueError, match=r"reads \(7, 8, 9\)"):
        load_model(card)
    entries = {"grid": {"shape": [78, 84, 78], "affine": np.eye(4).tolist()}, "classes": ["a", "b", "c"]}
    card = write(tmp_path, {"architecture": "ClassificationModel3D", "weights": "w.pt", **entries})
    with pytest.raises(ValueError, match="3 outputs as on the card"):
        load_model(card)


def test_names_that_lead_nowhere(tmp_path):
    with pytest.raises(KeyError, match="ClassificationModel3D"):
        load_model("resnet")
    with pytest.raises(ValueError, match="expected weights"):
        load_model("ClassificationModel3D")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json"):
        load_model(tmp_path / "nowhere.json")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pt"):
        load_model("ClassificationModel3D", tmp_path / "nowhere.pt")
    torch.save(ClassificationModel3D(128).state_dict(), tmp_path / "w.pt")
    with pytest.raises(ValueError, match="device"):
        load_model("ClassificationModel3D", tmp_path / "w.pt", device="toaster")


# ---- user code


CODE = """
    import torch
    from torch import nn
    from mriinterp.models import register_architecture

    @register_architecture("user_net", label="A user's network")
    class UserNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(7 * 8 * 9, 2)

        def forward(self, x):
            return self.dense(x.flatten(1)) * FACTOR
"""


@pytest.fixture
def user_file(tmp_path, monkeypatch):
    from mriinterp.models import architecture_registry

    architecture_registry.architecture_names()  # those of the package are looked for once
    monkeypatch.setattr(architecture_registry, "_ARCHITECTURES", dict(architecture_registry._ARCHITECTURES))
    path = tmp_path / "user_net.py"
    path.write_text(textwrap.dedent(CODE).replace("FACTOR", "1"), encoding="utf-8")
    return path


def test_user_architecture(tmp_path, user_file, scan):
    assert "user_net" not in architecture_names()
    load_code(user_file)
    weight = torch.randn(2, 504)
    torch.save({"dense.weight": weight, "dense.bias": torch.zeros(2)}, tmp_path / "w.pt")
    card = write(tmp_path, {"architecture": "user_net", "weights": ["w.pt"]})
    model = load_model(card)
    torch.testing.assert_close(
        torch.tensor(list(model.predict(scan).outputs.values())), weight @ torch.from_numpy(scan.data.copy()).flatten()
    )
    ours = explain(model, scan, "sensitivity", target="yes", score="logit")
    np.testing.assert_allclose(ours.volume.data, weight[1].reshape(SHAPE).numpy())

    user_file.write_text(textwrap.dedent(CODE).replace("FACTOR", "2"), encoding="utf-8")
    load_code(user_file)  # edited: the same weights are another model now
    again = load_model(card)
    assert again.digest != model.digest
    assert again.predict(scan).outputs["yes"] == pytest.approx(2 * model.predict(scan).outputs["yes"])


def test_user_code_that_fails(tmp_path, user_file):
    with pytest.raises(FileNotFoundError):
        load_code(tmp_path / "none.py")
    for text, words in (
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ("import nothing_here", "Module"),
    ):
        (tmp_path / "bad.py").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=rf"bad\.py.*{words}"):
            load_code(tmp_path / "bad.py")
    load_code(user_file)
    (tmp_path / "other").mkdir()
    thief = tmp_path / "other" / "user_net.py"
    thief.write_text(user_file.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ValueError, match="registered already"):
        load_code(thief)


def test_code_that_ran_may_be_imported_and_run_again(user_file, monkeypatch):
    """A script names its classes by ``from user_net import Net``, and opens its card with the file as code."""
    load_code(user_file)
    monkeypatch.syspath_prepend(user_file.parent)
    importlib.import_module(user_file.stem)
    del sys.modules[user_file.stem]
    assert load_code(user_file).digest == get_architecture("user_net").code


def test_unknown_architecture_names_the_known(tmp_path):
    torch.save({"a": torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(KeyError, match=r"available: .*ClassificationModel3D.*ncomms2022"):
        load_model(write(tmp_path, {"architecture": "mystery", "weights": "w.pt"}))


# ---- exported programs


def export(folder, network, batch=None, name="net"):
    example = torch.zeros(2 if batch else 1, 1, *SHAPE)
    shapes = ({0: torch.export.Dim("n", min=1, max=64)},) if batch else None
    program = torch.export.export(network, (example,), dynamic_shapes=shapes)
    torch.export.save(program, folder / f"{name}.pt2")
    write(folder, {"architecture": "anything"}, name)
    return folder / f"{name}.pt2"


@pytest.mark.parametrize("batch", [None, "dynamic"])
def test_exported_program_is_the_network(tmp_path, scan, batch):
    network = small_network()
    model = load_model(export(tmp_path, network, batch), trust_code=True)
    x = model.prepare(scan)
    torch.testing.assert_close(torch.tensor(list(model.predict(scan).outputs.values())), network(x)[0].detach())
    three = torch.cat([x, x * 2, x * 0])
    torch.testing.assert_close(model.module(three), network(three).detach())
    torch.save(network.state_dict(), tmp_path / "w.pt")
    from mriinterp.explain import relevance

    for method, params in (
        ("sensitivity", {}),
        ("guided_backprop", {}),
        ("occlusion", {"size": 3, "stride": 2}),
        ("grad_cam", {}),
        ("integrated_gradients", {"steps": 3}),
        ("smoothgrad", {"samples": 2}),
    ):
        ours = explain(model, scan, method, target="yes", **params)
        expected = relevance(network, x, method, target=1, **params)[0, 0].numpy()
        np.testing.assert_allclose(ours.volume.data, expected, atol=1e-6 + 1e-5 * abs(expected).max())


def test_exported_program_by_its_card(tmp_path, scan):
    path = export(tmp_path, small_network())
    card = write(tmp_path, {"architecture": "torch.export", "weights": ["net.pt2"]})
    assert load_model(card, trust_code=True).digest == load_model(path, trust_code=True).digest
    path.with_suffix(".json").unlink()
    with pytest.raises(ValueError, match="card beside"):
        load_model(path, trust_code=True)


def test_exported_code_is_part_of_the_digest(tmp_path):
    """Same weights, another program."""
    network = small_network()
    first = load_model(export(tmp_path, network), trust_code=True)
    network[2] = nn.LeakyReLU()
    assert load_model(export(tmp_path, network), trust_code=True).digest != first.digest


def test_exported_program_needs_trust(tmp_path):
    path = export(tmp_path, small_network())
    for source in (path, path.with_suffix(".json")):
        write(tmp_path, {"architecture": "torch.export", "weights": ["net.pt2"]})
        with pytest.raises(ValueError, match="trust_code=True"):
            load_model(source)


class Mark:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_hostile_archive_is_not_opened(tmp_path):
    """torch.export.load unpickles what the archive marks as pickled: without permission it never gets there."""
    path, mark = export(tmp_path, small_network()), tmp_path / "executed"
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config_name = next(name for name in files if name.endswith("model_weights_config.json"))
    config = json.loads(files[config_name])
    entry = next(iter(config["config"].values()))
    entry["use_pickle"] = True
    payload = io.BytesIO()
    torch.save(Mark(str(mark)), payload)
    folder = config_name.rpartition("/")[0]
    files[f"{folder}/{entry['path_name']}"] = payload.getvalue()
    files[config_name] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="trust_code=True"):
        load_model(path)
    assert not mark.exists()
    with pytest.raises(ValueError, match="another file"):
        load_model(path, trust_code=True)
    assert mark.exists(), "the danger is real; if torch closes it one day, this test says so"


def test_exported_in_training_mode_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"eval mode, got batch_norm"):
        load_model(export(tmp_path, small_network().train(), batch="dynamic"), trust_code=True)


def test_not_an_archive(tmp_path):
    path = export(tmp_path, small_network())
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="archive"):
        load_model(path, trust_code=True)


# ---- digests, masks, grids


@pytest.fixture
def packaged(tmp_path):
    """A card and weights whose parts a test may change."""

    def make(weight=1.0, **entries):
        network = small_network()
        with torch.no_grad():
            network[5].weight *= weight
        torch.export.save(torch.export.export(network, (torch.zeros(1, 1, *SHAPE),)), tmp_path / "p.pt2")
        return load_model(
            write(tmp_path, {"architecture": "torch.export", "weights": "p.pt2", **entries}), trust_code=True
        )

    return make


@pytest.mark.parametrize("name", packaged_models())
def test_a_packaged_network_is_what_it_is_loaded_as_without_being_run(name, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("mriinterp.models.assembly.probe_network", lambda *_, **__: pytest.fail("it was run"))
        model = load_model(name, device="cpu")
    found = probe_network(
        model.module, read_card(packaged_models()[name]).heads, (1, *model.grid.shape), model.device, name
    )
    assert found == probe_of_logits(model.heads)
    assert model.heads == found.heads


def test_digest_follows_everything_that_changes_a_map(packaged, tmp_path):
    mask = np.ones(SHAPE, np.uint8)
    mask[0] = 0
    write_volume(Volume(mask, AFFINE), tmp_path / "mask.nii.gz")
    moved = {"shape": list(SHAPE), "affine": np.diag([1.0, 1, 1, 1]).tolist()}
    models = [
        packaged(),
        packaged(weight=1.001),
        packaged(grid=moved),
        packaged(normalisation={"kind": "scan_mean"}),
        packaged(normalisation={"kind": "scan_mean", "clip": [0, 8]}),
        packaged(brain_mask="mask.nii.gz"),
        packaged(classes=["yes", "no"]),
    ]
    assert len({model.digest for model in models}) == len(models)
    assert len(models[0].digest) == 64


def test_digest_follows_name_and_shape(loaded, monkeypatch):
    """The same weights under another name, and for scans of another size."""
    network = nn.Sequential(nn.Conv3d(1, 2, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten()).eval()
    one = loaded(network)
    larger = loaded(network, grid={"shape": [7, 8, 10], "affine": AFFINE.tolist()})
    renamed = loaded(network, name="another name")
    assert one.digest != larger.digest
    assert one.digest == renamed.digest, "what people call it changes no map"
    other = get_architecture("own")
    register_architecture("twin")(other.build)
    assert loaded(network, architecture="twin").digest != one.digest
    scale = loaded(nn.Sequential(network, nn.Linear(2, 1)).eval(), classes=["level"])
    heads = [{"name": "level", "kind": "scale", "classes": ["level"], "note": "0 to 2"}]
    noted = loaded(nn.Sequential(network, nn.Linear(2, 1)).eval(), heads=heads)
    assert scale.digest != noted.digest


def test_digest_of_plain_weights_repeats(tmp_path):
    torch.save(ClassificationModel3D(128).state_dict(), tmp_path / "w.pt")
    one, two = (load_model("ClassificationModel3D", tmp_path / "w.pt") for _ in range(2))
    assert one.digest == two.digest


def test_scan_on_the_models_grid_passes_bitwise(packaged, scan):
    model = packaged()
    x = model.prepare(scan)
    assert x.dtype == torch.float32
    assert x[0, 0].numpy().tobytes() == scan.data.tobytes()
    x += 1  # the scan is not touched
    assert not np.array_equal(x[0, 0].numpy(), scan.data)


def test_brain_mask(packaged, scan, tmp_path):
    """Voxels outside are 0; the mask may be on another grid and in another order."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[1:5, 2:7, 3:] = 1
    flipped = AFFINE.copy()
    flipped[0, 0], flipped[0, 3] = -2, -7 + 2 * 6
    write_volume(Volume(mask[::-1].copy(), flipped), tmp_path / "mask.nii.gz")
    x = packaged(brain_mask="mask.nii.gz").prepare(scan)[0, 0].numpy()
    np.testing.assert_array_equal(x, scan.data * mask)


def test_a_scan_elsewhere_is_refused(packaged, scan):
    away = AFFINE.copy()
    away[:3, 3] += 500
    with pytest.raises(ValueError, match="outside it"):
        packaged().predict(Volume(scan.data, away))
    with pytest.raises(ValueError, match="finite"):
        packaged().predict(scan.with_data(np.full(SHAPE, np.nan, np.float32)))


# ---- the published network of Qiu et al.


@pytest.fixture(scope="session")
def ncomms(shared_data):
    files = [shared_data / "ncomms2022" / f"{part}_58.pth" for part in ("ADD", "backbone", "COG")]
    return load_model("ncomms2022", files, device="cpu")


@pytest.mark.parametrize(("subject", "add", "cog"), [("58", 0.002, 0.453), ("59", 0.000, 0.482)])
def test_published_figures(ncomms, shared_data, subject, add, cog):
    scan = read_volume(shared_data / "ds002748" / "mni" / f"sub-{subject}_space-MNI152_desc-brain_T1w.nii.gz")
    prediction = ncomms.predict(scan)
    assert prediction.outputs["COG"] == pytest.approx(cog, abs=1e-3)
    assert prediction.probabilities["Alzheimer's disease"] == pytest.approx(add, abs=1e-3)
    assert prediction.predicted == "COG"
    assert "COG" not in prediction.probabilities


def test_prediction_does_not_depend_on_the_voxel_order(ncomms, shared_data, tmp_path):
    """The network reads LAS; scans come as RAS+; the same head in other voxel orders predicts the same."""
    import nibabel as nib

    assert ncomms.grid.axis_codes == "LAS"
    path = shared_data / "ds002748" / "mni" / "sub-58_space-MNI152_desc-brain_T1w.nii.gz"
    image = nib.load(path)
    expected = ncomms.prepare(read_volume(path))
    np.testing.assert_allclose(  # the raw file, which is LAS, by the published rule
        expected[0, 0].numpy(), np.clip(image.get_fdata() / image.get_fdata().mean(), 0, 8), rtol=1e-5
    )
    for codes in ("RAS", "PSR"):
        turned = image.as_reoriented(
            nib.orientations.ornt_transform(
                nib.orientations.io_orientation(image.affine), nib.orientations.axcodes2ornt(codes)
            )
        )
        nib.save(turned, tmp_path / "turned.nii.gz")
        assert torch.equal(ncomms.prepare(read_volume(tmp_path / "turned.nii.gz")), expected)


def test_heads_and_targets(ncomms, shared_data):
    assert [head.name for head in ncomms.heads] == ["COG", "ADD"]
    prediction = ncomms.read_outputs(torch.tensor([0.4, 1.0, 2.0]))
    assert ncomms.find_target(None, prediction)[0].name == "COG"
    assert ncomms.find_target("Alzheimer's disease", prediction) == (ncomms.heads[1], 1)
    assert ncomms.find_target(np.int64(1), prediction) == (ncomms.heads[1], 0)
    with pytest.raises(ValueError, match="available: COG, other dementia"):
        ncomms.find_target("AD", prediction)
    backbone = shared_data / "ncomms2022" / "backbone_58.pth"
    with pytest.raises(ValueError, match="got no head"):
        load_model("ncomms2022", backbone)
    alone = load_model("ncomms2022", [backbone, shared_data / "ncomms2022" / "COG_58.pth"])
    assert [head.name for head in alone.heads] == ["COG"]
    with pytest.raises(ValueError, match="missing: blocks"):
        load_model("ncomms2022", shared_data / "ncomms2022" / "COG_58.pth")
