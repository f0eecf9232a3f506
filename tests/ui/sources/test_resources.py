"""What pages show is what is on disk: a file that is replaced is read again, whatever its size and time."""

import os
import threading
import time

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from cohort.conftest import AFFINE, make_study, write_scan, write_weights

from mriinterp.base.fingerprint import file_stamp
from mriinterp.image.volume import Volume
from mriinterp.image.write import write_volume
from mriinterp.models import Model, load_code
from mriinterp.results.predictions import Predictions
from mriinterp.ui.sources import resources
from mriinterp.ui.sources.resources import (
    atlas_of,
    known_predictions,
    model_of,
    network_of,
    prediction_of,
    reference_of,
    scan_of,
    store,
    study_of,
)

SCAN = "I100"


@pytest.fixture
def folder(tmp_path):
    """Folder of a study whose network is registered here, so that no code has to be trusted."""
    file = make_study(tmp_path / "study", per_group=2, model={"card": "card.json"})
    load_code(file.parent / "net.py")
    return file.parent


@pytest.fixture
def name(folder):
    return str(folder / "study.toml")


def replace_scan(folder, seed=7):
    """Put another scan in the place of one, with the size and the time of the file before."""
    path = folder / "scans" / f"{SCAN}.nii.gz"
    before = path.stat()
    other = folder / "other" / "scans" / f"{SCAN}.nii.gz"
    write_scan(folder / "other", SCAN, np.random.default_rng(seed))
    content = other.read_bytes()
    other.write_bytes(content + bytes(max(0, before.st_size - len(content))))  # zeros after the end of gzip are allowed
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(other, path)
    return before, path.stat()


def predicted(name):
    scan = scan_of(name, SCAN)
    return prediction_of(name, scan.digest, scan, SCAN)


def test_a_scan_that_is_replaced_is_read_again(folder, name):
    before = scan_of(name, SCAN)
    assert scan_of(name, SCAN) is before  # read once
    said = predicted(name)
    replace_scan(folder)
    after = scan_of(name, SCAN)
    assert after.digest != before.digest
    assert predicted(name) != said
    assert known_predictions(name)[SCAN] == predicted(name)


def test_size_and_time_alone_do_not_vouch_for_a_scan(tmp_path):
    """As where an archive gives all its files one time: another scan of that size takes the place."""
    one, two = tmp_path / "one", tmp_path / "two"
    for path, content in ((one, b"first"), (two, b"other")):
        path.write_bytes(content)
        os.utime(path, (1_000_000, 1_000_000))
    before = file_stamp([one], read=0)
    os.replace(two, one)
    assert one.stat().st_size == 5
    assert one.stat().st_mtime == 1_000_000
    assert file_stamp([one], read=0) != before


def test_a_prediction_of_an_earlier_session_is_shown_and_the_network_is_not_run(folder, name, monkeypatch):
    said = predicted(name)
    st.cache_resource.clear()  # another session of another server
    monkeypatch.setattr(Model, "predict", lambda *_: pytest.fail("it was run"))
    assert predicted(name) == said
    monkeypatch.undo()
    st.cache_resource.clear()
    replace_scan(folder)
    assert predicted(name) != said  # of another scan in that file


def test_a_prediction_of_another_scan_is_not_taken_for_that_of_a_subject(folder, name):
    """Nor is that of a scan in no file of the study ever read from what is kept."""
    said = predicted(name)
    st.cache_resource.clear()
    other = scan_of(name, SCAN)
    other = other.with_data(other.data[::-1].copy())
    assert prediction_of(name, other.digest, other, SCAN) != said
    st.cache_resource.clear()
    assert prediction_of(name, other.digest, other) != said


def test_a_prediction_is_not_remembered_for_the_scan_that_took_the_place(folder, name):
    old = scan_of(name, SCAN)
    replace_scan(folder)
    prediction_of(name, old.digest, old, SCAN)
    assert SCAN not in known_predictions(name)
    assert Predictions(model_of(name).digest).all() == {}


def test_a_scan_that_is_replaced_while_it_is_read_is_not_kept(folder, name, monkeypatch):
    study = study_of(name)
    read = study.scan

    def slow(subject):
        scan = read(subject)
        replace_scan(folder)
        return scan

    monkeypatch.setattr(study, "scan", slow)
    with pytest.raises(ValueError, match="replaced while it was read"):
        scan_of(name, SCAN)
    monkeypatch.undo()
    assert scan_of(name, SCAN).digest == study_of(name).scan(SCAN).digest


@pytest.mark.parametrize("what", ["table", "study file"])
def test_a_table_that_is_edited_is_read_again(folder, name, what):
    before = study_of(name)
    assert study_of(name) is before
    assert before.group_of(SCAN) == "CN"
    if what == "table":
        table = pd.read_csv(folder / "table.csv", dtype=str)
        table.loc[0, "group"] = "AD"
        table.to_csv(folder / "table.csv", index=False)
        assert study_of(name).group_of(SCAN) == "AD"
    else:
        text = (folder / "study.toml").read_text(encoding="utf-8")
        (folder / "study.toml").write_text(f'title = "Another"\n{text}', encoding="utf-8")
        assert study_of(name).title == "Another"


def test_weights_that_are_replaced_are_loaded_again(folder, name):
    before, said = model_of(name), predicted(name)
    assert model_of(name) is before
    assert SCAN in known_predictions(name)
    write_weights(folder, 5)
    assert model_of(name).digest != before.digest
    assert network_of(name).digest == model_of(name).digest
    assert known_predictions(name) == {}  # what the other network said is no prediction of this one
    assert predicted(name) != said


def test_a_card_that_is_edited_is_read_again(folder, name):
    assert model_of(name).classes == ("healthy", "ill")
    card = folder / "card.json"
    card.write_text(card.read_text(encoding="utf-8").replace('"ill"', '"sick"'), encoding="utf-8")
    assert model_of(name).classes == ("healthy", "sick")


def test_a_file_that_the_card_names_is_watched(folder, name):
    mask = np.ones((14, 15, 13), bool)
    write_volume(Volume(mask, AFFINE), folder / "mask.nii.gz")
    card = folder / "card.json"
    card.write_text(
        card.read_text(encoding="utf-8").replace("{", '{"brain_mask": "mask.nii.gz", ', 1), encoding="utf-8"
    )
    before = model_of(name).digest
    mask[:7] = False
    write_volume(Volume(mask, AFFINE), folder / "mask.nii.gz")
    assert model_of(name).digest != before


def test_an_atlas_that_is_edited_is_read_again(folder, name):
    assert "A_L" in atlas_of(name).areas["name"].tolist()
    names = folder / "areas.csv"
    names.write_text(names.read_text(encoding="utf-8").replace("A_L", "C_L"), encoding="utf-8")
    assert "C_L" in atlas_of(name).areas["name"].tolist()


def test_the_reference_scan_follows_the_training_scans(folder, name):
    before = reference_of(name)
    assert reference_of(name) is before
    write_scan(folder, SCAN, np.random.default_rng(9))  # in the training set
    assert reference_of(name).digest != before.digest


def test_a_map_of_the_scan_before_is_not_shown_for_the_new_one(folder, name):
    before = scan_of(name, SCAN)
    made = store().explain(model_of(name), before, "sensitivity")
    replace_scan(folder)
    after = scan_of(name, SCAN)
    again = store().explain(model_of(name), after, "sensitivity")
    assert made.digests["scan"] != again.digests["scan"]
    assert not np.array_equal(made.volume.data, again.volume.data)


def test_two_scans_are_read_at_once_and_no_more(folder, name, monkeypatch):
    study, now, most = study_of(name), 0, 0
    lock, read = threading.Lock(), study.scan

    def slow(subject):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.2)
        with lock:
            now -= 1
        return read(subject)

    monkeypatch.setattr(study, "scan", slow)
    monkeypatch.setattr(resources, "study_of", lambda _: study)
    threads = [threading.Thread(target=scan_of, args=(name, s)) for s in study.subjects.index]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
