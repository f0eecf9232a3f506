"""A raw scan on the page: offered to be prepared, prepared with a cancel button, judged, and explained."""

import numpy as np
import pytest

from mriinterp.image.nifti import write_volume
from mriinterp.image.volume import Volume
from mriinterp.prepare import Prepared
from mriinterp.prepare.quality import judge
from mriinterp.prepare.transform import Transform
from mriinterp.ui import scans
from mriinterp.ui.resources import study_of

TURN = np.diag([1.0, -1, -1, 1])  # the head upside down


@pytest.fixture(scope="module")
def upside_down(tmp_path_factory):
    scan = study_of("demo").scan("sim-003")
    path = tmp_path_factory.mktemp("raw") / "raw.nii.gz"
    write_volume(Volume(scan.data, TURN @ scan.affine), path)
    return path.read_bytes()


@pytest.fixture
def upload(open_page, finish, upside_down, monkeypatch):
    """upload(turned=…): the page with a raw scan; the preparation itself is a stand-in that knows the answer."""

    def upload_(*, turned=False, matrix=TURN):
        def prepare(scan, *, grid, progress, cancel):
            progress(50, 100)
            mask = scan.with_data(scan.data > 0)
            transform = Transform(matrix)
            qc = judge(scan, mask, transform, turned=turned)
            return Prepared(transform.scan_on(scan, grid), mask, transform, qc, scan, {})

        monkeypatch.setattr(scans, "prepare_volume", prepare)
        app = open_page(method="sensitivity")
        app.file_uploader(key="subject_file").set_value(("sub-7_T1w.nii.gz", upside_down, "application/gzip")).run()
        return finish(app)

    return upload_


def words(app):
    return " ".join(
        entry.value for kind in (app.warning, app.info, app.error, app.success, app.markdown) for entry in kind
    )


def test_a_raw_scan_is_offered_to_be_prepared(upload):
    app = upload()
    assert "comes as it was scanned" in words(app)
    assert "Left and right are taken from the file's header" in words(app)
    assert app.button(key="prepare_scan").label == "Prepare this scan"
    assert not app.exception


def test_a_good_preparation_is_taken_at_once(upload, finish):
    app = upload()
    app.button(key="prepare_scan").click().run()
    finish(app)
    assert "No diagnosis." in words(app)
    assert "The brain lies in place." in words(app)
    app.button(key="explain").click().run()
    finish(app)
    assert not app.exception
    assert not app.error


def test_a_doubtful_one_waits_for_a_click(upload, finish):
    app = upload(turned=True)
    app.button(key="prepare_scan").click().run()
    finish(app)
    assert "Left and right cannot be known" in words(app)
    assert "No diagnosis." not in words(app)
    app.button(key="prepare_take").click().run()
    finish(app)
    assert "No diagnosis." in words(app)


def test_a_refused_one_cannot_be_taken(upload, finish):
    app = upload(matrix=np.eye(4))
    app.button(key="prepare_scan").click().run()
    finish(app)
    assert "could not be brought into place" in words(app)
    assert "prepare_take" not in [button.key for button in app.button]
