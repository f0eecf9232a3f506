"""Recognise files that are no readable image, and say how to convert them."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from mriinterp.base.files import stand_in

__all__ = ["FORMATS", "describe_folder", "file_is_dicom", "foreign_format", "image_stem", "is_dicom"]

FORMATS = "available: .nii, .nii.gz, .mgh, .mgz"
DICOM_HELP = (
    "convert the whole series to NIfTI first, for example: dcm2niix -z y -o OUT FOLDER; or have it prepared: "
    "mriinterp explain FOLDER --prepare"
)
PAIR_HELP = (
    "make one file of both parts, .hdr and .img, for example: fslchfiletype NIFTI_GZ NAME, or in Python "
    "nibabel.save(nibabel.load('NAME.hdr'), 'NAME.nii.gz')"
)
UNPACK_HELP = f"unpack it; if it holds DICOM files, {DICOM_HELP}"
CONVERT_HELP = "convert it to NIfTI first, for example with 3D Slicer or SimpleITK"

DICOM_SUFFIXES = ".dcm", ".dicom", ".ima"
IMAGE_SUFFIXES = ".nii", ".nii.gz", ".mgh", ".mgz"
ENDING = re.compile(r"(?:\.nii(?P<number>[ _-]?\(?\d+\)?)?\.gz|\.nii|\.mgz|\.mgh)$", re.IGNORECASE)
FOLDER_ENTRIES = 200  # of a folder that are looked at

BEGINNINGS = (  # first bytes, what begins so, what to do
    (b"PK\x03\x04", "a zip archive", UNPACK_HELP),
    (b"7z\xbc\xaf", "a 7-Zip archive", UNPACK_HELP),
    (b"BZh", "a bzip2 file", "unpack it with bunzip2"),
    (b"\xfd7zXZ", "an xz file", "unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it with unzstd"),
    (b"NRRD", "an NRRD image", CONVERT_HELP),
    (b"ObjectType", "a MetaImage", CONVERT_HELP),
    (b"\x89HDF", "a MINC or other HDF5 file", "convert a MINC image with mnc2nii"),
    (b"CDF", "a MINC file", "convert it with mnc2nii"),
    (b"mrtrix image", "an MRtrix image", "convert it with mrconvert"),
    (b"MATLAB 5.0", "a MATLAB file", "save the image as NIfTI, for example with SPM's spm_write_vol"),
    (b"\x89PNG", "a PNG picture", "a T1-weighted 3D scan is needed"),
    (b"\xff\xd8\xff", "a JPEG picture", "a T1-weighted 3D scan is needed"),
)
BY_SUFFIX = {
    ".img": ("the voxels of a .hdr/.img pair", PAIR_HELP),
    ".head": ("an AFNI header", "convert the data set with 3dAFNItoNIFTI"),
    ".brik": ("the voxels of an AFNI data set", "convert it with 3dAFNItoNIFTI"),
}


def image_stem(path: str | Path) -> str:
    """Return a file name without the ending of an image; a browser's number of a download stays.

    Examples
    --------
    >>> image_stem("in/sub-1_T1w.nii.gz")
    'sub-1_T1w'
    >>> image_stem("scan.nii (1).gz")
    'scan (1)'
    """
    return ENDING.sub(r"\g<number>", Path(path).name)


def is_dicom(head: bytes, name: str) -> bool:
    """Return whether a file is DICOM by its first bytes or, as old ones lack the mark, by its name."""
    group = head[:2] == b"\x08\x00" and head[3:4] == b"\x00"  # data set without preamble: begins with group 0008
    return head[128:132] == b"DICM" or group or Path(name).suffix.lower() in DICOM_SUFFIXES


def foreign_format(head: bytes, name: str) -> tuple[str, str] | None:
    """Return what a file is and what to do about it; None if it is none of the formats known here."""
    if is_dicom(head, name):
        return "a DICOM file", DICOM_HELP
    if head[257:262] == b"ustar":
        return "a tar archive", UNPACK_HELP
    for beginning, what, way_out in BEGINNINGS:
        if head.startswith(beginning):
            return what, way_out
    return stand_in(head[:64]) or BY_SUFFIX.get(Path(name).suffix.lower())


def describe_folder(path: Path) -> str:
    """Return what a folder that was given in place of an image holds, and what to do."""
    files = sorted(islice((p for p in path.iterdir() if p.is_file()), FOLDER_ENTRIES))
    images = [p.name for p in files if p.name.lower().endswith(IMAGE_SUFFIXES)]
    if images:
        return f"a folder; name the image inside: {', '.join(images[:3])}{' …' if len(images) > 3 else ''}"
    if any(file_is_dicom(p) for p in files):
        return f"a folder of DICOM files; {DICOM_HELP.replace('FOLDER', str(path))}"
    return "a folder; name the .nii or .nii.gz file inside"


def file_is_dicom(path: Path) -> bool:
    """Return whether a file on disk is DICOM (`is_dicom`), or the directory of a disk of them; False if it cannot be read."""
    if path.name.upper() == "DICOMDIR":
        return True
    try:
        with path.open("rb") as stream:
            return is_dicom(stream.read(132), path.name)
    except OSError:
        return False
