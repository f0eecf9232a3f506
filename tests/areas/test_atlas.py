"""The atlas lies where its affine says, on every grid."""

import logging
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from nibabel.affines import from_matvec
from nibabel.eulerangles import euler2mat
from scipy import ndimage

from mriinterp.areas.atlas import Atlas, atlas_names, load_atlas, read_area_table, split_hemisphere
from mriinterp.image.template import brain_mask
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume

CAT12 = Grid((113, 137, 113), from_matvec(np.eye(3) * 1.5, [-84, -120, -72]))
ICBM_1MM = Grid((193, 229, 193), from_matvec(np.eye(3), [-96, -132, -78]))
TURN = euler2mat(0.10, -0.15, 0.20)
GRIDS = {
    "RAS 1.5 mm": CAT12,
    "RAS 1 mm": ICBM_1MM,
    "LAS (FSL)": Grid((182, 218, 182), from_matvec(np.diag([-1, 1, 1]), [90, -126, -72])),
    "PSR": Grid((229, 193, 193), from_matvec([[0, 0, 1], [-1, 0, 0], [0, 1, 0]], [-96, 96, -78])),
    "oblique, anisotropic": Grid((130, 110, 120), from_matvec(TURN @ np.diag([1.5, 2.0, 1.8]), [-80, -125, -95])),
}


@pytest.fixture(scope="module")
def aal():
    return load_atlas("AAL")


def centroids(labels, affine, numbers):
    """By plain definition: the mean of the mm coordinates of an area's voxels."""
    where = np.argwhere(labels > 0)
    mm = where @ affine[:3, :3].T + affine[:3, 3]
    of = labels[tuple(where.T)]
    count = np.bincount(of, minlength=numbers.max() + 1)
    sums = np.stack([np.bincount(of, weights=mm[:, axis], minlength=numbers.max() + 1) for axis in range(3)], axis=1)
    return sums[numbers] / count[numbers, None]


def test_aal_is_whole(aal):
    assert aal.areas["label"].tolist() == list(range(1, 117))
    assert aal.areas["hemisphere"].value_counts().to_dict() == {"L": 54, "R": 54, "": 8}
    assert aal.areas["name"].iloc[[0, 36, 107, 115]].tolist() == [
        "Precentral_L",
        "Hippocampus_L",
        "Cerebelum_10_R",
        "Vermis_10",
    ]
    assert aal.empty == []
    assert aal.grid.shape == (181, 217, 181)


@pytest.mark.parametrize("name", GRIDS)
def test_areas_stay_on_their_side_and_in_their_place(aal, name):
    numbers = aal.areas["label"].to_numpy()
    moved = aal.on(GRIDS[name])
    assert moved.labels.grid.matches(GRIDS[name])
    native = centroids(aal.labels.data, aal.grid.affine, numbers)
    here = centroids(moved.labels.data, GRIDS[name].affine, numbers)
    assert np.linalg.norm(here - native, axis=1).max() < 1.5
    sides = aal.areas["hemisphere"].to_numpy()
    assert (here[sides == "L", 0] < 0).all()
    assert (here[sides == "R", 0] > 0).all()
    assert moved.empty == []


@pytest.mark.parametrize("name", ["RAS 1.5 mm", "RAS 1 mm"])
def test_not_the_fault_of_the_original(aal, name):
    """The published code stretched the atlas to the scan's shape, whatever both affines said."""
    grid = GRIDS[name]
    numbers = aal.areas["label"].to_numpy()
    zoomed = ndimage.zoom(aal.labels.data, np.divide(grid.shape, aal.grid.shape), order=0)
    native = centroids(aal.labels.data, aal.grid.affine, numbers)
    wrong = np.linalg.norm(centroids(zoomed, grid.affine, numbers) - native, axis=1)
    right = np.linalg.norm(centroids(aal.on(grid).labels.data, grid.affine, numbers) - native, axis=1)
    assert wrong.mean() > 4
    assert right.mean() < 0.5  # half of the 1.5 mm voxels lie midway between two of the atlas's: 0.25 mm an axis
    if name == "RAS 1 mm":
        brain = brain_mask(grid).data
        assert 1 - brain[zoomed > 0].mean() > 0.15
        assert 1 - brain[aal.on(grid).labels.data > 0].mean() < 0.07


def test_nearest_neighbour_by_plain_loop(aal, rng):
    grid = GRIDS["oblique, anisotropic"]
    moved = aal.on(grid)
    inverse = np.linalg.inv(aal.grid.affine)
    for voxel in rng.integers(0, grid.shape, (500, 3)):
        mm = grid.affine[:3, :3] @ voxel + grid.affine[:3, 3]
        at = np.floor(inverse[:3, :3] @ mm + inverse[:3, 3] + 0.5).astype(int)
        inside = np.all(at >= 0) and np.all(at < aal.labels.data.shape)
        expected = aal.labels.data[tuple(at)] if inside else 0
        assert moved.labels.data[tuple(voxel)] == expected
        assert moved.labels_at(mm) == moved.labels.data[tuple(voxel)]


def test_asking_again_costs_nothing(aal):
    assert aal.on(CAT12) is aal.on(Grid(CAT12.shape, CAT12.affine.copy()))
    assert aal.on(aal.grid) is aal
    assert load_atlas("aal") is aal


def test_names_at_points(aal):
    points = np.array([[[-25, -20, -14], [25, -20, -14]], [[0, -60, -20], [500, 0, 0]]])
    names = aal.names_at(points)
    assert names.shape == (2, 2)
    assert names.ravel().tolist() == ["Hippocampus_L", "Hippocampus_R", "Vermis_6", ""]
    assert aal.names_at([-25, -20, -14]) == "Hippocampus_L"
    assert aal.names_at(aal.grid.to_mm((0, 0, 0))) == ""
    assert aal.mask("Amygdala_R").data.sum() == (aal.labels.data == 42).sum() > 0
    with pytest.raises(KeyError, match="available: Precentral_L"):
        aal.mask("Amygdala")


@pytest.mark.parametrize(
    ("name", "base", "side"),
    [
        ("Hippocampus_L", "Hippocampus", "L"),
        ("Frontal_Sup_Orb_R", "Frontal_Sup_Orb", "R"),
        ("Insular cortex L", "Insular cortex", "L"),
        ("precuneus-lh", "precuneus", "L"),
        ("precuneus_rh", "precuneus", "R"),
        ("Left-Thalamus-Proper", "Thalamus-Proper", "L"),
        ("Right Putamen", "Putamen", "R"),
        ("lh.fusiform", "fusiform", "L"),
        ("ctx-rh-fusiform", "ctx-fusiform", "R"),
        ("Heschl's gyrus (left)", "Heschl's gyrus", "L"),
        ("Amygdala, right", "Amygdala", "R"),
        ("R_V1_ROI", "V1_ROI", "R"),
        ("SFG_L_7_1", "SFG_7_1", "L"),
        ("Frontal.Right.Pole", "Frontal.Pole", "R"),
        ("Vermis_10", "Vermis_10", ""),
        ("Layer_La_4", "Layer_La_4", ""),
        ("Brain-Stem", "Brain-Stem", ""),
        ("Rolandic", "Rolandic", ""),
        ("CSF", "CSF", ""),
        ("L", "L", ""),
    ],
)
def test_sides_of_names(name, base, side):
    assert split_hemisphere(name) == (base, side)


TABLES = {
    "bids": "index\tname\tabbreviation\n0\tbackground\tbg\n2\tCaudate_L\tCL\n3\tCaudate_R\tCR\n",
    "excel": "\ufeffIndex;Label Name\n2;Caudate_L\n3;Caudate_R\n",
    "label is the name": "index,label\n2,Caudate_L\n3,Caudate_R\n",
    "label is the number": "name,label\nCaudate_L,2\nCaudate_R,3\n",
    "columns of others": "r,g,b,id,area\n9,9,9,2,Caudate_L\n8,8,8,3,Caudate_R\n",
    "no headings": "2,Caudate_L\n3,Caudate_R\n",
    "freesurfer": "# No. Label Name: R G B A\n\n0 Unknown 0 0 0 0\n2 Caudate_L 9 9 9 0\n3 Caudate_R 8 8 8 0\n",
    "floats and quotes": '"index","name"\n2.0,"Caudate_L"\n3.0,"Caudate_R"\n',
}


@pytest.mark.parametrize("case", TABLES)
def test_tables_as_people_write_them(tmp_path, case):
    (tmp_path / "areas.txt").write_text(TABLES[case], encoding="utf-8")
    areas = read_area_table(tmp_path / "areas.txt")
    assert areas.to_dict("list") == {"label": [2, 3], "name": ["Caudate_L", "Caudate_R"], "hemisphere": ["L", "R"]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("name,colour\nA,red\n", "whole numbers.*available: index, label"),
        ("index,name\n1,A\n1,B\n", "2 for label 1"),
        ("index,name\n1,A\n2\n", "a number and a name"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, reason):
    (tmp_path / "areas.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=reason):
        read_area_table(tmp_path / "areas.csv")


@pytest.fixture
def own_labels(tmp_path, rng, oblique_affine):
    labels = rng.choice([0, 2, 3, 40], size=(7, 8, 9))
    return write_volume(Volume(labels, oblique_affine), tmp_path / "own.nii.gz")


def test_own_atlas_without_a_table(own_labels):
    atlas = load_atlas(own_labels)
    assert atlas.name == "own"
    assert atlas.areas["name"].tolist() == ["2", "3", "40"]


def test_own_atlas_whose_table_and_image_differ(own_labels, tmp_path, caplog):
    (tmp_path / "own.tsv").write_text("index\tname\n3\tThree_L\n5\tFive\n2\tTwo\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        atlas = load_atlas(own_labels, tmp_path / "own.tsv")
    assert atlas.areas["label"].tolist() == [3, 5, 2, 40]
    assert atlas.areas["name"].tolist() == ["Three_L", "Five", "Two", "label 40"]
    assert atlas.empty == ["Five"]
    assert "1 labels of the image have no name" in caplog.text
    assert "1 areas of the table have no voxels" in caplog.text


def test_areas_lost_on_a_coarse_grid_are_kept_and_reported(own_labels, caplog):
    atlas = load_atlas(own_labels)
    with caplog.at_level(logging.WARNING):
        coarse = atlas.on(Grid((1, 1, 1), atlas.grid.affine))
    assert len(coarse.areas) == 3
    assert len(coarse.empty) >= 2
    assert "no voxel left" in caplog.text


def test_unknown_atlases(tmp_path, rng):
    with pytest.raises(ValueError, match="available: AAL, AAL3, HCPEx"):
        load_atlas("AAL4")
    with pytest.raises(FileNotFoundError, match=r"own\.nii"):
        load_atlas(tmp_path / "own.nii")
    with pytest.raises(ValueError, match="whole numbers"):
        Atlas("x", Volume(rng.normal(size=(7, 8, 9)), np.eye(4)), pd.DataFrame())
    with pytest.raises(ValueError, match="columns label, name, hemisphere"):
        Atlas("x", Volume(np.ones((7, 8, 9), int), np.eye(4)), pd.DataFrame({"label": [1]}))


@pytest.mark.parametrize("name", atlas_names())
def test_every_built_in_atlas_has_its_sides_right(name):
    atlas = load_atlas(name)
    areas = atlas.areas[~atlas.areas["name"].isin(atlas.empty)]
    x = centroids(atlas.labels.data, atlas.grid.affine, areas["label"].to_numpy())[:, 0]
    assert (x[(areas["hemisphere"] == "L").to_numpy()] < 0).all()
    assert (x[(areas["hemisphere"] == "R").to_numpy()] > 0).all()


def test_loading_does_not_import_plotting():
    code = "import sys; from mriinterp.areas.atlas import load_atlas; load_atlas('AAL'); print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
