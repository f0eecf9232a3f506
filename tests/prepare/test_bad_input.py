"""Every bad input, at the command line and as an upload: refused in words, no name told, nothing left behind."""

import gzip
import logging
import zipfile
from io import BytesIO

import nibabel as nib
import numpy as np
import pytest

from mriinterp.cli import main
from mriinterp.image.volume import Volume
from mriinterp.models import load_model
from mriinterp.prepare import archive
from mriinterp.ui.sources.scans import Upload

from .dicom_files import write_series

NAME = "Doe_John"  # of files, beside Doe^John in headers


@pytest.fixture(scope="module")
def head():
    data = np.random.default_rng(0).integers(1, 900, (20, 22, 64)).astype(np.float32)
    return Volume(data, np.diag([8.0, 8, 3, 1]))


def zipped(files):
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files:
            packed.writestr(name, data)
    return stream.getvalue()


def encrypted():
    data = bytearray(zipped([("a.dcm", b"x")]))
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


def series(head, folder, **changes):
    write_series(head, folder, **changes)
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]


def patients(head, folder):
    return series(head, folder / "a") + [("b" + n, d) for n, d in series(head, folder / "b", patient="Roe^Jane")]


DICOM = {
    "a CT": (lambda head, folder: series(head, folder, modality="CT"), "its modality is CT, expected MR"),
    "a localiser only": (
        lambda head, folder: series(head, folder, description="localizer", slices=range(3)), "a localiser"
    ),
    "a series over time": (lambda head, folder: series(head, folder, repeats=2), "a series over time"),
    "missing slices": (
        lambda head, folder: series(head, folder, slices=[k for k in range(64) if k not in (30, 31)]), "slices are missing"
    ),
    "gantry tilt": (lambda head, folder: series(head, folder, tilt=0.3), "gantry tilt"),
    "patients mixed": (patients, "expected the images of one patient, got those of 2"),
}  # fmt: skip
ARCHIVES = {
    "with a password": (encrypted, "an archive without a password"),
    "nested": (lambda: zipped([("inner.zip", zipped([("a", b"b")]))]), "another archive inside"),
    "nested under another name": (lambda: zipped([("IM1", zipped([("a", b"b")]))]), "another archive inside"),
    "with a path out of it": (lambda: zipped([("../../evil.dcm", b"x")]), "leads out of it"),
    "a bomb": (lambda: zipped([("a.dcm", bytes(30_000_000))]), "unpacks to at most"),
    "empty": (lambda: zipped([("a/", b"")]), "an empty one"),
    "damaged": (lambda: zipped([("a.dcm", b"x" * 5000)])[:60], "none or is damaged"),
    "of text": (lambda: zipped([("a.txt", b"hello")]), "expected DICOM images, got none"),
}


def four_dimensions():
    return gzip.compress(nib.Nifti1Image(np.ones((8, 8, 8, 3), np.int16), np.eye(4)).to_bytes())


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setattr(archive.unpack, "__kwdefaults__", {**archive.unpack.__kwdefaults__, "max_bytes": 20_000_000})
    yield folder
    assert list(folder.iterdir()) == [], "something of an input stays on disk"
    assert not list(tmp_path.rglob("evil*"))


def refused_upload(files, words, caplog):
    """Refuse an upload as the page does; no name is told."""
    upload = Upload("id", files[0][0] if len(files) == 1 else f"The upload of {len(files)} files", files)
    model = load_model("demo")
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError, match=words) as caught:
        upload.on(model)
    assert not upload.can_prepare(model)
    said = " ".join([str(caught.value), *caught.value.__notes__, caplog.text, upload.found])
    assert "Doe" not in said
    assert "Roe" not in said


def refused_command(path, words, tmp_path, capsys):
    """Refuse a path as the command does: exit code 1, one line in the table, no prepared scan."""
    out = tmp_path / "out"
    assert main(["prepare", str(path), "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert words in " ".join(said.err.split())
    assert "1 failed" in said.out
    assert not list(out.rglob("*T1w.nii.gz"))
    assert words in (out / "qc.tsv").read_text()
    assert "Doe^" not in said.err + said.out


@pytest.mark.parametrize("name", DICOM)
def test_dicom(name, head, tmp_path, scratch, caplog, capsys):
    make, words = DICOM[name]
    files = make(head, tmp_path / "in")
    refused_upload([(f"{NAME}_{name}", data) for name, data in files], words, caplog)
    refused_upload([(f"{NAME}.zip", zipped(files))], words, caplog)
    refused_command(tmp_path / "in", words, tmp_path, capsys)


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives(name, tmp_path, scratch, caplog, capsys):
    make, words = ARCHIVES[name]
    refused_upload([(f"{NAME}.zip", make())], words, caplog)
    path = tmp_path / "scan.zip"
    path.write_bytes(make())
    if name != "damaged":  # is no archive to the command, either, and refused as any other file
        refused_command(path, words, tmp_path, capsys)


def test_an_image_over_time(tmp_path, scratch, caplog, capsys):
    words = r"frames|volumes|3D"
    refused_upload([(f"{NAME}.nii.gz", four_dimensions())], words, caplog)
    path = tmp_path / "bold.nii.gz"
    path.write_bytes(four_dimensions())
    refused_command(path, "3", tmp_path, capsys)


@pytest.mark.parametrize("what", ["two candidates", "no T1"])
def test_what_is_asked_for(what, head, tmp_path, scratch, caplog, capsys):
    files = series(
        head, tmp_path / "in" / "a", number=3, description="t1_mprage" if what == "two candidates" else "t2_space"
    )
    if what == "two candidates":
        files += [("b" + n, d) for n, d in series(head, tmp_path / "in" / "b", number=7, description="t1 repeat Doe")]
    upload = Upload("id", f"The upload of {len(files)} files", [(f"{NAME}_{n}", d) for n, d in files])
    model = load_model("demo")
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError, match="cannot be explained"):
        upload.on(model)
    assert upload.can_prepare(model)
    assert [one.number for one in upload.series] == ([3, 7] if what == "two candidates" else [3])
    assert "Doe" not in caplog.text + " ".join(map(str, upload.series))
    assert main(["prepare", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "choose one by its number (--series N" in said or "choose it by its number (--series N" in said
    assert "Doe" not in said
