"""Settings of the viewer, as a reader changes them: in the panel that Settings opens over the planes."""


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
