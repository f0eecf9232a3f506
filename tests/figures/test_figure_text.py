"""Names from files are text in every figure, never markup."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from mriinterp.areas.atlas import Atlas
from mriinterp.figures.against import against_groups
from mriinterp.figures.area_bars import area_bars
from mriinterp.figures.areagroups import group_bars, method_bars
from mriinterp.figures.cohort import effect_bars, subjects_heatmap
from mriinterp.figures.colours import Scale
from mriinterp.figures.distances import distance_heatmap, group_distances
from mriinterp.figures.slices3d import slices_figure
from mriinterp.image.volume import Volume
from mriinterp.stats import compare_groups

NASTY = "<a href='x'>A</a> & <b>B</b>"
OURS = r"""</?extra>|<br>|<span style="color:#[0-9a-f]{6}">|</span>"""


@pytest.fixture
def table(rng):
    areas = [f"{NASTY} {n}" for n in range(4)]
    peaks = {f"peak_{axis}": rng.normal(size=4) for axis in "xyz"}
    return pd.DataFrame({"area": areas, "share": [0.4, 0.3, 0.2, 0.1], "asymmetry": [0.1, -0.2, 0.3, 0.0], **peaks})


@pytest.fixture
def cohort(table, rng):
    values = pd.DataFrame(rng.random((8, 4)), columns=table["area"], index=[f"{NASTY} subject {n}" for n in range(8)])
    groups = pd.Series([f"{NASTY} a"] * 4 + [f"{NASTY} b"] * 4, index=values.index)
    return values, groups


def shown(figure):
    """Every text of a figure that is drawn; customdata is what a click hands back, and no template names it."""

    def texts(part):
        if isinstance(part, dict):
            for name, value in part.items():
                if name not in ("customdata", "template"):
                    yield from texts(value)
        elif isinstance(part, list):
            for value in part:
                yield from texts(value)
        elif isinstance(part, str):
            yield part

    return list(texts(json.loads(figure.to_json())))


def figures(table, cohort):
    values, groups = cohort
    names = tuple(dict.fromkeys(groups))
    comparison = compare_groups(values, groups, *names)
    matrix = pd.DataFrame(np.eye(2), index=[NASTY, "x"], columns=[NASTY, "x"])
    grid = np.diag([3.0, 3, 3, 1])
    scan = Volume(np.pad(np.full((8, 8, 8), 50, np.float32), 2), grid)
    labels = pd.DataFrame({"label": [1], "name": [NASTY], "hemisphere": [""]})
    atlas = Atlas("a", scan.with_data((scan.data > 0).astype(np.int16)), labels)
    return {
        "areas": area_bars(table),
        "methods": method_bars({NASTY: table}),
        "against": against_groups(table, values, groups, NASTY),
        "groups": group_bars(comparison, names, values=values, groups=groups, peaks=table),
        "effects": effect_bars(comparison, names, peaks=table),
        "subjects": subjects_heatmap(values, groups),
        "distances": distance_heatmap(matrix),
        "group distances": group_distances({NASTY: matrix}, pd.Series([1.0, 2.0], index=matrix.index)),
        "space": slices_figure(scan, scan, scale=Scale(0, 50, unit=NASTY), atlas=atlas),
    }


def test_no_name_is_markup(table, cohort):
    for name, figure in figures(table, cohort).items():
        found = shown(figure)
        assert any("&lt;b&gt;B&lt;/b&gt;" in text for text in found), name
        markup = [text for text in found if re.search("<[a-zA-Z/]", re.sub(OURS, "", text))]
        assert not markup, (name, markup[:3])


def test_clicks_get_the_names_as_they_are(table, cohort):
    made = figures(table, cohort)
    assert made["areas"].data[0].customdata[0][0] == table["area"][0]
    heat = next(trace for trace in made["subjects"].data if trace.type == "heatmap")
    assert {row[0] for row in heat.customdata[0]} == set(cohort[0].index)
