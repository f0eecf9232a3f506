"""A measure is one file: its table, tab, settings, cost and words stand there."""

import importlib.util
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from mriinterp.base.discover import run_files
from mriinterp.trust import findings, get_measure, measure_names, register_measure, summary
from mriinterp.trust.badge import badge_marks, badge_quantities, badge_words
from mriinterp.trust.benchmark_plan import FULL, QUICK
from mriinterp.trust.benchmark_report import markdown_table
from mriinterp.trust.cost import _work
from mriinterp.trust.measure import Quantity
from mriinterp.trust.measure_registry import table_heads, unregister_measure
from mriinterp.trust.single import cheap_measures
from mriinterp.trust.words import judgement

NAME = "sparseness"
WORKED = Path(__file__).resolve().parents[2] / "docs" / "worked" / f"{NAME}.py"  # shown in CONTRIBUTING.md


@pytest.fixture
def toy(tmp_path):
    before = measure_names()
    shutil.copyfile(WORKED, tmp_path / f"{NAME}.py")
    run_files(tmp_path)
    yield get_measure(NAME)
    unregister_measure(NAME)
    assert measure_names() == before


@pytest.fixture
def table(toy):
    """Results of one good method, one bad one, and a null map."""
    values = {"sensitivity": (0.8, 0.7, 0.9), "smoothgrad": (-0.3, -0.2, -0.25), "null_random": (0.1, 0.12, 0.11)}
    values = {method: 2 * found for method, found in values.items()}  # three cannot be significant
    rows = [(NAME, "gini", method, f"s{n}", value) for method, found in values.items() for n, value in enumerate(found)]
    return summary(pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"]))


def test_it_comes_last_and_is_cheap(toy):
    assert measure_names()[-1] == NAME
    assert NAME in cheap_measures()
    assert toy.tab == "Sparse"
    assert table_heads()[NAME, "gini"] == "Gini"


def test_its_settings_and_its_cost(toy):
    assert QUICK.settings[NAME] == {"bins": 5}
    assert NAME not in FULL.settings
    plan = SimpleNamespace(settings={NAME: {"bins": 5}}, others=1, replicates=0)
    work = _work(NAME, 116, plan)
    assert (work.passes, work.shared, work.maps) == (5, 0, 2)
    assert _work(NAME, 116, SimpleNamespace(settings={}, others=1, replicates=0)).passes == 9


def test_its_words(table):
    assert "Few voxels hold the relevance, more than of any null map, of: Sensitivity analysis." in findings(table)
    assert any("Sparseness, interval below 0: SmoothGrad" in text for text in findings(table))
    assert judgement(table, NAME, "sensitivity") == "Better than all null maps"
    assert judgement(table, NAME, "smoothgrad") == "Impossible: an index is positive"


def test_its_part_of_the_line_beside_every_map(table):
    assert badge_words(table, "sensitivity").endswith(" · beats all null maps on sparseness")
    assert badge_marks(table, "smoothgrad").endswith(" · sparseness ✗")
    assert (NAME, "gini") in badge_quantities()


def test_its_column(table):
    head, _, first, *_ = markdown_table(table).splitlines()
    assert head == "| Method | Gini index ↑ (n = 6) |"
    assert first.startswith("| Sensitivity analysis | 0.8 [")
    assert first.endswith("\\* |")


def test_its_row_in_the_guide(table, monkeypatch):
    path = Path(__file__).resolve().parents[2] / "docs" / "trust" / "fill.py"
    spec = importlib.util.spec_from_file_location("fill", path)
    fill = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fill", fill)  # where its dataclass looks for its annotations
    spec.loader.exec_module(fill)
    assert fill.measure_table().splitlines()[-1] == "| Sparseness | Gini index of \\|φ\\| inside Ω | higher |"
    assert fill.measured_line(table, fill.load_agreement(fill.SHIPPED), "sensitivity").startswith(
        "Gini index 0.80 [0.71, 0.89] (beats all null maps)"
    )


def test_a_measure_that_says_little_has_words_all_the_same():
    @register_measure("plain", label="Plain", question="?", quantities=(Quantity("a", "A", "lower"),))
    def plain(case, explainer, relevance, *, progress=None, cancel=None):
        """Nothing."""

    try:
        assert get_measure("plain").tab == "Plain"
        rows = [
            ("plain", "a", method, str(n), value + n)
            for method, value in (("sensitivity", 1), ("null_x", 9))
            for n in (0, 1, 2)
        ]
        found = findings(summary(pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])))
        assert "Plain: better than all null maps: Sensitivity analysis." in found
    finally:
        unregister_measure("plain")


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"needs": ("magic",)}, "needs of"),
        ({"settings": {"huge": {}}}, "full, quick"),
        ({"settings": {"full": {"x": 1}}}, "got x"),
    ],
)
def test_a_wrong_declaration_fails_when_it_is_made(about, words):
    def plain(case, explainer, relevance, *, steps: int = 1):
        """Nothing."""

    with pytest.raises(ValueError, match=words):
        register_measure("plain", label="Plain", question="?", quantities=(Quantity("a", "A"),), **about)(plain)
