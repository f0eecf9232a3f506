"""The cohort's page: says how many, how far, and that it is simulated."""

import re

import numpy as np
import pandas as pd
import pytest

from mriinterp.areas.atlas import Atlas
from mriinterp.cohort.sample import Sample
from mriinterp.cohort.statistics import TOTAL, GroupComparison, GroupShares
from mriinterp.export.cohort_report import cohort_report
from mriinterp.image.volume import Volume
from mriinterp.stats import compare_groups, group_means


@pytest.fixture
def cohort(rng):
    affine = np.diag([10.0, 10, 10, 1])
    affine[:3, 3] = [-40, -60, -50]
    volume = Volume(rng.random((9, 10, 11)).astype(np.float32), affine)
    labels = np.zeros(volume.data.shape, np.int16)
    labels[1:4], labels[4:6], labels[6:8] = 1, 2, 3
    names = ["A<i>", "B", "C"]
    atlas = Atlas(
        "three", volume.with_data(labels), pd.DataFrame({"label": [1, 2, 3], "name": names, "hemisphere": ["", "", ""]})
    )
    means = {
        g: {m: volume.with_data(rng.random(volume.data.shape)) for m in ("occlusion", "sensitivity")}
        for g in ("AD", "NC")
    }
    values = pd.DataFrame(rng.random((12, 3)) / 3, columns=names, index=[f"s{n}" for n in range(12)])
    values.iloc[:6, 1] += 2
    return means, volume.with_data(np.pad(np.ones((7, 8, 9)), 1)), atlas, values


def compared(values):
    """The comparison and the shares of a table of areas."""
    groups = np.repeat(["AD", "NC"], 6)
    sample = Sample(("AD", "NC"), values.index.tolist(), groups, values.index.to_numpy(str), pd.DataFrame())
    total = compare_groups(values.sum(axis=1).to_frame(TOTAL), groups, "AD", "NC").iloc[0]
    areas = compare_groups(values, groups, "AD", "NC")
    shares = values.div(values.sum(axis=1), axis=0)
    return (
        GroupComparison("occlusion", "AD", sample, total, areas, values),
        GroupShares(sample, group_means(shares, groups, "AD", "NC"), shares),
    )


def text_of(page):
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_the_page(cohort):
    means, background, atlas, values = cohort
    summary = pd.DataFrame({"group": ["AD", "NC"], "images": [6, 6]})
    comparison, shares = compared(values)
    page = cohort_report(
        "Cohort", means, background, atlas, counts={"AD": 6, "NC": 6}, summary=summary,
        comparisons={"occlusion": comparison, "sensitivity": "These maps are not compared."},
        shares={"occlusion": shares}, simulated=True, provenance={"study": "demo"},
    ).html()  # fmt: skip
    text = text_of(page)
    assert "Simulated data" in text
    assert "1 of 3 areas differ in mean relevance between AD and NC" in text
    assert "(1 more in AD, 0 less): B." in text
    assert text.index("Total relevance of a scan") < text.index("1 of 3 areas")
    assert "These maps are not compared." in text
    assert "Relative to the other areas" in text
    assert "share of the mean map" in text.lower()
    assert "A&lt;i&gt; (" in text
    assert "AD vs NC" in page
    assert "demo" in text


def test_one_group_and_nothing_else(cohort):
    means, background, atlas, _ = cohort
    page = cohort_report("One", {"AD": means["AD"]}, background, atlas).html()
    assert "Simulated" not in page
    assert "differ" not in text_of(page)
