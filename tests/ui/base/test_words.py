"""Text from files on a page: shown as it is, never as markup; and no diagnosis of real scans by the demo network."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from mriinterp.image.volume import Volume
from mriinterp.ui.base.words import escape_markdown, words_of
from mriinterp.ui.scan.subject import Subject


@pytest.mark.parametrize("text", ["![x](http://a/b.png)", "<img src=x>", "**b**", "a_b_c", ":smile:", "$x$", "`c`"])
def test_markup_is_escaped(text):
    escaped = escape_markdown(text)
    assert escaped.replace("\\", "").replace("\u2060", "") == text
    for mark in "![]()<>*_:$`":
        assert escaped.count(mark) == escaped.count("\\" + mark)


@pytest.mark.parametrize("text", ["www.evil.org.nii", "WWW.evil.org", "https://evil.org/x", "a@evil.org"])
def test_nothing_becomes_a_link(text):
    """What the autolinks of GitHub-flavoured Markdown look for is not there, even with the escapes taken out."""
    shown = escape_markdown(text).replace("\\", "")
    links = r"(?i)(https?://|www(?=\.))[-.\w]+|[-.\w+]+@[-\w]+(\.[-\w]+)+"  # as mdast-util-gfm-autolink-literal has it
    assert re.search(links, text)
    assert not re.search(links, shown)


def test_names_stay_readable():
    assert escape_markdown("sim-003 at 1.5 mm") == "sim-003 at 1.5 mm"


def test_a_key_error_has_no_quotes():
    assert words_of(KeyError("expected a group")) == "expected a group"
    assert words_of(ValueError()) == "ValueError"


def test_errors_on_a_page_are_plain_text():
    from streamlit.testing.v1 import AppTest

    def page():
        from mriinterp.ui.shell.page import readable_errors

        with readable_errors():
            raise ValueError("bad ![x](http://a/b.png)")

    app = AppTest.from_function(page, default_timeout=60).run()
    assert app.error[0].value.replace("\u2060", "") == r"bad \!\[x\]\(http\://a/b.png\)"


@pytest.mark.parametrize(
    ("trained_on_simulated", "scan_simulated", "told"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_no_diagnosis_of_real_scans_by_a_simulated_network(trained_on_simulated, scan_simulated, told):
    scan = Volume(np.ones((2, 2, 2), np.float32), np.eye(4))
    model = SimpleNamespace(card=SimpleNamespace(simulated=trained_on_simulated))
    assert Subject("s", scan, simulated=scan_simulated).diagnosed_by(model) is told
