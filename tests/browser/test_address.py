"""A copied link opens the same view, however the reader came to it."""

import pytest

from .test_app import FIND, QUICK, bar, click_mark, cursor, ready, wait_for_address, wait_for_mm

pytestmark = pytest.mark.browser


def test_steps_jumps_and_switches_are_in_the_address(page, new_page, app_url):
    page.goto(f"{app_url}/?{QUICK}")
    ready(page)
    path, (_, *peak) = bar(page, 2)
    click_mark(page, path)
    wait_for_mm(page, peak)
    wait_for_address(page, f"mm={','.join(f'{v:g}' for v in peak)}")
    before = page.evaluate("() => location.search")
    page.locator("canvas.pane[data-plane=axial]").first.focus()
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("(before) => location.search !== before", arg=before)
    page.locator("select[data-setting=convention]").select_option("neurological")
    wait_for_address(page, "convention=neurological")
    page.get_by_text("Show where the disease is").click()
    wait_for_address(page, "truth=True")
    page.get_by_text("Left and right together").click()
    wait_for_address(page, "merge=False")
    page.wait_for_function(f"() => {FIND}?.views.length === 2")
    chosen, address = cursor(page), page.evaluate("() => location.search")
    other = new_page()
    other.goto(f"{app_url}/{address}")
    root = ready(other)
    other.wait_for_function(f"() => {FIND}?.views.length === 2")
    assert cursor(other) == chosen
    assert "Neurological" in root.locator(".convention").inner_text()
