"""The cohort page, on a real run over a tiny study."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from cohort.conftest import make_study

import mriinterp
from mriinterp.base.notices import SIMULATED_ONLY
from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.cohort.provenance import write_provenance
from mriinterp.cohort.statistics import compare_areas
from mriinterp.export.npz import ORIGINAL_GRIDS, read_original_npz, write_original_npz
from mriinterp.methods.meaning import percent
from mriinterp.models import load_code
from mriinterp.study import load_study
from mriinterp.ui.cohort import areas as cohort_areas
from mriinterp.ui.cohort import files as cohort_files
from mriinterp.ui.cohort import published as cohort_published
from mriinterp.ui.cohort.averages import StudyView
from mriinterp.ui.cohort.distances import _figure, _matrices
from mriinterp.ui.cohort.filters import keep_scans
from mriinterp.ui.cohort.published import open_file
from mriinterp.ui.sources.studies import remember_study

METHODS = ("sensitivity", "area_occlusion")
PAGE = "pages/cohort.py"


def tiny_study(folder: Path, **more) -> Path:
    """A study file whose network is registered here, so that no code has to be trusted."""
    file = make_study(folder, model={"card": "card.json"}, title=f"{folder.parent.name} {folder.name}", **more)
    load_code(file.parent / "net.py")
    return file


@pytest.fixture(scope="module")
def study_file(tmp_path_factory):
    file = tiny_study(tmp_path_factory.mktemp("cohort") / "study")
    study = load_study(file)
    run_cohort(study, METHODS, out=study.output / "cohort", split="all")
    return file


@pytest.fixture
def result(study_file):
    return open_cohort(load_study(study_file).output / "cohort")


@pytest.fixture
def page(open_page, study_file):
    """The page of the tiny study, with more in the address."""

    def open_(file=study_file, **address):
        remember_study(str(file))
        return open_page(PAGE, study=str(file), **address)

    return open_


def text_of(app):
    """The page's words, as they are read: without the backslashes that keep names from being markup."""
    kinds = [app.markdown, app.caption, app.title, app.info, app.warning]
    return " ".join(element.value for kind in kinds for element in kind).replace("\\", "")


def plain_mean(result, method, ids, reading=np.abs):
    """Average of a reading by a plain loop over the files."""
    total = 0.0
    for scan in ids:
        label = result.subjects.loc[scan, "label"]
        total = total + reading(nib.load(result.layout.map(label, method)).get_fdata())
    return total / len(ids)


def test_averages_are_there_at_once(page):
    app = page()
    shown = text_of(app)
    assert "**AD** 4 scans" in shown
    assert "**CN** 4 scans" in shown
    assert "predicted right" in shown
    assert "Research use only" in shown
    assert "Simulated data" not in shown
    assert [tab.label for tab in app.tabs] == ["Areas", "Distances", "Numbers", "Scans", "Voxels", "Files"]


def test_shipped_averages_are_never_taken_for_computed_ones(open_page, page):
    shown = text_of(open_page(PAGE))  # of the demo study
    assert f"Shipped with version {mriinterp.__version__}" in shown
    assert "Computed here" not in shown
    shown = text_of(page())
    assert "Computed here" in shown
    assert "Shipped" not in shown


@pytest.mark.parametrize("part", ["Areas", "Distances", "Numbers", "Scans", "Voxels", "Files"])
def test_every_part_opens_by_its_address(page, part):
    app = page(part=part)
    assert not app.error
    assert app.query_params.get("part") in (([part], part) if part != "Areas" else (None,))


def test_the_address_holds_what_is_chosen(page):
    app = page(cohort_method="area_occlusion", maps="difference,effect", sign="against", age="60..64")
    assert app.selectbox(key="cohort_method").value == "area_occlusion"
    assert app.session_state["maps"] == ["difference", "effect"]
    assert app.session_state["sign"] == "against"
    assert app.slider(key="age").value == (60.0, 64.0)
    assert app.query_params["age"] in ("60..64", ["60..64"])


def test_nonsense_in_the_address_is_ignored(page):
    app = page(cohort_method="x", maps="mean-nobody", sign="3", age="a..b", pair="a~b", probability="2..-1", part="x")
    assert app.selectbox(key="cohort_method").value == "sensitivity"
    assert app.session_state["maps"] == ["mean-AD", "mean-CN", "difference"]
    assert "pair" not in app.query_params


def test_filters_say_how_many_remain_and_make_new_averages(page, result):
    app = page(age="60..64")  # ages are 60, 61, … in turns of the groups: CN, AD, CN, AD, CN
    wait_for_averages(app)
    shown = text_of(app)
    assert "**5 of 8 scans** remain (CN 3, AD 2)" in shown
    assert "**AD** 2 scans" in shown
    view = StudyView(result, keep_scans(result.subjects, ages=(60, 64)))
    ids = [i for i in result.subjects.index if result.subjects.loc[i, "group"] == "CN"][:3]
    assert view.ids("sensitivity", "CN") == ids
    wanted = plain_mean(result, "sensitivity", ids)
    np.testing.assert_allclose(view.size("sensitivity", "CN").data, wanted, rtol=1e-5)
    wanted = plain_mean(result, "sensitivity", ids, lambda x: x)
    np.testing.assert_allclose(view.mean("sensitivity", "CN").data, wanted, rtol=1e-5, atol=1e-8)


def wait_for_averages(app):
    if "_job_cohort_means" in app.session_state:
        app.session_state["_job_cohort_means"].wait(60)
        app.run()
    assert not app.exception, [e.value for e in app.exception]


@pytest.mark.parametrize(("age", "words"), [("60..61", "single scan"), ("60..60", "No scan of AD remains")])
@pytest.mark.parametrize("part", ["Areas", "Distances", "Scans", "Voxels", "Files"])
def test_groups_of_one_and_of_nobody_show_words(page, age, words, part):
    app = page(age=age, part=part, maps="mean-AD,mean-CN,all,difference,effect")
    wait_for_averages(app)
    assert not app.error
    shown = text_of(app)
    assert "Effect size: needs two maps in both groups" in shown
    if part == "Areas":
        assert words in shown
    if part == "Voxels":
        assert "at least two scans in each group" in shown


def test_unusual_scans_and_networks_are_named(page, tmp_path):
    file = tiny_study(tmp_path / "study", per_group=2)
    study = load_study(file)
    out = run_cohort(study, METHODS[:1], out=study.output / "cohort", split="all").folder
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    run["warnings"] = {"I101": "the air is 10, expected 0"}
    run["model"]["notes"] = ["its output depends on the batch"]
    write_provenance(out / "run.json", run)
    app = page(file, part="Files")
    labels = [expander.label for expander in app.expander]
    assert "1 of 4 scans are doubtful: their maps may be wrong" in labels
    assert any("depends on the batch" in caption.value for caption in app.caption)


def test_a_study_of_one_group(page, tmp_path):
    file = tiny_study(tmp_path / "one", per_group=3, groups=("CN",))
    text = file.read_text(encoding="utf-8").replace('positive = "AD"\n', "").replace('AD = "ill"\n', "")
    file.write_text(text, encoding="utf-8")
    study = load_study(file)
    run_cohort(study, ["sensitivity"], out=study.output / "cohort", split="all")
    app = page(file)
    assert not app.error
    assert "There is one group: nothing to compare it with" in text_of(app)
    assert app.session_state["maps"] == ["mean-CN"]


def test_filters_pick_rows():
    table = pd.DataFrame(
        {
            "split": ["train", "test", "test", "test"],
            "sex": ["F", "M", "F", ""],
            "age": [60.0, 70.0, np.nan, 80.0],
            "correct": pd.array([True, False, True, pd.NA], dtype="boolean"),
            "p_ill": [0.1, 0.5, 0.9, np.nan],
        },
        index=list("abcd"),
    )
    assert keep_scans(table) == ["a", "b", "c", "d"]
    assert keep_scans(table, splits=["test"]) == ["b", "c", "d"]
    assert keep_scans(table, outcome="right") == ["a", "c"]
    assert keep_scans(table, outcome="wrong") == ["b"]
    assert keep_scans(table, sexes=["F"], ages=(50, 65)) == ["a"]
    assert keep_scans(table, probability=("p_ill", 0.4, 1.0)) == ["b", "c"]


def test_difference_effect_and_all_against_plain_numpy(result):
    view = StudyView(result)
    maps = {g: [m.volume.data.astype(float) for m in result.maps("sensitivity", result.ids("sensitivity", g))]
            for g in result.groups}  # fmt: skip
    a, b = np.array(maps["AD"]), np.array(maps["CN"])
    np.testing.assert_allclose(view.difference("sensitivity").data, a.mean(0) - b.mean(0), atol=1e-6)
    np.testing.assert_allclose(view.all_mean("sensitivity").data, np.concatenate([a, b]).mean(0), atol=1e-7)
    pooled = np.sqrt((a.var(0, ddof=1) + b.var(0, ddof=1)) / 2)
    correction = 1 - 3 / (4 * 6 - 1)  # Hedges' approximation; the product uses the exact factor
    plain = np.divide(a.mean(0) - b.mean(0), pooled, out=np.zeros_like(pooled), where=pooled > 1e-9) * correction
    inside = pooled > 1e-9
    np.testing.assert_allclose(view.effect("sensitivity").data[inside], plain[inside], rtol=0.01, atol=1e-3)


def test_distances_are_those_of_sizes_taken_map_by_map_and_cells_know_their_pair(result, study_file):
    view = StudyView(result)
    matrices, between = _matrices(view.key, "euclidean", view, str(study_file))
    one, two = (plain_mean(result, m, result.ids(m, "AD")) for m in ("sensitivity", "area_occlusion"))
    expected = np.linalg.norm(one / one.sum() - two / two.sum())
    assert matrices["AD"].loc["sensitivity", "area_occlusion"] == pytest.approx(expected, rel=1e-4)
    other = plain_mean(result, "sensitivity", result.ids("sensitivity", "CN"))
    assert between["sensitivity"] == pytest.approx(np.linalg.norm(one / one.sum() - other / other.sum()), rel=1e-4)
    figure = _figure(view, matrices, between, "euclidean")
    cells = [tuple(cell) for trace in figure.data if trace.type == "scatter" for cell in trace.customdata]
    assert ("sensitivity", "AD", "area_occlusion", "AD") in cells
    assert ("sensitivity", "AD", "sensitivity", "CN") in cells


def test_a_pair_in_the_address_opens_it(page):
    app = page(pair="sensitivity~AD~area_occlusion~CN")
    assert app.button(key="close_pair").label == "Back to the groups"
    app.button(key="close_pair").click().run()
    assert not app.exception
    assert "pair" not in app.query_params


@pytest.fixture
def clicked(monkeypatch):
    """clicked(app, scan, method): the address of the single-scan page that a click on a scan leads to."""
    went = []
    monkeypatch.setattr("streamlit.switch_page", lambda page, query_params: went.append((page, query_params)))

    def click(app, scan, method):
        app.session_state["cohort_open"] = (scan, method)
        app.run()
        where, address = went.pop()
        assert where == "pages/single_scan.py"
        return address

    return click


@pytest.mark.parametrize("group", ["AD", "CN"])
@pytest.mark.parametrize("sign", ["both", "against"])
def test_a_click_opens_the_very_map_of_the_cohort(page, open_page, result, finish, clicked, group, sign):
    """The same scan, method, settings, explained output and sign; the map is known and not computed again."""
    scan = result.ids("area_occlusion", group)[1]
    app = page(sign=sign)
    address = clicked(app, scan, "area_occlusion")
    assert address["target"] == "ill"  # whatever the network predicts for this scan
    single = finish(open_page(**address))
    assert single.title[0].value == "Single scan"
    assert single.selectbox(key="subject").value == scan
    assert single.selectbox(key="method").value == "area_occlusion"
    assert single.selectbox(key="target").value == "ill"
    assert address["sign"] == sign
    if "sign" in single.session_state:  # a map of one sign leaves no choice
        assert single.session_state["sign"] == sign
    assert single.selectbox(key="area_occlusion.score").value == result.params("area_occlusion")["score"] == "margin"
    assert single.tabs[0].label == "Areas"  # the map is there


@pytest.mark.parametrize("target", ["predicted", "true"])
def test_a_click_opens_maps_of_several_outputs_as_they_are(page, open_page, finish, clicked, tmp_path, target):
    file = tiny_study(tmp_path / "study", per_group=2)
    study = load_study(file)
    result = run_cohort(study, ["sensitivity"], out=study.output / "cohort", split="all", target=target)
    scan = result.ids("sensitivity", "CN")[0]
    address = clicked(page(file), scan, "sensitivity")
    assert address["target"] == ("predicted" if target == "predicted" else "healthy")
    assert finish(open_page(**address)).tabs[0].label == "Areas"  # the map is there


def test_maps_of_a_preset_are_not_taken_for_signed_ones(page, open_page, clicked, tmp_path, monkeypatch):
    file = tiny_study(tmp_path / "study", per_group=2)
    study = load_study(file)
    run_cohort(study, ["sensitivity"], out=study.output / "cohort", split="all", preset="rieke2018")
    kept = []
    monkeypatch.setattr("mriinterp.results.store.Store.keep", lambda self, key, made: kept.append(made))
    clicked(page(file), "I101", "sensitivity")
    assert [made for made in kept if made.method == "sensitivity"] == []


def test_the_test_of_voxels_runs_from_the_page(page):
    app = page(part="Voxels", t_threshold="97", t_mm="-10,-40,0", threshold="80", convention="neurological")
    app.button(key="test_voxels").click().run()
    job = app.session_state["_job_cohort_voxels"]
    job.wait(60)
    assert job.error is None
    app.run()
    assert "voxels differ at a family-wise error of 5%" in text_of(app)
    address = {k: v if isinstance(v, str) else v[0] for k, v in dict(app.query_params).items()}
    assert (address["t_threshold"], address["threshold"]) == ("97", "80")  # each viewer its own
    assert (address["t_mm"], address["convention"]) == ("-10,-40,0", "neurological")
    assert "t_convention" not in address
    for key in ("cohort_planes", "cohort_t"):
        assert app.session_state["_viewers"][key].given["convention"] == "neurological"
    assert app.session_state["_viewers"]["cohort_t"].given["threshold"] == 97


def test_downloads_hold_what_is_shown(result, study_file, tmp_path):
    view, name = StudyView(result), str(study_file)
    (tmp_path / "a.zip").write_bytes(cohort_files._zip(view))
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        archive.extract("group-AD_desc-sensitivity_part-signed_mean.nii.gz", tmp_path)
    assert len(names) == 9  # 2 methods × 2 groups × mean and deviation, and what they are
    data = nib.load(tmp_path / "group-AD_desc-sensitivity_part-signed_mean.nii.gz").get_fdata()
    ids = result.ids("sensitivity", "AD")
    np.testing.assert_allclose(data, plain_mean(result, "sensitivity", ids, lambda x: x), rtol=1e-4, atol=1e-8)
    (tmp_path / "a.npz").write_bytes(cohort_files._npz(view))
    kept = read_original_npz(tmp_path / "a.npz")
    assert set(kept.means) == {"AD", "CN"}
    np.testing.assert_allclose(kept.means["AD"]["sensitivity"], plain_mean(result, "sensitivity", ids), rtol=1e-5)
    assert cohort_files._table(name, view, 1, latex=True).count("tabular") == 2
    assert "distance" in cohort_files._table(name, view, 2, latex=False).splitlines()[0]
    assert cohort_files._figure(name, view, "pdf").startswith(b"%PDF")
    report = cohort_files._report(name, view, ("Only some scans.",))
    assert "Only some scans." in report
    assert "Sensitivity analysis: areas" in report
    assert "http://" not in report.split("<body>")[1].split("<script")[0]


SIDES = {"supports": lambda x: np.maximum(x, 0), "against": lambda x: np.minimum(x, 0), "both": lambda x: x}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("part", SIDES)
def test_one_choice_of_sign_is_followed_by_every_number_of_the_view(result, study_file, method, part):
    """Planes, difference, effect, areas, shares, distances: all of the same side of the same maps."""
    view, name, side = StudyView(result, part=part), str(study_file), SIDES[part]
    means = {g: plain_mean(result, method, result.ids(method, g), side) for g in view.groups}
    size = np.abs(means["AD"]).max()
    for group, wanted in means.items():
        np.testing.assert_allclose(view.mean(method, group).data, wanted, atol=1e-5 * size)
    turn = -1 if part == "against" else 1  # compared by size: above 0 is more in AD
    difference = view.difference(method).data
    np.testing.assert_allclose(difference, turn * (means["AD"] - means["CN"]), atol=1e-5 * size)
    if view.missing([method], spread=True):
        assert view.effect(method) is None
        view.make(view.missing([method], spread=True), None, None)
    effect = view.effect(method).data
    shown = (np.abs(difference) > 1e-3 * size) & (effect != 0)  # 0 where no scan of a group differs from another
    assert (np.sign(effect[shown]) == np.sign(difference[shown])).all()
    compared = compare_areas(result, method, kind=view.kind)
    labels = load_study(study_file).atlas().on(result.grid).labels.data
    both_sides = np.isin(labels, (10, 20))  # area A, left and right
    row = compared.areas.set_index("area").loc["A"]
    assert row["difference"] == pytest.approx(difference[both_sides].mean(), rel=1e-3, abs=1e-5 * size)
    sizes = {m: plain_mean(result, m, result.ids(m, "AD"), lambda x: np.abs(side(x))) for m in METHODS}
    np.testing.assert_allclose(view.size(method, "AD").data, sizes[method], atol=1e-5 * size)
    one, two = (sizes[m] / sizes[m].sum() for m in METHODS)
    matrices, _ = _matrices(view.key, "euclidean", view, name)
    assert matrices["AD"].loc[METHODS[0], METHODS[1]] == pytest.approx(np.linalg.norm(one - two), rel=1e-3)
    shares = cohort_areas.area_values(view, method)
    scan = result.ids(method, "AD")[0]
    values = np.abs(side(result.map(method, scan).volume.data))
    assert shares.loc[scan, "A"] == pytest.approx(values[both_sides].sum() / values[labels > 0].sum(), rel=1e-4)
    files = "supports" if part == "both" else part
    assert (view.part_stem == "") == (part == "both") == (not view.hidden_words(method))
    report = cohort_files._report(name, view, ())
    assert view.meaning(method).words(part).partition(": ")[2] in report
    if part != "both":
        assert view.hidden_words(method) in report.replace("&gt;", ">")
        assert files in view.part_stem


@pytest.mark.parametrize(("part", "words"), [("supports", "speaks against ill"), ("against", "supports ill")])
def test_what_is_hidden_is_said_with_its_share_on_every_tab(page, result, part, words):
    other = "against" if part == "supports" else "supports"
    share = percent(result.part_shares("area_occlusion")[other])
    hidden = f"Hidden: what {words}, {share} of the relevance in all areas."
    for tab in ("Areas", "Distances", "Scans", "Voxels", "Files"):
        app = page(cohort_method="area_occlusion", sign=part, part=tab)
        assert hidden in text_of(app)
        assert app.query_params["sign"] in (part, [part])
        if tab in ("Distances", "Files"):
            assert f"area occlusion {share}" in text_of(app).lower()


def test_a_link_may_ask_for_the_effect_size_of_one_sign(page):
    app = page(sign="supports", maps="effect")  # sensitivity: its deviation is not kept, and made from the maps
    wait_for_averages(app)
    assert "needs two maps" not in text_of(app)
    assert not app.error


def test_published_averages_open_like_a_cohort(tmp_path, page, rng):
    shape = ORIGINAL_GRIDS[0].shape
    maps = {g: {"sensitivity": rng.random(shape, np.float32), "occlusion": rng.random(shape, np.float32)}
            for g in ("AD", "NC")}  # fmt: skip
    path = write_original_npz(tmp_path / "published.npz", maps)
    view = open_file("published.npz", "digest of this test", path)
    assert view.pair == ("AD", "NC")
    assert view.methods == ("sensitivity", "occlusion")
    assert view.n("sensitivity", "AD") is None
    for statistic in (view.difference, view.effect):  # which class these maps explain is not known
        with pytest.raises(ValueError, match="side by side and not subtracted"):
            statistic("occlusion")
    app = page()
    app.file_uploader(key="npz_file").set_value((path.name, path.read_bytes(), "application/octet-stream")).run()
    assert not app.exception, [e.value for e in app.exception]
    assert not app.error
    assert "**NC** number of scans unknown" in text_of(app)
    assert "which class the maps explain is not known" in text_of(app)
    assert "difference" not in app.session_state["maps"]
    assert [tab.label for tab in app.tabs] == ["Areas", "Distances", "Numbers", "Scans", "Voxels", "Files"]


def test_a_file_that_is_no_npz_is_told_in_words(page):
    app = page()
    app.file_uploader(key="npz_file").set_value(("x.npz", b"no zip at all", "application/octet-stream")).run()
    assert not app.exception
    assert "expected an npz file" in app.error[0].value
    assert "x.npz" in app.error[0].value.replace("\\", "")


def test_a_refused_npz_is_read_once(page, monkeypatch):
    read, count = cohort_published.read_original_npz, []

    def counting(path, **options):
        count.append(path)
        return read(path, **options)

    monkeypatch.setattr(cohort_published, "read_original_npz", counting)
    app = page()
    app.file_uploader(key="npz_file").set_value(("x.npz", b"no zip at all", "application/octet-stream")).run()
    for _ in range(3):
        app.run()
        assert "expected an npz file" in app.error[0].value
    assert len(count) == 1


def test_a_new_study_is_computed_from_the_page(page, tmp_path, finish):
    file = tiny_study(tmp_path / "new", per_group=2)
    app = page(file)
    assert "no averages of this study yet" in text_of(app)
    app.multiselect(key="run_methods").set_value(["sensitivity"]).run()
    app.number_input(key="n").set_value(2).run()
    assert "2 maps of 2 scans" in text_of(app)
    app.button(key="compute_cohort").click().run()
    finish(app)
    assert not app.error
    result = open_cohort(load_study(file).output / "cohort")
    assert result.methods == ("sensitivity",)
    assert len(result.subjects) == 2
    assert "**AD** 1 scan," in text_of(app)


def test_results_of_other_weights_are_told(page, tmp_path):
    file = tiny_study(tmp_path / "old", per_group=1)
    study = load_study(file)
    run_cohort(study, ["sensitivity"], out=study.output / "cohort", split="all")
    path = study.output / "cohort" / "run.json"
    run = json.loads(path.read_text(encoding="utf-8"))
    run["model"]["sha256"] = "0" * 64
    write_provenance(path, run)
    assert "made with other weights" in text_of(page(file))


@pytest.fixture
def mixed(tmp_path):
    """A study whose maps explain what the network predicts, scan by scan."""
    file = tiny_study(tmp_path / "mixed", per_group=2)
    study = load_study(file)
    run_cohort(study, ["sensitivity"], out=study.output / "cohort", split="all", target="predicted")
    return file


@pytest.mark.parametrize("part", ["Areas", "Distances", "Scans", "Voxels", "Files"])
def test_maps_of_several_targets_are_shown_and_not_compared(page, mixed, part):
    app = page(mixed, part=part, maps="mean-AD,difference,effect")
    shown = text_of(app)
    assert "explain the class predicted for each scan, as in Rieke et al. 2018" in shown
    assert "Run the cohort with one target" in shown
    assert app.session_state["maps"] == ["mean-AD"]
    assert "areas differ in mean" not in shown
    assert "voxels differ" not in shown
    assert not [b for b in app.button if b.key == "test_voxels"]


def test_training_scans_are_marked(page):
    shown = text_of(page())
    assert "**CN** 4 scans, 2 of which trained the network" in shown
    assert "maps explain ill" in shown


def test_the_page_computes_the_test_split_for_the_positive_class(page, tmp_path):
    app = page(tiny_study(tmp_path / "new", per_group=4))
    assert app.selectbox(key="of_split").value == "test"
    assert app.selectbox(key="explained").value == "ill"


def test_what_a_network_of_simulated_brains_says_of_real_people_is_not_shown(page, open_page, clicked, tmp_path):
    file = tiny_study(tmp_path / "real", per_group=3)
    card = file.parent / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_text(encoding="utf-8")), "simulated": True}), encoding="utf-8")
    study = load_study(file)
    run_cohort(study, ["sensitivity"], out=study.output / "cohort", split="all")
    for part in ("Areas", "Distances", "Scans", "Voxels", "Files"):
        app = page(file, part=part, compute="True")
        shown = text_of(app)
        assert SIMULATED_ONLY in shown.replace("\\", "")
        assert "predicted right" not in shown
        assert not [s for s in app.slider if s.key == "probability"]
        assert "outcome" not in app.session_state
        for table in app.dataframe:
            assert not {"predicted", "correct", "p_ill", "p_healthy"} & set(table.value.columns)
    assert "predicted" not in app.selectbox(key="explained").options
    remember_study(str(file))
    for start in ({"by": "methods", "methods": "sensitivity"}, {"by": "subjects", "method": "sensitivity"}):
        app = open_page("pages/compare.py", study=str(file), target="predicted", **start)
        assert app.selectbox(key="own_target").options == ["healthy", "ill"]
        assert "target" not in app.session_state
    single = open_page("pages/single_scan.py", study=str(file), method="sensitivity", target="predicted")
    assert single.selectbox(key="own_target").value == "ill"
    assert clicked(page(file), "I101", "sensitivity")["own_target"] == "ill"


def test_the_total_stands_before_the_areas_and_shares_are_not_tested(page):
    app = page()
    shown = text_of(app)
    answer = app.markdown[[m.value.startswith("**") for m in app.markdown].index(True)].value
    assert answer.replace("\\", "") == "**0 of 3 areas differ** (4 AD + 4 CN)."
    assert shown.index("Total relevance of a scan, all areas") < shown.index("areas differ in mean relevance")
    assert "Not adjusted for age: there are only 8 people." in shown
    assert "2 of the 8 scans trained the network." in shown
    table = next(t.value for t in app.dataframe if "p_fdr" in t.value.columns)
    assert table["area"].iloc[0] == "Total of all areas"
    app = page(value="share")
    shown = text_of(app)
    assert "they are shown and not tested" in shown
    assert "differ in mean relevance" not in shown
    assert not [t for t in app.dataframe if "p" in t.value.columns]


@pytest.mark.parametrize("name", ["merge", "merged"])  # the second of an older link
def test_sides_apart_is_the_setting_of_the_single_scan(page, name):
    app = page(**{name: "False"})
    assert not app.toggle(key="merge").value
    assert "merged" not in app.session_state
    assert app.query_params["merge"] == "False"
    assert "merged" not in app.query_params
    table = next(t.value for t in app.dataframe if "p_fdr" in t.value.columns)
    assert len(table) == 6, "the total, both sides of A and B, and Mid"


def test_covariates_are_chosen_on_the_page_and_in_the_address(page):
    app = page(fixed="age")
    assert "Age held fixed (analysis of covariance)." in text_of(app)
    app = page(part="Voxels", fixed="age")
    app.button(key="test_voxels").click().run()
    app.session_state["_job_cohort_voxels"].wait(60)
    app.run()
    assert "Age held fixed (Freedman–Lane permutation)." in text_of(app)


@pytest.mark.parametrize("name", ["subjects.tsv", "areas.parquet"])
def test_a_table_that_was_changed_is_named_on_the_page(page, tmp_path, name):
    file = tiny_study(tmp_path / "study")
    study = load_study(file)
    folder = run_cohort(study, ["sensitivity"], out=study.output / "cohort", split="all").folder
    raw = (folder / name).read_bytes()
    (folder / name).write_bytes(raw[:-9] + b"x" + raw[-8:])
    app = page(file)
    assert not app.exception
    shown = " ".join(element.value for element in (*app.error, *app.warning))
    assert f"{name}: expected the file that was written" in shown.replace("\\", "")


ODD_IDS = ['"I0', "=1+1", "x" * 225, "Mu\u0308ller", "@sum <b>", "-7", "+49 1", "n|a\tb"]


def test_ids_with_quotation_marks_formulas_and_any_length(page, tmp_path):
    """An id that begins with a quotation mark ended the page, one of 225 characters the run."""
    file = tiny_study(tmp_path / "study")
    table = pd.read_csv(file.parent / "table.csv")
    table["scan_id"] = ODD_IDS
    table.to_csv(file.parent / "table.csv", index=False)
    study = load_study(file)
    result = run_cohort(study, ["sensitivity"], out=study.output / "cohort", split="all")
    ids = [*ODD_IDS[:3], "M\u00fcller", *ODD_IDS[4:]]
    assert result.subjects.index.tolist() == ids
    assert result.failures == {}
    assert [result.map("sensitivity", i).method for i in ids] == ["sensitivity"] * 8
    assert open_cohort(result.folder).areas("sensitivity").index.tolist() == ids
    app = page(file)
    assert "**AD** 4 scans" in text_of(app)
    lines = cohort_files._subjects(StudyView(result)).splitlines()
    for written in ("'=1+1,", "'@sum <b>,", "-7,", "'+49 1,"):
        assert any(line.startswith(written) for line in lines), lines


@pytest.mark.parametrize("about", [None, {"simulated": True, "explains": "maps explain AD", "one_target": True}])
def test_averages_from_elsewhere_have_the_badge_that_is_theirs(tmp_path, open_page, rng, about):
    """On the page of the simulated demo study: its badge does not speak of a file's averages."""
    maps = {g: {"sensitivity": rng.random(ORIGINAL_GRIDS[0].shape, np.float32)} for g in ("AD", "NC")}
    path = write_original_npz(tmp_path / "published.npz", maps, about=about)
    app = open_page(PAGE)
    assert "Simulated data" in text_of(app)
    app.file_uploader(key="npz_file").set_value((path.name, path.read_bytes(), "application/octet-stream")).run()
    shown = text_of(app)
    assert "Averages from a file" in shown
    assert ("Simulated data" in shown) == (about is not None)
    assert ("maps explain AD" in shown) == (about is not None)
    view = open_file("published.npz", f"badge {about}", path)
    if about is None:
        with pytest.raises(ValueError, match="does not say"):
            view.difference("sensitivity")
    else:
        difference = maps["AD"]["sensitivity"] - maps["NC"]["sensitivity"]
        np.testing.assert_allclose(view.difference("sensitivity").data, difference, atol=1e-6)
