"""Cohort runs: averages against plain loops, nothing computed twice, nothing stale, failing scans left out."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mriinterp.areas.table import area_table
from mriinterp.base.progress import Cancelled
from mriinterp.base.reading import apply_reading
from mriinterp.cohort import choose_methods, open_cohort, run_cohort, select_subjects
from mriinterp.explain import explain
from mriinterp.stats import hedges_g
from mriinterp.study import load_study

from .conftest import SHAPE, content, make_study, write_scan, write_weights

METHODS = ("sensitivity", "occlusion", "area_occlusion")
SETTINGS = {"occlusion": {"size": 4, "stride": 4}}


def run(study, out, methods=METHODS, **more):
    """All scans, unless a test is about a split."""
    params = {m: p for m, p in SETTINGS.items() if m in methods}
    return run_cohort(study, methods, out=out, **{"params": params, "split": "all", **more})


def computed(result):
    return result.run["maps_computed"]


@pytest.fixture
def done(study, tmp_path):
    return run(study, tmp_path / "out")


@pytest.fixture(scope="module")
def shared_study(tmp_path_factory):
    """For tests that only read."""
    return load_study(make_study(tmp_path_factory.mktemp("shared") / "study"), trust_code=True)


@pytest.fixture(scope="module")
def shared(shared_study, tmp_path_factory):
    """For tests that only read."""
    return run(shared_study, tmp_path_factory.mktemp("shared") / "out")


def test_every_map_is_the_one_explain_makes(shared_study, shared):
    model, atlas = shared_study.model("cpu"), shared_study.atlas()
    for method in METHODS:
        wanted = explain(
            model,
            shared_study.scan("I103"),
            method,
            atlas=atlas,
            target="ill",
            score="margin",
            **SETTINGS.get(method, {}),
        )
        found = shared.map(method, "I103")
        np.testing.assert_allclose(found.volume.data, wanted.volume.data, rtol=1e-5, atol=1e-8)
        np.testing.assert_array_equal(found.volume.affine, wanted.volume.affine)
        assert found.prediction == wanted.prediction
        assert found.params == wanted.params
    on_disk = nib.load(shared.layout.map("sub-I103", "sensitivity"))
    assert on_disk.shape == SHAPE
    assert nib.aff2axcodes(on_disk.affine) == ("R", "A", "S")  # the network reads LAS; maps are RAS


def test_means_against_a_plain_loop(shared_study, shared):
    for method, reading in (("sensitivity", np.abs), ("occlusion", lambda v: np.maximum(v, 0))):
        for group in ("CN", "AD"):
            maps = [
                np.asarray(nib.load(shared.layout.map(f"sub-{i}", method)).dataobj, np.float64)
                for i in shared_study.subjects.index[shared_study.subjects["group"] == group]
            ]
            mean = sum(reading(m) for m in maps) / 4
            spread = np.sqrt(sum((reading(m) - mean) ** 2 for m in maps) / 3)
            np.testing.assert_allclose(shared.mean(method, group).data, mean, rtol=1e-6, atol=1e-12)
            np.testing.assert_allclose(shared.std(method, group).data, spread, rtol=1e-5, atol=1e-9)
            np.testing.assert_allclose(shared.mean(method, group, "signed").data, sum(maps) / 4, rtol=1e-6, atol=1e-10)
            assert (shared.count(method, group).data == 4).all()
    assert (
        np.abs(shared.mean("sensitivity", "AD").data - np.abs(shared.mean("sensitivity", "AD", "signed").data)).max()
        > 0
    )


def test_mean_over_all_and_effect(shared):
    maps = {i: shared.map("sensitivity", i).volume.data.astype(np.float64) for i in shared.ids("sensitivity")}
    mean = sum(np.abs(m) for m in maps.values()) / 8
    np.testing.assert_allclose(shared.all_mean("sensitivity").data, mean, rtol=1e-5, atol=1e-9)
    ill = np.stack([np.abs(maps[i]) for i in shared.ids("sensitivity", "AD")])
    well = np.stack([np.abs(maps[i]) for i in shared.ids("sensitivity", "CN")])
    np.testing.assert_allclose(shared.effect("sensitivity").data, hedges_g(ill, well), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        shared.difference("sensitivity").data, ill.mean(axis=0) - well.mean(axis=0), rtol=1e-3, atol=1e-7
    )


def test_areas_are_those_of_single_maps(shared_study, shared):
    atlas = shared_study.atlas()
    for merge in (True, False):
        table = shared.areas("occlusion", merge_hemispheres=merge)
        assert table.index.tolist() == shared_study.subjects.index.tolist()
        for subject in ("I100", "I105"):
            wanted = area_table(shared.map("occlusion", subject), atlas, merge_hemispheres=merge)
            assert table.columns.tolist() == wanted["area"].tolist()
            np.testing.assert_allclose(table.loc[subject], wanted["share"], rtol=1e-9)
    assert shared.areas("occlusion").columns.tolist() == ["A", "B", "Mid"]
    sums = shared.areas("sensitivity", value="sum", merge_hemispheres=False)
    wanted = area_table(shared.map("sensitivity", "I101"), atlas, merge_hemispheres=False, normalise=False)
    np.testing.assert_allclose(sums.loc["I101"], wanted["sum"], rtol=1e-9)
    np.testing.assert_allclose(
        shared.areas("sensitivity", value="mean").loc["I101"],
        area_table(shared.map("sensitivity", "I101"), atlas, normalise=False)["mean"],
        rtol=1e-9,
    )
    signed = shared.areas("sensitivity", value="sum", kind="signed", merge_hemispheres=False)
    wanted = area_table(
        shared.map("sensitivity", "I101"), atlas, merge_hemispheres=False, normalise=False, part="signed"
    )
    np.testing.assert_allclose(signed.loc["I101"], wanted["sum"], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", ["sensitivity", "occlusion"])
@pytest.mark.parametrize("kind", ["absolute", "positive", "negative", "signed"])
def test_every_kind_of_average_is_that_of_the_maps(shared_study, shared, method, kind):
    """Whatever the method's own reading is, and from the kept averages or from the maps again."""
    ids = shared.ids(method, "AD")
    values = np.stack([apply_reading(shared.map(method, i).volume.data.astype(float), kind) for i in ids])
    size = np.abs(values).max()
    np.testing.assert_allclose(shared.mean(method, "AD", kind).data, values.mean(axis=0), atol=1e-6 * size)
    mean, deviation = shared.moments_by_kind(method, ids, (kind, "reading"))[kind]
    np.testing.assert_allclose(mean.data, values.mean(axis=0), atol=1e-6 * size)
    np.testing.assert_allclose(deviation.data, values.std(axis=0, ddof=1), atol=1e-6 * size)
    if shared.is_kept(method, kind):
        np.testing.assert_allclose(shared.std(method, "AD", kind).data, deviation.data, atol=1e-6 * size)
    else:
        with pytest.raises(ValueError, match="moments_by_kind makes them"):
            shared.std(method, "AD", kind)
    labels = shared_study.atlas().on(shared.grid).labels.data
    sums = shared.areas(method, value="sum", kind=kind, merge_hemispheres=False)
    wanted = [[v[labels == label].sum() for label in (10, 20, 30, 40, 50)] for v in values]
    np.testing.assert_allclose(sums.loc[ids], wanted, rtol=1e-5, atol=1e-6 * size)


def test_the_parts_of_a_cohort_and_what_is_hidden(shared):
    for method in ("sensitivity", "occlusion"):
        sums = {k: shared.areas(method, value="sum", kind=k).to_numpy().sum() for k in ("positive", "negative")}
        shares = shared.part_shares(method)
        assert shares["against"] == pytest.approx(sums["negative"] / (sums["positive"] + sums["negative"]))
        assert shares["both"] == pytest.approx(shares["supports"] + shares["against"]) == 1
        assert shared.meaning(method).signed
        assert f"{100 * shares['supports']:.1f}%" in shared.hidden_words(method, "negative")
        assert shared.hidden_words(method, "signed") == shared.hidden_words(method, "absolute") == ""
    assert shared.hidden_words("sensitivity") == ""  # sizes hold both signs
    assert shared.hidden_words("occlusion").startswith("Hidden: what speaks against ill, ")
    with pytest.raises(ValueError, match="available: reading, absolute, positive, negative, signed"):
        shared.mean("occlusion", "AD", "both")


def test_subjects_groups_and_performance(shared_study, shared):
    model = shared_study.model("cpu")
    table = shared.subjects
    assert table.index.tolist() == shared_study.subjects.index.tolist()
    for subject in table.index:
        prediction = model.predict(shared_study.scan(subject))
        assert table.at[subject, "p_ill"] == pytest.approx(prediction.probabilities["ill"], rel=1e-5)
        wanted = {"CN": "healthy", "AD": "ill"}[shared_study.group_of(subject)]
        assert table.at[subject, "correct"] == (prediction.predicted == wanted)
        assert table.at[subject, "target"] == "ill"
        assert table.at[subject, "training"] == (shared_study.subjects.at[subject, "split"] == "train")
        assert table.at[subject, "failure"] == ""
    for group in shared.groups:
        row = shared.group_table.loc[group]
        right = table.loc[table["group"] == group, "correct"]
        assert row["correct"] == right.sum()
        assert row["share_correct"] == pytest.approx(right.mean())
    auc = shared.run["performance"]["auc"]
    ill, well = (table.loc[table["group"] == g, "p_ill"].to_numpy(float) for g in ("AD", "CN"))
    pairs = [(a > b) + 0.5 * (a == b) for a in ill for b in well]
    assert auc["value"] == pytest.approx(np.mean(pairs))  # of scores, not of labels


def test_a_second_call_computes_nothing_and_changes_nothing(study, done):
    before = content(done.folder)
    stamps = {p: p.stat().st_mtime_ns for p in done.folder.rglob("*relevance*")}
    again = run(study, done.folder)
    assert computed(done) == 24
    assert computed(again) == 0
    assert content(done.folder) == before
    assert all(p.stat().st_mtime_ns == t for p, t in stamps.items())


def test_adding_a_method_or_scans_computes_only_what_is_missing(study, tmp_path):
    whole = run(study, tmp_path / "whole")
    part = run(study, tmp_path / "part", ("sensitivity",), n=4)
    assert computed(part) == 4
    assert part.methods == ("sensitivity",)
    more = run(study, tmp_path / "part", ("sensitivity",))
    assert computed(more) == 4
    last = run(study, tmp_path / "part", ("occlusion", "area_occlusion"))
    assert computed(last) == 16
    assert last.methods == METHODS  # the earlier method stays: nothing else was changed
    assert content(last.folder) == content(whole.folder)


@pytest.mark.parametrize("maps", [True, False])
def test_changed_weights_parameters_or_scans_never_reuse_maps(study_file, tmp_path, maps):
    study = load_study(study_file, trust_code=True)
    out = tmp_path / "out"
    first = run(study, out, ("occlusion",), maps=maps)
    kept = first.mean("occlusion", "AD").data.copy()
    other = run(study, out, ["occlusion"], params={"occlusion": {"size": 6, "stride": 4}}, maps=maps)
    assert computed(other) == 8
    fresh = run(study, tmp_path / "a", ["occlusion"], params={"occlusion": {"size": 6, "stride": 4}}, maps=maps)
    np.testing.assert_array_equal(other.mean("occlusion", "AD").data, fresh.mean("occlusion", "AD").data)
    assert np.abs(other.mean("occlusion", "AD").data - kept).max() > 0
    write_weights(study_file.parent, seed=1)
    changed = run(load_study(study_file, trust_code=True), out, ("occlusion",), maps=maps)
    assert computed(changed) == 8
    write_scan(study_file.parent, "I102", np.random.default_rng(99))
    one = run(load_study(study_file, trust_code=True), out, ("occlusion",), maps=maps)
    assert computed(one) == (1 if maps else 4)  # without maps, the mean of its group of four is made again
    fresh = run(load_study(study_file, trust_code=True), tmp_path / "b", ("occlusion",), maps=maps)
    for group in ("CN", "AD"):
        np.testing.assert_array_equal(one.mean("occlusion", group).data, fresh.mean("occlusion", group).data)
    assert "plan_sha256" in one.run


def test_a_touched_scan_is_read_again_and_not_explained_again(study, study_file, done):
    scan = study_file.parent / "scans" / "I100.nii.gz"
    scan.touch()
    assert computed(run(study, done.folder)) == 0


def test_failing_scans_are_told_and_left_out(study_file, tmp_path):
    (study_file.parent / "scans" / "I101.nii.gz").write_bytes(b"no image")
    study = load_study(study_file, trust_code=True)
    result = run(study, tmp_path / "out", ("sensitivity",))
    assert set(result.failures) == {"I101"}
    assert result.n("sensitivity", "AD") == 3
    assert result.n("sensitivity", "CN") == 4
    assert (result.count("sensitivity", "AD").data == 3).all()
    assert "I101" in result.subjects.at["I101", "failure"]
    assert pd.isna(result.subjects.at["I101", "correct"])
    assert "I101" not in result.areas("sensitivity").index
    assert result.group_table.loc["AD", "failed"] == 1
    with pytest.raises(KeyError, match="I101"):
        result.map("sensitivity", "I101")
    write_scan(study_file.parent, "I101", np.random.default_rng(5))
    mended = run(study, tmp_path / "out", ("sensitivity",))
    assert computed(mended) == 1
    assert mended.failures == {}
    assert mended.n("sensitivity", "AD") == 4


def test_a_method_that_fails_leaves_the_others(study, tmp_path, monkeypatch):
    from mriinterp.cohort import explain_scans

    explain_for_real = explain_scans.explain

    def explain_or_fail(model, scan, method, **more):
        if method == "occlusion":
            raise ValueError("expected something else")
        return explain_for_real(model, scan, method, **more)

    monkeypatch.setattr(explain_scans, "explain", explain_or_fail)
    result = run(study, tmp_path / "out", ("sensitivity", "occlusion"), n=4)
    assert result.n("sensitivity") == 4
    assert result.n("occlusion") == 0
    assert all(why == {"occlusion": "expected something else"} for why in result.failures.values())
    assert (result.count("occlusion", "AD").data == 0).all()
    with pytest.raises(ValueError, match="expected 1 or more maps of occlusion"):
        result.mean("occlusion", "AD")
    assert list(result.means("AD")) == ["sensitivity"]


def test_no_scan_at_all_is_an_error(study_file, tmp_path):
    for scan in (study_file.parent / "scans").iterdir():
        scan.write_bytes(b"no image")
    with pytest.raises(ValueError, match="got none of 8"):
        run(load_study(study_file, trust_code=True), tmp_path / "out", ("sensitivity",))
    with pytest.raises(FileNotFoundError):
        open_cohort(tmp_path / "out")


@pytest.mark.parametrize("maps", [True, False])
def test_groups_of_one_and_of_nobody(tmp_path, maps):
    file = make_study(tmp_path / "study", per_group=1)
    text = file.read_text(encoding="utf-8")
    labels = '\n[groups.labels]\nCN = ["CN"]\nAD = ["AD"]\nMCI = ["MCI"]\n'
    file.write_text(text.replace("\n[model]", labels + "\n[model]"), encoding="utf-8")
    study = load_study(file, trust_code=True)
    result = run(study, tmp_path / "out", ("sensitivity",), maps=maps)
    assert result.groups == ("CN", "AD", "MCI")
    assert [result.n("sensitivity", g) for g in result.groups] == [1, 1, 0]
    assert np.isfinite(result.mean("sensitivity", "AD").data).all()
    with pytest.raises(ValueError, match="expected 2 or more maps"):
        result.std("sensitivity", "AD")
    with pytest.raises(ValueError, match="expected 1 or more maps"):
        result.mean("sensitivity", "MCI")
    assert not list((tmp_path / "out" / "groups").glob("*MCI*mean*"))
    assert pd.isna(result.group_table.loc["MCI", "share_correct"])


def test_without_maps_averages_and_tables_are_the_same(study, done, tmp_path):
    slim = run(study, tmp_path / "slim", maps=False, scratch_limit=0)
    assert not list((tmp_path / "slim").glob("sub-*/anat/*.nii.gz"))
    assert not list((tmp_path / "slim" / ".work" / "scratch").rglob("*.npy"))
    whole, part = content(done.folder), content(slim.folder)
    for name in whole:
        if name.startswith("groups/") or name in ("subjects.tsv", "groups.tsv", "areas.parquet"):
            assert part[name] == whole[name], name
    assert computed(run(study, tmp_path / "slim", maps=False)) == 0
    with pytest.raises(ValueError, match="without keeping them"):
        slim.map("sensitivity", "I100")


def test_targets(study, tmp_path):
    true = run(study, tmp_path / "true", ("sensitivity",), target="true")
    assert true.subjects["target"].tolist() == ["healthy", "ill"] * 4
    one = run(study, tmp_path / "one", ("sensitivity",), target="ill")
    assert set(one.subjects["target"]) == {"ill"}
    assert one.target == "ill"
    assert json.loads(one.layout.record("sub-I100", "sensitivity").read_text())["target"] == "ill"
    with pytest.raises(ValueError, match="available: positive, predicted, true, healthy, ill"):
        run(study, tmp_path / "x", ("sensitivity",), target="AD")


def test_cancel_leaves_finished_maps(study, tmp_path):
    def cancel():
        return len(list((tmp_path / "out").glob("sub-*/anat/*relevance.json"))) >= 3

    with pytest.raises(Cancelled):
        run(study, tmp_path / "out", cancel=cancel)
    kept = len(list((tmp_path / "out").glob("sub-*/anat/*relevance.json")))
    assert kept >= 3
    rest = run(study, tmp_path / "out")
    assert computed(rest) == 24 - kept


def test_progress_reaches_its_end_and_never_goes_back(study, tmp_path):
    told = []
    run(study, tmp_path / "out", progress=lambda done, total: told.append((done, total)))
    assert [d for d, _ in told] == sorted(d for d, _ in told)
    assert told[-1] == (24 + 6, 24 + 6)
    assert {t for _, t in told} == {30}


def test_wrong_requests_fail_before_anything_is_computed(study, tmp_path):
    with pytest.raises(KeyError, match="available"):
        run(study, tmp_path / "out", ("sensitivty",))
    with pytest.raises(ValueError, match="expected size as"):
        run_cohort(study, ["occlusion"], out=tmp_path / "out", params={"occlusion": {"size": 0}})
    with pytest.raises(ValueError, match="got some for occlusion"):
        choose_methods(["sensitivity"], {"occlusion": {"size": 3}})
    with pytest.raises(ValueError, match="available: test, train, all"):
        run(study, tmp_path / "out", ("sensitivity",), split="validation")
    assert not list(tmp_path.glob("out/sub-*"))


def test_the_original_cohort_setting_is_the_default():
    (default,) = choose_methods(["occlusion"])
    assert (default.params["size"], default.params["stride"]) == (40, 40)
    (paper,) = choose_methods(["occlusion"], preset="rieke2018")
    assert (paper.params["size"], paper.params["stride"], paper.preset) == (40, 40, "rieke2018")
    (own,) = choose_methods(["occlusion"], {"occlusion": {"stride": 20}})
    assert (own.params["size"], own.params["stride"]) == (40, 20)


def test_drawn_scans_are_even_and_nested(shared_study):
    four, six = (select_subjects(shared_study, "all", n=n, seed=3) for n in (4, 6))
    assert four["group"].value_counts().to_dict() == {"CN": 2, "AD": 2}
    assert set(four.index) < set(six.index)
    assert select_subjects(shared_study, "all", n=99).index.tolist() == shared_study.subjects.index.tolist()
    assert set(select_subjects(shared_study, split="train")["split"]) == {"train"}
    drawn = {tuple(select_subjects(shared_study, "all", n=2, seed=s).index) for s in range(20)}
    assert len(drawn) > 3


def test_distances_between_groups(shared):
    a = shared.mean("sensitivity", "AD").data.astype(np.float64)
    pair = shared.group_distances()
    c = shared.mean("sensitivity", "CN").data.astype(np.float64)
    assert pair["sensitivity"] == pytest.approx(np.sqrt(((a / a.sum() - c / c.sum()) ** 2).sum()), rel=1e-5)


def test_moments_of_chosen_scans(shared):
    chosen = shared.ids("sensitivity")[:3]
    mean, spread = shared.moments_by_kind("sensitivity", chosen, ("reading",))["reading"]
    maps = np.stack([np.abs(shared.map("sensitivity", i).volume.data.astype(np.float64)) for i in chosen])
    np.testing.assert_allclose(mean.data, maps.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(spread.data, maps.std(axis=0, ddof=1), rtol=1e-4, atol=1e-10)


def test_results_below_the_images_are_not_taken_for_scans(study_file, tmp_path):
    table = pd.read_csv(study_file.parent / "table.csv").drop(columns="filepath")
    table.to_csv(study_file.parent / "table.csv", index=False)
    text = study_file.read_text(encoding="utf-8")
    study_file.write_text(text.replace('"table.csv"', '"table.csv"\nimages = "."'), encoding="utf-8")
    first = run(load_study(study_file, trust_code=True), study_file.parent / "results", ("sensitivity",))
    assert first.n("sensitivity") == 8
    again = load_study(study_file, trust_code=True)
    assert len(again.subjects) == 8
    assert {Path(path).parent.name for path in again.subjects["path"]} == {"scans"}
