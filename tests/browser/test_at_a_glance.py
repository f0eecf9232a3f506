"""What a page shows at first sight, and that it can be read: places, contrast, no jumps."""

import pytest

from .settings import assert_nothing_serious, at_rest, box_of

pytestmark = pytest.mark.browser

READY = ".mriinterp-viewer[data-ready=true]"
HIGHEST = 330  # pixels from the top, of the first picture at 1280 × 800
MOST_SHIFT = 0.05
SHIFTS = """() => { window.shifts = [];
    new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput)
        window.shifts.push([e.value, e.sources.map((s) => [s.node?.className, s.previousRect.y, s.currentRect.y])]); })
        .observe({ type: 'layout-shift', buffered: true }); }"""
PANES = """[...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')]
    .flatMap((e) => [...(e.shadowRoot?.querySelectorAll('canvas.pane') ?? [])])"""
TOP = f"Math.min(...{PANES}.map((pane) => pane.getBoundingClientRect().top))"
WIDE_FONT = """document.addEventListener('DOMContentLoaded', () => { const style = document.createElement('style');
    style.textContent = ':not([data-testid=stIconMaterial]) { font-family: "DejaVu Sans", Verdana, sans-serif !important }';
    document.head.append(style); });"""
ROWS = (".st-key-page_header", ".st-key-view_row", ".st-key-view")
ADDED = "() => window.shifts.reduce((sum, [value]) => sum + value, 0)"
QUICK = "method=sensitivity&subject=sim-001"


def open_at(page, address):
    page.goto(address)
    page.locator(READY).first.wait_for(timeout=180_000)
    at_rest(page)


@pytest.fixture
def small(new_page):
    return new_page(viewport={"width": 1280, "height": 800})


@pytest.mark.parametrize(
    "address", [f"/?{QUICK}", f"/compare?methods=sensitivity,layer_cam,grad_cam,lrp_epsilon&{QUICK}"]
)
def test_the_first_picture_is_high_on_the_page_which_is_drawn_without_jumps(small, app_url, address):
    small.add_init_script(f"({SHIFTS})()")
    open_at(small, f"{app_url}{address}")
    small.wait_for_function(f"() => {TOP} < {HIGHEST}")
    small.reload()  # with its maps made
    small.locator(READY).first.wait_for()
    at_rest(small)
    assert small.evaluate(ADDED) < MOST_SHIFT, small.evaluate("window.shifts")
    assert small.locator(".bar:visible").count() == 1  # one row of the viewer's controls
    header = small.locator(".st-key-page_answer").inner_text()
    assert "sim-001" in header
    assert "network says" in header
    for words in ("Simulated data", "Research use only", "Trust:"):
        assert small.get_by_text(words).first.is_visible()


def test_averages_are_drawn_without_jumps(small, app_url):
    small.add_init_script(f"({SHIFTS})()")
    open_at(small, f"{app_url}/cohort")
    small.locator(".st-key-first_distances .plot-container").wait_for(timeout=60_000)
    at_rest(small)
    assert small.evaluate(ADDED) < MOST_SHIFT, small.evaluate("window.shifts")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "address", [f"/?{QUICK}", f"/?{QUICK}&tab=Files", f"/compare?methods=sensitivity,layer_cam&{QUICK}"]
)
def test_axe_finds_nothing_serious(new_page, app_url, address, scheme):
    page = new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    open_at(page, f"{app_url}{address}")
    assert_nothing_serious(page)


def test_the_other_pages_answer_at_first_sight_and_axe_finds_nothing_serious(small, app_url):
    """One visit: from page to page by the links above, each in light and dark colours."""
    small.goto(f"{app_url}/network?subject=sim-001")
    for name, picture in (
        ("Network", ".st-key-layers svg"),
        ("Train", ".st-key-sets svg"),
        ("Cohort", READY),
        ("Trust", READY),
    ):
        small.get_by_test_id("stTopNavLink").filter(has_text=name).click()
        small.locator(".st-key-page_answer p").wait_for(timeout=180_000)
        small.locator(picture).first.wait_for(timeout=180_000)
        at_rest(small)
        assert box_of(small.locator(picture).first)["y"] < HIGHEST, name
        assert small.get_by_role("heading", name=name).evaluate("(e) => e.offsetWidth") <= 1, name
        if name == "Trust":
            tabs = [box_of(tab) for tab in small.get_by_role("tab").all()]
            assert len(tabs) <= 7
            assert max(box["x"] + box["width"] for box in tabs) <= 1280
        for scheme in ("light", "dark"):
            small.emulate_media(color_scheme=scheme)
            at_rest(small)
            assert_nothing_serious(small)


def test_a_presented_page_is_picture_sentence_and_colour_bar_in_its_whole_width(new_page, app_url):
    page = new_page(viewport={"width": 1920, "height": 1080}, color_scheme="dark")
    open_at(page, f"{app_url}/?{QUICK}&present=True")
    keys = box_of(page.locator(".st-key-present_keys"))
    picture = box_of(page.locator(READY))
    assert picture["width"] > 0.9 * 1920
    assert picture["y"] + picture["height"] <= keys["y"]
    for hidden in (".toolbar", ".profile", ".st-key-view_row", ".st-key-view_parts", "[data-testid=stSidebar]"):
        assert page.locator(f"{hidden}:visible").count() == 0, hidden
    for shown in (".colorbar", ".st-key-page_answer", ".st-key-research_use"):
        assert page.locator(shown).first.is_visible(), shown
    page.keyboard.press("ArrowRight")
    page.locator(".st-key-page_answer").get_by_text("sim-002").wait_for(timeout=180_000)
    page.keyboard.press("Escape")  # the areas stand beside the planes again, as wide as their column
    chart = page.locator(".st-key-area_bars")
    chart.wait_for(timeout=180_000)
    at_rest(page)
    assert box_of(chart)["width"] > 0.95 * box_of(page.locator(".st-key-view_parts"))["width"]


@pytest.mark.parametrize("font", ["", WIDE_FONT])
def test_a_changed_setting_moves_nothing_and_keeps_the_map_before(small, app_url, font):
    small.add_init_script(font)
    subject = "sim-001" if font else "sim-004"  # whose map with this setting nothing has made yet
    open_at(small, f"{app_url}/?method=sensitivity&subject={subject}")
    before = [box_of(small.locator(row)) for row in ROWS]
    small.evaluate(SHIFTS)
    small.wait_for_function("window.shifts.length")
    small.evaluate("window.shifts = []")
    small.get_by_test_id("stSidebar").get_by_role("combobox", name="Score").click()
    small.get_by_role("option", name="Logit", exact=True).click()
    made = small.locator(f"{READY}:not(.dimmed) .unit").filter(has_text="logit")
    asked = small.locator(".st-key-explain_here button")  # on a machine where this map takes two seconds
    made.or_(asked).first.wait_for()
    if asked.is_visible():
        asked.click()
    made.wait_for()
    at_rest(small)
    shifts = small.evaluate("window.shifts")
    assert sum(value for value, _ in shifts) < MOST_SHIFT, shifts
    after = [box_of(small.locator(row)) for row in ROWS]
    assert [box["y"] for box in after] == [box["y"] for box in before]


def test_a_click_in_a_chart_brings_the_planes_in_sight(small, app_url):
    open_at(small, f"{app_url}/?{QUICK}")
    bar = small.locator(".st-key-area_bars .barlayer .point path").nth(8)
    bar.scroll_into_view_if_needed()
    small.mouse.wheel(0, 500)
    box = box_of(bar)
    small.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    small.wait_for_function(
        f"""() => {{ const panes = {PANES};
             return panes.length && panes.every((p) => {{ const b = p.getBoundingClientRect();
               return b.top >= 0 && b.bottom <= innerHeight; }}); }}"""
    )


def test_at_150_percent_nothing_leaves_the_page(new_page, app_url):
    page = new_page(viewport={"width": 853, "height": 533})  # 1280 × 800, enlarged by half
    open_at(page, f"{app_url}/?{QUICK}")
    wide = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth")
    assert wide <= 0
    notice = box_of(page.get_by_text("Research use only").first)
    assert notice["x"] + notice["width"] <= 853
