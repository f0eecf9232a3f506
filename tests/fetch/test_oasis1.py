"""Grey-matter maps of the form of OASIS-1, made here and served on this computer: fetched, trained on, explained."""

import gzip
import hashlib
import io
import shutil
import socket
import tarfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.datasets import fetch_oasis_vbm

from mriinterp.cli import main
from mriinterp.commands import fetch as command
from mriinterp.fetch import fetch, fetched_study, fetched_variants
from mriinterp.fetch.matching import match_ages
from mriinterp.fetch.published.oasis1 import GRID
from mriinterp.image.template import brain_mask, tissue
from mriinterp.image.volume import Grid, resample
from mriinterp.study import load_study
from mriinterp.study.check import check_study
from mriinterp.training.dataset import visible_shape
from mriinterp.ui.sources.publications import fetched_studies

HEADER = "ID,M/F,Hand,Age,Educ,SES,MMSE,CDR,eTIV,nWBV,ASF,Delay"
SHAPE = (23, 28, 23)
AFFINE = np.array([[-8.0, 0, 0, 90], [0, 8.0, 0, -126], [0, 0, 8.0, -72], [0, 0, 0, 1]])


def _names(number):
    person = f"OAS1_{number:04d}_MR1"
    return [f"{person}/mwrc{tissue}{person}_mpr_anon_fslswapdim_bet.nii.gz" for tissue in (1, 2)]


def _row(number):
    """Return a person's row: one in nine was rated, every other of them ill and older; the young have no rating."""
    sex = "FM"[number % 2]
    if number % 9:
        return f"OAS1_{number:04d}_MR1,{sex},R,{18 + number % 40},,,,,1500,0.84,1.2,N/A"
    ill = number // 9 % 2
    rating, age = (
        (("0.5", "1", "2")[number // 18 % 3], 68 + number // 9 * 7 % 20) if ill else ("0", 62 + number // 9 * 5 % 23)
    )
    return f"OAS1_{number:04d}_MR1,{sex},R,{age},3,2,{24 if ill else 29},{rating},1480,0.75,1.2,N/A"


@pytest.fixture(scope="package")
def published(tmp_path_factory):
    """The three files of NITRC, by name: 456 people, of whom nilearn lists 403."""
    rng = np.random.default_rng(0)
    grey = tissue("gm", Grid(SHAPE, AFFINE)).data
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for number in range(1, 457):
            ill = number % 9 == 0 and number // 9 % 2
            for name in _names(number):
                amount = grey * (1 + 0.05 * rng.standard_normal()) * (0.8 if ill else 1.0)
                image = nib.Nifti1Image((amount + 0.02 * rng.random(SHAPE) * (grey > 0)).astype(np.float32), AFFINE)
                content = gzip.compress(image.to_bytes(), 1)
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        outside = tarfile.TarInfo("../OAS1_0001_MR1.txt")
        tar.addfile(outside, io.BytesIO())
    rows = [HEADER, *map(_row, range(1, 457)), "OAS1_0009_MR2,F,R,70,3,2,29,0,1480,0.75,1.2,30"]
    return {
        "archive_dartel.tgz": buffer.getvalue(),
        "oasis_cross-sectional.csv": "\n".join(rows).encode() + b"\n",
        "data_usage_agreement.txt": b"Be kind.\n",
    }


@pytest.fixture
def mirror(server, published):
    """A server of the three files: address and handler."""
    server[1].files = dict(published)
    return server


@pytest.fixture(scope="package")
def fetched(published, tmp_path_factory):
    """A home with the publication, fetched from a folder."""
    folder, home = tmp_path_factory.mktemp("folder"), tmp_path_factory.mktemp("home")
    for name, content in published.items():
        (folder / name).write_bytes(content)
    fetch("oasis1", accept_licence=True, source=folder, home=home)
    return home


def test_the_agreement_comes_first(mirror, tmp_path, monkeypatch, capsys):
    with pytest.raises(PermissionError, match="OASIS data use agreement"):
        fetch("oasis1", source=mirror[0], home=tmp_path)
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path))
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: False, raising=False)
    assert main(["fetch", "oasis1", "--from", mirror[0]]) == 2
    assert "https://sites.wustl.edu/oasisbrains/" in capsys.readouterr().err
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    assert main(["fetch", "oasis1", "--from", mirror[0]]) == 1
    assert "do not try to identify" in capsys.readouterr().out
    assert mirror[1].asked == []
    assert not list(tmp_path.iterdir())


def test_maps_come_from_a_mirror_continue_where_they_were_cut_off_and_stay(mirror, published, tmp_path, monkeypatch):
    mirror[1].cut["archive_dartel.tgz"] = 1_000_000
    with pytest.raises(OSError, match=r"(?i)what has come is kept"):
        fetch("oasis1", accept_licence=True, source=mirror[0], home=tmp_path)
    assert fetched_study("oasis1", tmp_path) is None
    told = []
    study = fetch(
        "oasis1", accept_licence=True, source=mirror[0], home=tmp_path, progress=lambda *step: told.append(step)
    )
    ranges = [wanted for path, wanted in mirror[1].asked if path == "archive_dartel.tgz"]
    assert ranges[0] is None
    assert ranges[1] == f"bytes={1_000_000 // 65536 * 65536}-"
    assert (len(published["archive_dartel.tgz"]),) * 2 in told
    folder = study.parent
    assert (folder / "oasis1" / "data_usage_agreement.txt").read_bytes() == b"Be kind.\n"
    assert not (folder / "download").exists()
    assert not (tmp_path / "OAS1_0001_MR1.txt").exists()
    assert len(list(folder.glob("oasis1/*/mwrc1*"))) == 456
    mirror[1].asked.clear()
    assert fetch("oasis1", accept_licence=True, source=mirror[0], home=tmp_path) == study
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was opened"))
    assert fetch("oasis1", accept_licence=True, home=tmp_path) == study  # all is there: works without a connection
    assert mirror[1].asked == []


def test_a_map_that_has_changed_is_fetched_again(mirror, fetched, tmp_path, caplog):
    shutil.copytree(fetched, tmp_path / "home")
    victim = tmp_path / "home" / "fetched" / "oasis1" / "oasis1" / _names(9)[0]
    content = victim.read_bytes()
    victim.write_bytes(content[:-1] + b"x")
    fetch("oasis1", accept_licence=True, source=mirror[0], home=tmp_path / "home")
    assert victim.read_bytes() == content
    assert "has changed" in caplog.text


@pytest.mark.parametrize("how", ["digest", "cut", "page", "fewer maps"])
def test_another_archive_is_refused(mirror, published, tmp_path, how):
    content = published["archive_dartel.tgz"]
    if how == "digest":
        mirror[1].files["SHA256SUMS"] = f"{'0' * 64}  archive_dartel.tgz\n".encode()
    elif how == "cut":
        mirror[1].files["archive_dartel.tgz"] = content[: len(content) // 2]
    elif how == "page":
        mirror[1].files["archive_dartel.tgz"] = b"<html>Log in first</html>"
    else:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            tar.addfile(tarfile.TarInfo(_names(1)[0]), io.BytesIO())
        mirror[1].files["archive_dartel.tgz"] = buffer.getvalue()
    words = {
        "digest": "SHA-256 0000.*another file",
        "fewer maps": "of all people that nilearn lists, got 1 grey-matter maps",
    }
    with pytest.raises(ValueError, match=words.get(how, "a damaged or another file")):
        fetch("oasis1", accept_licence=True, source=mirror[0], home=tmp_path)
    assert fetched_study("oasis1", tmp_path) is None
    mirror[1].files = dict(published)
    mirror[1].files["SHA256SUMS"] = f"{hashlib.sha256(content).hexdigest()}  ./archive_dartel.tgz\n".encode()
    fetch("oasis1", accept_licence=True, source=mirror[0], home=tmp_path)


def test_a_folder_as_nilearn_unpacks_it_serves_too(fetched, tmp_path):
    tree = fetched / "fetched" / "oasis1"
    study = fetch("oasis1", accept_licence=True, source=tree, home=tmp_path)
    assert (study.parent / "subjects.tsv").read_bytes() == (tree / "subjects.tsv").read_bytes()
    with pytest.raises(FileNotFoundError, match=r"archive_dartel\.tgz in the folder"):
        fetch("oasis1", accept_licence=True, source=tmp_path / "nothing", home=tmp_path / "other")


def test_people_are_those_of_nilearn_and_groups_follow_the_rating(fetched):
    study = load_study(fetched_study("oasis1", fetched))
    listed = fetch_oasis_vbm(data_dir=fetched / "fetched" / "oasis1", url="http://127.0.0.1:9", verbose=0)
    assert len(listed.gray_matter_maps) == 403
    table = pd.read_csv(fetched / "fetched" / "oasis1" / "subjects.tsv", sep="\t", na_values="n/a")
    assert table["id"].tolist() == listed.ext_vars["id"].tolist()
    assert (table["group"] == "not rated").sum() == table["cdr"].isna().sum() > 300
    assert set(study.subjects["id"]) == set(table["id"][table["cdr"].notna()])
    assert (study.subjects["group"] == "demented").sum() == (table["cdr"] > 0).sum() > 15
    row = study.subjects.loc["OAS1_0018_MR1"]
    assert (row["subject"], row["sex"], row["age"]) == ("OAS1_0018", "F", 72.0)
    report = check_study(fetched_study("oasis1", fetched))
    assert report.ok, report.text()


def test_the_age_matched_study_pairs_each_patient_with_a_control(fetched):
    study = load_study(fetch("oasis1", accept_licence=True, variant="age-matched", home=fetched))
    counts = study.subjects["group"].value_counts()
    assert counts["demented"] == counts["nondemented"] >= 10
    table = pd.read_csv(fetched / "fetched" / "oasis1" / "subjects.tsv", sep="\t").dropna(subset=["pair"])
    pairs = table[table["pair"] != "n/a"].groupby("pair")
    assert (pairs["age"].agg(np.ptp) <= 5).all()
    assert (pairs["group"].nunique() == 2).all()
    ages = study.subjects.groupby("group")["age"].mean()
    everyone = load_study(fetched_study("oasis1", fetched)).subjects.groupby("group")["age"].mean()
    assert abs(ages.diff().iloc[-1]) < abs(everyone.diff().iloc[-1])
    with pytest.raises(KeyError, match="available: age-matched"):
        fetch("oasis1", accept_licence=True, variant="sex-matched", home=fetched)


def test_pages_offer_both_studies(fetched, tmp_path, monkeypatch):
    assert [path.name for path in fetched_variants("oasis1", fetched)] == ["study_age_matched.toml"]
    assert fetched_variants("oasis1", tmp_path) == []
    monkeypatch.setenv("MRIINTERP_HOME", str(fetched))
    files = [Path(file).name for file in fetched_studies() if Path(file).parent.name == "oasis1"]
    assert files == ["study.toml", "study_age_matched.toml"]


def test_matching_takes_the_best_pairs_whatever_the_order():
    people = pd.DataFrame(
        {
            "group": ["ill", "ill", "ill", "well", "well", "well"],
            "age": [70, 74, 90, 72, 69, 40],
            "sex": list("MFMFMF"),
        },
        index=list("abcdef"),
    )
    found = match_ages(people, "ill", "well")
    assert found.to_dict() == {"a": "pair 1", "e": "pair 1", "b": "pair 2", "d": "pair 2", "c": "", "f": ""}
    assert match_ages(people.sample(frac=1, random_state=1), "ill", "well").sort_index().equals(found)
    with pytest.raises(ValueError, match="ages differ by 1 years or less, got none"):
        match_ages(people[people["age"] > 80], "ill", "well", caliper=1)


def test_the_network_sees_all_of_its_grid():
    assert visible_shape(GRID.shape) == GRID.shape
    inside = brain_mask(
        Grid((91, 109, 91), np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]]))
    )
    seen = resample(inside, GRID, order=0).data
    assert seen.sum() > 0.995 * inside.data.sum()


def test_three_commands_from_the_maps_to_trust(fetched, tmp_path, monkeypatch):
    """Train, cohort out of fold and trust run as the command names them; few scans, one epoch."""
    study = fetched_study("oasis1", fetched).with_name("study_age_matched.toml")
    networks, maps, trust = (tmp_path / name for name in ("networks", "maps", "trust"))
    options = ["--folds", "2", "--epochs", "1", "--device", "cpu", "--out", str(networks)]
    assert main(["train", str(study), *options]) == 0
    assert (networks / "report.html").is_file()
    made = str(networks / "study.toml")
    assert main(["cohort", made, "--methods", "sensitivity", "--out-of-fold", "--out", str(maps)]) == 0
    assert (maps / "areas.tsv").is_file()
    options = ["--methods", "sensitivity", "--measures", "regional", "--subjects", "2", "--costly", "1"]
    assert main(["trust", made, "--quick", *options, "--out", str(trust)]) == 0
    assert (trust / "report.html").is_file()
    assert not load_study(made).simulated
