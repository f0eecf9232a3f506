"""What browser tests do alike: change a setting, pick from a list, wait until a page is at rest, find where something is, ask axe."""

import pytest

REST_MS = 180_000  # at most, on a machine that runs other tests beside this one
STILL = """() => {
    const rest = document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
        && !document.querySelector('[data-testid=stProgress], [data-testid=stSkeleton], [data-stale=true]');
    if (!rest) { window.restSince = undefined; return false; }
    window.restSince ??= performance.now();
    return performance.now() - window.restSince > 400; }"""


def at_rest(page):
    """Wait until the page has been drawn and no work goes on."""
    page.evaluate("window.restSince = undefined")
    page.wait_for_function(STILL, timeout=REST_MS)


def pick(page, box, text):
    """Pick the first entry with a text from a list: its name, or where it is. A page that runs again would close the list."""
    at_rest(page)
    if isinstance(box, str):
        box = page.get_by_role("combobox", name=box, exact=True)
    box.click()
    box.fill(text)
    page.get_by_role("option").filter(has_text=text).first.click()


def box_of(locator):
    """Return where an element is, once it is there and stands still: a page that is drawn anew replaces and moves it."""
    before = None
    for _ in range(600):
        box = locator.bounding_box()
        if box is not None and box == before:
            return box
        before = box
        locator.page.wait_for_timeout(100)
    raise AssertionError(f"{locator} does not come to rest; last seen at {before}")


def choose(where, setting, value):
    """Open the panel, change a setting, and close it again; `where`: a page, or a viewer's root."""
    tool = where.locator("[data-tool=display]").first
    opened = tool.get_attribute("aria-expanded") == "true"
    if not opened:
        tool.click()
    control = where.locator(f".panel [data-setting={setting}]").first
    if control.evaluate("(e) => e.tagName") == "SELECT":
        control.select_option(value)
    elif isinstance(value, bool):
        control.set_checked(value)
    else:
        control.fill(str(value))
        control.press("Enter")
    if not opened:
        tool.click()


def assert_nothing_serious(page):
    """Let axe look at a page that is at rest: nothing serious, once what Streamlit draws anew has faded in."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for _ in range(8):
        found = axe.Axe().run(page).response["violations"]
        serious = {
            v["id"]: [n["html"][:120] for n in v["nodes"]] for v in found if v["impact"] in ("serious", "critical")
        }
        if not serious:
            break
        page.wait_for_timeout(2000)
    assert serious == {}
