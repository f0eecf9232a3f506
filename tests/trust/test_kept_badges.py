"""What badges are made of ships with the package, and is what the shipped results give."""

import shutil

import pandas as pd
import pytest

from mriinterp.trust import kept_badges
from mriinterp.trust.kept_badges import badge_figures, read_badge_figures, write_badge_figures
from mriinterp.ui.sources.measured import SHIPPED


@pytest.fixture(scope="module")
def computed():
    return badge_figures(SHIPPED / "demo")


def test_what_ships_is_what_the_shipped_results_give(computed):
    """Run ``python docs/trust/fill.py`` if this fails: it writes the file anew."""
    kept = read_badge_figures(SHIPPED / "demo")
    assert (kept.people, kept.methods) == (computed.people, computed.methods)
    text = [name for name in kept.table if kept.table[name].dtype == object or kept.table[name].dtype == "str"]
    assert kept.table.dtypes.equals(computed.table.dtypes)
    pd.testing.assert_frame_equal(kept.table[text], computed.table[text])
    pd.testing.assert_frame_equal(kept.table, computed.table, rtol=1e-9)  # another BLAS sums in another order


def test_other_results_or_other_questions_make_it_void(tmp_path, monkeypatch, computed):
    folder = tmp_path / "demo"
    shutil.copytree(SHIPPED / "demo", folder)
    write_badge_figures(folder)
    pd.testing.assert_frame_equal(read_badge_figures(folder).table, computed.table, check_exact=True)
    monkeypatch.setattr(kept_badges, "badge_quantities", lambda: {("deletion", "abpc")})
    assert read_badge_figures(folder) is None
    monkeypatch.undo()
    with (folder / "trust_results.csv").open("a", encoding="utf-8") as file:
        file.write("deletion,abpc,sensitivity,one-more,0.5\n")
    assert read_badge_figures(folder) is None
    (folder / "badges.json").write_text("[1]", encoding="utf-8")
    assert read_badge_figures(folder) is None
