"""The whole app in a real browser: what a reader does, and what happens when it goes wrong."""

import gzip
import io
import json
import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mriinterp.image.write import write_volume
from mriinterp.incremental import BoxGrid
from mriinterp.results.home import default_folder
from mriinterp.study import load_study

from .settings import box_of, choose

pytestmark = pytest.mark.browser

QUICK = "subject=sim-001&method=sensitivity"
THREE = "subject=sim-001&methods=sensitivity,layer_cam,gradient_x_input"
FIRST_MAP_MS = 180_000  # on a machine that runs other tests beside this one
VIEWER = ".mriinterp-viewer[data-ready=true]"
# The component lives in a shadow root, which document.querySelector does not enter.
FIND = (
    "[...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]"
    ".map((e) => e.shadowRoot?.querySelector('.mriinterp-viewer')).find(Boolean)?.mriinterpViewer"
)


@pytest.fixture
def open_app(page, app_url):
    """Open an address of the app and wait for its viewer."""

    def open_(address, where=page):
        where.goto(f"{app_url}/{address}")
        return ready(where)

    return open_


def ready(page):
    root = page.locator(VIEWER).first
    asked = page.locator(".st-key-explain_here button")
    root.or_(asked).first.wait_for(timeout=FIRST_MAP_MS)
    if asked.count():  # more than two seconds of work on this machine
        asked.click()
    root.wait_for(timeout=FIRST_MAP_MS)
    # Before its map is known, a scan is shown alone.
    page.wait_for_function(
        f"() => {{ const v = {FIND}; return v?.views[0]?.map && v.measurer.idle; }}", timeout=FIRST_MAP_MS
    )
    return root


def cursor(page):
    return page.evaluate(f"() => {FIND}.cursor")


def wait_for_mm(page, mm):
    """Until the crosshair is in the voxel of this place."""
    page.wait_for_function(
        f"""(mm) => {{ const v = {FIND}; return v && v.space.fromMm(mm).every((n, axis) => n === v.cursor[axis]); }}""",
        arg=list(mm),
    )


def click_plane(page, plane, part):
    pane = page.locator(f"canvas.pane[data-plane={plane}]").first
    box = box_of(pane)
    pane.click(position={"x": box["width"] * part[0], "y": box["height"] * part[1]})


def wait_for_address(page, part):
    page.wait_for_function("(part) => decodeURIComponent(location.search).includes(part)", arg=part)


def wait_for_place_in_address(page):
    """Until the address names the place of the crosshair: it follows a moment later."""
    page.wait_for_function(
        f"""() => {{
            const mm = (new URLSearchParams(location.search).get("mm") || "").split(",").map(Number), v = {FIND};
            return mm.length === 3 && v && v.space.fromMm(mm).every((n, axis) => n === v.cursor[axis]);
        }}"""
    )


def click_mark(page, mark):
    """Click a mark of a figure as a hand does: it answers the pointer first, which Plotly needs."""
    mark.scroll_into_view_if_needed()
    box = box_of(mark)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
    page.locator(".js-plotly-plot .hoverlayer .hovertext").first.wait_for()
    page.mouse.down()
    page.mouse.up()


def bar(page, place=0):
    """A bar of the area chart and what it carries: name and peak."""
    chart = page.locator(".js-plotly-plot:has(.barlayer .point)").first
    chart.wait_for(timeout=60_000)
    chart.scroll_into_view_if_needed()
    return chart.locator(".barlayer .point path").nth(place), chart.evaluate(
        "(chart, place) => chart._fullData.find((t) => t.type === 'bar').customdata[place]", place
    )


def test_first_view_step_threshold_and_the_same_view_by_its_link(open_app, page, new_page):
    open_app(f"?{QUICK}")
    body = page.locator("[data-testid=stMain]")
    assert "Simulated data" in body.inner_text()
    assert "Research use only" in body.inner_text()
    before = cursor(page)
    page.locator("canvas.pane[data-plane=axial]").first.focus()
    page.keyboard.press("PageUp")
    page.wait_for_function(f"(z) => {FIND}.cursor[2] === z", arg=before[2] + 1)
    choose(page, "opacity", "0.5")
    choose(page, "convention", "neurological")
    choose(page, "outlines", "area")
    click_plane(page, "axial", (0.4, 0.4))
    wait_for_address(page, "convention=neurological")
    wait_for_address(page, "opacity=0.5")
    wait_for_place_in_address(page)
    chosen, address = cursor(page), page.evaluate("() => location.search")
    assert "mm=" in address
    other = new_page()
    root = open_app(address, where=other)
    assert cursor(other) == chosen
    assert root.locator("input[data-setting=opacity]").input_value() == "0.5"
    assert "Neurological" in root.locator(".convention").inner_text()
    assert root.locator("select[data-setting=outlines]").input_value() == "area"
    # A percentile of the map decides what is shown: fewer voxels the higher it is.
    shown = f"() => {FIND}.views[0].cuts.high"
    low = other.evaluate(shown)
    other.evaluate(f"() => {FIND}.set({{ threshold: 99 }})")
    other.wait_for_function(f"(low) => {FIND}.views[0].cuts.high > low", arg=low)


def test_a_map_that_the_browser_has_is_not_sent_again(page, open_app):
    received = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
    open_app(f"?{QUICK}")
    assert sum(received) > 1_000_000

    def go_to(label):
        box = page.get_by_role("combobox", name="Method", exact=True)
        box.click()
        box.fill(label)
        page.get_by_role("option", name=re.compile(f"^{re.escape(label)}")).click()
        page.wait_for_function(
            f"(label) => {{ const v = {FIND}; return v?.views[0]?.name === label && v.views[0].map && !v.spec.dimmed; }}",
            arg=label,
            timeout=FIRST_MAP_MS,
        )
        page.wait_for_timeout(500)

    for label in ("LayerCAM", "Grad-CAM (as published)", "Sensitivity analysis"):  # until their maps are known
        go_to(label)
    for label in ("LayerCAM", "Grad-CAM (as published)", "LayerCAM"):
        go_to(label)
    received.clear()
    go_to("Sensitivity analysis")
    assert 0 < sum(received) < 500_000


def test_click_on_a_bar_moves_the_crosshair(open_app, page):
    open_app(f"?{QUICK}")
    path, (area, *peak) = bar(page, 2)
    click_mark(page, path)
    wait_for_mm(page, peak)
    status = page.locator(f"{VIEWER} .status").inner_text()
    assert area.replace("_", " ").split()[0].lower() in status.lower()


def test_a_changed_stride_shows_its_boxes(open_app, page):
    open_app("?subject=sim-001&occlusion.size=61&occlusion.stride=50&mm=0,0,0")
    stride = page.get_by_role("spinbutton", name="Stride (voxels)")
    stride.fill("40")
    stride.press("Enter")
    model = load_study("demo").model()
    boxes = BoxGrid(model.grid.shape, 61, 40).ranges
    asked = page.locator(".st-key-explain_here button")
    while page.evaluate(f"() => {FIND}?.spec.patch.centres[0][1]") != 40:
        if asked.count():  # more than two seconds of work on this machine
            asked.click()
        page.wait_for_timeout(1000)
    ready(page)
    shown = page.evaluate(f"() => {FIND}.spec.patch.ranges")
    assert [[tuple(side) for side in axis] for axis in shown] == [list(axis) for axis in boxes]


def test_compare_open_a_pair_from_the_matrix_and_its_link(open_app, page, new_page):
    open_app(f"compare?{THREE}")
    page.wait_for_function(f"() => {FIND}?.views.length === 3", timeout=FIRST_MAP_MS)
    names = f"() => {FIND}.views.map((v) => v.name)"
    assert page.evaluate(names) == ["Sensitivity analysis", "LayerCAM", "Gradient × input"]
    assert page.get_by_text("colours cannot be compared between maps").is_visible()
    path, (_, *peak) = bar(page, 1)
    click_mark(page, path)
    wait_for_mm(page, peak)
    click_mark(page, page.locator(".js-plotly-plot .scatterlayer .point").nth(2))  # row 1, column 3
    page.wait_for_function(f"() => {FIND}?.views[2]?.name === 'A − B'")
    assert page.evaluate(names) == ["Sensitivity analysis", "Gradient × input", "A − B"]
    wait_for_address(page, "show=pair")
    wait_for_address(page, "b=3")
    other = new_page()
    open_app(f"compare{page.evaluate('() => location.search')}", where=other)
    assert other.evaluate(names) == ["Sensitivity analysis", "Gradient × input", "A − B"]


@pytest.fixture(scope="module")
def scan_files(tmp_path_factory):
    """A good scan and bad ones, by what is wrong."""
    folder = tmp_path_factory.mktemp("scans")
    scan = load_study("demo").scan("sim-007")
    good = write_volume(scan, folder / "good.nii.gz")
    data = good.read_bytes()
    (folder / "cut.nii.gz").write_bytes(data[: len(data) // 3])
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape((4000, 4000, 4000))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as out:
        out.write(header.binaryblock + b"\0" * 4 + b"\0" * 20_000_000)
    (folder / "bomb.nii.gz").write_bytes(packed.getvalue())
    turned = scan.with_data(np.ascontiguousarray(scan.data[:, :, ::-1]))
    write_volume(turned, folder / "upside_down.nii.gz")
    return folder


def upload(page, file):
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(str(file))


def remove_upload(page):
    page.get_by_test_id("stFileChipDeleteBtn").locator("button").click()
    page.get_by_test_id("stFileChip").wait_for(state="detached")


def open_uploader(page):
    page.get_by_text("Explain my own scan").click()
    page.locator("[data-testid=stFileUploaderDropzoneInput]").wait_for(state="attached")


def test_own_scan_and_bad_files_told_in_words(open_app, page, scan_files):
    open_app(f"?{QUICK}")
    open_uploader(page)
    error = page.get_by_test_id("stMain").get_by_test_id("stAlertContentError")  # where it is seen
    for name, words in [("cut", "ends|truncated|cut|incomplete"), ("bomb", "voxels")]:
        upload(page, scan_files / f"{name}.nii.gz")
        error.filter(has_text=re.compile(words)).wait_for(timeout=60_000)
        assert "Traceback" not in error.inner_text()
        assert page.get_by_text("What is needed").is_visible()
        remove_upload(page)
        error.wait_for(state="detached")
    upload(page, scan_files / "upside_down.nii.gz")
    page.get_by_role("button", name="Prepare this scan").wait_for(timeout=60_000)
    remove_upload(page)
    upload(page, scan_files / "good.nii.gz")
    page.get_by_text("No diagnosis.").wait_for(timeout=60_000)
    explain = page.locator(".st-key-explain button")
    explain.click()
    page.get_by_test_id("stProgress").wait_for(state="detached", timeout=FIRST_MAP_MS)
    ready(page)


def maps_on_disk():
    """Files of the store of the app under test; it has this process's home."""
    return set((default_folder() / "maps").rglob("*.nii.gz"))


def test_real_scan_gets_a_map_but_no_diagnosis(open_app, page, shared_data):
    file = next(iter(sorted((shared_data / "ds002748" / "mni").glob("*.nii.gz"))))
    open_app(f"?{QUICK}")
    before = maps_on_disk()
    open_uploader(page)
    upload(page, file)
    page.get_by_text("No diagnosis.").wait_for(timeout=60_000)
    assert not page.get_by_text("network says").count()
    page.locator(".st-key-explain button").click()
    page.get_by_test_id("stProgress").wait_for(state="detached", timeout=FIRST_MAP_MS)
    ready(page)
    assert not list(maps_on_disk() - before), "a map of somebody's own scan was written"
    # Another page and back: still this scan, until it is taken back.
    page.get_by_role("link", name="Compare").click()
    page.get_by_text("Explaining sub-").wait_for(timeout=FIRST_MAP_MS)
    page.get_by_text("No diagnosis.").wait_for(timeout=60_000)
    page.get_by_role("link", name="Single scan").click()
    page.get_by_role("button", name="Back to the study").click(timeout=FIRST_MAP_MS)
    page.get_by_text("network says").wait_for(timeout=FIRST_MAP_MS)


def test_downloads_open_again(open_app, page, tmp_path):
    open_app(f"?{QUICK}")
    page.get_by_role("tab", name="Files").click()

    def get(label):
        with page.expect_download(timeout=90_000) as download:
            page.get_by_role("button", name=label, exact=True).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        return path

    image = nib.load(get("Map (NIfTI)"))
    values = image.get_fdata()
    assert values.min() < 0 < values.max()
    assert not np.allclose(image.affine, np.eye(4))
    about = json.loads(get("Description (JSON)").read_text(encoding="utf-8"))
    assert about["method"] == "sensitivity"
    assert about["simulated_scan"] is True
    assert about["grid"]["shape"] == list(values.shape)
    assert {"area", "share"} <= set(pd.read_csv(get("Areas (CSV)")).columns)
    with Image.open(get("Mosaic (PNG)")) as mosaic:
        assert len(np.unique(np.asarray(mosaic.convert("RGB")).reshape(-1, 3), axis=0)) > 500


def test_a_session_that_computes_leaves_the_others_usable(page, new_page, app_url):
    busy = new_page()
    busy.goto(f"{app_url}/?subject=sim-002&method=occlusion&occlusion.size=40&occlusion.stride=2")  # minutes of work
    busy.locator(".st-key-explain button").click(timeout=FIRST_MAP_MS)  # a link does not start that
    busy.get_by_text(re.compile(r"of [\d,]+, .* left")).first.wait_for(timeout=FIRST_MAP_MS)
    # The other session sees a new scan, asks what the network says of it, and gets a map of it.
    page.goto(f"{app_url}/?subject=sim-012&method=sensitivity")
    page.get_by_text("network says").wait_for(timeout=FIRST_MAP_MS)
    assert ready(page).is_visible()
    assert busy.get_by_test_id("stProgress").is_visible(), "the long work ended first: it must be made longer"
    busy.get_by_role("button", name="Cancel").click()
    busy.get_by_text("was cancelled. Nothing was kept of it.").wait_for(timeout=FIRST_MAP_MS)
    busy.get_by_text("This map is not known yet").wait_for()
    assert not busy.get_by_test_id("stProgress").is_visible()
