"""The page on methods covers what is registered, and its figures are those of the stored results."""

from pathlib import Path

import pandas as pd
import pytest

from mriinterp.methods import method_names
from mriinterp.trust import get_measure, measure_names
from mriinterp.trust.report import markdown_table

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def page():
    return (DOCS / "methods.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", method_names())
def test_every_method_has_its_section(page, name):
    section = page.split(f"(`{name}`)\n")[1].split("\n## ")[0]
    for entry in ("**Answers**", "**Formula**", "**Source**", "**Cost**", "**Known failures**", "**Measured**"):
        assert entry in section


def test_every_measure_is_explained(page):
    measures = page.split("## The eight measures")[1].split("\n## ")[0].lower()
    for name in measure_names():
        assert get_measure(name).label.split(" and ")[0].split(" of the network")[0].lower() in measures


def test_the_table_is_that_of_the_stored_results(page):
    table = pd.read_csv(DOCS / "trust" / "trust_summary.csv", keep_default_na=False, na_values=[""])
    table["beats"] = table["beats"].fillna("")
    table["not_beaten"] = table["not_beaten"].fillna("")
    assert markdown_table(table) in page
