"""DICOM folders: the series that are there, the one that is taken, its voxels and affine."""

import gzip
import logging
import zipfile
from io import BytesIO

import numpy as np
import pytest

from mriinterp.image.volume import Volume
from mriinterp.prepare.archive import unpack
from mriinterp.prepare.dicom import AmbiguousSeries, choose_series
from mriinterp.prepare.dicom_series import find_series
from mriinterp.prepare.source import holds_image, open_raw, open_raw_files, series_in

from .dicom_files import write_series


@pytest.fixture(scope="module")
def head():
    """A head-like volume, oblique and anisotropic: a bright left half and a marked corner tell its order."""
    rng = np.random.default_rng(0)
    data = rng.integers(100, 400, (40, 48, 64)).astype(np.float32)
    data[:20] += 400
    data[:4, :4, :4] = 4000
    turn, tilt = np.radians(11), np.radians(-7)
    about_z = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    affine = np.eye(4)
    affine[:3, :3] = np.array(about_z) @ about_x @ np.diag([1.2, 1.1, 1.0])
    affine[:3, 3] = -20.5, -31.25, -28
    return Volume(data, affine)


def series_of(folder):
    return find_series(sorted(path for path in folder.rglob("*") if path.is_file()))


def test_voxels_and_affine_come_through(head, tmp_path):
    write_series(head, tmp_path)
    raw = open_raw(tmp_path)
    assert raw.volume.data.shape == head.data.shape
    np.testing.assert_allclose(raw.volume.affine, head.affine, atol=5e-5)
    np.testing.assert_allclose(raw.volume.data, np.round(head.data), atol=1)
    assert raw.found == "1 series; taken as the T1 scan: series 5 't1_mprage_sag_p2': 64 slices, 1.1×1.2×1 mm."


def test_the_t1_is_chosen_among_others(head, tmp_path):
    write_series(head, tmp_path, number=1, description="localizer", slices=range(3))
    write_series(head, tmp_path, number=2, description="t2_space_flair")
    write_series(head, tmp_path, number=3, description="MPRAGE ADNI")
    write_series(head, tmp_path, number=4, description="MPRAGE cor", image_type=("DERIVED", "SECONDARY", "MPR"))
    chosen = choose_series(series_of(tmp_path))
    assert chosen.number == 3
    assert "4 series" in open_raw(tmp_path).found


def test_two_candidates_are_asked_for(head, tmp_path):
    write_series(head, tmp_path, number=3)
    write_series(head, tmp_path, number=7, description="t1_mprage repeat")
    with pytest.raises(
        AmbiguousSeries, match=r"choose one by its number \(--series N; .*\): series 3 .* series 7"
    ) as caught:
        open_raw(tmp_path)
    assert [series.number for series in caught.value.series] == [3, 7]
    assert open_raw(tmp_path, series=7).series.number == 7


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"modality": "CT"}, "its modality is CT, expected MR"),
        ({"slices": range(12)}, "12 slices, expected a 3D scan of at least 60"),
        ({"description": "AAHead_Scout"}, "a localiser"),
        ({"repeats": 2}, "more than one image at a position"),
        ({"slices": [k for k in range(64) if k != 30]}, "slices are missing or uneven at 1 places"),
        ({"tilt": 0.2}, "sheared by 10° \\(gantry tilt\\)|sheared by 11° \\(gantry tilt\\)"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words(head, tmp_path, changes, words):
    write_series(head, tmp_path, **changes)
    with pytest.raises(ValueError, match=words):
        open_raw(tmp_path)


def test_a_series_that_is_no_t1_is_not_taken_silently(head, tmp_path):
    write_series(head, tmp_path, description="t2_space")
    with pytest.raises(ValueError, match="does not look like one: series 5"):
        open_raw(tmp_path)
    assert open_raw(tmp_path, series=5).series.number == 5


def test_two_patients_are_refused_without_their_names(head, tmp_path, caplog):
    write_series(head, tmp_path / "a", patient="Doe^John")
    write_series(head, tmp_path / "b", patient="Roe^Jane")
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError, match="one patient, got those of 2") as caught:
        open_raw(tmp_path)
    assert "Doe" not in str(caught.value) + caplog.text


def test_one_image_of_a_series_names_the_way_out(head, tmp_path):
    path = write_series(head, tmp_path)[0]
    with pytest.raises(ValueError, match="whole DICOM series, got one of its images; name its folder"):
        open_raw(path)


def test_a_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(ValueError, match="expected DICOM images, got none among 1 files"):
        open_raw(tmp_path)


def pack(folder, path, **names):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
        for name, text in names.items():
            archive.writestr(name.replace("__", "/"), text)


def test_a_zip_of_a_series_is_read_and_leaves_nothing(head, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    write_series(head, tmp_path / "in")
    pack(tmp_path / "in", tmp_path / "scan.zip")
    np.testing.assert_allclose(open_raw(tmp_path / "scan.zip").volume.affine, head.affine, atol=5e-5)
    assert list(scratch.iterdir()) == []


class TestHostileArchives:
    def refuse(self, path, folder, words, **limits):
        folder.mkdir(exist_ok=True)
        with pytest.raises(ValueError, match=words):
            unpack(path, folder, **limits)
        assert not list(folder.parent.rglob("evil*"))

    def test_a_path_that_leads_out(self, tmp_path):
        for name in ("../evil.dcm", "/tmp/evil.dcm", "..\\evil.dcm", "C:\\evil.dcm"):
            path = tmp_path / "a.zip"
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(name, "x")
            self.refuse(path, tmp_path / "out", "leads out of it")

    def test_an_archive_inside(self, tmp_path):
        pack(tmp_path / "none", tmp_path / "b.zip", **{"inner.zip": "x"})
        self.refuse(tmp_path / "b.zip", tmp_path / "out", "another archive inside")

    def test_a_bomb_is_stopped_by_what_it_states(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.dcm", bytes(5_000_000))
        self.refuse(tmp_path / "c.zip", tmp_path / "out", "unpacks to at most", max_bytes=1_000_000)

    def test_a_bomb_that_understates_itself_is_stopped_on_the_way(self, tmp_path):
        path = tmp_path / "d.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.dcm", bytes(5_000_000))
        data = bytearray(path.read_bytes())
        for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
            at = data.index(mark) + offset
            data[at : at + 4] = (1000).to_bytes(4, "little")
        path.write_bytes(data)
        folder = tmp_path / "out"
        self.refuse(path, folder, "archive", max_bytes=1_000_000)
        assert sum(file.stat().st_size for file in folder.iterdir()) <= 1_000_000

    def test_too_many_files(self, tmp_path):
        pack(tmp_path / "none", tmp_path / "e.zip", **{f"{i}.dcm": "x" for i in range(30)})
        self.refuse(tmp_path / "e.zip", tmp_path / "out", "at most 20 files", max_files=20)

    def test_an_encrypted_member(self, tmp_path):
        path = tmp_path / "f.zip"
        pack(tmp_path / "none", path, **{"a.dcm": "x"})
        data = bytearray(path.read_bytes())
        for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
            data[data.index(mark) + offset] |= 1
        path.write_bytes(data)
        self.refuse(path, tmp_path / "out", "encrypted")

    def test_what_is_no_archive(self, tmp_path):
        (tmp_path / "g.zip").write_bytes(b"PK\x03\x04 and then nothing")
        self.refuse(tmp_path / "g.zip", tmp_path / "out", "none or is damaged")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The only place for temporary files; a test that ends with something in it fails."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def uploaded(folder):
    return [(path.name, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]


def zipped(files):
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return [("scan.zip", stream.getvalue())]


class TestUploads:
    """Loose files with and without an ending, and a .zip: the same scan; nothing stays on disk."""

    @pytest.mark.parametrize("form", ["loose", "with endings", "zip"])
    def test_the_same_scan_in_every_form(self, head, tmp_path, scratch, form):
        write_series(head, tmp_path / "in")
        files = uploaded(tmp_path / "in")
        if form == "with endings":
            files = [(f"{name}.dcm", data) for name, data in files]
        if form == "zip":
            files = zipped(files)
        assert not holds_image(files)
        (series,) = series_in(files)
        assert (series.number, series.slices) == (5, 64)
        raw = open_raw_files(files)
        np.testing.assert_allclose(raw.volume.affine, head.affine, atol=5e-5)
        assert raw.found.startswith("1 series; taken as the T1 scan: series 5")

    def test_a_series_is_chosen_by_its_uid_where_numbers_are_equal(self, head, tmp_path, scratch):
        write_series(head, tmp_path / "a", number=3)
        write_series(head, tmp_path / "b", number=3, description="t1 repeat")
        files = uploaded(tmp_path / "a") + [(f"b{name}", data) for name, data in uploaded(tmp_path / "b")]
        with pytest.raises(AmbiguousSeries):
            open_raw_files(files, series=3)
        wanted = next(series for series in series_in(files) if series.description == "t1 repeat")
        assert open_raw_files(files, series=wanted.uid).series.description == "t1 repeat"

    def test_a_series_that_is_not_there(self, head, tmp_path, scratch):
        write_series(head, tmp_path / "in")
        with pytest.raises(
            ValueError, match="expected the number or description of a series, got 9; available: 5 't1_mprage_sag_p2'"
        ):
            open_raw_files(uploaded(tmp_path / "in"), series=9)

    def test_an_image_in_a_zip(self, head, tmp_path, scratch):
        from mriinterp.image.write import write_volume

        path = write_volume(head, tmp_path / "sub-1_T1w.nii.gz")
        files = zipped([("folder/sub-1_T1w.nii.gz", path.read_bytes())])
        assert series_in(files) == []
        assert open_raw_files(files).volume.grid.matches(head.grid)

    def test_a_zip_among_other_files(self, head, tmp_path, scratch):
        with pytest.raises(ValueError, match=r"got a .zip among other files"):
            open_raw_files([*zipped([("a", b"x")]), ("b", b"y")])

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"modality": "CT"}, "its modality is CT"),
            ({"description": "localizer", "slices": range(3)}, "a localiser"),
            ({"repeats": 2}, "more than one image at a position"),
            ({"slices": [k for k in range(64) if k != 30]}, "missing or uneven"),
            ({"tilt": 0.2}, "gantry tilt"),
            ({"description": "t2_flair"}, "does not look like one"),
        ],
    )
    def test_bad_series_leave_nothing(self, head, tmp_path, scratch, changes, words):
        write_series(head, tmp_path / "in", **changes)
        for files in (uploaded(tmp_path / "in"), zipped(uploaded(tmp_path / "in"))):
            with pytest.raises(ValueError, match=words):
                open_raw_files(files)

    @pytest.mark.parametrize("name", ["../evil.dcm", "inner.zip"])
    def test_bad_archives_leave_nothing(self, tmp_path, scratch, name):
        with pytest.raises(ValueError, match=r"leads out of it|another archive"):
            open_raw_files(zipped([(name, b"x")]))
        assert not list(tmp_path.rglob("evil*"))

    def test_a_name_in_the_description_is_not_told(self, head, tmp_path, scratch, caplog):
        write_series(head, tmp_path / "in", description="t1 mprage DOE", patient="Doe^John")
        with caplog.at_level(logging.DEBUG):
            raw = open_raw_files(uploaded(tmp_path / "in"))
        assert "t1 mprage …" in raw.found
        assert "doe" not in (raw.found + caplog.text).lower()


def compressed(folder, syntax, encode):
    import pydicom

    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        encode(dataset)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(path, enforce_file_format=True)


def test_a_compressed_transfer_syntax_is_read(head, tmp_path, scratch):
    from pydicom.uid import RLELossless

    write_series(head, tmp_path / "in")
    compressed(tmp_path / "in", RLELossless, lambda dataset: dataset.compress(RLELossless))
    raw = open_raw(tmp_path / "in")
    np.testing.assert_allclose(raw.volume.data, np.round(head.data), atol=1)


def test_one_that_cannot_be_read_is_refused_in_words(head, tmp_path, scratch):
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    def spoil(dataset):
        dataset.PixelData = encapsulate([b"\xff\x4f\xff\x51 no image at all" + bytes(40)])
        dataset["PixelData"].is_undefined_length = True

    write_series(head, tmp_path / "in")
    compressed(tmp_path / "in", JPEG2000Lossless, spoil)
    with pytest.raises(ValueError, match=r"expected one image of series 5 .*convert it by hand"):
        open_raw(tmp_path / "in")


def test_a_series_over_time_in_one_nifti_is_refused(tmp_path, scratch):
    import nibabel as nib

    nib.save(nib.Nifti1Image(np.ones((8, 8, 8, 3), np.int16), np.eye(4)), tmp_path / "bold.nii.gz")
    with pytest.raises(ValueError, match=r"frames|volumes|3D"):
        open_raw(tmp_path / "bold.nii.gz")


def edited(folder, change, pick=lambda number: True):
    """Change the headers of some of a folder's files."""
    import pydicom

    for number, path in enumerate(sorted(folder.iterdir())):
        if pick(number):
            dataset = pydicom.dcmread(path)
            change(dataset)
            dataset.save_as(path, enforce_file_format=True)
    return folder


def series_folder(head, folder, **changes):
    write_series(head, folder, **changes)
    return folder


class TestWhatScannersAndArchivesDo:
    """Found by trying: copies, headers that differ in part, old files, damaged files."""

    def test_copies_are_passed_over(self, head, tmp_path, scratch):
        files = uploaded(series_folder(head, tmp_path / "in"))
        twice = files + [(f"copy of {name}", data) for name, data in files]
        assert series_in(twice)[0].slices == 64
        np.testing.assert_array_equal(open_raw_files(twice).volume.data, open_raw_files(files).volume.data)

    @pytest.mark.parametrize(
        ("tag", "value"),
        [("PatientName", "DOE^JOHN "), ("PatientBirthDate", ""), ("PatientID", ""), ("PatientName", "")],
    )
    def test_one_patient_is_written_in_several_ways(self, head, tmp_path, scratch, tag, value):
        folder = series_folder(head, tmp_path / "in")
        edited(folder, lambda dataset: setattr(dataset, tag, value), lambda number: number % 2)
        assert open_raw(folder).series.slices == 64

    @pytest.mark.parametrize(
        ("tag", "value"), [("PatientName", "Doe^Jane"), ("PatientBirthDate", "19500102"), ("PatientID", "77")]
    )
    def test_two_patients_differ_in_anything(self, head, tmp_path, scratch, tag, value):
        folder = series_folder(head, tmp_path / "in")
        edited(folder, lambda dataset: setattr(dataset, tag, value), lambda number: number == 9)
        with pytest.raises(ValueError, match="expected the images of one patient, got those of 2"):
            open_raw(folder)

    def test_files_without_a_preamble_are_read(self, head, tmp_path, scratch):
        import pydicom

        folder = series_folder(head, tmp_path / "in")
        for path in sorted(folder.iterdir()):
            old = pydicom.dcmread(path)
            plain = pydicom.dataset.Dataset()
            plain.update({element.tag: element for element in old})
            pydicom.dcmwrite(path, plain, implicit_vr=True, little_endian=True)
        np.testing.assert_allclose(open_raw(folder).volume.affine, head.affine, atol=5e-5)

    def test_short_names_and_dates_of_birth_are_taken_out_of_descriptions(self, head, tmp_path, scratch):
        write_series(head, tmp_path / "in", description="t1 Wu 19500101 Wunder", patient="Wu^Li")
        assert open_raw(tmp_path / "in").series.description == "t1 … … Wunder"

    @pytest.mark.parametrize(
        ("image_type", "words"),
        [
            (("ORIGINAL", "PRIMARY", "P", "ND"), "no magnitude image"),
            (("ORIGINAL", "PRIMARY", "PHASE MAP"), "no magnitude image"),
            (("ORIGINAL", "PRIMARY", "M", "MOSAIC"), "a series over time"),
        ],
    )
    def test_kinds_that_are_no_scan(self, head, tmp_path, scratch, image_type, words):
        with pytest.raises(ValueError, match=words):
            open_raw(series_folder(head, tmp_path / "in", image_type=image_type))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda dataset: setattr(dataset, "Rows", 11), "several sizes"),
            (lambda dataset: setattr(dataset, "PixelSpacing", [0, 0]), "give no voxel size"),
            (lambda dataset: delattr(dataset, "ImageOrientationPatient"), "missing or uneven"),
        ],
    )
    def test_one_image_that_does_not_fit(self, head, tmp_path, scratch, change, words):
        folder = edited(series_folder(head, tmp_path / "in"), change, lambda number: number == 5)
        with pytest.raises(ValueError, match=words):
            open_raw(folder)

    @pytest.mark.parametrize("keep", [0, 140, 600])
    def test_a_file_that_is_cut_off_is_a_slice_that_is_missing(self, head, tmp_path, scratch, keep):
        path = write_series(head, tmp_path / "in")[20]
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(ValueError, match=r"63 slices.*missing or uneven"):
            open_raw(tmp_path / "in")

    def test_damaged_headers_are_refused_in_words(self, head, tmp_path, scratch):
        files = uploaded(series_folder(head, tmp_path / "in"))[:3]
        rng = np.random.default_rng(1)
        for _ in range(60):
            damaged = []
            for name, data in files:
                found = np.frombuffer(data, np.uint8).copy()
                found[rng.integers(128, 900, rng.integers(1, 12))] = rng.integers(0, 256)
                damaged.append((name, found.tobytes()[: int(rng.integers(200, len(found)))]))
            with pytest.raises(ValueError, match="expected"):
                choose_series(series_in(damaged))

    def test_a_header_that_breaks_the_rules_is_not_logged(self, head, tmp_path, scratch, caplog, recwarn):
        folder = series_folder(head, tmp_path / "in")
        for path in folder.iterdir():
            data = path.read_bytes()
            path.write_bytes(data.replace(b"19500101", b"Doe 1950").replace(b"Doe^John", b"Doe===Jo"))
        with caplog.at_level(logging.DEBUG):
            open_raw(folder)
        said = caplog.text + " ".join(str(one.message) for one in recwarn)
        assert "Doe" not in said
        assert "1950" not in said

    @pytest.mark.parametrize("name", ["scan.dcm", "IM0001", "x.tar.gz", "IM0001.gz", "x.txz"])
    def test_archives_inside_by_any_name(self, tmp_path, scratch, name):
        inner = gzip.compress(b"a" * 500) if "gz" in name else zipped([("a", b"b")])[0][1]
        with pytest.raises(ValueError, match="another archive inside"):
            open_raw_files(zipped([(name, inner)]))

    def test_two_images_are_not_taken_for_one(self, head, tmp_path, scratch):
        from mriinterp.image.write import write_volume

        data = write_volume(head, tmp_path / "a.nii.gz").read_bytes()
        for files in ([("a.nii.gz", data), ("b.nii.gz", data)], zipped([("a.nii.gz", data), ("b.nii.gz", data)])):
            with pytest.raises(ValueError, match="got 2 image files; give one of them alone"):
                open_raw_files(files)
