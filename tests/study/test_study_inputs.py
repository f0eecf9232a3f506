"""Studies of networks that read several images, numbers, one output or bins: checked, run, compared, measured."""

import hashlib
import json
import tomllib
from fnmatch import fnmatch

import numpy as np
import pandas as pd
import pytest
from cohort.conftest import AFFINE, SHAPE, make_study

from mriinterp import explain
from mriinterp.base.labels import subject_labels
from mriinterp.cli import main
from mriinterp.cohort import run_cohort
from mriinterp.cohort.bids import OWN_FILES
from mriinterp.cohort.record import read_map, read_record
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.incremental import BoxGrid
from mriinterp.models.normalisation import files_of_normalisation
from mriinterp.results.maps import request_key
from mriinterp.results.store import Store
from mriinterp.study import load_study
from mriinterp.study.check import check_study
from mriinterp.study.consent import code_of, recipes_of

CODE = """
import torch
from torch import nn
from mriinterp.models import register_architecture


@register_architecture("NAME")
def make():
    torch.manual_seed(0)
    return Tiny()


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(CHANNELS, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool3d(2), nn.Flatten())
        self.out = nn.Linear(32, OUTPUTS)

    def forward(self, x, numbers=None):
        z = self.out(self.body(x))
        return LAST
"""


def rewrite(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def study_of(folder, card, *, channels=1, outputs=1, last="z", groups=("CN", "AD"), subjects=None):
    """A study of two scans a group, whose network is the one that is described."""
    import torch

    file = make_study(folder, 3, groups)
    name = f"tiny_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}_own"
    code = CODE.replace("NAME", name).replace("CHANNELS", str(channels)).replace("OUTPUTS", str(outputs))
    (folder / "net.py").write_text(code.replace("LAST", last), encoding="utf-8")
    torch.manual_seed(1)
    shapes = {
        "body.0.weight": (4, channels, 3, 3, 3),
        "body.0.bias": (4,),
        "out.weight": (outputs, 32),
        "out.bias": (outputs,),
    }
    torch.save({"state_dict": {f"model.{k}": torch.randn(s) / 3 for k, s in shapes.items()}}, folder / "weights.pt")
    entries = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps({**entries, "architecture": name, **card}), encoding="utf-8")
    return file


BINARY = {"logit": "z", "sigmoid": "torch.sigmoid(z)"}


@pytest.mark.parametrize("kind", BINARY)
def test_a_binary_network_of_one_output_runs_as_one_of_two_classes(tmp_path, kind):
    """Probability, accuracy, AUC, groups and trust, with the class of the positive group as the target."""
    file = study_of(tmp_path / "s", {"classes": ["healthy", "ill"], "output": kind}, last=BINARY[kind])
    assert not check_study(file, trust_code=True, scans=1).errors
    study = load_study(file, trust_code=True)
    found = run_cohort(study, ["sensitivity", "lrp_epsilon"], out=tmp_path / "out", split="all")
    table = found.subjects
    assert {"p_healthy", "p_ill", "correct", "predicted"} <= set(table.columns)
    np.testing.assert_allclose(table["p_healthy"] + table["p_ill"], 1, atol=1e-6)
    assert set(table["predicted"]) <= {"healthy", "ill"}
    assert json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["target"] == "ill"
    assert np.isfinite(found.mean("lrp_epsilon", "AD").data).all()
    out = tmp_path / "trust"
    arguments = ["--methods", "sensitivity", "--measures", "deletion,infidelity", "--subjects", "1", "--trust-code"]
    assert main(["trust", str(file), *arguments, "--out", str(out)]) == 0
    assert np.isfinite(pd.read_csv(out / "trust_results.csv")["value"]).any()


def test_three_classes(tmp_path):
    card = {"classes": ["CN", "MCI", "AD"]}
    file = study_of(tmp_path / "s", card, outputs=3, groups=("CN", "MCI", "AD"))
    text = file.read_text(encoding="utf-8")
    start = text.index("[groups.classes]")
    stop = text.index("[", start + 1)
    file.write_text(text[:start] + text[stop:], encoding="utf-8")
    study = load_study(file, trust_code=True)
    found = run_cohort(
        study, ["occlusion"], out=tmp_path / "out", split="all", params={"occlusion": {"size": 6, "stride": 6}}
    )
    assert {"p_CN", "p_MCI", "p_AD"} <= set(found.subjects.columns)
    assert set(found.subjects["group"]) == {"CN", "MCI", "AD"}
    made = tmp_path / "s" / "made.toml"
    given = ["--images", str(tmp_path / "s" / "scans"), "--model", str(tmp_path / "s" / "card.json")]
    given += ["--trust-code", str(tmp_path / "s" / "net.py"), "--out", str(made)]
    assert main(["study", "init", "--table", str(tmp_path / "s" / "table.csv"), *given]) == 0
    entries = tomllib.loads(made.read_text(encoding="utf-8"))["groups"]
    assert list(entries["labels"]) == ["CN", "MCI", "AD"], "a group called as a class of the network is kept"
    assert entries["classes"] == {"CN": "CN", "MCI": "MCI", "AD": "AD"}


def test_an_age_from_bins(tmp_path):
    centres = [40.0, 60.0, 80.0]
    card = {"classes": ["age"], "output": "bins", "centres": centres}
    file = study_of(tmp_path / "s", card, outputs=3, last="torch.log_softmax(z, 1)")
    study = load_study(file, trust_code=True)
    found = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    assert found.subjects["out_age"].between(40, 80).all()


@pytest.fixture
def two_images(tmp_path):
    """T1 and grey matter in folders of their own, and the age from the table."""
    folder = tmp_path / "s"
    card = {
        "images": ["t1", "gm"],
        "numbers": {"age": {"mean": 70, "std": 8}},
        "normalisation": {"t1": {"kind": "scan_mean"}, "gm": {"kind": "none"}},
    }
    last = "z + numbers * torch.tensor([[0.0, 1.0]])"
    file = study_of(folder, card, channels=2, outputs=2, last=last)
    rng = np.random.default_rng(3)
    (folder / "grey").mkdir()
    for path in sorted((folder / "scans").rglob("*.nii*")):
        write_volume(Volume(rng.uniform(0, 1, SHAPE).astype(np.float32), AFFINE), folder / "grey" / f"gm_{path.name}")
    rewrite(file, "[subjects]", '[subjects]\nimages = {t1 = "scans", gm = "grey"}\nnumbers = ["age"]')
    return file


def test_several_images_and_numbers_of_a_study(two_images, tmp_path):
    report = check_study(two_images, trust_code=True, scans=2)
    assert not report.errors, report.text()
    study = load_study(two_images, trust_code=True)
    subject = study.subjects.index[0]
    scan = study.scan(subject)
    assert list(scan.images) == ["t1", "gm"]
    assert scan.numbers == {"age": float(study.subjects.loc[subject, "age"])}
    source = study.source(subject)
    before = source.fingerprint()
    gm = source.images[1][1].path
    write_volume(Volume(np.random.default_rng(4).uniform(0, 1, SHAPE).astype(np.float32), AFFINE), gm)
    assert source.fingerprint() != before, "another grey matter is another scan"
    found = run_cohort(study, ["sensitivity"], out=tmp_path / "out", split="all")
    assert len(found.subjects) == 6
    assert not found.subjects["predicted"].isna().any()


def test_what_hides_a_box_is_the_mean_of_each_image(two_images, tmp_path):
    """The fill of the control mean is what Single scan begins with."""
    study = load_study(two_images, trust_code=True)
    model, subject = study.model(), study.subjects.index[0]
    mean = study.background_source().load()
    training = [study.scan(i) for i in study.subjects.index[study.subjects["split"] == "train"]]
    for name in ("t1", "gm"):
        expected = np.mean([scan.images[name].data for scan in training], axis=0)
        np.testing.assert_allclose(mean.images[name].data, expected, rtol=1e-4, atol=1e-5)
    given = {"fill": "reference", "score": "margin", "size": 6, "stride": 6}
    found = explain(model, study.scan(subject), "occlusion", target="ill", reference=dict(mean.images), **given)
    x = model.prepare(study.scan(subject))
    box = (..., *(slice(*ends) for ends in BoxGrid(SHAPE, 6, 6).boxes[0]))
    hidden = x.clone()
    hidden[box] = model.prepare(mean)[box]
    with model.own_module(scan=study.scan(subject)) as module:
        before, after = (module(image)[0, 1] - module(image)[0, 0] for image in (x, hidden))
    assert found.volume.data[-1, 0, 0] == pytest.approx(float(before - after), rel=1e-3, abs=1e-5)  # drawn RAS+
    run = run_cohort(study, ["occlusion"], out=tmp_path / "out", split="all", params={"occlusion": given})
    assert np.isfinite(run.mean("occlusion", "AD").data).all()


def test_a_cohort_keeps_the_relevance_of_each_image(two_images, tmp_path):
    study = load_study(two_images, trust_code=True)
    out = tmp_path / "out"
    found = run_cohort(study, ["sensitivity"], out=out, split="all")
    layout, subject = found.layout, study.subjects.index[0]
    label = subject_labels(study.subjects.index)[subject]
    whole, record = read_map(layout, label, "sensitivity")
    kept = found.map("sensitivity", subject)
    made = explain(study.model(), study.scan(subject), "sensitivity", target=kept.target, **kept.params)
    assert list(record["images"]) == ["t1", "gm"] == list(made.images)
    for name, image in made.images.items():
        np.testing.assert_allclose(kept.images[name].data, image.data, rtol=1e-4, atol=1e-7)
        about = json.loads(layout.image_record(label, "sensitivity", name).read_text(encoding="utf-8"))
        assert about["image"] == name
        assert about["part_of"] == layout.record(label, "sensitivity").name
    np.testing.assert_allclose(sum(image.data for image in made.images.values()), whole.data, rtol=1e-4, atol=1e-8)
    with pytest.raises(KeyError, match="wm"):
        read_map(layout, label, "sensitivity", "wm")

    part = layout.image_map(label, "sensitivity", "gm")
    part.unlink()  # a record whose files are not all there is made anew
    assert read_record(layout, label, "sensitivity", True) is None
    assert read_record(layout, label, "sensitivity", False) is not None
    run_cohort(study, ["sensitivity"], out=out, split="all")
    assert part.is_file()
    assert any(fnmatch(part.name, pattern) for pattern in OWN_FILES)


def test_the_store_keeps_the_relevance_of_each_image(two_images, tmp_path):
    study = load_study(two_images, trust_code=True)
    scan, store = study.scan(study.subjects.index[0]), Store(tmp_path / "kept")
    made = store.explain(study.model(), scan, "sensitivity")
    key = request_key(study.model(), scan, "sensitivity")
    found = Store(tmp_path / "kept").get(key)
    assert list(found.images) == ["t1", "gm"]
    for name, image in found.images.items():
        np.testing.assert_array_equal(image.data, made.images[name].data)
    (part,) = (tmp_path / "kept").rglob("*_gm.nii.gz")
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    assert Store(tmp_path / "kept").get(key) is None, "a damaged part is no part"
    store.explain(study.model(), scan, "sensitivity")
    small = Store(tmp_path / "kept", limit=1)
    small.prune()
    assert not list((tmp_path / "kept").rglob("*.nii.gz")) + list((tmp_path / "kept").rglob("*.json"))


def test_scans_without_an_image_are_left_out_by_name(two_images):
    folder = two_images.parent
    gone = sorted((folder / "grey").glob("*"))[0]
    gone.unlink()
    report = check_study(two_images, trust_code=True, scans=0)
    assert any("their image gm is missing" in finding.text() for finding in report.of("warning"))
    assert len(load_study(two_images, trust_code=True).subjects) == 5


def test_what_a_study_must_name_for_its_network(two_images):
    text = two_images.read_text(encoding="utf-8")
    for old, new, words in (
        ('{t1 = "scans", gm = "grey"}', '"scans"', "The network reads the images t1, gm"),
        ('numbers = ["age"]', "", "The network reads numbers"),
        ('numbers = ["age"]', 'numbers = ["weight"]', "weight (weight)"),
        ('numbers = ["age"]', "numbers = 3", "subjects.numbers is not a list of columns"),
        ('gm = "grey"}', 'gm = "grey"}\npattern = {wm = "*"}', "subjects.pattern names images"),
    ):
        two_images.write_text(text.replace(old, new), encoding="utf-8")
        said = check_study(two_images, trust_code=True, scans=1).text()
        assert words in said, said


def init(two_images, *more, images=("t1=scans", "gm=grey")):
    folder = two_images.parent
    entries = tomllib.loads(two_images.read_text(encoding="utf-8"))
    named = [word.replace("=", f"={folder}/") if "=" in word else str(folder / word) for word in images]
    words = ["study", "init", "--table", str(folder / entries["subjects"]["table"]), "--images", *named]
    words += ["--model", str(folder / entries["model"]["card"]), "--trust-code", str(folder / entries["model"]["code"])]
    return main([*words, "--out", str(folder / "made.toml"), *more])


def test_a_study_of_several_images_is_written(two_images, capsys):
    assert init(two_images, "--pattern", "gm=gm_*") == 0, capsys.readouterr()
    made = two_images.with_name("made.toml")
    entries = tomllib.loads(made.read_text(encoding="utf-8"))["subjects"]
    assert entries["images"] == {"t1": "scans", "gm": "grey"}
    assert entries["pattern"] == {"gm": "gm_*"}
    assert entries["numbers"] == {"age": "age"}
    study = load_study(made, trust_code=True)
    assert len(study.subjects) == 6
    scan = study.scan(study.subjects.index[0])
    assert list(scan.images) == ["t1", "gm"]
    assert "age" in scan.numbers


def test_scans_without_an_image_are_named_when_a_study_is_written(two_images, capsys):
    sorted((two_images.parent / "grey").glob("*"))[0].unlink()
    assert init(two_images) == 0
    assert "their image gm is missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("images", "more", "words"),
    [
        (["scans"], [], "--images t1=DIR gm=DIR"),
        (["t1=scans"], [], "expected folders for the images t1, gm"),
        (["t1=scans", "wm=grey"], [], "got t1, wm"),
        (["t1=scans", "t1=grey"], [], "expected --images NAME=DIR with each name once"),
        (["t1=scans", "gm=grey"], ["--pattern", "wm=*.nii"], "expected patterns of the images t1, gm, got also wm"),
        (["t1=scans", "gm=grey"], ["--numbers", "age=years"], "--numbers age=COLUMN"),
        (["t1=scans", "gm=grey"], ["--numbers", "tiv=age"], "expected numbers that"),
        (["t1=scans", "gm=grey"], ["--numbers", "age"], "expected --numbers NAME=COLUMN"),
    ],
)
def test_what_a_new_study_of_several_images_must_name(two_images, capsys, images, more, words):
    assert init(two_images, *more, images=images) == 2
    assert words in capsys.readouterr().err
    assert not two_images.with_name("made.toml").exists()


def test_several_images_are_not_prepared_in_silence(two_images):
    two_images.write_text(two_images.read_text(encoding="utf-8") + "\n[prepare]\n", encoding="utf-8")
    assert "[prepare] finds the brain in one raw T1 scan" in check_study(two_images, trust_code=True, scans=0).text()
    with pytest.raises(ValueError, match="got the images t1, gm"):
        load_study(two_images, trust_code=True)


@pytest.mark.parametrize("place", ["the file", "a file beside it"])
def test_code_that_changed_between_two_runs_asks_again_and_makes_all_maps_anew(tmp_path, place):
    file = study_of(tmp_path / "s", {}, outputs=2, last="scaled(z)")
    code = next((tmp_path / "s").glob("*.py"))
    code.write_text("from factor import scaled\n" + code.read_text(encoding="utf-8"), encoding="utf-8")
    beside = code.with_name("factor.py")
    beside.write_text("def scaled(z):\n    return z\n", encoding="utf-8")

    def permission():
        return frozenset(item.digest for item in code_of(recipes_of(load_study(file, trust_code=True))))

    agreed, out = permission(), tmp_path / "out"
    first = run_cohort(load_study(file, trust_code=agreed), ["sensitivity"], out=out, split="all")
    maps = {subject: first.map("sensitivity", subject).volume.data for subject in first.subjects.index}
    written = {path: path.stat().st_mtime_ns for path in sorted(out.rglob("*_relevance.nii.gz"))}
    run_cohort(load_study(file, trust_code=agreed), ["sensitivity"], out=out, split="all")
    assert written == {path: path.stat().st_mtime_ns for path in written}, "nothing changed"

    if place == "the file":
        code.write_text(code.read_text(encoding="utf-8").replace("return scaled(z)", "return 2 * scaled(z)"), "utf-8")
    else:
        beside.write_text("def scaled(z):\n    return 2 * z\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected permission"):
        run_cohort(load_study(file, trust_code=agreed), ["sensitivity"], out=out, split="all")
    assert permission() != agreed
    second = run_cohort(load_study(file, trust_code=permission()), ["sensitivity"], out=out, split="all")
    for subject, before in maps.items():
        np.testing.assert_allclose(second.map("sensitivity", subject).volume.data, 2 * before, rtol=1e-4)


def test_files_of_any_image_are_named_for_the_limits_of_a_server():
    entry = {"t1": {"kind": "voxelwise", "mean": "m.nii", "std": "s.nii"}, "gm": {"kind": "fixed", "mean": 1, "std": 2}}
    assert files_of_normalisation(entry) == ["m.nii", "s.nii"]
    assert files_of_normalisation(entry["t1"]) == ["m.nii", "s.nii"]
    assert files_of_normalisation(None) == []
