"""Write DICOM series as a scanner does, from a volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from mriinterp.image.volume import Volume

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_series(
    volume: Volume,
    folder: Path,
    *,
    number: int = 5,
    description: str = "t1_mprage_sag_p2",
    patient: str = "Doe^John",
    modality: str = "MR",
    slices: range | list[int] | None = None,
    repeats: int = 1,
    tilt: float = 0.0,
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M"),
) -> list[Path]:
    """One file a slice along the third axis; `tilt` shifts each slice by that many mm along its rows."""
    folder.mkdir(parents=True, exist_ok=True)
    data = np.round(volume.data / max(volume.data.max(), 1) * 4000).astype(np.uint16)
    affine = LPS @ volume.affine
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    paths = []
    for repeat in range(repeats):
        for k in range(data.shape[2]) if slices is None else slices:
            dataset = _image(modality)
            dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = patient, patient[:3], "19500101"
            dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, frame
            dataset.SeriesNumber, dataset.SeriesDescription = number, description
            dataset.InstanceNumber = repeat * data.shape[2] + k + 1
            dataset.AcquisitionNumber = repeat + 1
            dataset.ImageType = list(image_type)
            dataset.EchoTime, dataset.RepetitionTime, dataset.InversionTime = 3.0, 2300.0, 900.0
            # Rows run along the first axis, columns along the second.
            dataset.Rows, dataset.Columns = data.shape[1], data.shape[0]
            dataset.PixelSpacing = [float(sizes[1]), float(sizes[0])]
            dataset.SliceThickness = float(sizes[2])
            first, second = affine[:3, 0] / sizes[0], affine[:3, 1] / sizes[1]
            dataset.ImageOrientationPatient = [round(float(v), 8) for v in (*first, *second)]
            origin = affine[:3, 3] + affine[:3, 2] * k + tilt * k * first
            dataset.ImagePositionPatient = [round(float(v), 6) for v in origin]
            dataset.PixelData = np.ascontiguousarray(data[:, :, k].T).tobytes()
            path = folder / f"IM{number:03d}_{repeat}_{k:04d}"
            dataset.save_as(path, enforce_file_format=True)
            paths.append(path)
    return paths


def _image(modality: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.Manufacturer = modality, "SIEMENS"
    dataset.MRAcquisitionType, dataset.ScanningSequence, dataset.SequenceVariant = "3D", ["GR", "IR"], ["SP", "MP"]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    return dataset


__all__ = ["pydicom", "write_series"]
