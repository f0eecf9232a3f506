"""Which figures of a study are shown: never those of a benchmark that has just begun, nor of another network."""

import json
import os
from types import SimpleNamespace

import pandas as pd
import pytest

from mriinterp.results.home import default_folder
from mriinterp.trust import findings
from mriinterp.trust.badge import badge_light
from mriinterp.trust.lights import best_words, ranked_methods
from mriinterp.ui.maps import badge
from mriinterp.ui.sources import measured
from mriinterp.ui.trust.chosen import Chosen

NETWORK, OTHER = "a" * 64, "b" * 64
NULL_MAPS = ("null_random", "null_edges", "null_intensity", "null_blur")


def write(folder, subjects, methods, network=NETWORK):
    """A folder of results, as a benchmark leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = {"simulated": True, "model": {"name": "n", "sha256": network}, "explainers": []}
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    rows = [
        ("localisation", "mass_accuracy_read", method, f"s{n}", (0.1 if method in NULL_MAPS else 0.6) + 0.01 * n)
        for method in (*methods, *NULL_MAPS)
        for n in range(subjects)
    ]
    if rows and subjects:
        frame = pd.DataFrame(rows, columns=["measure", "quantity", "method", "subject", "value"])
        frame.to_csv(folder / "trust_results.csv", index=False)
    return folder


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """Twelve subjects by three methods, shipped; this computer's own folder is empty."""
    monkeypatch.setenv("MRIINTERP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(measured, "SHIPPED", tmp_path / "shipped")
    return write(tmp_path / "shipped" / "demo", 12, ("sensitivity", "occlusion", "grad_cam"))


def test_a_plan_without_results_hides_nothing(shipped):
    own = write(measured.results_folder("demo"), 0, ())
    assert own.is_relative_to(default_folder())
    assert measured.measured("demo") == shipped
    assert measured.badge_table(own).empty  # and a table without rows keeps its columns
    assert "beats all null maps" in badge.badge_of("demo", "sensitivity").words


def test_more_subjects_and_methods_are_shown(shipped):
    own = write(measured.results_folder("demo"), 4, ("sensitivity", "occlusion"))
    assert measured.known_folders("demo", NETWORK) == [shipped, own]
    assert measured.where_from(shipped) == "shipped with the package: 12 subjects, 3 methods"
    write(own, 20, ("sensitivity", "occlusion"))
    assert measured.measured("demo") == own
    assert "taken on this computer: 20 subjects, 2 methods" in measured.where_from(own)


def test_figures_of_the_network_come_before_more_figures(shipped):
    own = write(measured.results_folder("demo", OTHER), 4, ("sensitivity",), OTHER)
    assert own != measured.results_folder("demo", NETWORK)
    assert measured.known_folders("demo", OTHER) == [own, shipped]
    assert measured.measured("demo", NETWORK) == shipped


def test_figures_of_another_network_are_not_shown_for_a_map(shipped):
    assert "beats all null maps" in badge.badge_of("demo", "sensitivity", model=NETWORK).words
    found = badge.badge_of("demo", "sensitivity", model=OTHER)
    assert found.words == "Trust: not measured with this network"
    assert "measured with another network" in found.more


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff", '{"model": 3}'])
def test_a_broken_folder_takes_no_page_with_it(shipped, text):
    (shipped / "plan.json").write_text(text, encoding="latin-1")
    assert badge.badge_of("demo", "sensitivity", model=NETWORK).words.startswith("Trust: not measured")


def test_a_broken_table_counts_as_none(shipped):
    (shipped / "trust_results.csv").write_text("measure,quantity\n1,2\n", encoding="utf-8")
    assert measured.measured("demo") is None
    assert badge.badge_of("demo", "sensitivity").words == "Trust: not measured for this study"


def test_numbers_of_single_subjects_are_kept_apart_by_network_and_settings():
    like = {"settings": {"deletion": {"steps": 6}}, "reference_scans": 4, "version": "1", "title": "any"}
    own = measured.single_folder("demo", NETWORK, like)
    assert own == measured.single_folder("demo", NETWORK, {**like, "title": "other"})
    assert own != measured.single_folder("demo", OTHER, like)
    assert own != measured.single_folder("demo", NETWORK, {**like, "reference_scans": 24})


def test_a_scan_from_outside_says_what_was_measured(shipped):
    found = badge.badge_of("demo", "sensitivity", model=NETWORK, uploaded=True)
    assert found.words.startswith("Trust (measured on simulated scans only): beats all null maps on localisation")
    assert "only" not in badge.badge_of("demo", "sensitivity", model=NETWORK).words


def test_lights_side_by_side_name_their_maps_under_the_pointer(shipped, monkeypatch):
    """Two maps, one of a scan from outside."""
    said, more = [], []

    def link(page, label, *, help, **options):
        said.append(label)
        more.append(help.replace("\\", ""))

    monkeypatch.setattr(badge.st, "page_link", link)
    model = SimpleNamespace(digest=NETWORK)
    entries = [
        SimpleNamespace(
            column=SimpleNamespace(method=method, params=(), subject="" if uploaded else "s0"),
            label=label,
            subject=SimpleNamespace(uploaded=uploaded),
            model=model,
        )
        for method, label, uploaded in (("sensitivity", "A", False), ("occlusion", "B", True))
    ]
    badge.trust_lights("demo", entries)
    assert set(said) <= {words for words, _ in badge.LIGHTS.values()}
    assert more[0].startswith("A: localisation ✓ · faithfulness – ")
    assert more[1].startswith("B: localisation ✓")
    assert all("~ in part" in text for text in more)


@pytest.mark.parametrize(
    ("marks", "light"),
    [
        ("✓✓✓", "good"),
        ("✓✓–", "good"),
        ("✓~✓", "mixed"),
        ("✓✗✓", "mixed"),
        ("✗✗✓", "poor"),
        ("✗–✓", "poor"),
        ("", "unmeasured"),
    ],
)
def test_a_light_is_made_of_all_marks(monkeypatch, marks, light):
    monkeypatch.setattr("mriinterp.trust.badge.badge_signs", lambda table, method: marks)
    assert badge_light(None, "any") == light


def test_numbers_of_a_scan_that_was_replaced_are_not_those_of_the_new_one(monkeypatch):
    study = SimpleNamespace(source=lambda subject: SimpleNamespace(fingerprint=lambda: scan))
    chosen = Chosen("demo", study, None, None, "sensitivity", "sim-001", NETWORK)
    scan = "as it was"
    before = chosen.single
    assert before == chosen.single
    assert before.parent == chosen.singles
    scan = "another"
    assert chosen.single != before
    assert chosen.singles == before.parent  # where the control mean of all subjects is


def test_a_result_that_is_replaced_by_an_older_file_is_read_again(tmp_path):
    for n, name in enumerate(("plan.json", "trust_results.csv")):
        (tmp_path / name).write_text("{}", encoding="utf-8")
        os.utime(tmp_path / name, (1000 + n, 1000 + n))
    before = measured.stamp_of(tmp_path)
    (tmp_path / "plan.json").write_text("{ }", encoding="utf-8")
    os.utime(tmp_path / "plan.json", (500, 500))
    assert measured.stamp_of(tmp_path) != before


def test_kept_sentences_are_those_of_the_figures_and_go_with_them(shipped):
    first = measured.findings_of(shipped)
    assert first == findings(measured.table_of(shipped))
    table = measured.table_of(shipped)
    assert measured.best_words_of(shipped, "occlusion") == best_words(table, "occlusion", ranked_methods(table))
    write(shipped, 12, ("sensitivity", "occlusion"))  # one method less
    assert measured.findings_of(shipped) == findings(measured.table_of(shipped)) != first
    assert measured.findings_of(None) == []
    assert measured.best_words_of(None, "occlusion") == ""
