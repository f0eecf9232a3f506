"""Reports print to two A4 pages, whole, and are no endless strip on the screen."""

import re

import numpy as np
import pandas as pd
import pytest

from mriinterp import explain
from mriinterp.cohort import open_cohort
from mriinterp.cohort.packed import shipped_folder
from mriinterp.export.html_report import Report
from mriinterp.export.scan_report import scan_report
from mriinterp.image.volume import resample
from mriinterp.study import load_study
from mriinterp.ui.cohort import files as cohort_files
from mriinterp.ui.cohort.averages import StudyView

A4 = (595, 842)  # points
MOST_PX = 6000  # high on a screen of 1280 × 800


@pytest.fixture(scope="module")
def study():
    return load_study("demo")


@pytest.fixture(scope="module")
def reports(study, tmp_path_factory):
    """Of the demo study's averages, and of a scan of it: files by name."""
    folder = tmp_path_factory.mktemp("reports")
    view = StudyView(open_cohort(shipped_folder(study)))
    cohort = cohort_files._report("demo", view, view.caveats())
    (folder / "cohort.html").write_text(cohort, encoding="utf-8")
    scan = study.scan(study.example)
    relevance = explain(study.model("cpu"), scan, "sensitivity", atlas=study.atlas())
    more = {"subject": {"id": study.example, "group": "AD"}, "simulated": True, "brain": study.brain_mask()}
    scan_report(relevance, resample(scan, relevance.volume.grid), study.atlas(), **more).write(folder / "scan.html")
    return folder


def printed(page):
    """The pages of the browser's print: their sizes in points."""
    data = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/Type\s*/Page\b(?!s).*?/MediaBox\s*\[([^\]]*)\]", data, re.DOTALL)
    return [tuple(float(v) for v in box.split())[2:] for box in boxes]


@pytest.mark.parametrize("name", ["cohort", "scan"])
def test_a_report_prints_to_two_pages(reports, new_page, name):
    page = new_page(viewport={"width": 1280, "height": 800})
    page.goto((reports / f"{name}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollHeight") < MOST_PX
    sizes = printed(page)
    assert len(sizes) == 2
    for size in sizes:
        np.testing.assert_allclose(size, A4, atol=1.5)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 690, "height": 1000})  # what A4 leaves between the margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
    headings = page.evaluate("[...document.querySelectorAll('h2')].filter(h => h.offsetHeight).map(h => h.innerText)")
    assert len(headings) == len(set(headings)), "a heading is printed twice"
    assert headings[-1] == "Provenance"


def test_what_is_folded_opens_with_its_figure_in_full_width(new_page, tmp_path):
    import plotly.graph_objects as go

    report = Report("R")
    with report.folded("More"):
        report.figure("", go.Figure(go.Bar(x=[1, 2], y=[1, 2])))
    with report.only("print"):
        report.table("T", pd.DataFrame({"a": [1]}))
    page = new_page(viewport={"width": 1280, "height": 800})
    page.goto(report.write(tmp_path / "r.html").as_uri())
    assert page.locator("h2", has_text="T").is_hidden()
    page.locator("summary").click()
    page.wait_for_function("document.querySelector('.main-svg')?.getBoundingClientRect().width > 900")
    assert len(printed(page)) == 1


def test_places_are_known():
    with pytest.raises(ValueError, match="available: always, screen, print"), Report("R").only("paper"):
        pass
