"""Reports: self-contained, escaped, honest."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from mriinterp.areas.atlas import Atlas
from mriinterp.export.html_report import Report
from mriinterp.export.scan_report import scan_report
from mriinterp.image.volume import Volume
from mriinterp.methods.meaning import Meaning
from mriinterp.models import Prediction
from mriinterp.relevance_map import RelevanceMap

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_text_is_escaped_everywhere():
    page = (
        Report(EVIL, EVIL)
        .text(EVIL, EVIL)
        .facts(EVIL, {EVIL: {EVIL: EVIL}})
        .table(EVIL, pd.DataFrame({EVIL: [EVIL]}), EVIL)
        .figure(EVIL, go.Figure(go.Bar(x=[EVIL], y=[1], name=EVIL)), EVIL)
        .html()
    )
    plain = Report("t").figure("f", go.Figure()).html()
    assert page.count("<script") - plain.count("<script") == 0
    assert not any("onerror" in attrs for _, attrs in Tags(page).tags)


def test_nothing_is_loaded_from_elsewhere():
    page = Report("t").figure("f", go.Figure(go.Bar(x=[1], y=[1]))).html()
    for _, attrs in Tags(page).tags:
        for name in ("src", "href", "action", "data"):
            assert attrs.get(name) is None or attrs[name].startswith("data:")
    assert "default-src 'none'" in page
    assert page.count("plotly.js v") >= 1
    assert "plotly.js v" not in Report("t").text("no figure", "no script").html()


def test_pictures_must_be_pictures():
    with pytest.raises(ValueError, match="PNG"):
        Report("t").picture("p", b"<svg>")


def test_cells_for_people():
    table = pd.DataFrame({"a": [0.123456, np.nan], "n": [3, 4], "s": ["x", None]})
    page = Report("t").table("", table).facts("", {"flag": True, "list": [1, 2.5]}).html()
    assert '<td class="number">0.123</td>' in page
    assert "–" in page
    assert "1, 2.5" in page
    assert ">yes<" in page


@pytest.fixture
def relevance(rng):
    affine = np.diag([8.0, 8, 8, 1])
    affine[:3, 3] = [-40, -60, -30]
    data = rng.random((10, 12, 11)).astype(np.float32)
    return RelevanceMap(
        Volume(data, affine), "occlusion", "AD", "probability", Prediction({"AD": 2.0, "CN": 1.0}, {"AD": 0.73, "CN": 0.27}, "AD"),
        {"size": 40, "stride": 25, "placement": "cells"}, {"scan": "a" * 64, "model": "b" * 64}, "positive", "fall of the probability",
    )  # fmt: skip


@pytest.fixture
def atlas(relevance):
    labels = np.zeros(relevance.volume.data.shape, np.int16)
    labels[2:8, 2:6, 2:8], labels[2:8, 7:10, 2:8] = 1, 2
    areas = pd.DataFrame({"label": [1, 2], "name": ["Back<b>_L", "Front"], "hemisphere": ["L", ""]})
    return Atlas("A", relevance.volume.with_data(labels), areas)


def test_a_scan_report_says_what_it_is(relevance, atlas, tmp_path):
    scan = relevance.volume.with_data(np.pad(np.full((8, 10, 9), 100, np.float32), 1))
    report = scan_report(
        relevance,
        scan,
        atlas,
        subject={"id": "sub-01", "group": "AD"},
        simulated=True,
        notes=("Mind <this>.",),
        brain=scan,
    )
    page = report.write(tmp_path / "r.html").read_text(encoding="utf-8")
    text = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    for words in (
        "Research use only",
        "Simulated data",
        "sub-01",
        "Mind &lt;this&gt;.",
        "73",
        "a" * 64,
        "stride",
        "patient left on screen left",
        "outside the brain",
        "data:image/png;base64,",
        "mriinterp",
    ):
        assert words in text, words
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    for once in ("Research use only", Meaning.of(relevance).words(), "Simulated data"):
        assert text.count(once) == 1, once
    assert "outputs" not in text  # what the network says stands in its own table


def test_a_map_of_zeros_has_a_report(relevance, atlas):
    zero = RelevanceMap(
        relevance.volume.with_data(np.zeros(relevance.volume.data.shape, np.float32)),
        "sensitivity", "AD", "probability", relevance.prediction, {}, {}, "absolute", "",
    )  # fmt: skip
    page = scan_report(zero, relevance.volume, atlas, planes3d=False).html()
    assert "no relevance in any area" in page
    assert "Simulated" not in page
