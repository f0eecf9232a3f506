"""Uploaded scans: read once, two at a time, held small, and called by a name that names nobody."""

import gzip
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from nibabel.affines import from_matvec

from mriinterp.explain import explain
from mriinterp.image.nifti import read_volume
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume
from mriinterp.models import Model
from mriinterp.models.card import Head, ModelCard
from mriinterp.models.normalisation import Normalisation
from mriinterp.ui.sources import scans
from mriinterp.ui.sources.scan_names import NEUTRAL_NAME, plain_name, safe_name
from mriinterp.ui.sources.scans import Upload

GRID = Grid((7, 8, 9), np.diag([-10.0, 10, 10, 1]))  # LAS: not the order in which scans are held
OTHER = Grid((6, 6, 6), np.diag([12.0, 12, 12, 1]))


def network(grid, skull_stripped=False):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(int(np.prod(grid.shape)), 2)).eval()
    card = ModelCard("linear", "linear", grid, (Head("output", ("CN", "AD")),), skull_stripped=skull_stripped)
    return Model(module, card, Normalisation(), f"weights for {grid}", torch.device("cpu"))


@pytest.fixture
def file(tmp_path, rng):
    """A scan that is finer than the network's grid."""
    affine = from_matvec(np.diag([5.0, 5, 5]), [-60.0, 3, 2])
    return write_volume(Volume(rng.gamma(2, size=(14, 18, 20)).astype("f4"), affine), tmp_path / "scan.nii.gz")


@pytest.fixture(autouse=True)
def reads(monkeypatch):
    """Number of readings; noise passes for a brain."""
    counted = []
    read = scans.read_volume_bytes

    def counting(data, name):
        counted.append(name)
        return read(data, name)

    monkeypatch.setattr(scans, "read_volume_bytes", counting)
    monkeypatch.setattr(scans, "check_mni_space", lambda *_: 1.0)
    return counted


@pytest.mark.parametrize("method", ["sensitivity", "gradient_x_input"])
def test_a_held_scan_gives_the_map_of_the_whole_one_bit_by_bit(file, method):
    model, whole = network(GRID), read_volume(file)
    held = Upload("1", file.name, file.read_bytes()).on(model)
    assert held.digest == whole.digest
    assert held.data.size == np.prod(GRID.shape)
    assert held.grid.axis_codes == "RAS"
    one, two = explain(model, whole, method), explain(model, held, method)
    assert np.array_equal(one.volume.data, two.volume.data)
    assert (one.digests, one.prediction) == (two.digests, two.prediction)
    assert two.volume.source.matches(whole.grid)  # so that the map can go back to the scan's own grid


def test_a_file_is_read_once_for_each_grid(file, reads):
    upload = Upload("1", file.name, file.read_bytes())
    first = upload.on(network(GRID))
    assert upload.on(network(GRID)) is first
    other = upload.on(network(OTHER))
    assert upload.on(network(GRID)) is first
    assert other.grid.matches(OTHER)
    assert other.digest == first.digest
    assert len(reads) == 2


def test_a_refusal_is_remembered(file, reads):
    upload = Upload("1", "my scan.nii.gz", file.read_bytes()[:100])
    for _ in range(3):
        with pytest.raises(ValueError, match=r"^my scan.nii.gz cannot be explained: ") as caught:
            upload.on(network(GRID))
        assert "What is needed" in caught.value.__notes__[0]
        assert str(caught.value).count("my scan.nii.gz") == 1
    assert len(reads) == 1
    assert not upload.accepted


def test_a_refusal_holds_no_voxels(file, monkeypatch):
    def refuse(volume, name):
        raise ValueError(f"{name} does not lie in MNI space")

    monkeypatch.setattr(scans, "check_mni_space", refuse)
    upload = Upload("1", file.name, file.read_bytes())
    with pytest.raises(ValueError, match="MNI") as caught:
        upload.on(network(GRID))
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_memory_that_does_not_suffice_is_a_refusal(file, monkeypatch):
    def full(data, name):
        raise MemoryError

    monkeypatch.setattr(scans, "read_volume_bytes", full)
    with pytest.raises(ValueError, match="MemoryError"):
        Upload("1", file.name, file.read_bytes()).on(network(GRID))


def test_a_large_file_is_not_held_beside_the_scan(file, monkeypatch):
    monkeypatch.setattr(scans, "BYTES_HELD", 100)
    upload = Upload("1", file.name, file.read_bytes())
    first = upload.on(network(GRID))
    assert upload.on(network(GRID)) is first
    with pytest.raises(ValueError, match="uploaded again"):
        upload.on(network(OTHER))


def test_what_is_released_has_to_be_uploaded_again(file):
    upload = Upload("1", file.name, file.read_bytes())
    upload.on(network(GRID))
    assert upload.accepted
    assert not upload.released
    upload.release()
    assert upload.released


def test_a_network_for_stripped_brains_checks_anew(file, reads, monkeypatch):
    def refuse(volume, name):
        raise ValueError(f"{name} still shows skull or scalp")

    monkeypatch.setattr(scans, "check_skull_stripped", refuse)
    upload = Upload("1", file.name, file.read_bytes())
    upload.on(network(GRID))
    with pytest.raises(ValueError, match="skull"):
        upload.on(network(GRID, skull_stripped=True))
    assert upload.on(network(GRID)).data.any()


def test_two_files_are_read_at_once_and_no_more(file, monkeypatch):
    now, most, lock = 0, 0, threading.Lock()
    read = scans.read_volume_bytes

    def slow(data, name):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1
        return read(data, name)

    monkeypatch.setattr(scans, "read_volume_bytes", slow)
    model = network(GRID)
    threads = [
        threading.Thread(target=Upload(str(n), file.name, file.read_bytes()).on, args=(model,)) for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


@pytest.mark.parametrize(
    "name",
    [
        "Doe_John_19500101.nii.gz",
        "doe_john.nii",
        "John.Doe.nii.gz",
        "DOE^JOHN.mgz",
        "Müller_T1.nii.gz",
        "sub-JohnDoe_T1w.nii.gz",
        "T1_19500101.nii.gz",
        "T1_01.01.1950.nii.gz",
        "T1_1950-01-01.nii.gz",
        "王芳_T1w.nii.gz",
        ".nii.gz",
        "t1" * 40 + ".nii",
    ],
)
def test_a_name_that_may_be_a_persons_is_replaced(name):
    assert safe_name(name) == NEUTRAL_NAME


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("sub-52_space-MNI152_desc-brain_T1w.nii.gz", "sub-52_space-MNI152_desc-brain_T1w"),
        ("sub-01_ses-m12_space-MNI152NLin2009cAsym_res-1_desc-preproc_T1w.nii", None),
        ("mwp1I45117.nii", None),
        ("002_S_0295_T1.nii.gz", None),
        ("OAS1_0001_MR1_mpr_n4_anon_111_t88_masked_gfc.nii.gz", None),
        ("IXI002-T1.nii.gz", "IXI002-T1"),
        ("brain.mgz", "brain"),
        ("T1.nii (1).gz", "T1"),
        ("scan (2).nii.gz", "scan"),
        ("C:\\\\data\\\\Doe\\\\scan.nii", "scan"),
        ("own-scan.nii", NEUTRAL_NAME),
    ],
)
def test_names_of_conventions_stay(name, shown):
    assert safe_name(name) == (plain_name(name) if shown is None else shown)


def test_a_gzip_within_its_name_is_read(file):
    """A browser calls a second copy "scan.nii (1).gz"."""
    assert Upload("1", "scan.nii (1).gz", file.read_bytes()).on(network(GRID)).data.any()
    plain = gzip.decompress(file.read_bytes())
    assert Upload("1", "scan (1).nii", plain).on(network(GRID)).data.any()


def test_compared_networks_of_another_grid_get_the_scan_from_the_file(file):
    from mriinterp.ui.compare.entries import Entry
    from mriinterp.ui.scan.subject import Subject

    upload = Upload("1", file.name, file.read_bytes())
    subject = Subject("scan", upload.on(network(GRID)), upload=upload)
    entry = Entry(SimpleNamespace(), "scan", subject, network(OTHER), {}, "key")
    straight = explain(network(OTHER), read_volume(file), "sensitivity")
    assert np.array_equal(
        explain(network(OTHER), entry.scan, "sensitivity").volume.data, straight.volume.data
    )  # not through the grid of the first
