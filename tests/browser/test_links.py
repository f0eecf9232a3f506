"""What a page shows is in its address; Back goes to the previous choice; links that cannot be followed say so."""

import pytest
from playwright.sync_api import expect

from mriinterp.image.write import write_volume
from mriinterp.study import load_study

from .settings import choose, pick
from .test_app import (
    FIND,
    FIRST_MAP_MS,
    QUICK,
    bar,
    click_mark,
    click_plane,
    cursor,
    open_uploader,
    ready,
    upload,
    wait_for_address,
    wait_for_mm,
)

pytestmark = pytest.mark.browser

SETTINGS = f"() => {{ const s = {FIND}.settings; return [s.convention, s.threshold]; }}"


def go(page, name):
    """To another page, by the navigation."""
    page.get_by_test_id("stTopNavLink").filter(has_text=name).click()


def shown(page):
    """Subject and method as the page's own widgets say them."""
    return [page.get_by_role("combobox", name=name, exact=True).input_value() for name in ("Subject", "Method")]


def entries(page):
    return page.evaluate("() => history.length")


def test_back_and_forward_go_through_subjects_and_methods(page, app_url):
    page.goto(f"{app_url}/?{QUICK}")
    ready(page)
    start = entries(page)
    pick(page, "Subject", "sim-002")
    wait_for_address(page, "subject=sim-002")
    pick(page, "Method", "Gradient × input")
    wait_for_address(page, "method=gradient_x_input")
    assert entries(page) == start + 2
    page.go_back()
    wait_for_address(page, "method=sensitivity")
    page.get_by_role("combobox", name="Method", exact=True).and_(
        page.locator("[value^='Sensitivity analysis']")
    ).wait_for()
    assert shown(page)[0].startswith("sim-002")
    page.go_back()
    wait_for_address(page, "subject=sim-001")
    page.get_by_test_id("stMain").get_by_text("sim-001 · network says").wait_for()
    assert shown(page)[0].startswith("sim-001")
    page.go_forward()
    wait_for_address(page, "subject=sim-002")
    page.get_by_test_id("stMain").get_by_text("sim-002 · network says").wait_for()
    assert entries(page) == start + 2


def test_settings_and_steps_are_no_entries_and_come_back_with_their_subject(page, app_url):
    page.goto(f"{app_url}/?{QUICK}")
    ready(page)
    start = entries(page)
    click_plane(page, "axial", (0.4, 0.45))
    wait_for_address(page, "mm=")
    place = cursor(page)
    for setting, value in (("convention", "neurological"), ("outlines", "area")):
        choose(page, setting, value)
        wait_for_address(page, f"{setting}={value}")
    choose(page, "opacity", "0.5")
    wait_for_address(page, "opacity=0.5")
    assert entries(page) == start
    pick(page, "Subject", "sim-002")
    wait_for_address(page, "subject=sim-002")
    # In the very moment in which the viewer is built anew. Its map is not known: the slider is not shown.
    page.wait_for_function(
        f"() => {{ const v = {FIND}; if (v?.settings) v.set({{ opacity: 0.9 }}); return v?.settings; }}"
    )
    wait_for_address(page, "opacity=0.9")
    page.wait_for_function(f"() => {FIND}?.settings?.opacity === 0.9")
    choose(page, "convention", "radiological")
    page.wait_for_function("() => !location.search.includes('convention')")
    page.go_back()
    wait_for_address(page, "subject=sim-001")
    page.wait_for_function(
        f"() => {{ const s = {FIND}?.settings; return s?.opacity === 0.5 && s.convention === 'neurological'; }}"
    )
    page.wait_for_function(f"(at) => {FIND}?.cursor?.join() === at", arg=",".join(map(str, place)))
    wait_for_address(page, "convention=neurological")


def test_convention_and_threshold_survive_other_pages_and_a_reload(page, new_page, app_url):
    page.goto(f"{app_url}/?{QUICK}")
    ready(page)
    choose(page, "convention", "neurological")
    choose(page, "threshold-exact", "97")
    wait_for_address(page, "threshold=97")
    go(page, "Trust")
    page.get_by_role("heading", name="Trust").wait_for()
    wait_for_address(page, "subject=sim-001")
    go(page, "Single scan")
    ready(page)
    wait_for_address(page, "convention=neurological")
    wait_for_address(page, "threshold=97")
    assert page.evaluate(SETTINGS) == ["neurological", 97]
    page.reload()
    ready(page)
    assert page.evaluate(SETTINGS) == ["neurological", 97]
    wait_for_address(page, "convention=neurological")
    page.go_back()  # over the reload, to the other page
    page.get_by_role("heading", name="Trust").wait_for()
    page.go_back()
    ready(page)
    other = new_page()
    other.goto(page.evaluate("() => location.href"))
    ready(other)
    assert other.evaluate(SETTINGS) == page.evaluate(SETTINGS) == ["neurological", 97]


def test_left_stays_left_on_every_page(page, app_url):
    page.goto(f"{app_url}/?{QUICK}")
    ready(page)
    choose(page, "convention", "neurological")
    wait_for_address(page, "convention=neurological")
    go(page, "Compare")
    page.get_by_role("heading", name="Compare").wait_for()
    page.wait_for_function(f"() => {FIND}?.settings?.convention === 'neurological'", timeout=FIRST_MAP_MS)
    wait_for_address(page, "convention=neurological")
    wait_for_address(page, "by=methods")


def test_a_link_to_what_is_not_there_says_what_is_shown_instead(page, app_url):
    page.goto(f"{app_url}/?subject=sim-999&method=nonsense&study=/x/y.toml&mm=900,0,0&threshold=-3")
    told = page.get_by_test_id("stAlertContentWarning").first
    told.wait_for(timeout=FIRST_MAP_MS)
    page.get_by_text("is no place in this scan").wait_for(timeout=FIRST_MAP_MS)
    text = told.inner_text()
    for words in ("Study /x/y.toml was not found: Demo study", "Subject sim-999 was not found: sim-003 is shown",
                  "Method nonsense was not found: Occlusion is shown", "(900,0,0) mm is no place", "Threshold -3"):  # fmt: skip
        assert words in text
    wait_for_address(page, "subject=sim-003&method=occlusion")
    assert "sim-999" not in page.evaluate("() => location.search")
    pick(page, "Subject", "sim-001")
    wait_for_address(page, "subject=sim-001")
    page.get_by_text("Subject sim-999").wait_for(state="detached")


@pytest.fixture(scope="module")
def own_scan(tmp_path_factory):
    return write_volume(load_study("demo").scan("sim-007"), tmp_path_factory.mktemp("own") / "visit2.nii.gz")


def test_a_link_from_an_own_scan_asks_for_that_file(page, new_page, app_url, own_scan):
    page.goto(f"{app_url}/?{QUICK}")
    ready(page)
    open_uploader(page)
    upload(page, own_scan)
    wait_for_address(page, "own=visit2")
    page.locator(".st-key-explain button").click()
    ready(page)
    address = page.evaluate("() => location.search")
    assert "subject=" not in address
    assert "method=sensitivity" in address
    other = new_page()
    other.goto(f"{app_url}/{address}")
    asked = other.get_by_text("visit2. The scan itself is not in the address")
    asked.wait_for(timeout=FIRST_MAP_MS)
    assert other.locator(".mriinterp-viewer").count() == 0  # no other brain
    wait_for_address(other, "own=visit2")
    upload(other, own_scan)
    other.get_by_text("No diagnosis.").wait_for(timeout=FIRST_MAP_MS)
    asked.wait_for(state="detached")
    assert other.get_by_role("combobox", name="Method", exact=True).input_value().startswith("Sensitivity analysis")
    # Back in the first tab: the subject that was shown before; forward: the scan again, which is still there.
    page.go_back()
    wait_for_address(page, "subject=sim-001")
    page.get_by_text("network says").wait_for()
    page.go_forward()
    wait_for_address(page, "own=visit2")
    page.get_by_text("No diagnosis.").wait_for()
    page.reload()
    page.get_by_text("visit2. The scan itself is not in the address").wait_for(timeout=FIRST_MAP_MS)
    page.get_by_role("button", name="Back to the study").click()
    wait_for_address(page, "subject=")
    page.get_by_text("network says").wait_for()


def test_copy_link_copies_what_is_shown_and_says_that_localhost_is_of_this_computer(page, app_url):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{app_url}/?{QUICK}&tab=Files")
    ready(page)
    button = page.get_by_role("button", name="Copy link")
    assert "localhost" in button.get_attribute("title")
    button.click()
    page.get_by_text("It opens on this computer only").wait_for()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == page.evaluate("() => location.href")
    assert f"{app_url}/?{QUICK}&tab=Files" == copied


def test_one_part_is_chosen_once_and_followed_everywhere(page, new_page, app_url):
    page.goto(f"{app_url}/?{QUICK}")
    root = ready(page)
    ends = root.locator(".ends span")
    against, supports = ends.all_inner_texts()
    assert against.startswith("brighter lowers P(")
    assert supports.startswith("brighter raises P(")
    low, high = page.evaluate(f"() => {FIND}.views[0].range")
    assert low == -high
    page.get_by_role("radio", name="Brighter lowers").or_(page.get_by_text("Brighter lowers P(")).first.click()
    wait_for_address(page, "sign=against")
    page.wait_for_function(f"() => {FIND}?.views[0]?.range?.[1] === 0")
    assert page.get_by_text("Hidden: where brighter raises P(").first.is_visible()
    path, (_, *peak) = bar(page, 1)
    title = page.locator(".js-plotly-plot").first.evaluate("(chart) => chart.layout.xaxis.title.text")
    assert "brighter lowers" in title.replace("<br>", " ")
    click_mark(page, path)
    wait_for_mm(page, peak)
    assert page.evaluate(f"() => {{ const v = {FIND}; return v.views[0].map.value(v.space.index(v.cursor)); }}") < 0
    page.get_by_role("tab", name="In space").click()
    names = "(chart) => chart._fullData.map((trace) => trace.name).join()"
    space = page.locator(".js-plotly-plot:has(.gl-container)").first
    space.wait_for(timeout=60_000)
    assert "Brighter raises" not in space.evaluate(names)
    page.get_by_role("tab", name="Files").click()
    with page.expect_download(timeout=90_000) as download:
        page.get_by_role("button", name="Mosaic (PNG)", exact=True).click()
    assert "_against_mosaic" in download.value.suggested_filename
    other = new_page()
    other.goto(page.evaluate("() => location.href"))
    ready(other)
    assert other.evaluate(f"() => {FIND}.views[0].range[1]") == 0


def test_the_camera_says_what_the_picture_is_of(page, app_url):
    page.goto(f"{app_url}/?{QUICK}&sign=supports")
    root = ready(page)
    caption = page.evaluate(f"() => {FIND}.spec.caption")
    for words in ("sim-001", "Sensitivity analysis", "explains ", "Brighter raises P(", "Hidden: ", "Simulated data"):
        assert words in caption
    with page.expect_download() as download:
        root.locator("[data-tool=picture]").click()
    assert download.value.suggested_filename.startswith("sim-001_sensitivity_")


def test_trust_tabs_and_figures_are_in_the_address(page, new_page, app_url):
    page.goto(f"{app_url}/trust?subject=sim-001&method=sensitivity")
    page.get_by_role("tab", name="Each measure").click(timeout=FIRST_MAP_MS)
    pick(page, page.locator(".st-key-each").get_by_role("combobox"), "What hiding changes: Infidelity")
    wait_for_address(page, "each=Infidelity")
    other = new_page()
    other.goto(page.evaluate("() => location.href"))
    tab = other.get_by_role("tab", name="Each measure")
    tab.wait_for(timeout=FIRST_MAP_MS)
    assert tab.get_attribute("aria-selected") == "true"
    chosen = other.locator(".st-key-each").get_by_role("combobox")
    expect(chosen).to_have_value("What hiding changes: Infidelity", timeout=FIRST_MAP_MS)
