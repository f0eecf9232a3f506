"""What is known of how a scan came into template space, and what a network expects of it."""

import nibabel as nib
import numpy as np
import pytest

from mriinterp.image.nifti import read_volume, read_volume_bytes
from mriinterp.image.preparation import Preparation, read_preparation
from mriinterp.image.volume import Volume, resample
from mriinterp.image.write import write_volume

OURS = "0123456789abcdef" * 4
OTHER = "f" * 64


def scan(preparation=None):
    data = np.random.default_rng(0).random((7, 8, 9), dtype=np.float32)
    return Volume(data, np.diag([-2.0, 3, 2.5, 1]), preparation=preparation)


@pytest.mark.parametrize("kind", ["linear", "nonlinear"])
def test_a_file_keeps_the_mark_and_no_other_text(tmp_path, kind):
    path = write_volume(scan(Preparation(kind, OURS)), tmp_path / "scan.nii.gz")
    for read in (read_volume(path), read_volume_bytes(path.read_bytes(), "upload.nii.gz")):
        assert read.preparation == Preparation(kind, OURS[:32])
    assert read_volume(write_volume(scan(), path)).preparation is None
    image = nib.load(path)
    image.header["descrip"] = b"mriinterp prepared by Dr Roe for John Doe"
    nib.save(image, tmp_path / "other.nii.gz")
    assert read_volume(tmp_path / "other.nii.gz").preparation is None


def test_the_mark_stays_with_the_scan_and_is_part_of_its_digest():
    marked = scan(Preparation("linear", OURS))
    for same in (marked.canonical(), marked.with_data(marked.data * 2), resample(marked, scan().canonical().grid)):
        assert same.preparation == marked.preparation
    coarse = Volume(np.zeros((3, 3, 3), np.float32), np.diag([-6.0, 6, 6, 1]))
    assert resample(marked, coarse.grid).preparation == marked.preparation
    assert len({marked.digest, scan().digest, scan(Preparation("nonlinear", OURS)).digest}) == 3


@pytest.mark.parametrize(
    ("expected", "found", "words"),
    [
        (Preparation("linear"), None, ""),
        (Preparation("linear"), Preparation("linear", OURS), ""),
        (Preparation("linear", OURS), Preparation("linear", OURS[:32]), ""),
        (Preparation("linear"), Preparation("nonlinear", OURS), "this one was warped onto the template"),
        (Preparation("nonlinear"), Preparation("linear", OURS), "this one was registered to the template without a warp"),
        (Preparation("linear", OURS), Preparation("linear", OTHER), "by the pipeline 0123456789ab, this one by the pipeline ffff"),
        (Preparation("linear", OURS), Preparation("linear"), "this one by another program"),
        (Preparation("linear", OURS), None, "how this one was prepared is not known"),
    ],
)  # fmt: skip
def test_a_mismatch_is_said_in_words(expected, found, words):
    said = expected.mismatch(found)
    assert (words in said) if words else said == ""


def test_the_entry_of_a_card():
    for entry in ("linear", "nonlinear", {"kind": "linear", "pipeline": OURS}):
        assert read_preparation(entry).entry == entry
    for wrong in ("affine", 3, None, ["linear"], {"pipeline": OURS}, {"kind": "linear", "pipeline": "zz"},
                  {"kind": "linear", "more": "x"}, {"kind": ["linear"]}, {"kind": "linear", "pipeline": 5}):  # fmt: skip
        with pytest.raises(ValueError, match="expected"):
            read_preparation(wrong)
