"""The cohort's page: says how many, how far, and that it is simulated."""

import re

import numpy as np
import pandas as pd
import pytest

from mriinterp.areas.atlas import Atlas
from mriinterp.export.cohort_report import cohort_report
from mriinterp.image.volume import Volume


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


def text_of(page):
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_the_page(cohort):
    means, background, atlas, values = cohort
    summary = pd.DataFrame({"group": ["AD", "NC"], "images": [6, 6]})
    page = cohort_report(
        "Cohort", means, background, atlas, counts={"AD": 6, "NC": 6}, summary=summary, areas={"occlusion": values},
        groups=["AD"] * 6 + ["NC"] * 6, simulated=True, provenance={"study": "demo"},
    ).html()  # fmt: skip
    text = text_of(page)
    assert "Simulated data" in text
    assert "Areas that differ at a false discovery rate of 5 % (Welch t): B." in text
    assert "A&lt;i&gt; (" in text
    assert "AD vs NC" in page
    assert "demo" in text


def test_one_group_and_nothing_else(cohort):
    means, background, atlas, values = cohort
    page = cohort_report("One", {"AD": means["AD"]}, background, atlas).html()
    assert "Simulated" not in page
    page = cohort_report("One", means, background, atlas, areas={"occlusion": values}, groups=["AD"] * 12).html()
    assert "There are no scans of both AD and NC" in text_of(page)
    with pytest.raises(ValueError, match="one group a scan"):
        cohort_report("One", means, background, atlas, areas={"occlusion": values}, groups=["AD"])
