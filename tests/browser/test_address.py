"""A copied link opens the same view, however the reader came to it."""

import pytest

from .settings import choose
from .test_app import FIND, QUICK, bar, click_mark, cursor, ready, wait_for_address, wait_for_mm

pytestmark = pytest.mark.browser


def test_steps_jumps_and_switches_are_in_the_address(page, new_page, app_url):
    page.goto(f"{app_url}/?{QUICK}")
    ready(page)
    assert page.title() == "Single scan · mriinterp"
    path, (_, *peak) = bar(page, 2)
    click_mark(page, path)
    wait_for_mm(page, peak)
    wait_for_address(page, f"mm={','.join(f'{v:g}' for v in peak)}")
    before = page.evaluate("() => location.search")
    page.locator("canvas.pane[data-plane=axial]").first.focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("(before) => location.search !== before", arg=before)
    choose(page, "convention", "neurological")
    wait_for_address(page, "convention=neurological")
    page.get_by_role("button", name="Display settings").click()
    choose(page, "contours", False)
    wait_for_address(page, "contours=False")
    page.get_by_text("Left and right together").click()
    wait_for_address(page, "merge=False")
    chosen, address = cursor(page), page.evaluate("() => location.search")
    other = new_page()
    other.goto(f"{app_url}/{address}")
    root = ready(other)
    assert not other.evaluate(f"() => {FIND}.settings.contours")
    assert cursor(other) == chosen
    assert "Neurological" in root.locator(".convention").inner_text()
