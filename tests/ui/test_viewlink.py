"""The address knows every setting of the viewer, and nonsense in it is refused."""

import re

import pytest

from mriinterp.ui import viewlink
from tests.ui.test_viewer_modules import PROJECT


def test_every_setting_that_the_viewer_reports_has_its_usual_value():
    text = (PROJECT / "js" / "settings.js").read_text(encoding="utf-8")
    own = re.search(r"const DEFAULTS = \{(.*?)\};", text, re.S).group(1)
    given = re.search(r"const SETTINGS = \[(.*?)\];", text, re.S).group(1)
    reported = {*re.findall(r"(\w+):", own), *re.findall(r"'(\w+)'", given)}
    assert len(reported) > 20
    assert reported == viewlink.DEFAULTS.keys()


def test_zoom_in_an_address_reads_back():
    zoom = [2.5, -20.0, 10.25, 4.0]
    assert viewlink._parse("zoom", viewlink._text(zoom)) == zoom


@pytest.mark.parametrize(
    "raw", ["2", "2,1,1", "0.5,0,0,0", "99,0,0,0", "nan,0,0,0", "2,nan,0,0", "2,1e9,0,0", "a,b,c,d", ""]
)
def test_zoom_that_is_none_is_refused(raw):
    with pytest.raises(ValueError):
        viewlink._parse("zoom", raw)
