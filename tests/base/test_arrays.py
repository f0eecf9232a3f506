"""NumPy files are judged by their headers."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from mriinterp.base.arrays import load_npy, load_npz


def header(shape, descr="<f4"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "values", [np.arange(24.0).reshape(2, 3, 4), np.array(["a", "bc"]), np.array(5), np.zeros((0, 3))]
)
def test_there_and_back(tmp_path, values, order):
    np.save(tmp_path / "a.npy", np.asarray(values, order=order))
    np.testing.assert_array_equal(load_npy(tmp_path / "a.npy", shape=values.shape), values)
    np.savez(tmp_path / "a.npz", values=np.asarray(values, order=order), more=np.arange(3))
    found = load_npz(tmp_path / "a.npz")
    assert sorted(found) == ["more", "values"]
    np.testing.assert_array_equal(found["values"], values)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (header((10**6, 10**6, 10**6)) + bytes(8), "bytes as the header"),
        (header((1,)) + bytes(8), "bytes as the header"),
        (header((2, 2)) + bytes(16), r"shape \(4,\) in a.npy, got \(2, 2\)"),
        (header((1e400,)), "malformed"),
        (header((4.0,)) + bytes(16), "a shape that is none"),
        (header((4,), "|O") + bytes(16), "numbers"),
        (b"\x93NUMPY\x01\x00", "malformed"),
        (b"hello", "something else"),
    ],
)
def test_what_is_refused_without_memory(tmp_path, content, reason):
    (tmp_path / "a.npy").write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"expected.*{reason}"):
        load_npy(tmp_path / "a.npy", shape=(4,))
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_an_archive_that_promises_too_much(tmp_path, monkeypatch):
    stream = io.BytesIO()
    np.save(stream, np.zeros(1000, np.int8))
    for name, content in {"more": header((10**5, 10**5)) + bytes(9), "many": stream.getvalue()}.items():
        with zipfile.ZipFile(tmp_path / f"{name}.npz", "w") as archive:
            archive.writestr("x.npy", content)
    with pytest.raises(ValueError, match="bytes of data in x"):
        load_npz(tmp_path / "more.npz")
    monkeypatch.setattr("mriinterp.base.arrays.MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"at most 1,000 bytes in many\.npz, got 1,128"):
        load_npz(tmp_path / "many.npz")
    (tmp_path / "none.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"damaged or different one: none\.npz"):
        load_npz(tmp_path / "none.npz")
    with pytest.raises(FileNotFoundError):
        load_npz(tmp_path / "nothing.npz")
