"""The page on methods covers what is registered, and its figures are those that the package ships."""

import importlib.util
import sys
from pathlib import Path

import pandas as pd
import pytest

from mriinterp.methods import method_names
from mriinterp.trust import get_measure, load_results, measure_names
from mriinterp.trust.benchmark_report import markdown_table

DOCS = Path(__file__).resolve().parents[2] / "docs"
SUMMARY = DOCS / "trust" / "trust_summary.csv"


@pytest.fixture(scope="module")
def page():
    return (DOCS / "methods.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def fill():
    """The script that fills the page."""
    spec = importlib.util.spec_from_file_location("fill", DOCS / "trust" / "fill.py")
    module = importlib.util.module_from_spec(spec)
    monkey = pytest.MonkeyPatch()
    monkey.setitem(sys.modules, "fill", module)  # where its dataclass looks for its annotations
    spec.loader.exec_module(module)
    yield module
    monkey.undo()


@pytest.fixture(scope="module")
def shipped(fill):
    """What the pages say of the shipped results."""
    return fill.figures_of(fill.SHIPPED)


@pytest.mark.parametrize("name", method_names())
def test_every_method_has_its_section(fill, shipped, name):
    section = fill.method_section(shipped.table, shipped.alike, name)
    for entry in ("**Answers**", "**Source**", "**Cost**", "**Known failures**", "**Measured**"):
        assert entry in section


def test_every_measure_is_explained(page):
    measures = page.split("## The measures")[1].split("\n## ")[0].lower()
    for name in measure_names():
        assert get_measure(name).label.split(" and ")[0].split(" of the network")[0].lower() in measures


def test_the_figures_are_those_that_are_shipped(page, fill, shipped):
    """Run ``python docs/trust/fill.py`` if this fails: it writes the page from what methods and package say.

    A method that is new has no section before it is run.
    """
    there = fill.methods_of(page)
    assert len(there) >= 15
    assert fill.filled(page, shipped, there) == page


def test_the_guide_has_the_figures_that_are_shipped_and_is_short(fill, shipped):
    guide = fill.GUIDE.read_text(encoding="utf-8")
    assert fill.filled_guide(guide, shipped) == guide
    prose = "\n".join(line for line in guide.splitlines() if not line.startswith(("|", "<!--")))
    assert len(prose.split()) <= 1500


def test_the_summary_is_that_of_the_shipped_results(page, shipped):
    table = pd.read_csv(SUMMARY, keep_default_na=False, na_values=[""])
    own = shipped.table
    key = ["measure", "quantity", "method"]
    both = table.merge(own, on=key, suffixes=("", "_own"))
    assert len(both) == len(table) == len(own)
    for column in ("mean", "low", "high"):
        pd.testing.assert_series_equal(both[column], both[f"{column}_own"], check_names=False, rtol=1e-4, atol=1e-6)
    assert markdown_table(own) in page


def test_the_text_stays_and_the_figures_change(page, fill, tmp_path):
    """A folder with other results changes figures, and nothing that was written by hand."""
    results = load_results(fill.SHIPPED)
    results = results[results["subject"].isin(["(cohort)", *sorted(set(results["subject"]))[1:4]])]
    results.to_csv(tmp_path / "trust_results.csv", index=False)
    (tmp_path / "plan.json").write_text((fill.SHIPPED / "plan.json").read_text(encoding="utf-8"), encoding="utf-8")
    there = fill.methods_of(page)
    figures = fill.figures_of(tmp_path)
    other = fill.filled(page, figures, there)
    assert "Cheap measures on 3 subjects" in other
    assert "Not measured yet: confound, suppressor." in other
    assert markdown_table(figures.table) in other
    assert fill.filled(other, figures, there) == other

    def by_hand(text):
        kept, inside = [], False
        for line in text.splitlines():
            inside = (inside or line.startswith("<!-- figures")) and line != "<!-- end -->"
            if not inside and not line.startswith(("- **Measured**", "  With ")):
                kept.append(line)
        return kept

    assert by_hand(other) == by_hand(page)
