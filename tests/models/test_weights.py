"""Weights files: nothing in them runs, and every misfit is named."""

import copy
import os
import pickle
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mriinterp.models.weights import digest_of, load_into, read_state_dict


class Hostile:
    """Creates a file when unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 2, 3), nn.BatchNorm3d(2), nn.Flatten(), nn.Linear(8, 2))


def blank(network):
    """The same network, all its numbers zero."""
    other = copy.deepcopy(network)
    with torch.no_grad():
        for value in other.state_dict().values():
            value.zero_()
    return other


def assert_same(other, network):
    found, expected = other.state_dict(), network.state_dict()
    assert any(value.any() for value in expected.values())
    assert all(torch.equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("how", ["torch", "pickle", "legacy"])
def test_code_in_a_weights_file_is_refused_and_not_run(tmp_path, how):
    mark, path = tmp_path / "executed", tmp_path / "w.pt"
    content = {"weight": torch.ones(2), "more": Hostile(mark)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(ValueError, match=r"code or objects|cannot be read") as error:
        read_state_dict(path)
    assert "w.pt" in str(error.value)
    assert not mark.exists()
    if how == "torch":  # the trap works: this is what would have happened
        torch.load(path, weights_only=False)
        assert mark.exists()


def test_a_whole_pickled_model_is_refused(tmp_path, network):
    torch.save(network, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="state_dict"):
        read_state_dict(tmp_path / "w.pt")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_round_trip(tmp_path, network, suffix):
    path = tmp_path / f"w{suffix}"
    (torch.save if suffix == ".pt" else save_file)(network.state_dict(), path)
    state = read_state_dict(path)
    assert state.keys() == network.state_dict().keys()
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("wrap", ["state_dict", "model_state_dict", "model", None])
def test_checkpoints_and_dataparallel(tmp_path, network, wrap):
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({wrap: state, "epoch": 3} if wrap else state, tmp_path / "w.pt")
    other = blank(network)
    load_into(other, read_state_dict(tmp_path / "w.pt"), "w.pt")
    assert_same(other, network)


def test_a_prefix_that_only_some_names_have_stays(tmp_path):
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "w.pt")
    assert set(read_state_dict(tmp_path / "w.pt")) == {"module.a", "b"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"hello", bytes(range(256)) * 20])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_damaged_files(tmp_path, content, suffix):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"w{suffix}"):
        read_state_dict(path)


def test_truncated_at_any_place(tmp_path, network):
    path = tmp_path / "w.pt"
    torch.save(network.state_dict(), path)
    whole = path.read_bytes()
    for share in range(1, 20):
        path.write_bytes(whole[: len(whole) * share // 20])
        with pytest.raises(ValueError, match=r"w\.pt"):
            read_state_dict(path)


@pytest.mark.parametrize("content", [b"\x80\x02t.", b"\x80\x02R.", b"\x80\x02X\xff\xff\xff\x7f", b"\x80\x02]\x94a."])
def test_pickles_that_make_no_sense(tmp_path, content):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.pt"):
        read_state_dict(tmp_path / "w.pt")


def test_files_without_tensors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt"):
        read_state_dict(tmp_path / "none.pt")
    for content in ({}, [torch.ones(1)], torch.ones(1), {"a": 1}):
        torch.save(content, tmp_path / "w.pt")
        with pytest.raises(ValueError, match="tensors by name"):
            read_state_dict(tmp_path / "w.pt")


def test_all_misfits_are_listed_at_once(network):
    state = network.state_dict()
    before = {key: value.clone() for key, value in state.items()}
    wrong = dict(state) | {"0.weight": torch.ones(2, 1, 5, 5, 5), "surplus": torch.ones(1), "another": torch.ones(1)}
    del wrong["3.bias"], wrong["1.running_var"]
    with pytest.raises(ValueError) as error:
        load_into(network, wrong, "w.pt")
    for part in ("2 missing: ", "3.bias", "1.running_var", "2 unexpected: surplus, another", "1 misshapen: 0.weight"):
        assert part in str(error.value)
    assert "expected (2, 1, 3, 3, 3), got (2, 1, 5, 5, 5)" in str(error.value)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items()), "nothing was loaded"


def test_of_many_misfits_the_first_are_named_and_all_counted(network):
    with pytest.raises(ValueError) as error:
        load_into(network, {f"layer{n}.weight": torch.ones(1) for n in range(40)}, "w.pt")
    assert "40 unexpected: layer0.weight, layer1.weight, layer2.weight" in str(error.value)
    assert "and 35 more" in str(error.value)
    assert str(error.value).count("layer") == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer; .*git lfs pull"),
        (b"/annex/objects/MD5E-s1--1.pt\n", "a git-annex pointer; .*git annex get"),
        (b"<!DOCTYPE html><html>404</html>", "a web page; the download failed"),
        ("é".encode() * 300, "a text file"),
        (b"these are notes", "got a text file$"),
        (b"", "an empty file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a file of another kind"),
        (b"\n \n", "a file of another kind"),
    ],
)
def test_what_is_no_weights_file_is_told_for_what_it_is(tmp_path, content, words):
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words) as error:
        read_state_dict(path)
    assert "code" not in str(error.value)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".pth"])
@pytest.mark.parametrize("wrap", ["{}", '{{"a": {{"dtype": "{}"}}}}', "\x80\x02cos\n{}\n.", "(lp0\nS'{}'\n."])
def test_no_word_of_a_file_is_told(tmp_path, suffix, wrap):
    path = tmp_path / f"w{suffix}"
    content = wrap.format("root:$6$hash:19000:0:99999:7:::").encode("latin1")
    path.write_bytes(len(content).to_bytes(8, "little") + content if suffix == ".safetensors" else content)
    with pytest.raises(ValueError, match=r"expected") as caught:
        read_state_dict(path)
    assert "root" not in str(caught.value)
    assert "hash" not in str(caught.value)


def test_safetensors_under_another_name_are_told(tmp_path, network):
    save_file(network.state_dict(), tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"let it end in \.safetensors"):
        read_state_dict(tmp_path / "w.pt")


def test_step_counter_of_batch_norm_may_be_absent(network):
    other = blank(network)
    state = {key: value for key, value in network.state_dict().items() if "num_batches" not in key}
    assert len(state) == len(network.state_dict()) - 1
    load_into(other, state, "w.pt")
    assert_same(other, network)


def test_digest(network):
    digest = digest_of(network)
    assert len(digest) == 64
    network[1].num_batches_tracked += 1
    assert digest_of(network) == digest
    with torch.no_grad():
        network[1].running_var[1] += 1e-6
    assert digest_of(network) != digest
    assert digest_of(network.half()) != digest


def test_hostile_pickle_stays_inert_in_a_fresh_interpreter(tmp_path):
    """os.system in a plain pickle renamed to .pt."""
    mark, path = tmp_path / "executed", tmp_path / "w.pt"

    class Shell:
        def __reduce__(self):
            return (os.system, (f"\"{sys.executable}\" -c \"open(r'{mark}', 'w')\"",))

    path.write_bytes(pickle.dumps(Shell()))
    with pytest.raises(ValueError, match=r"w\.pt"):
        read_state_dict(path)
    assert not mark.exists()
