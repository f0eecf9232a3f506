"""Images in and out: against nibabel where files are good, and what is said where they are not."""

import gzip
import logging
import shutil
import struct
import tempfile
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import from_matvec

from mriinterp.image.nifti import read_labels, read_volume, read_volume_bytes, to_source
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume

SECRET = b"Doe^Jane 1950-01-01"


@pytest.fixture
def image(rng, oblique_affine):
    """A good image with a patient's name in every text field."""
    image = nib.Nifti1Image(rng.normal(100, 20, (7, 8, 9)).astype(np.float32), oblique_affine)
    for text in ("descrip", "aux_file", "intent_name", "db_name"):
        image.header[text] = SECRET[: image.header[text].dtype.itemsize]
    return image


def header_bytes(shape=(7, 8, 9), dtype=np.uint8, affine=None, **fields):
    """A NIfTI-1 header in front of no voxels; `fields` overwrite anything."""
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    header["dim"][0] = len(shape)
    header["dim"][1 : len(shape) + 1] = shape
    header.set_sform(np.eye(4) if affine is None else affine, 2)
    header["magic"] = b"n+1"
    header["vox_offset"] = 352
    for name, value in fields.items():
        header[name] = value
    return header.binaryblock + bytes(4)


def expected_from_nibabel(path):
    image = nib.as_closest_canonical(nib.load(path))
    return image.get_fdata(dtype=np.float32).reshape(image.shape[:3]), image.affine


def mgh_bytes():
    return nib.MGHImage(np.arange(504, dtype=np.float32).reshape(7, 8, 9), np.diag([1.5, 2, 2.5, 1])).to_bytes()


GOOD = header_bytes() + bytes(range(252)) * 2
GOOD_MGH = mgh_bytes()

# ------------------------------------------------------------------ good files


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mgh", ".mgz"])
@pytest.mark.parametrize("codes", ["RAS", "LAS", "PIR"])
def test_reads_as_nibabel_does(tmp_path, image, ending, codes):
    turn = nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(codes))
    turned = image.as_reoriented(turn)
    kind = nib.MGHImage if ending.startswith(".mg") else nib.Nifti1Image
    path = tmp_path / f"scan{ending}"
    kind(turned.get_fdata(dtype=np.float32), turned.affine).to_filename(path)
    volume = read_volume(path)
    data, affine = expected_from_nibabel(path)
    np.testing.assert_array_equal(volume.data, data)
    np.testing.assert_array_equal(volume.affine, affine)
    assert volume.grid.axis_codes == "RAS"
    assert volume.source.axis_codes == codes
    assert volume.source.matches(Grid(turned.shape, nib.load(path).affine))
    assert volume.data.dtype == np.float32
    assert volume.affine.dtype == np.float64


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">i2", ">f4", ">f8"])
def test_every_real_type_and_byte_order(tmp_path, rng, dtype, oblique_affine):
    header = nib.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
    header.set_data_dtype(np.dtype(dtype))
    data = rng.integers(0, 100, (7, 8, 9)).astype(dtype)
    path = tmp_path / "scan.nii"
    nib.Nifti1Image(data, oblique_affine, header).to_filename(path)
    np.testing.assert_array_equal(read_volume(path).data, data.astype(np.float32))
    np.testing.assert_array_equal(read_labels(path).data, data)


def test_intensity_scaling_and_nifti2(tmp_path, rng, oblique_affine):
    image = nib.Nifti2Image(rng.integers(-500, 500, (7, 8, 9), np.int16), oblique_affine)
    image.header.set_slope_inter(0.25, -12)
    path = tmp_path / "scan.nii.gz"
    image.to_filename(path)
    np.testing.assert_allclose(read_volume(path).data, expected_from_nibabel(path)[0], rtol=1e-6)
    assert read_volume(path).data.min() < -100


@pytest.mark.parametrize("shape", [(7, 8, 9, 1), (7, 8, 9, 1, 1), (7, 8, 1)])
def test_axes_of_length_one_are_accepted(tmp_path, rng, oblique_affine, shape):
    data = rng.normal(size=shape).astype(np.float32)
    path = tmp_path / "scan.nii"
    nib.Nifti1Image(data, oblique_affine).to_filename(path)
    np.testing.assert_array_equal(read_volume(path).data, data.reshape(shape[:3]))


def test_larger_than_one_piece(tmp_path, rng):
    data = rng.normal(size=(90, 91, 92)).astype(np.float32)  # 3 MB: several pieces, the last one not full
    path = tmp_path / "scan.nii.gz"
    nib.Nifti1Image(data, np.eye(4)).to_filename(path)
    np.testing.assert_array_equal(read_volume(path).data, data)


def test_content_counts_not_the_name(tmp_path, image):
    plain, packed = tmp_path / "scan.nii", tmp_path / "scan.nii.gz"
    image.to_filename(plain)
    expected = read_volume(plain).data
    packed.write_bytes(plain.read_bytes())  # not compressed in spite of its name
    np.testing.assert_array_equal(read_volume(packed).data, expected)
    plain.write_bytes(gzip.compress(packed.read_bytes()))
    np.testing.assert_array_equal(read_volume(plain).data, expected)
    np.testing.assert_array_equal(read_volume_bytes(plain.read_bytes(), "upload (1)").data, expected)


def test_nan_and_infinity_become_zero_and_are_counted(tmp_path, image, caplog):
    data = image.get_fdata(dtype=np.float32).copy()
    data[0, 0, :3] = np.nan, np.inf, -np.inf
    path = tmp_path / "scan.nii"
    nib.Nifti1Image(data, image.affine, image.header).to_filename(path)
    with caplog.at_level(logging.WARNING):
        volume = read_volume(path)
    assert "3 of 504 voxels" in caplog.text
    assert SECRET.decode() not in caplog.text
    np.testing.assert_array_equal(volume.data[0, 0, :3], 0)
    np.testing.assert_array_equal(volume.data[1:], data[1:])


def test_real_scans(shared_data):
    for path in (
        shared_data / "ds002748/mni/sub-52_space-MNI152_desc-brain_T1w.nii.gz",
        shared_data / "ds002748/native/sub-52_T1w.nii.gz",
    ):
        volume = read_volume(path)
        data, affine = expected_from_nibabel(path)
        np.testing.assert_array_equal(volume.data, data)
        np.testing.assert_array_equal(volume.affine, affine)
        assert volume.source.axis_codes == "LAS"
        back = to_source(volume, volume.source)
        np.testing.assert_array_equal(back.data, nib.load(path).get_fdata(dtype=np.float32))


# ------------------------------------------------------------------ files that are refused


def damaged():
    voxels = bytes(range(252)) * 2
    good = header_bytes() + voxels
    packed = gzip.compress(good)
    dicom = bytes(128) + b"DICM" + bytes(500)
    flat = np.diag([1, 1, 0, 1.0])
    nan_affine = np.eye(4)
    nan_affine[0, 3] = np.nan
    mgh = struct.pack(">7i", 1, 7, 8, 9, 1, 0, 0) + struct.pack(">h", 0) + bytes(254) + voxels
    return {
        "empty": (b"", "empty"),
        "packed nothing": (gzip.compress(b""), "no data"),
        "text": (b"patient,age\n1,70\n" * 50, "not an image"),
        "dicom": (dicom, "DICOM.*dcm2niix"),
        "packed dicom": (gzip.compress(dicom), "DICOM"),
        "cut header": (good[:200], "truncated"),
        "cut voxels": (good[:700], "truncated.*856 bytes.*700"),
        "cut gzip": (packed[: len(packed) // 2], "truncated"),
        "cut checksum": (packed[:-4], "truncated"),
        "flipped bits": (packed[:-6] + bytes([packed[-6] ^ 255]) + packed[-5:], "damaged"),
        "no more than a gzip header": (packed[:12], "truncated"),
        "several frames": (header_bytes((7, 8, 9, 3)) + voxels * 3, "3 frames"),
        "vectors": (header_bytes((7, 8, 9, 1, 3)) + voxels * 3, "3 frames"),
        "two dimensions": (header_bytes((7, 8)) + voxels, "3D"),
        "negative dimension": (header_bytes((7, -8, 9)) + voxels, "dimensions 7×-8×9"),
        "no dimension": (header_bytes(dim=0) + voxels, "dimensions"),
        "too many dimensions": (header_bytes(dim=[99] + [1] * 7) + voxels, "99"),
        "too large": (header_bytes((1024, 512, 512)) + voxels, "at most 134217728 voxels"),
        "promises more": (header_bytes((512, 512, 512), np.float64) + voxels, "truncated.*promises"),
        "packed, promises more": (gzip.compress(header_bytes((512, 512, 512)) + voxels), "truncated.*promises"),
        "complex": (header_bytes(dtype=np.complex64) + voxels * 8, "complex"),
        "colours": (header_bytes(datatype=128) + voxels * 3, "colours"),
        "128 bit": (header_bytes(datatype=1536, bitpix=128) + voxels * 16, "real number"),
        "unknown type": (header_bytes(datatype=77) + voxels, "type of voxel"),
        "singular affine": (header_bytes(affine=flat) + voxels, "affine"),
        "nan affine": (header_bytes(affine=nan_affine) + voxels, "affine"),
        "no affine": (header_bytes(sform_code=0, qform_code=0) + voxels, "does not say where"),
        "impossible quaternion": (
            header_bytes(sform_code=0, qform_code=1, quatern_b=2, quatern_c=2, quatern_d=2) + voxels,
            "affine",
        ),
        "voxels inside the header": (header_bytes(vox_offset=100) + voxels, "begin at byte"),
        "voxels far away": (header_bytes(vox_offset=1e12) + voxels, "begin at byte"),
        "voxels nowhere": (header_bytes(vox_offset=np.nan) + voxels, "begin at byte"),
        "scaling by nan": (header_bytes(scl_slope=2, scl_inter=np.nan) + voxels, "scaled"),
        "pair": (header_bytes(magic=b"ni1") + voxels, "pair"),
        "analyze": (header_bytes(magic=b"") + voxels, "Analyze"),
        "all zero": (header_bytes() + bytes(504), "all voxels are zero"),
        "the same everywhere": (header_bytes() + bytes([5]) * 504, "same value, 5"),
        "all nan": (header_bytes(dtype=np.float32) + np.full(504, np.nan, "<f4").tobytes(), "NaN"),
        "mgh without position": (mgh, "does not say where"),
        "cut mgh": (mgh[:100], "truncated"),
    }


@pytest.mark.parametrize("case", damaged())
def test_refused_with_the_reason(tmp_path, case):
    content, reason = damaged()[case]
    path = tmp_path / "scan.nii"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        read_volume(path)
    assert "scan.nii" in str(caught.value)
    with pytest.raises(ValueError, match=reason):
        read_volume_bytes(content, "scan.nii")


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.nii: no such file"):
        read_volume(tmp_path / "missing.nii")
    with pytest.raises(ValueError, match="folder"):
        read_volume(tmp_path)


def test_dicom_by_its_name(tmp_path):
    (tmp_path / "slice.dcm").write_bytes(bytes(2000))  # old DICOM without the mark at byte 128
    with pytest.raises(ValueError, match="dcm2niix"):
        read_volume(tmp_path / "slice.dcm")


def test_unknown_space_and_blank_maps_on_request(tmp_path):
    path = tmp_path / "scan.nii"
    path.write_bytes(header_bytes(sform_code=0, pixdim=[1, 2, 2, 2, 0, 0, 0, 0]) + bytes(503) + b"\1")
    data, affine = expected_from_nibabel(path)
    volume = read_volume(path, allow_unknown_space=True)
    np.testing.assert_array_equal(volume.affine, affine)
    np.testing.assert_array_equal(volume.data, data)
    path.write_bytes(header_bytes() + bytes(504))
    assert not read_volume(path, allow_constant=True).data.any()


def peak_memory(call):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError) as caught:
            call()
        return tracemalloc.get_traced_memory()[1], str(caught.value)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("head", [header_bytes(), b"not an image at all" * 20], ids=["small image", "no image"])
def test_gzip_bomb_is_not_unpacked(tmp_path, head):
    path = tmp_path / "bomb.nii.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(head + bytes(range(252)) * 2)
        for _ in range(256):
            stream.write(bytes(1 << 20))
    assert path.stat().st_size < 3 << 20
    peak, message = peak_memory(lambda: read_volume(path))
    assert peak < 8 << 20
    assert "not" in message


@pytest.mark.parametrize("shape", [(32767, 32767, 32767), (512, 512, 512, 100), (512, 512, 512)])
def test_promises_cost_no_memory(shape):
    content = header_bytes(shape, np.float32) + bytes(504)
    for data in (content, gzip.compress(content)):
        peak, _ = peak_memory(lambda data=data: read_volume_bytes(data, "scan.nii"))
        assert peak < 4 << 20


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 359), st.integers(0, 255)), min_size=1, max_size=6),
    kind=st.sampled_from(["nii", "nii.gz", "mgh"]),
)
def test_any_damage_gives_an_image_or_a_reason(changes, kind):
    content = bytearray(GOOD_MGH if kind == "mgh" else GOOD)
    for at, value in changes:
        content[at % len(content)] = value
    data = gzip.compress(bytes(content)) if kind == "nii.gz" else bytes(content)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scan.{kind}"
        path.write_bytes(data)
        for read in (lambda: read_volume_bytes(data, path.name), lambda: read_labels(path)):
            try:
                volume = read()
            except ValueError as error:
                reason = str(error)
            else:
                reason = path.name
                assert np.isfinite(volume.data).all()
                assert abs(np.linalg.det(volume.affine)) > 0
            assert path.name in reason


@pytest.mark.parametrize("reader", ["volume", "labels"])
def test_an_honest_blank_costs_no_memory(reader, tmp_path):
    data = gzip.compress(header_bytes((256, 256, 256)) + bytes(256**3), 9)
    assert len(data) < 1 << 16
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(data)
    read = {"volume": lambda: read_volume_bytes(data, path.name), "labels": lambda: read_labels(path)}[reader]
    peak, message = peak_memory(read)
    assert peak < 16 << 20
    assert "zero" in message


def test_header_text_reaches_no_message(tmp_path, image):
    image.header["descrip"] = SECRET
    content = bytearray(image.to_bytes())
    for at, value in ((40, b"\x63"), (70, b"\x80"), (344, b"ni1\0")):  # dimensions, type, magic
        broken = bytes(content[:at]) + value + bytes(content[at + len(value) :])
        with pytest.raises(ValueError) as caught:
            read_volume_bytes(broken, "scan.nii")
        assert "Doe" not in str(caught.value)


# ------------------------------------------------------------------ labels


def test_labels_coded_as_floats(tmp_path, rng, oblique_affine):
    labels = rng.integers(0, 5, (7, 8, 9)) * 9000  # beyond int16
    path = tmp_path / "labels.nii.gz"
    nib.Nifti1Image(labels.astype(np.float32), oblique_affine).to_filename(path)
    volume = read_labels(path)
    np.testing.assert_array_equal(volume.data, labels)
    assert volume.data.dtype == np.int32


@pytest.mark.parametrize(
    ("values", "reason"),
    [(0.5, "whole numbers.*0.5"), (-3.0, "labels from 0"), (2.0**40, "labels from 0"), (0, "zero")],
)
def test_what_is_no_label_image(tmp_path, oblique_affine, values, reason):
    data = np.zeros((7, 8, 9))
    data[3, 3, 3] = values
    nib.Nifti1Image(data, oblique_affine).to_filename(tmp_path / "labels.nii")
    with pytest.raises(ValueError, match=reason):
        read_labels(tmp_path / "labels.nii")


@pytest.mark.parametrize(("odd", "taken"), [(0.0009, True), (0.0011, False), (0.05, False), (0.1, False), (0.5, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_labels_are_whole_to_a_thousandth(tmp_path, oblique_affine, odd, taken, sign):
    """What rounding leaves of a number is no fraction; a twentieth is a probability or an interpolated edge."""
    data = np.zeros((7, 8, 9), np.float32)
    data[2, 2, 2], data[3, 3, 3] = 9, 4 + sign * odd
    nib.Nifti1Image(data, oblique_affine).to_filename(tmp_path / "labels.nii")
    if taken:
        assert np.unique(read_labels(tmp_path / "labels.nii").data).tolist() == [0, 4, 9]
    else:
        with pytest.raises(ValueError, match=r"whole numbers, got a voxel of [34]\."):
            read_labels(tmp_path / "labels.nii")


# ------------------------------------------------------------------ writing


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize(("space", "code"), [("mni", 4), ("aligned", 2), ("scanner", 1)])
def test_written_files_say_where_they_are(tmp_path, small_volume, ending, space, code):
    path = write_volume(small_volume, tmp_path / "new" / "folder" / f"map{ending}", space=space)
    image = nib.load(path)
    np.testing.assert_array_equal(image.get_fdata(dtype=np.float32), small_volume.data)
    for affine, found in (image.get_sform(coded=True), image.get_qform(coded=True)):
        np.testing.assert_allclose(affine, small_volume.affine, atol=1e-5)
        assert found == code
    assert image.header.get_xyzt_units() == ("mm", "unknown")
    assert image.get_data_dtype() == np.float32
    assert bytes(image.header["descrip"]).rstrip(b"\0") == b"mriinterp"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_shears_are_left_to_the_sform(tmp_path, small_volume):
    sheared = from_matvec(np.array([[2, 0.5, 0], [0, 2, 0], [0, 0, 2.0]]), [-3, 4, 5])
    image = nib.load(write_volume(Volume(small_volume.data, sheared), tmp_path / "map.nii"))
    np.testing.assert_allclose(image.affine, sheared, atol=1e-6)
    assert int(image.header["qform_code"]) == 0  # a viewer that prefers the qform would be led astray


def test_same_bytes_again(tmp_path, small_volume):
    a = write_volume(small_volume, tmp_path / "a.nii.gz").read_bytes()
    b = write_volume(small_volume, tmp_path / "another_name.nii.gz").read_bytes()
    assert a == b
    assert a[4:8] == bytes(4)  # no time
    assert a[3] & 8 == 0  # no file name


def test_nothing_of_the_source_header_is_written(tmp_path, image):
    image.to_filename(tmp_path / "scan.nii")
    volume = read_volume(tmp_path / "scan.nii")
    content = write_volume(to_source(volume, volume.source), tmp_path / "map.nii").read_bytes()
    assert b"Doe" in (tmp_path / "scan.nii").read_bytes()
    assert b"Doe" not in content
    np.testing.assert_allclose(nib.load(tmp_path / "map.nii").affine, image.affine, atol=1e-6)
    np.testing.assert_array_equal(nib.load(tmp_path / "map.nii").get_fdata(), image.get_fdata())


@pytest.mark.parametrize(("largest", "dtype"), [(116, np.uint8), (2035, np.int16), (70000, np.int32)])
def test_labels_stay_whole_numbers(tmp_path, rng, oblique_affine, largest, dtype):
    labels = rng.integers(0, largest + 1, (7, 8, 9))
    labels[0, 0, 0] = largest
    path = write_volume(Volume(labels, oblique_affine), tmp_path / "labels.nii.gz")
    assert nib.load(path).get_data_dtype() == dtype
    np.testing.assert_array_equal(read_labels(path).data, labels)


def test_types_on_request(tmp_path, small_volume):
    mask = small_volume.with_data(small_volume.data > 0)
    assert nib.load(write_volume(mask, tmp_path / "mask.nii")).get_data_dtype() == np.uint8
    path = write_volume(mask, tmp_path / "mask.nii", dtype=np.float64)
    np.testing.assert_array_equal(nib.load(path).get_fdata(), mask.data)
    with pytest.raises(ValueError, match="uint8 can hold"):
        write_volume(small_volume, tmp_path / "map.nii", dtype=np.uint8)


def test_a_failure_leaves_the_old_file_and_no_rubbish(tmp_path, small_volume, monkeypatch):
    path = write_volume(small_volume, tmp_path / "map.nii")
    before = path.read_bytes()

    def full(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr("mriinterp.image.write._write", full)
    with pytest.raises(OSError, match="no space"):
        write_volume(small_volume.with_data(small_volume.data * 2), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["map.nii"]


def test_names_that_cannot_be_written(tmp_path, small_volume):
    with pytest.raises(ValueError, match=r"\.nii"):
        write_volume(small_volume, tmp_path / "map.png")
    with pytest.raises(ValueError, match="available: scanner, aligned, mni"):
        write_volume(small_volume, tmp_path / "map.nii", space="talairach")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ValueError, match="got a file"):
        write_volume(small_volume, tmp_path / "file" / "map.nii")
    (tmp_path / "folder.nii").mkdir()
    with pytest.raises(ValueError, match="got a folder"):
        write_volume(small_volume, tmp_path / "folder.nii")


def test_to_source_interpolates_maps_and_never_labels(small_volume, rng):
    coarse = Grid((4, 4, 4), small_volume.affine @ np.diag([2, 2, 2, 1.0]) @ from_matvec(np.eye(3), [0.25, 0.25, 0.25]))
    labels = small_volume.with_data(rng.choice([0, 7, 90], size=small_volume.data.shape))
    assert set(np.unique(to_source(labels, coarse).data)) <= {0, 7, 90}
    assert not np.isin(to_source(small_volume, coarse).data, small_volume.data).all()


def test_disk_is_not_needed_for_uploads(image, tmp_path):
    image.to_filename(tmp_path / "scan.nii.gz")
    content = (tmp_path / "scan.nii.gz").read_bytes()
    expected = read_volume(tmp_path / "scan.nii.gz")
    shutil.rmtree(tmp_path)
    assert read_volume_bytes(content, "../../etc/scan.nii.gz").digest == expected.digest
