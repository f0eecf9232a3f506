"""Packed averages: small, rounded as stated, read as a cohort; those shipped of the demo study are what the code makes."""

import json

import numpy as np
import pandas as pd
import pytest

import mriinterp
from mriinterp.areas.index import area_index
from mriinterp.cli import main
from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.cohort.packed import (
    MOST_BYTES,
    pack_cohort,
    packed_distances,
    packed_of,
    packed_truth,
    shipped_folder,
    stale_words,
)
from mriinterp.cohort.statistics import compare_areas
from mriinterp.compare import distance_matrix, paired_values
from mriinterp.explain import explain
from mriinterp.methods import listed_methods
from mriinterp.study import load_study

from .conftest import content, make_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return load_study(make_study(tmp_path_factory.mktemp("packed") / "study"), trust_code=True)


@pytest.fixture(scope="module")
def result(study):
    return run_cohort(study, ["sensitivity", "area_occlusion"], out=study.output / "cohort", split="all")


@pytest.fixture(scope="module")
def packed(result, study, tmp_path_factory):
    return pack_cohort(result, study, tmp_path_factory.mktemp("small") / "small")


@pytest.mark.parametrize("kind", ["signed", "reading", "absolute", "positive", "negative"])
@pytest.mark.parametrize("method", ["sensitivity", "area_occlusion"])
def test_means_are_those_of_the_run_to_half_a_step(result, packed, method, kind):
    steps = packed_of(packed).steps
    largest = max(step for name, step in steps.items() if method[:4] in name.lower())
    for group in ("AD", "CN"):
        wanted, found = result.mean(method, group, kind), packed.mean(method, group, kind)
        np.testing.assert_allclose(found.data, wanted.data, atol=1.01 * largest)  # derived kinds hold two halves
    wanted, found = result.all_mean(method, kind), packed.all_mean(method, kind)
    np.testing.assert_allclose(found.data, wanted.data, atol=1.01 * largest)


def test_tables_and_tests_are_those_of_the_run(result, packed):
    assert packed.subjects.drop(columns="correct").equals(result.subjects.drop(columns="correct"))
    one, other = (compare_areas(r, "sensitivity", kind="signed").areas for r in (result, packed))
    np.testing.assert_allclose(one["g"], other["g"], rtol=1e-4, atol=1e-5)
    assert not packed.has_maps
    for what in (lambda: packed.std("sensitivity", "AD"), lambda: packed.map("sensitivity", "I100")):
        with pytest.raises(ValueError, match=r"packed averages|without keeping"):
            what()


def assert_distances_are_those_of_its_means(result):
    matrices, between = packed_distances(result)
    means = {group: result.means(group, "absolute") for group in result.groups}
    for group, table in matrices.items():
        pd.testing.assert_frame_equal(table, distance_matrix(means[group]), rtol=1e-6, check_names=False)
    wanted = paired_values(*(means[group] for group in (result.positive, result.reference_group)))
    pd.testing.assert_series_equal(between, wanted, rtol=1e-6)
    assert list(matrices) == [result.positive, result.reference_group]


def test_distances_are_those_of_the_packed_means(result, packed):
    assert_distances_are_those_of_its_means(packed)
    assert packed_distances(result) is None
    assert packed_distances(packed, "positive") is None
    swapped = open_cohort(packed.folder, pair=("CN", "AD"))
    assert_distances_are_those_of_its_means(swapped)


def test_the_same_cohort_gives_the_same_bytes_and_a_run_is_not_written_over(result, study, packed, tmp_path):
    again = pack_cohort(result, study, tmp_path / "again")
    assert content(again.folder) == content(packed.folder)
    assert (again.folder / "run.json").read_bytes() == (packed.folder / "run.json").read_bytes()
    assert "seconds" not in packed.run
    with pytest.raises(ValueError, match="holds a run"):
        pack_cohort(result, study, result.folder)


def test_what_changed_since_is_said(packed, study):
    network, atlas = packed.run["model"]["sha256"], packed.run["atlas"]["sha256"]
    assert stale_words(packed, study, network, atlas) == ""
    assert "the network changed" in stale_words(packed, study, "x", atlas)
    assert "the atlas changed" in stale_words(packed, study, network, "x")
    moved = open_cohort(packed.folder)
    moved.run["packed"] = {**moved.run["packed"], "version": "0.0.1"}
    assert f"(0.0.1, now {mriinterp.__version__})" in stale_words(moved, study, network, atlas)
    scan = moved.run["packed"]["fingerprints"]
    moved.run["packed"] = {**packed.run["packed"], "fingerprints": {**scan, "I100": "another"}}
    assert stale_words(moved, study, network, atlas) == "Since they were made, the scans changed."


def test_the_command_packs_with_the_figures_of_voxels(study, result, tmp_path, capsys):
    out = tmp_path / "small"
    options = ["--methods", "sensitivity", "--split", "all", "--out", str(tmp_path / "run"), "--workers", "1"]
    assert main(["cohort", str(study.output.parent / "study.toml"), *options, "--pack", str(out), "--trust-code"]) == 0
    assert "MB" in capsys.readouterr().out
    found = packed_of(open_cohort(out)).voxels["sensitivity"]
    assert (found["kind"], found["pair"], found["n"]) == ("signed", ["AD", "CN"], [4, 4])
    assert found["voxels"] > found["found"] >= 0


# The demo study's, made by: mriinterp cohort demo --methods recommended --out DIR --pack mriinterp/cohort/shipped/demo


@pytest.fixture(scope="module")
def demo():
    return load_study("demo")


@pytest.fixture(scope="module")
def shipped(demo):
    return open_cohort(shipped_folder(demo))


def test_the_demo_study_comes_with_averages_of_the_recommended_methods(shipped):
    assert list(shipped.methods) == listed_methods("cohort")
    assert shipped.groups == ("CN", "AD")
    assert len(shipped.subjects) == 60
    files = [file for file in shipped.folder.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
    for method in shipped.methods:
        assert packed_of(shipped).voxels[method]["kind"] == "signed"
    assert_distances_are_those_of_its_means(shipped)
    place, scans = packed_truth(shipped)
    assert scans == 30
    assert 0 < place.data.max() <= 30


def test_they_are_not_out_of_date(shipped, demo):
    assert stale_words(shipped, demo, demo.model("cpu").digest, demo.atlas().digest) == ""


@pytest.mark.parametrize("method", ["sensitivity", "occlusion"])
def test_a_part_of_them_computed_anew_is_the_same(shipped, demo, method):
    """One scan explained as the cohort explains it: its relevance in every area."""
    params = next(m["params"] for m in shipped.run["methods"] if m["name"] == method)
    model, scan = demo.model("cpu"), "sim-003"
    made = explain(model, demo.scan(scan), method, target=shipped.target, **params)
    index = area_index(demo.atlas(), made.volume.grid)
    sums = dict(zip(index.areas["label"], index.sums(made.volume.data.astype(np.float64)), strict=True))
    rows = shipped.area_rows(method)
    rows = rows[rows["id"] == scan]
    assert len(rows) == 116
    wanted = np.array([sums[label] for label in rows["label"]])
    np.testing.assert_allclose(rows["signed_sum"], wanted, rtol=2e-3, atol=2e-4 * np.abs(wanted).max())


def test_a_study_of_the_same_name_does_not_get_them(tmp_path):
    study = load_study(make_study(tmp_path / "study"), trust_code=True)
    study.name = "demo"
    assert shipped_folder(study) is None


def test_the_package_data_holds_every_shipped_file(shipped):
    import fnmatch
    import tomllib
    from pathlib import Path

    root = Path(mriinterp.__file__).parent
    project = tomllib.loads((root.parent / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["mriinterp"]
    for file in shipped.folder.rglob("*"):
        name = file.relative_to(root).as_posix()
        assert file.is_dir() or any(fnmatch.fnmatch(name, pattern) for pattern in patterns), name
    assert json.loads((shipped.folder / "run.json").read_text(encoding="utf-8"))["maps"] is False
