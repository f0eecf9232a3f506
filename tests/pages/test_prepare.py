"""A raw scan on the page: offered to be prepared, prepared with a cancel button, judged, and explained."""

import gzip
from dataclasses import replace

import numpy as np
import pytest

from mriinterp.image.nifti import read_volume_bytes
from mriinterp.image.preparation import Preparation
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume
from mriinterp.prepare import Prepared
from mriinterp.prepare.quality import judge
from mriinterp.prepare.transform import Transform
from mriinterp.ui.sources import scans
from mriinterp.ui.sources.resources import model_of, study_of

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
        def prepare(scan, *, grid, options, progress, cancel):
            prepare.asked.append(options.kind)
            progress(50, 100)
            mask = scan.with_data(scan.data > 0)
            transform = Transform(matrix)
            qc = judge(scan, mask, transform, turned=turned)
            moved = replace(transform.scan_on(scan, grid), preparation=options.preparation)
            return Prepared(moved, mask, transform, qc, scan, {})

        prepare.asked = upload_.asked = []
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
    assert "Prepared here: good" in words(app)
    app.button(key="explain").click().run()
    finish(app)
    assert "The brain lies in place." in words(app)
    assert [tab.label for tab in app.tabs] == ["Areas", "In space", "Files", "Preparation"]
    assert not app.exception
    assert not app.error


def test_the_registration_is_chosen_and_both_are_kept(upload, finish):
    app = upload()
    chosen = app.segmented_control(key="registration")
    assert chosen.value == "linear"
    chosen.set_value("nonlinear").run()
    assert app.query_params["registration"] in ("nonlinear", ["nonlinear"])
    app.button(key="prepare_scan").click().run()
    finish(app)
    assert upload.asked == ["nonlinear"]
    assert "Prepared here: good" in words(app)
    app.segmented_control(key="registration").set_value("linear").run()
    assert "comes as it was scanned" in words(app)
    assert "Prepared here" not in words(app)
    app.button(key="prepare_scan").click().run()
    finish(app)
    assert upload.asked == ["nonlinear", "linear"]
    for kind in ("nonlinear", "linear"):
        app.segmented_control(key="registration").set_value(kind).run()
        finish(app)
        assert "Prepared here: good" in words(app)
        held = app.session_state["_upload"]
        assert held.preparation(model_of("demo")).scan.preparation.kind == kind
    assert len(upload.asked) == 2, "what was prepared is not prepared again"
    assert not app.exception
    assert not app.error


def test_a_network_that_expects_a_warp_is_offered_one(upload, monkeypatch):
    card = model_of("demo").card
    with monkeypatch.context() as patch:
        patch.setitem(vars(model_of("demo")), "card", replace(card, preparation=Preparation("nonlinear")))
        app = upload()
    assert app.segmented_control(key="registration").value == "nonlinear"
    assert "warped onto the template" in app.segmented_control(key="registration").help


def test_another_grid_needs_no_new_registration(upload, finish):
    app = upload()
    app.button(key="prepare_scan").click().run()
    finish(app)
    held, model = app.session_state["_upload"], model_of("demo")
    grid = Grid((61, 73, 61), np.array([[3, 0, 0, -90], [0, 3, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1.0]]))
    other = replace(model, card=replace(model.card, grid=grid))
    scan = held.on(other)
    assert scan.grid.matches(grid)
    np.testing.assert_array_equal(scan.data, held.preparation(model).made.on(grid).volume.data)
    assert len(upload.asked) == 1
    assert scan.preparation == held.on(model).preparation


def test_a_doubtful_one_waits_for_a_click(upload, finish):
    app = upload(turned=True)
    app.button(key="prepare_scan").click().run()
    finish(app)
    assert "Left and right cannot be known" in words(app)
    assert "No diagnosis." not in words(app)
    app.button(key="prepare_take").click().run()
    finish(app)
    assert "No diagnosis." in words(app)
    assert "its preparation is in doubt: the header's orientation is wrong" in words(app).lower().replace("\\", "")


def test_a_refused_one_cannot_be_taken(upload, finish):
    app = upload(matrix=np.eye(4))
    app.button(key="prepare_scan").click().run()
    finish(app)
    assert "could not be brought into place" in words(app)
    assert "prepare_take" not in [button.key for button in app.button]


@pytest.fixture
def viewers(monkeypatch):
    """What the page's viewer is given."""
    from mriinterp.ui.base import viewlink

    calls, viewer = [], viewlink.viewer

    def record(scan, layers, **options):
        calls.append((scan, layers, options))
        return viewer(scan, layers, **options)

    monkeypatch.setattr(viewlink, "viewer", record)
    return calls


def placed(viewers, key):
    """Return where the page last put the crosshair of a viewer; later runs leave it there."""
    return np.array([o["cursor_mm"] for _, _, o in viewers if o["key"] == key and o["cursor_mm"] is not None][-1])


def image(data):
    import nibabel as nib

    return nib.Nifti1Image.from_bytes(gzip.decompress(data))


def test_the_map_goes_home_and_files_follow(upload, finish, offered, viewers, upside_down):
    app = upload()
    app.button(key="prepare_scan").click().run()
    finish(app)
    app.button(key="explain").click().run()
    finish(app)
    raw = image(upside_down)
    scan, layers, options = viewers[-1]
    assert (options["space"], options["key"]) == ("scanner", "planes_own")
    assert scan.grid.matches(read_volume_bytes(upside_down, "raw.nii.gz").grid)
    assert layers[0].volume.grid.matches(scan.grid)
    assert options["atlas"].labels.grid.matches(scan.grid)
    own_peak = placed(viewers, "planes_own")
    offered.clear()
    app.session_state["tab"] = "Files"
    app.run()
    assert all("_own-scan_" in name for name in offered), list(offered)
    for ending in ("relevance", "brain-mask", "areas"):
        (made,) = [make for name, make in offered.items() if name.endswith(f"_own-scan_{ending}.nii.gz")]
        home = image(made())
        np.testing.assert_allclose(home.affine, raw.affine, atol=1e-4)
        assert home.shape == raw.shape
        assert home.header.get_sform(coded=True)[1] == 1
    app.segmented_control(key="space").set_value("mni").run()
    scan, layers, options = viewers[-1]
    assert (options["space"], options["key"]) == ("MNI", "planes")
    assert not any("own-scan_relevance" in name for name in list(offered)[-9:])
    np.testing.assert_allclose(placed(viewers, "planes"), (np.linalg.inv(TURN) @ [*own_peak, 1])[:3], atol=0.1)
    assert not app.exception


def test_maps_beside_each_other_go_home_too(upload, finish, viewers, upside_down):
    app = upload()
    app.button(key="prepare_scan").click().run()
    finish(app)
    app.query_params["methods"] = "sensitivity,layer_cam"
    app.switch_page("pages/compare.py").run()
    finish(app)
    scan, layers, options = viewers[-1]
    raw = read_volume_bytes(upside_down, "raw.nii.gz").grid
    assert (options["space"], options["key"]) == ("scanner", "compare_planes_own")
    assert len(layers) == 2
    assert all(volume.grid.matches(raw) for volume in (scan, options["atlas"].labels, *(one.volume for one in layers)))
    own = options["cursor_mm"]
    app.segmented_control(key="show").set_value("pair").run()
    difference = viewers[-1][1][2]
    app.segmented_control(key="space").set_value("mni").run()
    scan, layers, options = viewers[-1]
    home = Transform(TURN).map_on(layers[2].volume, raw)
    np.testing.assert_allclose(difference.volume.data, home.data, atol=1e-3)
    assert (options["space"], options["key"]) == ("MNI", "compare_planes")
    assert own is None or np.allclose(options["cursor_mm"], (np.linalg.inv(TURN) @ [*own, 1])[:3], atol=0.1)
    assert not app.exception
    assert not app.error


def test_a_scan_that_came_prepared_has_one_space(open_page, finish):
    app = finish(open_page(method="sensitivity"))
    assert not [control for control in app.segmented_control if control.key == "space"]


@pytest.fixture
def scanner(tmp_path, monkeypatch):
    """scanner(…): what a scanner wrote of two series and a localiser, as files without an ending."""
    from prepare.dicom_files import write_series

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()

    def write(*numbers):
        data = np.random.default_rng(0).integers(1, 900, (20, 22, 64)).astype(np.float32)
        head = Volume(data, np.diag([8.0, 8, 3, 1]))
        write_series(head, tmp_path / "in", number=1, description="localizer", slices=range(3))
        for number in numbers:
            write_series(head, tmp_path / "in", number=number, description=f"t1 mprage {number}")
        return [(path.name, path.read_bytes(), "application/dicom") for path in sorted((tmp_path / "in").iterdir())]

    yield write
    assert list((tmp_path / "scratch").iterdir()) == [], "nothing of an upload stays on disk"


def test_dicom_files_say_what_they_are_and_two_candidates_are_asked_for(upload, finish, scanner):
    app = upload()
    app.file_uploader(key="subject_file").set_value(scanner(5, 7)).run()
    finish(app)
    assert "3 series." in words(app)
    assert "may name a person" not in words(app), "no file name is shown"
    assert "Doe" not in words(app)
    choice = app.radio(key="prepare_series")
    assert [option.replace("\\", "").partition(":")[0] for option in choice.options] == [
        "series 5 't1 mprage 5'", "series 7 't1 mprage 7'",
    ]  # fmt: skip
    assert choice.value is None
    assert app.button(key="prepare_scan").disabled
    choice.set_value(choice.options[1]).run()
    assert not app.button(key="prepare_scan").disabled
    app.button(key="prepare_scan").click().run()
    finish(app)
    assert not app.exception
    assert "3 series; taken as the T1 scan: series 7" in " ".join(c.value for c in app.caption).replace("\\", "")


def test_one_candidate_is_named(upload, finish, scanner):
    app = upload()
    app.file_uploader(key="subject_file").set_value(scanner(5)).run()
    finish(app)
    assert "2 series; taken as the T1 scan: series 5 't1 mprage 5': 64 slices, 8×8×3 mm." in words(app).replace(
        "\\", ""
    )
    assert not app.button(key="prepare_scan").disabled


def test_files_that_hold_no_scan(upload, finish, scanner):
    app = upload()
    app.file_uploader(key="subject_file").set_value([("a", b"x" * 300, ""), ("b", b"y" * 300, "")]).run()
    finish(app)
    assert "expected DICOM images, got none among 2 files" in app.error[0].value.replace("\\", "")
    app.file_uploader(key="subject_file").set_value(scanner()).run()
    finish(app)
    assert "expected a 3D T1-weighted MR scan, got none among 1 series" in app.error[0].value.replace("\\", "")


@pytest.fixture
def raw_study(tmp_path, upside_down, monkeypatch):
    """A study of raw scans; their preparation is a stand-in that knows where they lie."""
    from mriinterp.prepare import batch
    from mriinterp.ui.sources.studies import remember_study

    def prepare(path, *, grid, options, progress=None, cancel=None, **_):
        scan, transform = read_volume_bytes(path.read_bytes(), path.name), Transform(TURN)
        moved = Volume(transform.scan_on(scan, grid).data, grid.affine, preparation=options.preparation)
        mask = scan.with_data(scan.data > 0)
        digests = {"scan": scan.digest, "pipeline": options.preparation.pipeline}
        return Prepared(moved, mask, transform, judge(scan, mask, transform), scan, digests)

    monkeypatch.setattr(batch, "prepare_scan", prepare)
    rows = ["id,subject,group,filepath"]
    for name, group in (("P1", "CN"), ("P2", "AD"), ("P3", "CN"), ("P4", "AD")):
        (tmp_path / f"{name}.nii.gz").write_bytes(upside_down)
        rows.append(f"{name},{name},{group},{name}.nii.gz")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    (tmp_path / "raw.toml").write_text(
        '[subjects]\ntable = "table.csv"\n[groups]\nreference = "CN"\npositive = "AD"\n'
        '[groups.classes]\nCN = "CN"\nAD = "AD"\n[model]\ncard = "demo"\n[prepare]\n'
    )
    remember_study(str(tmp_path / "raw.toml"))
    return tmp_path / "raw.toml"


def test_a_study_of_raw_scans_prepares_them_on_the_page(raw_study, open_page, finish):
    app = finish(open_page(study=str(raw_study), subject="P1", method="sensitivity"))
    assert "P1 comes as it was scanned" in words(app)
    app.button(key="prepare_scan").click().run()
    finish(app)
    assert not app.exception
    assert (raw_study.parent / "raw_results" / "prepared" / "sub-P1" / "anat").is_dir()
    app.button(key="explain").click().run()
    finish(app)
    assert [tab.label for tab in app.tabs][-1] == "Preparation"
    assert app.segmented_control(key="space").value == "own"
    assert not app.error
