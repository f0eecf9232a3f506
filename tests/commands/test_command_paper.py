"""The command ``paper``: from a cohort's folder, and from a file of averages."""

import numpy as np
import pandas as pd
import pytest
from cohort.conftest import SHAPE, make_study
from PIL import Image

from mriinterp.cli import main
from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.export.npz import ORIGINAL_GRIDS, read_original_npz, write_original_npz
from mriinterp.models import load_code
from mriinterp.study import load_study

FILES = {
    "figure1.png", "figure1.pdf", "table1.csv", "table1.tex", "table2.csv", "table2.tex",
    "animation_sensitivity.gif", "animation_area_occlusion.gif", "averages.npz",
}  # fmt: skip


@pytest.fixture(scope="module")
def study_file(tmp_path_factory):
    file = make_study(tmp_path_factory.mktemp("paper") / "study", per_group=2, model={"card": "card.json"})
    load_code(file.parent / "net.py")
    study = load_study(file)
    run_cohort(study, ["sensitivity", "area_occlusion"], out=file.parent / "cohort", split="all")
    return file


def test_everything_is_written_and_told(study_file, tmp_path, capsys):
    cohort = study_file.parent / "cohort"
    assert main(["paper", str(cohort), "--study", str(study_file), "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == FILES
    told = capsys.readouterr().out
    assert all(f"wrote {tmp_path / name}" in told for name in FILES)
    assert Image.open(tmp_path / "animation_sensitivity.gif").n_frames > 3
    assert (tmp_path / "figure1.pdf").read_bytes().startswith(b"%PDF")


def test_tables_and_npz_are_those_of_the_averages(study_file, tmp_path):
    cohort = study_file.parent / "cohort"
    options = ["--study", str(study_file), "--out", str(tmp_path), "--no-animation", "--name", "CN=NC"]
    assert main(["paper", str(cohort), *options]) == 0
    result = open_cohort(cohort)
    means = {g: result.mean("sensitivity", g).data.astype(float) for g in ("AD", "CN")}
    kept = read_original_npz(tmp_path / "averages.npz")
    assert list(kept.means) == ["AD", "NC"]
    np.testing.assert_allclose(kept.means["NC"]["sensitivity"], means["CN"], rtol=1e-6)
    with np.load(tmp_path / "averages.npz") as arrays:
        assert "avg_relevance_map_NC_backprop" in arrays.files
    table = pd.read_csv(tmp_path / "table2.csv")
    across = table[(table["group_a"] == "AD") & (table["group_b"] == "CN") & (table["method_a"] == "sensitivity")]
    expected = np.linalg.norm(means["AD"] / means["AD"].sum() - means["CN"] / means["CN"].sum())
    assert across["distance"].item() == pytest.approx(expected, rel=1e-5)
    first = pd.read_csv(tmp_path / "table1.csv")
    labels = load_study(study_file).atlas().on(result.grid).labels.data
    sums = {"A": means["AD"][np.isin(labels, [10, 20])].sum(), "B": means["AD"][np.isin(labels, [30, 40])].sum(),
            "Mid": means["AD"][labels == 50].sum()}  # fmt: skip
    rows = first[first["method"] == "sensitivity"].set_index("area")["share"]
    for area, value in sums.items():
        assert rows[area] == pytest.approx(value / sum(sums.values()), rel=1e-4)
    assert rows.index[0] == max(sums, key=sums.get)


def test_a_study_with_code_of_its_own_needs_permission(tmp_path, capsys):
    file = make_study(tmp_path / "study", per_group=2)
    run_cohort(load_study(file, trust_code=True), ["sensitivity"], out=tmp_path / "cohort", split="all")
    command = ["paper", str(tmp_path / "cohort"), "--study", str(file), "--no-animation"]
    assert main(command) == 2
    assert "--trust-code on the command line" in capsys.readouterr().err
    assert main([*command, "--trust-code"]) == 0
    assert (tmp_path / "cohort" / "paper" / "figure1.png").is_file()


def test_another_atlas_than_the_runs_is_refused(study_file, tmp_path, capsys):
    assert main(["paper", str(study_file.parent / "cohort"), "--out", str(tmp_path)]) == 2
    assert "expected the atlas of the run" in capsys.readouterr().err


def test_from_a_published_npz(tmp_path, rng, capsys):
    shape = ORIGINAL_GRIDS[0].shape
    maps = {g: {m: rng.random(shape, np.float32) for m in ("sensitivity", "occlusion")} for g in ("AD", "NC")}
    file = write_original_npz(tmp_path / "all.npz", maps)
    assert main(["paper", str(tmp_path), "--npz", str(file), "--no-animation", "--methods", "occlusion"]) == 0
    table = pd.read_csv(tmp_path / "paper" / "table2.csv")
    a, b = (maps[g]["occlusion"].astype(float) for g in ("AD", "NC"))
    assert len(table) == 1
    assert table["distance"].item() == pytest.approx(np.linalg.norm(a / a.sum() - b / b.sum()), rel=1e-5)
    assert str(tmp_path / "paper" / "figure1.png") in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--positive", "XX"], "available: CN, AD"),
        (["--name", "CN"], "GROUP=NAME"),
        (["--name", "XX=NC"], "available: AD, CN"),
        (["--name", "CN=AD"], "another name for every group"),
        (["--methods", "occlusion"], "expected mean maps of occlusion"),
    ],
)
def test_wrong_options_in_words(study_file, tmp_path, capsys, options, words):
    folder = str(study_file.parent / "cohort")
    assert main(["paper", folder, "--study", str(study_file), "--out", str(tmp_path), *options]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_without_a_run(tmp_path, capsys):
    assert main(["paper", str(tmp_path)]) == 2
    assert "no run.json" in capsys.readouterr().err


def test_an_npz_of_another_grid_is_refused(tmp_path, capsys):
    file = write_original_npz(tmp_path / "small.npz", {"AD": {"sensitivity": np.ones(SHAPE, np.float32)}})
    assert main(["paper", str(tmp_path), "--npz", str(file)]) == 2
    assert "113×137×113" in capsys.readouterr().err
