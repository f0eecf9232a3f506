"""Find the series of a DICOM folder: what headers state of voxels, sequence and faults.

Names, dates and numbers of patients are compared and never kept.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mriinterp.base.progress import Cancel, Progress, check_cancel, tell
from mriinterp.image.formats import file_is_dicom

if TYPE_CHECKING:
    import pydicom

__all__ = ["Series", "find_series"]

TAGS = [
    "Modality", "SeriesInstanceUID", "SeriesDescription", "SeriesNumber", "ProtocolName", "ImageType", "PatientID", "PatientName", "PatientBirthDate",
    "Rows", "Columns", "PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames",
    "EchoTime", "RepetitionTime", "InversionTime", "MRAcquisitionType", "AcquisitionNumber", "EchoNumbers", "SOPClassUID", "SOPInstanceUID",
]  # fmt: skip
PATIENT = ("PatientID", "PatientName", "PatientBirthDate")
NUMBERS = ("Rows", "Columns", "PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames",
           "SeriesNumber", "EchoTime", "RepetitionTime", "InversionTime")  # fmt: skip
LEAST_SLICES = 60
T1_NAMES = re.compile(r"t1|mp.?rage|spgr|bravo|(3d|ir).?(tfe|ffe)|fspgr|mprage", re.I)
OTHER_NAMES = re.compile(r"t2|flair|dwi|dti|diff|bold|fmri|swi|asl|pd\b|localizer|localiser|scout|survey|angio|tof|field.?map", re.I)  # fmt: skip
TILT_DEGREES = 1.0
GAP = 0.05  # of the distance between slices


@dataclass(frozen=True)
class Series:
    """One series of images of a DICOM folder.

    Parameters
    ----------
    uid : str
    number : int
    description : str
        As the scanner named it.
    modality : str
    files : tuple of Path
    slices : int
    size_mm : tuple of 3 floats
        Voxel size, the distance between slices last.
    problem : str
        Why it cannot be taken, in words; "" where it can.
    t1 : bool
        Whether name or timing are those of a T1-weighted scan.
    """

    uid: str
    number: int
    description: str
    modality: str
    files: tuple[Path, ...] = field(repr=False)
    slices: int
    size_mm: tuple[float, float, float]
    problem: str
    t1: bool

    def __str__(self) -> str:
        sizes = "×".join(f"{size:.2g}" for size in self.size_mm)
        return f"series {self.number} {self.description!r}: {self.slices} slices, {sizes} mm"


def find_series(
    files: Sequence[Path], *, progress: Progress | None = None, cancel: Cancel | None = None
) -> list[Series]:
    """Find the series of images among files; others are passed over.

    Raises
    ------
    ValueError
        No DICOM file, or files of more than one patient.
    """
    import pydicom  # a tenth of a second, and most scans are no DICOM

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # warnings hold names and dates of patients
    headers: dict[str, list[tuple[Path, pydicom.Dataset]]] = {}
    seen: set[tuple[str, str]] = set()
    for number, path in enumerate(files):
        check_cancel(cancel)
        tell(progress, number, len(files))
        header = _header(path)
        if header is None:
            continue
        uid, image = str(header.get("SeriesInstanceUID", "")), str(header.get("SOPInstanceUID", ""))
        if image and (uid, image) in seen:
            continue  # a copy
        seen.add((uid, image))
        headers.setdefault(uid, []).append((path, header))
    if not headers:
        raise ValueError(
            f"expected DICOM images, got none among {len(files)} files; also possible: .nii, .nii.gz, .mgz"
        )
    if (patients := _count_patients(header for files in headers.values() for _, header in files)) > 1:
        raise ValueError(
            f"expected the images of one patient, got those of {patients}; choose the folder of one patient"
        )
    return sorted(
        (_series(uid, files) for uid, files in headers.items()), key=lambda series: (series.number, series.uid)
    )


def _header(path: Path) -> pydicom.Dataset | None:
    """Return what is needed of a file's header; None for a file that is no image, or a damaged one."""
    from pydicom import dcmread
    from pydicom.errors import BytesLengthException, InvalidDicomError
    from pydicom.multival import MultiValue

    damaged = (InvalidDicomError, BytesLengthException, struct.error)
    try:
        if not file_is_dicom(path):
            return None
        header = dcmread(path, stop_before_pixels=True, specific_tags=TAGS, force=True)
        header.decode()
        numbers = [header.get(tag) for tag in NUMBERS]
        [
            float(one)
            for value in numbers
            if value is not None
            for one in (value if isinstance(value, MultiValue) else [value])
        ]
    except (*damaged, OSError, ValueError, LookupError, AttributeError, EOFError, NotImplementedError, TypeError):
        return None
    return header if header.get("Rows") or header.get("NumberOfFrames") else None  # no reports, no directories


def _count_patients(headers: Iterable[pydicom.Dataset]) -> int:
    """Count the patients of images by number, name and date of birth; what is missing in some files sets none apart."""
    known: dict[str, set[str]] = {tag: set() for tag in PATIENT}
    for header in headers:
        for tag in PATIENT:
            known[tag].add(" ".join(str(header.get(tag) or "").replace("^", " ").split()).casefold())
    return max(len(values - {""}) for values in known.values())


def _series(uid: str, files: list[tuple[Path, pydicom.Dataset]]) -> Series:
    first = files[0][1]
    description = str(first.get("SeriesDescription") or first.get("ProtocolName") or "")
    positions = [position for _, header in files if (position := _position(header)) is not None]
    frames = int(first.get("NumberOfFrames") or 1)
    slices = frames if len(files) == 1 else len(files)
    spacing = [float(value) for value in first.get("PixelSpacing") or (0, 0)]
    along, problem = _stack(first, positions) if frames == 1 else (float(first.get("SliceThickness") or 0), "")
    return Series(
        uid=uid,
        number=int(first.get("SeriesNumber") or 0),
        description=_without_names(description, first)[:60],
        modality=str(first.get("Modality", "")),
        files=tuple(path for path, _ in files),
        slices=slices,
        size_mm=(spacing[0], spacing[1], along or float(first.get("SliceThickness") or 0)),
        problem=_refusal(first, description, slices) or _uneven([header for _, header in files]) or problem,
        t1=_looks_like_t1(first, description),
    )


def _without_names(text: str, header: pydicom.Dataset) -> str:
    """Return a text of a header without the parts of the patient's name and number."""
    private = " ".join(str(header.get(tag) or "") for tag in PATIENT)
    for part in re.findall(r"[^\W_]{2,}", private):
        whole = rf"(?<![^\W_]){re.escape(part)}(?![^\W_])"  # two letters are part of many words
        text = re.sub(re.escape(part) if len(part) > 2 else whole, "…", text, flags=re.I)
    return text


def _refusal(header: pydicom.Dataset, description: str, slices: int) -> str:
    modality = str(header.get("Modality", ""))
    if modality != "MR":
        return f"its modality is {modality or 'unknown'}, expected MR"
    kinds = {str(kind).upper() for kind in header.get("ImageType") or ()}
    if "LOCALIZER" in kinds or re.search(r"locali[sz]er|scout|survey", description, re.I):
        return "a localiser"
    if "MOSAIC" in kinds:
        return "a series over time (mosaic), expected one volume"
    if kinds & {"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY"}:
        return "no magnitude image, expected the magnitude"
    if kinds & {"MPR", "PROJECTION IMAGE", "REFORMATTED"}:
        return "a reformatted series, expected the original"
    if slices < LEAST_SLICES:
        return f"{slices} slices, expected a 3D scan of at least {LEAST_SLICES}"
    return ""


def _uneven(headers: Sequence[pydicom.Dataset]) -> str:
    """Return in which way the images of a series do not fit one another; "" where they do."""
    if len(headers) == 1:
        return ""
    if any(len({str(header.get(tag)) for header in headers}) > 1 for tag in ("Rows", "Columns")):
        return "its images are of several sizes"
    if not all(all(float(size) > 0 for size in header.get("PixelSpacing") or [0]) for header in headers):
        return "its images give no voxel size"
    return ""


def _position(header: pydicom.Dataset) -> np.ndarray | None:
    position, orientation = header.get("ImagePositionPatient"), header.get("ImageOrientationPatient")
    if not position or not orientation or len(position) != 3 or len(orientation) != 6:
        return None
    return np.array([*map(float, position), *map(float, orientation)])


def _stack(header: pydicom.Dataset, positions: list[np.ndarray]) -> tuple[float, str]:
    """Return the distance of neighbouring slices, mm, and what is wrong with the stack."""
    if len(positions) < 2:
        return 0.0, "" if len(positions) == 1 else "its images give no position"
    rows = np.array(positions)
    if np.abs(rows[:, 3:] - rows[0, 3:]).max() > 1e-3:
        return 0.0, "its slices are not parallel"
    normal = np.cross(rows[0, 3:6], rows[0, 6:9])
    order = np.argsort(rows[:, :3] @ normal)
    steps = np.diff(rows[order, :3], axis=0)
    along = steps @ normal
    step = float(np.median(along))
    if step < 1e-3 or (along < 1e-3).any():
        return step, "more than one image at a position: a series over time or of several echoes, expected one volume"
    if len(missing := np.flatnonzero(np.abs(along - step) > GAP * step)):
        return step, f"slices are missing or uneven at {len(missing)} places"
    tilt = np.degrees(np.arccos(np.clip(along.sum() / np.linalg.norm(steps.sum(axis=0)), -1, 1)))
    if tilt > TILT_DEGREES:
        return step, f"its slices are sheared by {tilt:.0f}° (gantry tilt)"
    return step, ""


def _looks_like_t1(header: pydicom.Dataset, description: str) -> bool:
    if OTHER_NAMES.search(description):
        return False
    if T1_NAMES.search(description):
        return True
    echo, repetition = float(header.get("EchoTime") or 0), float(header.get("RepetitionTime") or 0)
    return 0 < echo < 12 and (0 < repetition < 50 or bool(header.get("InversionTime")))
