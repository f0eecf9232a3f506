"""What a file is that should hold weights, and what to do with one that does not."""

from __future__ import annotations

import zipfile
from pathlib import Path

from mriinterp.base.files import stand_in

__all__ = ["PICKLED_NETWORK", "STATE_DICT", "kind_of_file", "says_network"]

HEAD = 256  # bytes by which a file is recognised
LOOKED_AT = 2**24  # bytes of a pickle that are searched for layers

STATE_DICT = "torch.save(net.state_dict(), 'weights.pt')"
EXPORT = "torch.export.save(torch.export.export(net.eval(), (torch.zeros(1, 1, *shape),)), 'net.pt2')"
PICKLED_NETWORK = (
    "a whole network saved as an object. Such a file is not opened, because opening it runs code. Where it was made, "
    f"save the weights: {STATE_DICT}; or the network without its code: {EXPORT}"
)
_SCRIPT = (
    "a TorchScript archive (torch.jit.save). Where the network's Python code is, save the weights of the module it was "
    f"made from: {STATE_DICT}; or {EXPORT}"
)
_ONNX = (
    "an ONNX graph, which this program does not run. If the PyTorch network is at hand: "
    f"{STATE_DICT}; else a converter such as onnx2torch makes a module of it, for {EXPORT}"
)
_KERAS = (
    "a Keras or HDF5 file, which this program does not run. Keras 3 with the torch backend makes a torch.nn.Module of "
    f"it (keras.saving.load_model), which Model.from_module takes, or: {EXPORT}"
)
_TENSORFLOW = (
    "a TensorFlow graph, which this program does not run. If the Keras model is at hand, Keras 3 with the torch backend "
    "makes a torch.nn.Module of it (keras.saving.load_model), which Model.from_module takes"
)
_MATLAB = (
    "a MATLAB file. Make tensors of its arrays (scipy.io.loadmat), by the names of the network's layers: "
    "torch.save({name: tensor}, …)"
)
_NUMPY = (
    "a NumPy archive. Make tensors of its arrays, by the names of the network's layers: torch.save({name: tensor}, …)"
)
_EXPORTED = "an exported program, which is a whole network: give it as the model (--model net.pt2), not as weights"


def kind_of_file(path: Path) -> str:
    """Return what a file is that is neither of torch.save nor of safetensors, and what to do; "" for one that may be."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if not head:
        return "an empty file"
    if found := stand_in(head):
        return f"{found[0]}; {found[1]}"
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _KERAS
    if path.suffix.lower() == ".onnx" or (head[:1] == b"\x08" and b"pytorch" in head[:64]):
        return _ONNX
    if head[4:8] == b"TFL3" or (path.suffix.lower() == ".pb" and head[:1] == b"\x08"):
        return _TENSORFLOW
    if head.startswith(b"MATLAB "):
        return _MATLAB
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_archive(path)
    if head.startswith(b"\x80"):  # a pickle
        return ""
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return "a safetensors file of another name; let it end in .safetensors"
    try:
        text = head.decode("utf-8", errors="ignore" if len(head) == HEAD else "strict")  # cut inside a letter
    except UnicodeDecodeError:
        return "a file of another kind"
    if "\0" in text or not text.strip():
        return "a file of another kind"
    return "a text file"


def _kind_of_archive(path: Path) -> str:
    """Return what a zip archive is by the names in it."""
    names = _names_in(path)
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last and any("/code/" in name for name in names):
        return _SCRIPT
    if "archive_format" in last or any("/models/" in name for name in names):
        return _EXPORTED
    if "model.weights.h5" in last:
        return _KERAS
    if names and all(name.endswith(".npy") for name in names):
        return _NUMPY
    return ""


def _names_in(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []  # damaged: the reader will say so


def says_network(path: Path) -> bool:
    """Return whether a file of torch.save names layers of PyTorch: it holds a network, not its weights alone."""
    pickles = [name for name in _names_in(path) if name.endswith("data.pkl")]
    try:
        if not pickles:
            with path.open("rb") as stream:
                return b"torch.nn.modules" in stream.read(LOOKED_AT)
        with zipfile.ZipFile(path) as archive, archive.open(pickles[0]) as stream:
            return b"torch.nn.modules" in stream.read(LOOKED_AT)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return False
