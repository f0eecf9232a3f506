"""The paper's tables, against plain arithmetic; the folder of outputs."""

import csv

import numpy as np
import pandas as pd
import pytest

from mriinterp.areas.atlas import Atlas
from mriinterp.base.progress import Cancelled
from mriinterp.export.paper_folder import write_paper
from mriinterp.export.papertables import table_1, table_1_print, table_2, table_2_print
from mriinterp.image.volume import Volume

SHAPE = (9, 10, 11)


@pytest.fixture
def means(rng):
    affine = np.diag([10.0, 10, 10, 1])
    affine[:3, 3] = [-40, -60, -50]
    return {
        g: {
            m: Volume(rng.normal(size=SHAPE).astype(np.float32), affine)
            for m in ("sensitivity", "occlusion", "grad_cam")
        }
        for g in ("AD", "NC")
    }


@pytest.fixture
def atlas(means):
    labels = np.zeros(SHAPE, np.int16)
    labels[1:4], labels[4:6], labels[6:8] = 1, 2, 3
    areas = pd.DataFrame({"label": [1, 2, 3], "name": ["A_x", "B", "C"], "hemisphere": ["", "", ""]})
    return Atlas("three", means["AD"]["occlusion"].with_data(labels), areas)


def read(method, volume):
    data = volume.data.astype(float)
    return np.abs(data) if method == "sensitivity" else np.maximum(data, 0)


def test_table_1_is_the_share_of_each_area(means, atlas):
    table = table_1(means["AD"], atlas, 2)
    for method, volume in means["AD"].items():
        data = read(method, volume)
        sums = {name: data[atlas.labels.data == n].sum() for n, name in ((1, "A_x"), (2, "B"), (3, "C"))}
        expected = sorted(sums.items(), key=lambda item: -item[1])[:2]
        rows = table[table["method"] == method]
        assert rows["area"].tolist() == [name for name, _ in expected]
        assert rows["share"].to_numpy() == pytest.approx([v / sum(sums.values()) for _, v in expected], rel=1e-6)
    printed = table_1_print(table)
    assert list(printed.columns)[1] == "Occlusion"
    assert printed.iloc[0, 1].startswith("A x (")


def test_table_2_is_the_distance_of_maps_of_sum_1(means):
    table = table_2(means)
    assert len(table) == 2 * 3 + 3
    for row in table.itertuples():
        a = read(row.method_a, means[row.group_a][row.method_a])
        b = read(row.method_b, means[row.group_b][row.method_b])
        expected = np.sqrt(((a / a.sum() - b / b.sum()) ** 2).sum())
        assert row.distance == pytest.approx(expected, rel=1e-6)
    printed = table_2_print(table)
    d = table.set_index(["group_a", "method_a", "group_b", "method_b"])["distance"] * 1e4
    ad, nc = d["AD", "sensitivity", "AD", "occlusion"], d["NC", "sensitivity", "NC", "occlusion"]
    assert printed.loc["Occlusion", "Sensitivity analysis"] == f"{ad:.2f} / {nc:.2f}"
    assert printed.loc["Occlusion", "AD vs NC"] == f"{d['AD', 'occlusion', 'NC', 'occlusion']:.2f}"
    assert printed.loc["Occlusion", "Occlusion"] == ""


def test_maps_without_relevance_leave_a_gap(means):
    means["NC"]["occlusion"] = means["NC"]["occlusion"].with_data(np.zeros(SHAPE, np.float32))
    printed = table_2_print(table_2(means))
    assert printed.loc["Occlusion", "AD vs NC"] == "–"
    assert printed.loc["Occlusion", "Sensitivity analysis"].endswith("/ –")


def test_the_folder(means, atlas, tmp_path):
    background = means["AD"]["occlusion"].with_data(np.pad(np.ones((7, 8, 9), np.float32), 1))
    told = []
    paths = write_paper(
        tmp_path / "out", means, background, atlas, simulated=True, progress=lambda *state: told.append(state)
    )
    assert {p.name for p in paths} == {
        "figure1.png", "figure1.pdf", "table1.csv", "table1.tex", "table2.csv", "table2.tex",
    }  # fmt: skip
    assert {p.name for p in (tmp_path / "out").iterdir()} == {p.name for p in paths}
    with (tmp_path / "out" / "table1.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["method"] for row in rows} == {"sensitivity", "occlusion"}  # Grad-CAM is not in the paper's tables
    tex = (tmp_path / "out" / "table2.tex").read_text(encoding="utf-8")
    assert "Simulated data" in tex
    assert "AD vs NC" in tex
    assert told[-1] == (4, 4)
    with pytest.raises(KeyError, match="AD, NC"):
        write_paper(tmp_path, means, background, atlas, positive="MCI")
    with pytest.raises(KeyError, match="lrp"):
        write_paper(tmp_path, means, background, atlas, methods=("lrp",))
    with pytest.raises(Cancelled):
        write_paper(tmp_path / "none", means, background, atlas, cancel=lambda: True)
