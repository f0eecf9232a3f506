"""A scan of one's own on the page: read once, called by a name that names nobody, gone with the session."""

import gzip
import json

import nibabel as nib
import numpy as np
import pytest

from mriinterp.image.write import write_volume
from mriinterp.ui.session.keys import UPLOAD
from mriinterp.ui.sources import scans
from mriinterp.ui.sources.resources import study_of

FILE = "Doe_John_19500101.nii.gz"


@pytest.fixture(scope="module")
def scan_bytes(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "scan.nii.gz"
    write_volume(study_of("demo").scan("sim-003"), path, space="mni")
    return path.read_bytes()


@pytest.fixture
def upload(open_page, finish, scan_bytes):
    """upload(name): the single scan page with a file of that name."""

    def upload_(name=FILE, data=scan_bytes, **address):
        app = open_page(method="sensitivity", tab="Files", **address)
        app.file_uploader(key="subject_file").set_value((name, data, "application/gzip")).run()
        finish(app)
        if not app.error:
            app.button(key="explain").click().run()
        return finish(app)

    return upload_


def texts(app):
    return " ".join(
        [e.value for kind in (app.markdown, app.caption, app.warning, app.error, app.info) for e in kind]
        + [str(e.value) for e in app.text_input]
        + [json.dumps(dict(app.query_params.items()))]
    )


def test_a_name_that_may_be_a_persons_leaves_the_page_nowhere(upload, offered):
    app = upload()
    offered.clear()  # the study's example may have been shown before
    app.run()
    assert "may name a person" in " ".join(e.value for e in app.warning)
    assert app.text_input(key="own_name").value == "own-scan"
    assert len(offered) >= 7
    assert all(name.startswith("own-scan_sensitivity_") for name in offered)
    made = [make() for name, make in offered.items() if name.endswith(("relevance.json", "report.html", "areas.csv"))]
    assert len(made) == 3
    for text in (texts(app), *made):
        assert "Doe_John" not in text
        assert "19500101" not in text


def test_a_name_is_not_told_of_a_file_that_is_refused_either(upload, open_page, finish, scan_bytes, caplog):
    app = upload(data=scan_bytes[:5000])
    assert "own-scan.nii.gz cannot be explained" in app.error[0].value.replace("\\", "")
    turned = nib.Nifti1Image.from_bytes(gzip.decompress(scan_bytes))
    turned = nib.Nifti1Image(np.asarray(turned.dataobj), np.diag([1.0, -1, -1, 1]) @ turned.affine)
    other = open_page(method="sensitivity")
    other.file_uploader(key="subject_file").set_value((FILE, gzip.compress(turned.to_bytes(), 1), "")).run()
    finish(other)
    assert "own-scan.nii.gz comes as it was scanned" in texts(other).replace("\\", "")
    for text in (texts(app), texts(other), caplog.text, str(app.query_params), str(other.query_params)):
        assert "Doe" not in text


def test_another_name_can_be_chosen(upload, offered):
    app = upload()
    for typed, name in (("patient 7/b", "patient-7-b"), ("  ", "own-scan")):
        offered.clear()
        app.text_input(key="own_name").set_value(typed).run()
        assert offered
        assert all(file.startswith(f"{name}_sensitivity_") for file in offered)


def test_a_name_of_a_convention_stays_and_nothing_is_warned_of(upload):
    app = upload("sub-52_T1w.nii.gz")
    assert "may name a person" not in " ".join(e.value for e in app.warning)
    assert app.text_input(key="own_name").value == "sub-52_T1w"


def test_a_refused_file_is_read_once(upload, scan_bytes, monkeypatch):
    read, count = scans.read_volume_bytes, []

    def counting(data, name):
        count.append(name)
        return read(data, name)

    monkeypatch.setattr(scans, "read_volume_bytes", counting)
    app = upload("broken.nii.gz", scan_bytes[:5000])
    for _ in range(3):
        app.run()
        assert "broken.nii.gz cannot be explained" in app.error[0].value.replace("\\", "")
    assert len(count) == 1
    app = upload("sub-1.nii.gz", scan_bytes)
    assert len(count) == 2
    assert not app.error


def test_a_scan_that_was_let_go_is_read_again_from_the_file(upload, finish):
    """As after a lost connection."""
    app = upload("sub-52_T1w.nii.gz")
    held = app.session_state[UPLOAD]
    held.release()
    finish(app.run())
    assert app.session_state[UPLOAD] is not held
    assert not app.error
    assert "sub-52" in texts(app)


def test_back_to_the_study_lets_go_of_the_scan(upload):
    app = upload("sub-52_T1w.nii.gz")
    held = app.session_state[UPLOAD]
    app.file_uploader(key="subject_file").set_value(None).run()
    assert held.released
    assert UPLOAD not in app.session_state
    assert app.selectbox(key="subject").value in study_of("demo").subjects.index


def test_a_header_that_disagrees_with_itself_is_told(upload, scan_bytes, tmp_path):
    """Also where the same voxels under a good header are known already."""
    assert not any("disagree" in w.value for w in upload("sub-01_T1w.nii.gz").warning)
    (tmp_path / "scan.nii.gz").write_bytes(scan_bytes)
    image = nib.load(tmp_path / "scan.nii.gz")
    image.set_qform(np.diag([-1, 1, 1, 1]) @ image.affine, 1)
    app = upload("sub-01_T1w.nii (1).gz", gzip.compress(image.to_bytes(), 1))
    (told,) = [w.value for w in app.warning if "transforms disagree" in w.value]
    assert "one mirrors the other" in told
