"""Packaged networks are known by their cards, and loaded when they are run."""

import subprocess
import sys
import threading
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from mriinterp.models import late, load_model, loading, packaged_models, read_card
from mriinterp.models.late import DIGEST, LateModel, open_packaged
from mriinterp.study import ModelRecipe

KNOWN = """
import sys
from mriinterp.study import DemoStudy
model = DemoStudy().model()
print(model.digest, model.grid.shape, model.classes, model.heads, model.card.simulated, model.notes, model.mask)
assert "torch" not in sys.modules
"""


def test_what_its_card_says_is_known_without_torch():
    done = subprocess.run([sys.executable, "-c", KNOWN], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    model = load_model("demo", device="cpu")
    about = (model.digest, model.grid.shape, model.classes, model.heads, model.card.simulated, model.notes, model.mask)
    assert done.stdout.strip() == " ".join(map(str, about))


@pytest.mark.parametrize("name", packaged_models())
def test_it_is_the_network_that_is_loaded(name):
    opened, loaded = open_packaged(name, "cpu"), load_model(name, device="cpu")
    for field in fields(loaded):
        ours, theirs = getattr(opened, field.name), getattr(loaded, field.name)
        if field.name == "card":
            assert ours.heads == theirs.heads
            assert replace(ours, grid=theirs.grid, heads=()).__dict__ == replace(theirs, heads=()).__dict__
            np.testing.assert_array_equal(ours.grid.affine, theirs.grid.affine)
        elif field.name == "module":
            for (key, one), (other_key, other) in zip(
                ours.state_dict().items(), theirs.state_dict().items(), strict=True
            ):
                assert key == other_key
                assert torch.equal(one, other)
        elif field.name == "normalisation":
            assert ours.digest == theirs.digest
        elif field.name != "lock":
            assert ours == theirs, field.name


def test_it_is_loaded_once_by_threads_that_run_it_together(monkeypatch):
    calls = []
    load = loading.load_model
    monkeypatch.setattr(loading, "load_model", lambda *args, **named: calls.append(args) or load(*args, **named))
    model = open_packaged("demo")
    assert not calls
    found = []
    threads = [threading.Thread(target=lambda: found.append(model.module)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert len(found) == 4
    assert all(module is model.module for module in found)


def test_a_card_of_other_weights_is_refused_where_the_network_is_run(monkeypatch):
    card = read_card(packaged_models()["demo"])
    about = {**card.about, DIGEST: "0" * 64}
    monkeypatch.setattr(late, "read_card", lambda path: replace(card, about=about))
    other = open_packaged("demo")
    assert other.digest == "0" * 64
    with pytest.raises(ValueError, match=r"weights and card that belong together.*install mriinterp again"):
        _ = other.module
    with pytest.raises(AttributeError, match="no_such"):
        _ = other.no_such


def test_a_study_loads_late_only_what_the_package_describes(tmp_path):
    assert isinstance(ModelRecipe("demo").load(), LateModel)
    card = packaged_models()["demo"]
    assert not isinstance(ModelRecipe(str(card)).load("cpu"), LateModel)
    assert not isinstance(ModelRecipe("demo", weights=(str(card.with_suffix(".safetensors")),)).load("cpu"), LateModel)
    with pytest.raises(ValueError, match="expected a device"):
        ModelRecipe("demo").load("toaster")


def test_a_changed_copy_of_it_is_a_whole_model():
    model = open_packaged("demo", "cpu")
    other = replace(model, digest="other")
    assert (other.digest, other.card) == ("other", model.card)
    assert other.module is model.module
