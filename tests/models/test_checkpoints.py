"""Checkpoints as training programs write them, and files that are none."""

import argparse
import collections
import datetime
import fractions
import io
import json
import logging
import pathlib
import pickle
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.models import architecture_registry, load_model
from mriinterp.models.weights import load_into, read_state_dict, read_state_dicts

from .conftest import GRID, small_network
from .test_weights import Hostile, assert_same, blank

SHAPE = tuple(GRID["shape"])


@pytest.fixture
def network():
    return small_network()


@pytest.fixture(autouse=True)
def architectures(monkeypatch):
    architecture_registry.architecture_names()  # those of the package are looked for once
    monkeypatch.setattr(architecture_registry, "_ARCHITECTURES", dict(architecture_registry._ARCHITECTURES))


PREFIXES = ["module.", "model.", "net.", "_orig_mod.", "module._orig_mod.", "model.module.net.", "encoder.backbone."]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_what_stands_before_all_names_is_found(tmp_path, network, prefix):
    torch.save({f"{prefix}{key}": value for key, value in network.state_dict().items()}, tmp_path / "w.pt")
    other = blank(network)
    load_into(other, read_state_dict(tmp_path / "w.pt"), "w.pt")
    assert_same(other, network)


def test_the_network_may_keep_a_part(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "w.pt")
    other = nn.ModuleDict({"net": blank(network)})
    load_into(other, read_state_dict(tmp_path / "w.pt"), "w.pt")
    assert_same(other["net"], network)


def test_tensors_of_other_parts_are_left_out_only_if_all_is_found(tmp_path, network):
    state = {f"model.{key}": value for key, value in network.state_dict().items()}
    state |= {"loss.weight": torch.ones(2), "teacher.0.weight": torch.ones(3)}
    torch.save({"state_dict": state}, tmp_path / "w.pt")
    other = blank(network)
    load_into(other, read_state_dict(tmp_path / "w.pt"), "w.pt")
    assert_same(other, network)
    del state["model.5.bias"]
    with pytest.raises(ValueError, match="missing"):
        load_into(other, state, "w.pt")


def test_a_name_too_many_is_still_named(network):
    with pytest.raises(ValueError, match="1 unexpected: extra"):
        load_into(blank(network), {**network.state_dict(), "extra": torch.ones(1)}, "w.pt")


LIGHTNING = {"epoch": 3, "global_step": 7, "pytorch-lightning_version": "2.5", "loops": {}, "callbacks": {"a": {}}}
WRAPS = {
    "state_dict": lambda s: {"state_dict": s},
    "model": lambda s: {"model": s, "epoch": 1},
    "weights": lambda s: {"weights": s},
    "Lightning": lambda s: {**LIGHTNING, "state_dict": {f"model.{k}": v for k, v in s.items()}},
    "optimiser": lambda s: {"optimizer": {"state": {0: {"a": torch.ones(2)}, "b": torch.ones(9)}}, "net": s},
    "two deep": lambda s: {"checkpoint": {"model_state": s}},
    "any name": lambda s: {"cnn_3d": s, "loss": torch.ones(1), "best": torch.tensor(0.5)},
    "only an average": lambda s: {"state_dict_ema": s},
}


@pytest.mark.parametrize("how", WRAPS)
def test_wrappers(tmp_path, network, how):
    torch.save(WRAPS[how](network.state_dict()), tmp_path / "w.pt")
    other = blank(network)
    load_into(other, read_state_dict(tmp_path / "w.pt"), "w.pt")
    assert_same(other, network)


def test_of_two_sets_that_fit_the_plain_one_is_taken_and_it_is_said(tmp_path, network, caplog):
    architecture_registry.register_architecture("own")(lambda states: (small_network(seed=1), states[0]))
    average = {key: torch.zeros_like(value) for key, value in network.state_dict().items()}
    torch.save({"state_dict_ema": average, "state_dict": network.state_dict()}, tmp_path / "own.pt")
    assert len(read_state_dicts(tmp_path / "own.pt")) == 2
    card = '{"name": "n", "architecture": "own", "classes": ["a", "b"], "weights": "own.pt", "grid": %s}'

    (tmp_path / "own.json").write_text(card % json.dumps(GRID), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        model = load_model(tmp_path / "own.json", device="cpu")
    assert_same(model.module, network)
    assert "2 sets of weights that fit own" in caplog.text
    assert model.notes[0] == "own.pt holds 2 sets of weights that fit own; the first is used"


def test_a_set_that_fits_is_found_among_others(tmp_path, network):
    """The generator of a file with a generator and a critic."""
    architecture_registry.register_architecture("own")(lambda states: (small_network(seed=1), states[0]))
    other = {f"x{n}": torch.ones(1) for n in range(40)}
    torch.save({"model": other, "classifier": network.state_dict()}, tmp_path / "own.pt")

    entries = {"name": "n", "architecture": "own", "classes": ["a", "b"], "weights": "own.pt", "grid": GRID}
    (tmp_path / "own.json").write_text(json.dumps(entries), encoding="utf-8")
    assert_same(load_model(tmp_path / "own.json", device="cpu").module, network)


SIDE = {
    "NumPy scalar": np.float64(0.93),
    "NumPy float32": np.float32(0.5),
    "NumPy whole number": np.int64(12),
    "NumPy array": np.arange(3.0),
    "text array": np.array(["AD", "CN"]),
    "namespace": argparse.Namespace(lr=0.1, out=pathlib.Path("runs"), best=np.float64(1.0)),
    "path": pathlib.Path("/data/adni"),
    "Windows path": pathlib.PureWindowsPath("C:/data"),
    "defaultdict": collections.defaultdict(list, {"loss": [0.5, 0.4]}),
    "deque": collections.deque([0.5, 0.4], maxlen=5),
    "time": datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC),
    "duration": [datetime.timedelta(hours=3), datetime.date(2026, 11, 27)],
}


@pytest.mark.parametrize("kind", SIDE)
def test_side_data_that_only_hold_data(tmp_path, network, kind):
    before = set(torch.serialization.get_safe_globals())
    torch.save({"state_dict": network.state_dict(), "args": SIDE[kind]}, tmp_path / "w.pt")
    other = blank(network)
    load_into(other, read_state_dict(tmp_path / "w.pt"), "w.pt")
    assert_same(other, network)
    assert set(torch.serialization.get_safe_globals()) == before, "what was let in is out again"


def test_a_path_of_another_system(tmp_path, network):
    """A checkpoint written on Windows names a class that cannot be made here."""
    torch.save({"state_dict": network.state_dict(), "out": pathlib.PurePosixPath("a/b")}, tmp_path / "w.pt")
    source, target = zipfile.ZipFile(tmp_path / "w.pt"), zipfile.ZipFile(tmp_path / "x.pt", "w")
    with source, target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data.replace(b"PurePosixPath", b"WindowsPath"))
    other = blank(network)
    load_into(other, read_state_dict(tmp_path / "x.pt"), "x.pt")
    assert_same(other, network)


def test_code_in_side_data_does_not_run(tmp_path, network):
    mark = tmp_path / "executed"
    for name, side in {"plain": Hostile(mark), "inside": argparse.Namespace(hook=Hostile(mark))}.items():
        torch.save({"state_dict": network.state_dict(), "args": side}, tmp_path / f"{name}.pt")
        with pytest.raises(ValueError, match="code or objects"):
            read_state_dict(tmp_path / f"{name}.pt")
    assert not mark.exists()


def test_the_object_that_is_refused_is_named(tmp_path, network):
    torch.save({"state_dict": network.state_dict(), "rate": fractions.Fraction(1, 3)}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"code or objects \(fractions\.Fraction\).*save the weights alone"):
        read_state_dict(tmp_path / "w.pt")


def test_arrays_of_numbers_are_tensors(tmp_path, network):
    torch.save({key: value.numpy() for key, value in network.state_dict().items()}, tmp_path / "w.pt")
    other = blank(network)
    load_into(other, read_state_dict(tmp_path / "w.pt"), "w.pt")
    assert_same(other, network)


def test_weights_of_a_training_that_diverged(network):
    state = {key: value.clone() for key, value in network.state_dict().items()}
    state["5.bias"][0] = float("nan")
    with pytest.raises(ValueError, match=r"w\.pt: expected finite weights, got NaN or infinity in 1 of \d+: 5\.bias"):
        load_into(blank(network), state, "w.pt")


def test_a_mask_of_infinity_is_no_weight():
    network = nn.Linear(2, 2)
    network.register_buffer("mask", torch.full((2, 2), float("-inf")))
    load_into(network, network.state_dict(), "w.pt")


# ---- files that are no weights: what they are, and what to do


def keras(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\x89HDF")


def script(path):
    torch.jit.trace(small_network(), torch.zeros(1, 1, *SHAPE)).save(str(path))


def exported(path):
    torch.export.save(torch.export.export(small_network(), (torch.zeros(1, 1, *SHAPE),)), str(path) + "2")
    pathlib.Path(str(path) + "2").rename(path)


OTHERS = {
    "script": (script, "TorchScript archive.*state_dict"),
    "exported": (exported, r"exported program.*--model net\.pt2"),
    "keras": (keras, "Keras or HDF5 file.*Model.from_module"),
    "hdf5": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), "Keras or HDF5"),
    "onnx": (
        lambda path: path.write_bytes(b"\x08\x08\x12\x07pytorch\x1a\x052.1.0" + bytes(99)),
        "ONNX graph.*converter",
    ),
    "TensorFlow Lite": (lambda path: path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(99)), "TensorFlow graph.*Keras 3"),
    "MATLAB": (lambda path: path.write_bytes(b"MATLAB 5.0 MAT-file" + b" " * 120 + bytes(99)), "MATLAB file"),
    "numpy": (lambda path: np.savez(path.open("wb"), a=np.ones(2)), "NumPy archive"),
    "network": (lambda path: torch.save(small_network(), path), r"whole network saved as an object.*state_dict\(\)"),
    "legacy network": (
        lambda path: torch.save(small_network(), path, _use_new_zipfile_serialization=False),
        "whole network saved as an object",
    ),
    "pickle": (
        lambda path: path.write_bytes(pickle.dumps(small_network())),
        "whole network|cannot be read|code or obj",
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", OTHERS)
def test_files_of_other_kinds_are_told_with_the_way_out(tmp_path, kind):
    make, words = OTHERS[kind]
    path = tmp_path / "net.pt"
    make(path)
    with pytest.raises(ValueError, match=words) as caught:
        read_state_dict(path)
    for text in ("weights_only", "add_safe_globals", "trust the source"):
        assert text not in str(caught.value), "no advice to switch safety off"
    with pytest.raises(ValueError, match=r"expected a network, got net\.pt"):
        load_model(path)


def test_weights_given_as_the_network(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"holds weights: give them as weights \(--weights net\.pth"):
        load_model(tmp_path / "net.pth")


# ---- classes and builders


def test_a_class_that_needs_arguments(tmp_path, network):
    class Deep(nn.Module):
        def __init__(self, depth, width=3):
            super().__init__()

    architecture_registry.register_architecture("deep")(Deep)
    torch.save(network.state_dict(), tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"Deep, which needs depth; register a function(.|\n)*return Deep\(depth=…\)"):
        load_model("deep", tmp_path / "w.pt")


def test_a_builder_may_return_the_network_alone(tmp_path, network):

    architecture_registry.register_architecture("own")(lambda states: small_network(seed=1))
    torch.save(network.state_dict(), tmp_path / "own.pt")
    entries = {"name": "n", "architecture": "own", "classes": ["a", "b"], "weights": "own.pt", "grid": GRID}
    (tmp_path / "own.json").write_text(json.dumps(entries), encoding="utf-8")
    assert_same(load_model(tmp_path / "own.json", device="cpu").module, network)
    architecture_registry.register_architecture("own")(lambda states: {"net": 1})
    with pytest.raises(ValueError, match=r"builder of own to return a network.*got a dict"):
        load_model(tmp_path / "own.json", device="cpu")


def test_a_paper_network_of_a_training_program(tmp_path):
    """Names that the architecture is told by are found behind a prefix."""
    from mriinterp.models import packaged_models, read_card

    card = read_card(packaged_models()["demo"])
    state = read_state_dict(card.folder / card.weights[0])
    torch.save({"state_dict": {f"model.{k}": v for k, v in state.items()}, "acc": np.float64(1)}, tmp_path / "w.ckpt")
    model = load_model(card.architecture, tmp_path / "w.ckpt", device="cpu")
    assert model.grid.shape == card.grid.shape


def test_a_missing_card_names_the_command(tmp_path, network):
    exported(tmp_path / "net.pt2")
    with pytest.raises(ValueError, match=r"card beside net\.pt2.*mriinterp model check \S*net\.pt2 --scan"):
        load_model(tmp_path / "net.pt2", trust_code=True)
    architecture_registry.register_architecture("own")(lambda states: (small_network(), states[0]))
    torch.save(network.state_dict(), tmp_path / "own.pt")
    with pytest.raises(ValueError, match=r"mriinterp model check own --weights .*own\.pt --scan"):
        load_model("own", tmp_path / "own.pt")


def test_an_empty_archive(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w"):
        pass
    (tmp_path / "w.pt").write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match=r"w\.pt"):
        read_state_dict(tmp_path / "w.pt")
