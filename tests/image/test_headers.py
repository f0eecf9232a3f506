"""What headers say: evidence that disagrees is noted, what the standard allows is read, what is foreign names a way out."""

import gzip
import logging
import struct
import zlib

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import from_matvec
from nibabel.eulerangles import euler2mat

from mriinterp.image.formats import image_stem
from mriinterp.image.gzipped import GzipStream
from mriinterp.image.nifti import read_labels, read_volume, read_volume_bytes
from mriinterp.image.volume import Grid

SHAPE = (7, 8, 9)
LAS = np.array([[-1.0, 0, 0, 90], [0, 1, 0, -126], [0, 0, 1, -72], [0, 0, 0, 1]])
VOXELS = bytes(range(252)) * 2


def nifti(sform=LAS, scode=4, qform=LAS, qcode=1, kind=nib.Nifti1Header, endianness="<", **fields):
    """An image of given transforms; `fields` overwrite anything."""
    header = kind(endianness=endianness)
    header.set_data_shape(SHAPE)
    header.set_data_dtype(np.uint8)
    header.set_qform(qform, qcode)
    header.set_sform(sform, scode)
    header["magic"] = kind.single_magic
    header["vox_offset"] = kind.single_vox_offset
    for name, value in fields.items():
        if name == "qfac":
            header["pixdim"][0] = value
        else:
            header[name] = value
    return header.binaryblock + bytes(4) + VOXELS


def moved(matrix=None, by=(0, 0, 0)):
    return from_matvec(np.eye(3) if matrix is None else matrix, by) @ LAS


FLIPPED = moved(np.diag([-1, 1, 1]), (0, 0, 0))
EDGE = 8 / 1000  # an angle that moves the far corner of the image, turned about its first voxel, by less than 1 mm


# ------------------------------------------------------------------ two transforms


DISAGREE = {
    "flipped": ({"qform": FLIPPED}, "one mirrors the other"),
    "flipped with the same corners": ({"qform": LAS @ from_matvec(np.diag([-1, 1, 1]), [6, 0, 0])}, "one mirrors the other"),
    "moved by 1.1 mm": ({"qform": moved(by=(1.1, 0, 0))}, "up to 1.1 mm apart"),
    "moved by a little along each axis": ({"qform": moved(by=(0.7, 0.7, 0.7))}, "up to 1.2 mm apart"),
    "turned": ({"qform": LAS @ from_matvec(euler2mat(0.2), [0, 0, 0])}, "mm apart"),
    "other voxels": ({"qform": LAS @ np.diag([1, 1, 1.2, 1])}, "up to 1.6 mm apart"),
    "the other way round": ({"sform": FLIPPED, "scode": 1, "qcode": 4}, "one mirrors the other"),
}  # fmt: skip


@pytest.mark.parametrize("case", DISAGREE)
@pytest.mark.parametrize("kind", [nib.Nifti1Header, nib.Nifti2Header])
def test_transforms_that_disagree_are_told_with_both(tmp_path, caplog, case, kind):
    options, reason = DISAGREE[case]
    content = nifti(kind=kind, **options)
    path = tmp_path / "scan.nii"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        volume = read_volume(path)
    (note,) = volume.notes
    assert reason in note
    names = {1: "scanner", 4: "MNI152"}
    for form, key, code in (("sform", "scode", 4), ("qform", "qcode", 1)):
        affine = options.get(form, LAS)
        rows = "; ".join(" ".join(f"{v + 0.0:.5g}" for v in row) for row in affine[:3])
        where = note[note.index(f"{form} ({names[options.get(key, code)]})") :]
        assert "".join(nib.aff2axcodes(affine)) in where
        if case != "turned":
            assert f"[{rows}]" in where
    assert note.index("sform (") < note.index("which is used") < note.index("qform (")
    assert f"scan.nii: {note}" in caplog.text
    np.testing.assert_allclose(volume.source.affine, options.get("sform", LAS), atol=1e-6)
    assert read_volume_bytes(gzip.compress(content), "scan.nii.gz").notes == (note,)
    assert read_labels(path).notes == (note,)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"qform": moved(by=(0.99, 0, 0))},
        {"qform": moved(by=(0.57, 0.57, 0.57))},  # 0.99 mm in all
        {"qform": LAS @ from_matvec(euler2mat(EDGE, EDGE), [0, 0, 0])},
        {"qform": FLIPPED, "qcode": 0},
        {"qform": LAS, "sform": FLIPPED, "scode": 0},
        {"qform": FLIPPED, "qform_code": -1},
    ],
)
def test_transforms_that_agree_or_are_not_coded_are_not_told(options):
    assert read_volume_bytes(nifti(**options), "scan.nii").notes == ()


def test_a_transform_that_cannot_be_used_is_told():
    broken = {"quatern_b": 2.0, "quatern_c": 2.0, "quatern_d": 2.0}
    volume = read_volume_bytes(nifti(**broken), "scan.nii")
    assert volume.notes == ("the header's qform (scanner) cannot be used; the sform (MNI152) is",)
    assert read_volume_bytes(nifti(qcode=0, **broken), "scan.nii").notes == ()
    assert "qform (code 9)" in read_volume_bytes(nifti(qform=FLIPPED, qform_code=9), "scan.nii").notes[0]


@pytest.mark.parametrize("rows", [{"srow_x": [0] * 4, "srow_y": [0] * 4, "srow_z": [0] * 4}, {"srow_y": [np.nan] * 4}])
def test_a_matrix_that_cannot_be_used_gives_way_to_the_quaternion(rows):
    volume = read_volume_bytes(nifti(**rows), "scan.nii")
    np.testing.assert_allclose(volume.source.affine, LAS, atol=1e-5)
    assert volume.notes == ("the header's sform (MNI152) cannot be used; the qform (scanner) is",)
    with pytest.raises(ValueError, match="affine cannot be used"):
        read_volume_bytes(nifti(qcode=0, **rows), "scan.nii")
    with pytest.raises(ValueError, match="affine cannot be used"):
        read_volume_bytes(nifti(**rows, qoffset_x=np.inf), "scan.nii")


@pytest.mark.parametrize("code", [6, 9, 200])
def test_a_code_without_a_name_is_a_code(code):
    for fields in ({"sform_code": code}, {"scode": 0, "qform_code": code}, {"sform_code": -1, "qform_code": code}):
        volume = read_volume_bytes(nifti(**fields), "scan.nii")
        np.testing.assert_allclose(volume.source.affine, LAS, atol=1e-5)
        assert volume.notes == ()
    with pytest.raises(ValueError, match="does not say where the voxels lie"):
        read_volume_bytes(nifti(sform_code=-1, qform_code=-code), "scan.nii")


def test_the_standards_codes_are_named():
    for code, name in {1: "scanner", 2: "aligned", 3: "Talairach", 4: "MNI152", 5: "another template"}.items():
        (note,) = read_volume_bytes(nifti(qform=FLIPPED, qform_code=code), "scan.nii").notes
        assert f"qform ({name})" in note


@pytest.mark.parametrize("axis", [4, 8, 12])
def test_a_negative_dimension_of_freesurfer_is_damage(axis):
    image = nib.MGHImage(np.ones(SHAPE, np.float32), np.eye(4))
    content = bytearray(image.to_bytes())
    content[axis : axis + 4] = (-7).to_bytes(4, "big", signed=True)
    with pytest.raises(ValueError, match=r"damaged header: dimensions .*-7"):
        read_volume_bytes(bytes(content), "scan.mgh")


@pytest.mark.parametrize("vector", [(0, 1.00005, 0), (0.6001, 0.8001, 0), (0.57736, 0.57736, 0.57736)])
def test_a_quaternion_longer_by_rounding_is_a_half_turn(vector):
    """As nifti1_io.c has it: "special case"; nibabel raises."""
    fields = dict(zip(("quatern_b", "quatern_c", "quatern_d"), vector, strict=True))
    volume = read_volume_bytes(nifti(scode=0, qfac=1, **fields), "scan.nii")
    turn = np.array(vector) / np.linalg.norm(vector)
    expected = 2 * np.outer(turn, turn) - np.eye(3)
    np.testing.assert_allclose(volume.source.affine[:3, :3], expected, atol=1e-6)
    assert volume.notes == ()


def test_the_transforms_are_those_of_nibabel(rng):
    for _ in range(20):
        matrix = euler2mat(*rng.uniform(-3, 3, 3)) * rng.uniform(0.5, 3, 3) @ np.diag([rng.choice([-1, 1]), 1, 1])
        affine = from_matvec(matrix, rng.uniform(-90, 90, 3))
        for code in ({"scode": 0}, {"qcode": 0}):
            content = nifti(affine, qform=affine, **code)
            expected = nib.Nifti1Header(content[:348], check=False).get_best_affine()
            np.testing.assert_allclose(read_volume_bytes(content, "a.nii").source.affine, expected, atol=1e-6)


@pytest.mark.parametrize("edge", [0, -1])
def test_a_voxel_edge_that_is_none_is_1_mm(edge):
    """As nifti1_io.c has it; the matrix, where there is one, has its own."""
    volume = read_volume_bytes(nifti(scode=0, pixdim=[-1, edge, 1, 1, 1, 1, 1, 1]), "scan.nii")
    np.testing.assert_allclose(volume.source.affine, LAS, atol=1e-5)


def test_notes_stay_with_the_volume():
    volume = read_volume_bytes(nifti(qform=FLIPPED), "scan.nii")
    assert len(volume.notes) == 1
    assert volume.with_data(volume.data * 2).notes == volume.canonical().notes == volume.notes


def test_the_real_scans_have_no_notes(shared_data):
    for path in sorted((shared_data / "ds002748").glob("*/*.nii.gz")):
        assert read_volume(path).notes == ()


# ------------------------------------------------------------------ what the standard allows


@pytest.mark.parametrize("qfac", [0, 1, 5, 0.5, np.nan])
@pytest.mark.parametrize("codes", [{"scode": 0}, {"scode": 0, "qcode": 3}, {}])
def test_qfac_of_zero_is_one(qfac, codes):
    """nifti1.h: "if pixdim[0]=0.0 (which should not occur), we take qfac=1"; its reference reads the sign alone."""
    right_handed = moved(np.diag([-1, 1, 1]))
    expected = read_volume_bytes(nifti(right_handed, qform=right_handed, **codes), "scan.nii")
    volume = read_volume_bytes(nifti(right_handed, qform=right_handed, qfac=qfac, **codes), "scan.nii")
    np.testing.assert_array_equal(volume.source.affine, expected.source.affine)
    np.testing.assert_allclose(volume.source.affine, right_handed, atol=1e-5)
    assert volume.notes == expected.notes == ()


@pytest.mark.parametrize("qfac", [-1, -3, -0.5])
def test_a_negative_qfac_is_minus_one(qfac):
    volume = read_volume_bytes(nifti(scode=0, qfac=qfac), "scan.nii")
    np.testing.assert_allclose(volume.source.affine, LAS, atol=1e-5)


@pytest.mark.parametrize(
    "fields",
    [
        {"dim": [4, 7, 8, 9, 0, 0, 0, 0]},  # some write 0 for axes that are not used
        {"dim": [3, 7, 8, 9, -5, 0, 7, 0]},  # nobody says what stands behind the last axis
        {"dim": [7, 7, 8, 9, 1, 1, 1, 1]},
        {"scl_slope": np.nan, "scl_inter": np.nan},
        {"scl_slope": 0, "scl_inter": 7},
        {"scl_slope": np.inf},
        {"vox_offset": 0},
        {"bitpix": 99},
        {"sform_code": 5},
        {"cal_max": np.nan, "cal_min": np.inf, "slice_end": -1, "toffset": np.nan},
        {"intent_code": 1002, "regular": b"?", "dim_info": 255},
        {"xyzt_units": 0},
        {"xyzt_units": 2 | 8},
        {"xyzt_units": 7},  # not defined
    ],
)
def test_allowed_and_harmless_values_are_read(fields):
    volume = read_volume_bytes(nifti(**fields), "scan.nii")
    expected = np.frombuffer(VOXELS, np.uint8).reshape(SHAPE, order="F")
    np.testing.assert_array_equal(volume.data, expected[::-1])
    assert volume.notes == ()


def test_axes_of_an_image_cannot_be_zero():
    with pytest.raises(ValueError, match="dimensions 7×0×9"):
        read_volume_bytes(nifti(dim=[3, 7, 0, 9, 1, 1, 1, 1]), "scan.nii")
    with pytest.raises(ValueError, match="dimensions 7×8×9×-1"):
        read_volume_bytes(nifti(dim=[4, 7, 8, 9, -1, 1, 1, 1]), "scan.nii")


@pytest.mark.parametrize(("unit", "name", "factor"), [(1, "metres", 1000), (3, "micrometres", 0.001)])
@pytest.mark.parametrize("time", [0, 8, 16])
def test_lengths_in_another_unit_become_mm(unit, name, factor, time):
    affine = np.diag([1 / factor, 1 / factor, 1 / factor, 1]) @ LAS
    for codes in ({}, {"scode": 0}, {"qcode": 0}):
        volume = read_volume_bytes(nifti(affine, qform=affine, xyzt_units=unit | time, **codes), "scan.nii")
        np.testing.assert_allclose(volume.source.affine, LAS, atol=1e-4)
        assert volume.notes == (f"the header gives lengths in {name}; they are read as such and given in mm",)
    flipped = np.diag([1 / factor, 1 / factor, 1 / factor, 1]) @ moved(by=(3, 0, 0))
    notes = read_volume_bytes(nifti(affine, qform=flipped, xyzt_units=unit), "scan.nii").notes
    assert [("apart" in note, "lengths" in note) for note in notes] == [(False, True), (True, False)]
    assert "up to 3.0 mm apart" in notes[1]


@pytest.mark.parametrize(("unit", "size"), [(1, "1000 × 1000 × 1000"), (3, "0.001 × 0.001 × 0.001")])
def test_a_unit_that_cannot_be_meant_names_the_way_out(unit, size):
    with pytest.raises(ValueError, match=rf"{size} mm by that; .*set_xyzt_units\('mm'\)"):
        read_volume_bytes(nifti(xyzt_units=unit), "scan.nii")


@pytest.mark.parametrize(("edge", "taken"), [(0.05, True), (0.049, False), (20, True), (20.1, False)])
def test_which_voxels_are_plausible(edge, taken):
    affine = np.diag([edge / 1000, 0.001, 0.001, 1])
    content = nifti(affine, qcode=0, xyzt_units=1)
    if taken:
        assert read_volume_bytes(content, "scan.nii").grid.voxel_sizes == pytest.approx((edge, 1, 1), rel=1e-5)
    else:
        with pytest.raises(ValueError, match="expected lengths in millimetres"):
            read_volume_bytes(content, "scan.nii")


# ------------------------------------------------------------------ gzip


MEMBER = gzip.compress(nifti())
EXPECTED = np.frombuffer(VOXELS, np.uint8).reshape(SHAPE, order="F")[::-1]


@pytest.mark.parametrize(
    "behind",
    [
        bytes(1),
        bytes(512),
        bytes(300_000),
        b"\nsha256: 0123456789abcdef",
        b"\x1f\x8b",
        bytes(7) + b"TRAILER",
        MEMBER,
        gzip.compress(b"notes"),
        gzip.compress(bytes(32 << 20), 9),
        MEMBER[:100],
        bytes(3) + MEMBER[:-5],
    ],
    ids=[
        "a zero",
        "zeros",
        "many zeros",
        "words",
        "magic",
        "zeros and words",
        "image",
        "member",
        "bomb",
        "cut",
        "more",
    ],
)
def test_what_follows_the_image_is_no_damage(tmp_path, behind):
    (tmp_path / "scan.nii.gz").write_bytes(MEMBER + behind)
    volume = read_volume(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(volume.data, EXPECTED)
    assert volume.notes == ()


@pytest.mark.parametrize("size", [1, 7, 100, 352, 400])
@pytest.mark.parametrize("padding", [b"", bytes(5), bytes(70_000)])
def test_an_image_in_several_members(size, padding):
    """As bgzip packs, and as what one appends to a file makes."""
    content = nifti()
    packed = padding.join(gzip.compress(content[at : at + size]) for at in range(0, len(content), size))
    np.testing.assert_array_equal(read_volume_bytes(packed, "scan.nii.gz").data, EXPECTED)
    np.testing.assert_array_equal(read_volume_bytes(packed + b"behind", "scan.nii.gz").data, EXPECTED)


def test_members_that_break_off_or_are_damaged():
    content = nifti()
    one, two = gzip.compress(content[:500]), gzip.compress(content[500:])
    for packed, reason in (
        (one, "truncated.*holds 500"),
        (one + b"no member", "truncated.*holds 500"),
        (one + bytes(100), "truncated.*holds 500"),
        (one + two[:-3], "truncated: the compressed data break off"),
        (one + two[:5], "truncated: the compressed data break off"),
        (one + two[:-6] + bytes([two[-6] ^ 1]) + two[-5:], "damaged.*incorrect data check"),
        (one[:-6] + bytes([one[-6] ^ 1]) + one[-5:] + two, "damaged.*incorrect data check"),
        (one[:20] + b"\xff\xff\xff\xff" + one[24:] + two, "damaged"),
    ):
        with pytest.raises(ValueError, match=rf"^scan\.nii\.gz: .*{reason}"):
            read_volume_bytes(packed, "scan.nii.gz")


def test_the_stream_is_that_of_the_standard_library(rng, tmp_path):
    content = rng.integers(0, 4, 300_000).astype(np.uint8).tobytes() + bytes(200_000)
    (tmp_path / "x.gz").write_bytes(gzip.compress(content[:1000]) + gzip.compress(b"") + gzip.compress(content[1000:]))
    for step in (1 << 10, 1 << 16, 1 << 20):
        with (tmp_path / "x.gz").open("rb") as file:
            stream, found, buffer = GzipStream(file), b"", memoryview(bytearray(step))
            while got := stream.readinto(buffer):
                found += bytes(buffer[:got])
            assert stream.readinto(buffer) == 0
            assert stream.readinto(buffer[:0]) == 0
        assert found == content


def test_the_rest_of_a_member_is_bounded(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(10 << 20)) + gzip.compress(b"next"))
    for most in (0, 1 << 20, 20 << 20):
        with (tmp_path / "x.gz").open("rb") as file:
            stream = GzipStream(file)
            stream.readinto(memoryview(bytearray(10)))
            surplus = stream.end_member(most)
        assert min(most + 1, (10 << 20) - 10) <= surplus <= most + (1 << 16) or surplus == (10 << 20) - 10
    damaged = bytearray(gzip.compress(b"image"))
    damaged[-5] ^= 1
    (tmp_path / "x.gz").write_bytes(bytes(damaged))
    with (tmp_path / "x.gz").open("rb") as file, pytest.raises(zlib.error):
        GzipStream(file).end_member(100)


# ------------------------------------------------------------------ what is no such image


def mgz(flag):
    content = bytearray(
        nib.MGHImage(np.arange(504, dtype=np.float32).reshape(SHAPE), np.diag([1.5, 2, 2.5, 1])).to_bytes()
    )
    content[28:30] = struct.pack(">h", flag)
    return bytes(content)


FOREIGN = {
    "scan.img": (VOXELS, r"the voxels of a \.hdr/\.img pair; .*fslchfiletype NIFTI_GZ"),
    "scan.hdr": (nifti(magic=b"ni1"), r"header of a \.hdr/\.img pair; .*fslchfiletype NIFTI_GZ"),
    "analyze.hdr": (nifti(magic=b""), "Analyze 7.5.*export the image as NIfTI"),
    "scan.mgz": (gzip.compress(mgz(0)), "goodRASFlag is 0.*mri_convert --in_orientation"),
    "scan.mgh": (mgz(-1), "goodRASFlag is 0.*mri_convert --in_orientation"),
    "IM0001": (bytes(128) + b"DICM" + bytes(900), "DICOM file; .*dcm2niix -z y -o OUT FOLDER"),
    "old dicom": (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100" + bytes(500), "DICOM file; .*dcm2niix"),
    "implicit": (b"\x08\x00\x00\x00\x04\x00\x00\x00" + bytes(500), "DICOM file; .*dcm2niix"),
    "a.IMA": (bytes(500), "DICOM file; .*dcm2niix"),
    "series.zip": (b"PK\x03\x04" + bytes(500), "zip archive; unpack it.*dcm2niix"),
    "series.tar.gz": (gzip.compress(bytes(257) + b"ustar" + bytes(600)), "tar archive; unpack it.*dcm2niix"),
    "scan.nii.bz2": (b"BZh91AY&SY" + bytes(500), "bzip2 file; unpack it with bunzip2"),
    "scan.nii.xz": (b"\xfd7zXZ\0" + bytes(500), "xz file; unpack it with unxz"),
    "scan.nii.zst": (b"\x28\xb5\x2f\xfd" + bytes(500), "Zstandard file; unpack it"),
    "scan.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(500), "7-Zip archive; unpack it"),
    "scan.nrrd": (b"NRRD0004\n", "NRRD image; convert it"),
    "scan.mha": (b"ObjectType = Image\n", "MetaImage; convert it"),
    "scan.mnc": (b"\x89HDF\r\n\x1a\n", "MINC.*mnc2nii"),
    "old.mnc": (b"CDF\x01" + bytes(500), "MINC.*mnc2nii"),
    "scan.mif": (b"mrtrix image\ndim: 7,8,9\n", "MRtrix image; convert it with mrconvert"),
    "scan+orig.HEAD": (b"\ntype = string-attribute\n", "AFNI header; .*3dAFNItoNIFTI"),
    "scan+orig.BRIK": (VOXELS, "AFNI data set; .*3dAFNItoNIFTI"),
    "scan.mat": (b"MATLAB 5.0 MAT-file", "MATLAB file; save"),
    "scan.png": (b"\x89PNG\r\n\x1a\n", "PNG picture; .*T1-weighted"),
    "scan.jpg": (b"\xff\xd8\xff\xe0", "JPEG picture; .*T1-weighted"),
    "lfs.nii.gz": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer; .*git lfs pull"),
    "annex.nii.gz": (b"/annex/objects/MD5E-s1--2.nii.gz\n", "git-annex pointer; .*datalad get"),
    "page.nii.gz": (b"\n<!DOCTYPE html>\n<html>", "web page; the download failed"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_name_the_way_out(tmp_path, name):
    content, reason = FOREIGN[name]
    (tmp_path / name).write_bytes(content)
    for read in (read_volume, read_labels):
        with pytest.raises(ValueError, match=f"^{name.replace('+', '.')}: .*{reason}"):
            read(tmp_path / name)
    with pytest.raises(ValueError, match=reason):
        read_volume_bytes(content, name)


def test_mgh_without_orientation_on_request():
    volume = read_volume_bytes(mgz(0), "scan.mgh", allow_unknown_space=True)
    np.testing.assert_array_equal(volume.source.affine, nib.MGHImage.from_bytes(mgz(0)).affine)


def test_folders_name_the_way_out(tmp_path):
    def reason():
        with pytest.raises(ValueError, match=r"expected an image file, got a folder") as caught:
            read_volume(tmp_path)
        return str(caught.value)

    assert "name the .nii or .nii.gz file inside" in reason()
    (tmp_path / "below").mkdir()
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM")
    assert (
        f"a folder of DICOM files; convert the whole series to NIfTI first, for example: dcm2niix -z y -o OUT {tmp_path}; or "
        f"have it prepared: mriinterp explain {tmp_path} --prepare" in reason()
    )
    for name in ("b.nii", "a.NII.GZ", "c.mgz", "d.mgh"):
        (tmp_path / name).write_bytes(b"")
    assert "name the image inside: a.NII.GZ, b.nii, c.mgz …" in reason()


def test_a_folder_of_files_of_old_dicom(tmp_path):
    (tmp_path / "DICOMDIR").write_bytes(b"")
    with pytest.raises(ValueError, match="folder of DICOM files"):
        read_volume(tmp_path)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("scan.nii.gz", "scan"),
        ("scan.NII.GZ", "scan"),
        ("scan.nii", "scan"),
        ("a.b.mgz", "a.b"),
        ("scan.mgh", "scan"),
        ("scan (1).nii.gz", "scan (1)"),
        ("scan.nii (1).gz", "scan (1)"),
        ("scan.nii(12).gz", "scan(12)"),
        ("scan.nii-2.gz", "scan-2"),
        ("scan.gz", "scan.gz"),
        ("nii.gz", "nii.gz"),
    ],
)
def test_names_without_their_ending(name, stem):
    assert image_stem(f"folder.nii/{name}") == stem


def test_a_download_that_a_browser_numbered_is_read(tmp_path):
    (tmp_path / "scan.nii (1).gz").write_bytes(MEMBER)
    np.testing.assert_array_equal(read_volume(tmp_path / "scan.nii (1).gz").data, EXPECTED)


def test_another_grid_is_refused_by_the_header(tmp_path):
    content = nifti(qcode=0)
    (tmp_path / "scan.nii").write_bytes(content)
    assert read_volume(tmp_path / "scan.nii", grid=Grid(SHAPE, LAS)).data.any()
    (tmp_path / "scan.nii").write_bytes(content[:-1] + b"!")
    for grid in (Grid((7, 8, 10), LAS), Grid(SHAPE, moved(by=(1, 0, 0)))):
        with pytest.raises(ValueError, match=r"expected scan\.nii and what is wanted on one grid"):
            read_volume(tmp_path / "scan.nii", grid=grid)
