"""What tests of areas and voxels say together follows from the figures of both, whichever way they fall."""

import numpy as np
import pandas as pd
import pytest

from mriinterp.cohort.sample import Sample
from mriinterp.cohort.statistics import GroupComparison
from mriinterp.export.reconcile import answer_words, reconcile_words, voxel_answer


def comparison(found: int, less: int = 0, areas: int = 62) -> GroupComparison:
    p = np.where(np.arange(areas) < found, 0.001, 0.5)
    sign = np.where(np.arange(areas) < less, -1.0, 1.0)
    table = pd.DataFrame({"area": [f"a{n}" for n in range(areas)], "p_fdr": p, "difference": sign, "g": 1.25 * sign})
    sample = Sample(
        ("AD", "CN"),
        [f"s{n}" for n in range(12)],
        np.repeat(["AD", "CN"], 6),
        np.array([f"p{n}" for n in range(12)]),
        pd.DataFrame(index=range(12)),
    )
    return GroupComparison("sensitivity", "AD", sample, pd.Series(dtype=float), table.assign(defined=True), table)


def voxels(found: int, threshold: float | None = 8.1):
    return {"found": found, "voxels": 554233, "threshold": threshold, "n": [6, 6], "permutations": 1000}


def test_the_answer_counts_areas_directions_and_people():
    assert answer_words(comparison(22, 2)) == "22 of 62 areas differ: 20 more, 2 less in AD (6 AD + 6 CN)."
    assert answer_words(comparison(0)) == "0 of 62 areas differ (6 AD + 6 CN)."


def test_voxels_are_counted():
    assert voxel_answer(voxels(0)) == "No voxel of 554,233 differs by itself."
    assert voxel_answer(voxels(1200)) == "1,200 of 554,233 voxels differ by themselves."


@pytest.mark.parametrize(
    ("areas", "n", "words"),
    [
        (22, 0, "So areas differ though no voxel does by itself"),
        (0, 9, "So voxels differ though no area does"),
        (5, 9, "Both find differences"),
        (0, 0, "Neither finds a difference"),
    ],
)
def test_each_pair_of_findings_has_its_explanation(areas, n, words):
    found = reconcile_words(comparison(areas), voxels(n))
    assert words in found
    assert "makes 62 tests" in found
    assert "makes 554,233" in found


def test_the_size_a_voxel_needs_stands_beside_the_largest_area():
    found = reconcile_words(comparison(22), voxels(0))
    assert "from |t| ≥ 8.10 on" in found
    assert f"about {8.1 * np.sqrt(1 / 3):.1f} standard deviations; the largest of an area is 1.2" in found
    assert "With 1,000 permutations no voxel can reach that." in reconcile_words(comparison(3), voxels(0, None))
