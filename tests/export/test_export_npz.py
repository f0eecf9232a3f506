"""The original's npz: round trips, and files that mean harm."""

import io
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from mriinterp.export.npz import ORIGINAL_GRIDS, original_names, read_original_npz, write_original_npz

SHAPE = (7, 8, 9)


@pytest.fixture
def means(rng):
    return {g: {m: rng.random(SHAPE).astype(np.float32) for m in original_names()} for g in ("AD", "NC")}


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


KEY = "avg_relevance_map_AD_backprop.npy"


def test_there_and_back(means, tmp_path):
    path = write_original_npz(tmp_path / "maps.npz", means)
    with np.load(path, allow_pickle=False) as archive:
        assert sorted(archive.files) == sorted(
            f"avg_relevance_map_{g}_{m}"
            for g in ("AD", "NC")
            for m in ("backprop", "guided", "occlusion", "area_occlusion", "grad_cam")
        )
        assert np.array_equal(archive["avg_relevance_map_NC_area_occlusion"], means["NC"]["area_occlusion"])
    read = read_original_npz(path)
    assert read.unknown == []
    assert read.grid is None
    for group, maps in means.items():
        assert list(read.means[group]) == list(maps)
        for method, data in maps.items():
            assert np.array_equal(read.means[group][method], data)
    assert os.listdir(tmp_path) == ["maps.npz"]


@pytest.mark.parametrize("axis", [0, 3])
def test_as_numpy_wrote_it_with_a_channel_axis_and_other_keys(rng, tmp_path, axis):
    data = rng.random(SHAPE)
    np.savez(
        tmp_path / "m.npz",
        avg_relevance_map_AD_grad_cam=np.expand_dims(data, axis),
        avg_relevance_map_all_area_occlusion=np.asfortranarray(data),
        something=np.arange(3),
    )
    read = read_original_npz(tmp_path / "m.npz")
    assert read.means["AD"]["grad_cam"] == pytest.approx(data, rel=1e-6)
    assert read.means["all"]["area_occlusion"] == pytest.approx(data, rel=1e-6)
    assert read.unknown == ["something"]


def test_the_originals_grids_are_known(tmp_path):
    write_original_npz(tmp_path / "m.npz", {"AD": {"occlusion": np.zeros((113, 137, 113), np.float32)}})
    grid = read_original_npz(tmp_path / "m.npz").grid
    assert grid.affine[:3, 3].tolist() == [-84, -120, -72]
    assert grid.voxel_sizes == (1.5, 1.5, 1.5)


def test_objects_are_never_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    evil = np.array([Trap()], dtype=object)
    stream = io.BytesIO()
    np.lib.format.write_array(stream, evil, allow_pickle=True)
    zipped(tmp_path / "m.npz", {KEY: stream.getvalue()})
    with pytest.raises(ValueError, match="expected"):
        read_original_npz(tmp_path / "m.npz")
    zipped(tmp_path / "n.npz", {KEY: pickle.dumps(Trap())})
    with pytest.raises(ValueError, match="array"):
        read_original_npz(tmp_path / "n.npz")
    assert not (tmp_path / "sprung").exists()


def header(shape, descr="<f4", length=None):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) if length is None else length) + text


@pytest.mark.parametrize(
    "data",
    [
        header((10**6, 10**6, 10**6)) + b"1234",  # 4 EB promised
        header((2, 2, 2)) + b"1234",  # less than promised
        header((2, 2, 2)) + bytes(64),  # more than promised
        header("(-1, 2, 2)"),
        header("(2.0, 2, 2)"),
        header("(True, 2, 2)"),
        header((2, 2, 2), "|O"),
        header((2, 2, 2), "<c8") + bytes(64),
        header((2, 2, 2), "<U4") + bytes(128),
        header((2, 2, 2), length=60000),
        header("__import__('os')"),
        header("(" * 3000 + ")" * 3000),
        b"\x93NUMPY",
        b"",
    ],
)
def test_hostile_headers(tmp_path, data):
    zipped(tmp_path / "m.npz", {KEY: data})
    with pytest.raises(ValueError, match="expected"):
        read_original_npz(tmp_path / "m.npz")


@pytest.mark.parametrize(
    "array", [np.zeros((4, 5)), np.zeros((2, 3, 4, 5)), np.zeros((1, 5, 5)), np.full((2, 2, 2), np.nan), np.zeros(())]
)
def test_wrong_shapes_and_values(tmp_path, array):
    zipped(tmp_path / "m.npz", {KEY: npy(array)})
    with pytest.raises(ValueError, match="expected"):
        read_original_npz(tmp_path / "m.npz")


def test_bombs_are_not_unpacked(tmp_path):
    zipped(tmp_path / "m.npz", {KEY: npy(np.zeros((100, 100, 100), np.float32))})
    with pytest.raises(ValueError, match="at most 1,000,000 bytes"):
        read_original_npz(tmp_path / "m.npz", max_bytes=10**6)


def test_files_that_are_something_else(tmp_path, means):
    path = tmp_path / "m.npz"
    path.write_bytes(b"not a zip")
    with pytest.raises(ValueError, match="npz"):
        read_original_npz(path)
    zipped(path, {"x.npy": npy(np.zeros(3))})
    with pytest.raises(ValueError, match="'x'"):
        read_original_npz(path)
    whole = write_original_npz(path, means).read_bytes()
    for cut in (100, len(whole) // 2):
        path.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="npz"):
            read_original_npz(path)
    broken = bytearray(whole)
    broken[200:240] = bytes(40)
    path.write_bytes(broken)
    with pytest.raises(ValueError, match="expected"):
        read_original_npz(path)


def test_maps_of_different_shapes(tmp_path):
    zipped(tmp_path / "m.npz", {KEY: npy(np.zeros((4, 5, 6))), KEY.replace("AD", "NC"): npy(np.zeros((4, 5, 7)))})
    with pytest.raises(ValueError, match="one shape"):
        read_original_npz(tmp_path / "m.npz")


def peak_memory(call, reason):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=reason):
            call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (
            (300, 300, 300),
            "expected maps on a grid of the original, 113×137×113 or 193×229×193, in m.npz, got 300×300×300",
        ),
        ((2, 90, 3000, 100), "three dimensions"),
        ((27_000_000,), "three dimensions"),
    ],
)
def test_shapes_are_compared_before_a_map_is_read(tmp_path, shape, reason):
    """A few megabytes of a file can unpack to gigabytes of maps that nobody can show."""
    path = zipped(
        tmp_path / "m.npz", {KEY.replace("AD", g): npy(np.zeros(shape, np.int8)) for g in ("AD", "NC", "MCI")}
    )
    assert path.stat().st_size < 1 << 20
    assert peak_memory(lambda: read_original_npz(path, grids=ORIGINAL_GRIDS), reason) < 2 << 20


def test_different_shapes_and_all_maps_together_are_judged_by_their_headers(tmp_path):
    shapes = {"AD": (300, 300, 300), "NC": (300, 300, 301)}
    path = zipped(tmp_path / "m.npz", {KEY.replace("AD", g): npy(np.zeros(s, np.int8)) for g, s in shapes.items()})
    assert peak_memory(lambda: read_original_npz(path), "one shape") < 2 << 20
    path = zipped(
        tmp_path / "m.npz", {KEY.replace("AD", f"G{n}"): npy(np.zeros((256,) * 3, np.int8)) for n in range(17)}
    )
    assert (
        peak_memory(lambda: read_original_npz(path), "at most 1,073,741,824 bytes in m.npz, got 1,140,850,688")
        < 2 << 20
    )


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<f2", "<i2", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_in_pieces(tmp_path, rng, monkeypatch, dtype, order):
    monkeypatch.setattr("mriinterp.export.npz.PIECE", 100)
    data = np.asarray(rng.integers(0, 99, SHAPE), dtype=dtype, order=order)
    zipped(tmp_path / "m.npz", {KEY: npy(data)})
    read = read_original_npz(tmp_path / "m.npz").means["AD"]["sensitivity"]
    assert read.dtype == np.float32
    assert np.array_equal(read, data.astype(np.float32))


def test_the_original_is_taken_by_its_grid_and_called_as_its_owner_does(tmp_path):
    write_original_npz(tmp_path / "m.npz", {"AD": {"occlusion": np.ones((113, 137, 113), np.float32)}})
    assert read_original_npz(tmp_path / "m.npz", grids=ORIGINAL_GRIDS).means["AD"]["occlusion"].all()
    (tmp_path / "temporary.npz").write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"different one: mine\.npz"):
        read_original_npz(tmp_path / "temporary.npz", name="mine.npz")


def test_a_key_that_comes_twice(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr(KEY, npy(np.zeros((4, 5, 6))))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(KEY, npy(np.zeros((4, 5, 6))))
    with pytest.raises(ValueError, match="backprop twice"):
        read_original_npz(tmp_path / "m.npz")


def test_only_the_originals_methods_are_written(tmp_path):
    with pytest.raises(KeyError, match="guided_backprop"):
        write_original_npz(tmp_path / "m.npz", {"AD": {"smoothgrad": np.zeros(SHAPE)}})
    with pytest.raises(ValueError, match="one shape"):
        write_original_npz(tmp_path / "m.npz", {})
    assert os.listdir(tmp_path) == []


def test_a_file_of_ours_says_what_its_maps_are(tmp_path):
    about = {"simulated": True, "explains": "maps explain AD", "one_target": False}
    path = write_original_npz(tmp_path / "ours.npz", {"AD": {"occlusion": np.ones(SHAPE)}}, about=about)
    found = read_original_npz(path)
    assert found.about == about
    assert found.unknown == []
    assert list(found.means) == ["AD"]
    assert np.load(path)["avg_relevance_map_AD_occlusion"].shape == SHAPE  # as the original's code reads it


@pytest.mark.parametrize("entry", [b"{", b"[" * 4000, b'{"simulated": 1}', b"\xff", b"x" * 5000, np.zeros(3)])
def test_what_a_strangers_file_says_of_itself_is_no_error(tmp_path, entry):
    array = np.frombuffer(entry, np.uint8) if isinstance(entry, bytes) else entry
    np.savez(tmp_path / "x.npz", avg_relevance_map_AD_occlusion=np.ones(SHAPE, np.float32), mriinterp=array)
    assert read_original_npz(tmp_path / "x.npz").about == {}
