"""Averages of groups, from files: against numpy, in pieces, from maps that are kept and that are not."""

import dataclasses
import json

import nibabel as nib
import numpy as np
import pytest

from mriinterp.base.fingerprint import file_digest
from mriinterp.base.progress import Cancelled
from mriinterp.cohort import moments as moments_module
from mriinterp.cohort.group_means import (
    GroupAverage,
    average_all,
    average_group,
    averaged_keys,
    is_finished,
    members_digest,
    read_moments,
    sidecar_of,
)
from mriinterp.cohort.layout import Layout
from mriinterp.cohort.moments import MapMoments
from mriinterp.image.volume import Grid, Volume
from mriinterp.image.write import write_volume

SHAPE = (7, 8, 9)
AFFINE = ((2.0, 0, 0, -7), (0, 2, 0, -8), (0, 0, 2, -9), (0, 0, 0, 1))
GRID = Grid(SHAPE, np.array(AFFINE))
PARTS = ("signed", "absolute")
LABELS = ("sub-1", "sub-2", "sub-3", "sub-4")


@pytest.fixture(params=["kept", "not kept"])
def keep(request):
    return request.param == "kept"


@pytest.fixture
def maps(rng):
    return {label: rng.normal(size=SHAPE).astype(np.float32) for label in LABELS}


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path)


def put(layout, maps, keep, labels=LABELS):
    """Lay maps where the run lays them."""
    for label in labels:
        if keep:
            image = write_volume(Volume(maps[label], GRID.affine), layout.map(label, "m"), space="mni")
            record = {"sha256": {"relevance": file_digest(image)}}
            layout.record(label, "m").write_text(json.dumps(record), encoding="utf-8")
        else:
            path = layout.scratch(label, "m")
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, maps[label])


def average_of(layout, keep, labels=LABELS, **more):
    members = tuple((label, f"key of {label}") for label in labels)
    return GroupAverage(layout, "m", "Group", "G", PARTS, members, keep, AFFINE, "maps explain AD", **more)


def image(layout, part, what, group="G"):
    return nib.load(layout.group("m", group, part, what)).get_fdata()


def test_mean_deviation_and_count(layout, maps, keep):
    put(layout, maps, keep)
    assert average_group(average_of(layout, keep)) == 4
    data = np.stack([maps[label] for label in LABELS]).astype(float)
    for part, read in (("signed", data), ("absolute", np.abs(data))):
        np.testing.assert_allclose(image(layout, part, "mean"), read.mean(0), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(image(layout, part, "std"), read.std(0, ddof=1), rtol=1e-6)
    assert (image(layout, "", "count") == 4).all()
    about = json.loads(sidecar_of(layout.group("m", "G", "absolute", "mean")).read_text(encoding="utf-8"))
    assert (about["method"], about["group"], about["part"], about["n"]) == ("m", "Group", "absolute", 4)
    assert about["explains"] == "maps explain AD"
    assert "part" not in json.loads(sidecar_of(layout.group("m", "G", "", "count")).read_text(encoding="utf-8"))


def test_what_is_finished_is_not_made_again(layout, maps, keep):
    put(layout, maps, keep)
    average = average_of(layout, keep)
    assert not is_finished(average)
    average_group(average)
    assert is_finished(average)
    stamp = layout.group("m", "G", "signed", "mean").stat().st_mtime_ns
    assert average_group(average) == 4
    assert layout.group("m", "G", "signed", "mean").stat().st_mtime_ns == stamp
    assert not is_finished(average_of(layout, keep, LABELS[:3]))
    assert not is_finished(average_of(layout, keep, LABELS[::-1]))  # another order gives other last bits


@pytest.mark.parametrize("damage", ["no image", "shorter", "no sidecar", "no record", "no JSON"])
def test_what_is_damaged_is_not_finished(layout, maps, damage):
    put(layout, maps, True)
    average = average_of(layout, True)
    average_group(average)
    path, record = layout.group("m", "G", "signed", "std"), layout.group_record("m", "G")
    if damage == "no image":
        path.unlink()
    elif damage == "shorter":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "no sidecar":
        sidecar_of(path).unlink()
    elif damage == "no record":
        record.unlink()
    else:
        record.write_text("{", encoding="utf-8")
    assert not is_finished(average)
    average_group(average)
    assert is_finished(average)


def test_a_smaller_group_leaves_no_file_of_a_larger_one(layout, maps):
    put(layout, maps, True)
    average_group(average_of(layout, True))
    files = [layout.group("m", "G", part, "std") for part in PARTS]
    average_group(average_of(layout, True, LABELS[:1]))
    assert not any(path.exists() or sidecar_of(path).exists() for path in files)
    np.testing.assert_allclose(image(layout, "signed", "mean"), maps["sub-1"], rtol=1e-6)
    average_group(average_of(layout, True, LABELS[:2]))
    assert all(path.is_file() for path in files)
    assert average_group(average_of(layout, True, ())) == 0
    assert not list((layout.out / "groups").iterdir())


# Maps that are not kept -----------------------------------------------------------------------------


def test_running_moments_go_on_where_they_were(layout, maps):
    put(layout, maps, False, LABELS[:2])
    assert average_group(average_of(layout, False, LABELS[:2], finish=False)) == 2
    assert averaged_keys(layout, "m", "G") == ["key of sub-1", "key of sub-2"]
    assert not layout.group("m", "G", "signed", "mean").exists()
    assert not layout.scratch("sub-1", "m").exists()
    put(layout, maps, False, LABELS[1:])  # one of them is in the moments already
    assert average_group(average_of(layout, False)) == 4
    assert averaged_keys(layout, "m", "G") == [f"key of {label}" for label in LABELS]
    assert not list(layout.scratch("sub-1", "m").parent.iterdir())
    data = np.stack([maps[label] for label in LABELS]).astype(float)
    np.testing.assert_allclose(image(layout, "absolute", "mean"), np.abs(data).mean(0), rtol=1e-6)
    np.testing.assert_allclose(image(layout, "signed", "std"), data.std(0, ddof=1), rtol=1e-6)


def test_other_scratch_files_stay(layout, maps):
    put(layout, maps, False)
    average_group(average_of(layout, False, LABELS[:2], finish=False))
    assert [path.stem for path in sorted(layout.scratch("x", "m").parent.iterdir())] == ["sub-3", "sub-4"]


def test_damaged_moments_count_as_none(layout, maps, caplog):
    assert read_moments(layout, "m", "G", PARTS) is None
    assert not caplog.records
    assert averaged_keys(layout, "m", "G") == []
    put(layout, maps, False)
    average_group(average_of(layout, False, finish=False))
    moments, keys = read_moments(layout, "m", "G", PARTS)
    assert (moments.count, len(keys)) == (4, 4)
    path = layout.moments("m", "G")
    path.write_bytes(path.read_bytes()[:100])
    assert read_moments(layout, "m", "G", PARTS) is None
    assert "running means of m, G are damaged" in caplog.text
    assert averaged_keys(layout, "m", "G") == []


def test_cancelled_before_the_next_map(layout, maps, keep):
    put(layout, maps, keep)
    asked = []

    def cancel():
        asked.append(None)
        return len(asked) == 3

    with pytest.raises(Cancelled):
        average_group(average_of(layout, keep), cancel)
    assert len(asked) == 3
    assert not layout.group_record("m", "G").exists()


# All groups, digests, moments -----------------------------------------------------------------------


def test_all_groups_count_every_map_once(layout, maps):
    put(layout, maps, True)
    for label, labels in (("A", LABELS[:3]), ("B", LABELS[3:])):
        members = tuple((name, name) for name in labels)
        average_group(GroupAverage(layout, "m", label, label, PARTS, members, True, AFFINE))
    average_all(layout, "m", {"A": 3, "B": 1, "C": 0}, PARTS, GRID, "maps explain AD")
    data = np.stack([maps[label] for label in LABELS]).astype(float)
    np.testing.assert_allclose(image(layout, "signed", "mean", ""), data.mean(0), rtol=1e-5, atol=1e-7)
    assert (image(layout, "", "count", "") == 4).all()
    about = json.loads(sidecar_of(layout.group("m", "", "signed", "mean")).read_text(encoding="utf-8"))
    assert (about["group"], about["n"], about["part"]) == ("all", 4, "signed")
    assert about["explains"] == "maps explain AD"
    average_all(layout, "m", {"A": 0, "B": 0}, PARTS, GRID)
    for part, what in (*((part, "mean") for part in PARTS), ("", "count")):
        assert not layout.group("m", "", part, what).exists()
        assert not sidecar_of(layout.group("m", "", part, what)).exists()


def test_maps_of_zeros_alone_are_averaged_like_others(layout, maps, keep):
    """A network may find nothing: Grad-CAM often does."""
    empty = {
        "A": dict.fromkeys(LABELS[:2], np.zeros(SHAPE, np.float32)),
        "B": {name: maps[name] for name in LABELS[2:]},
    }
    for label, group in empty.items():
        put(layout, group, keep, list(group))
        members = tuple((name, name) for name in group)
        average_group(GroupAverage(layout, "m", label, label, PARTS, members, keep, AFFINE))
    assert not image(layout, "absolute", "mean", "A").any()
    average_all(layout, "m", {"A": 2, "B": 2}, PARTS, GRID)
    expected = (maps[LABELS[2]].astype(float) + maps[LABELS[3]]) / 4
    np.testing.assert_allclose(image(layout, "signed", "mean", ""), expected, rtol=1e-5, atol=1e-7)


def test_descriptions_are_readable_text(layout, maps, keep):
    put(layout, maps, keep)
    average = average_of(layout, keep)
    average_group(dataclasses.replace(average, group="Größe"))
    text = sidecar_of(layout.group("m", "G", "signed", "mean")).read_text(encoding="utf-8")
    assert "Größe" in text
    assert '\n "' in text  # one entry a line


def test_digests_tell_members_and_their_order_apart():
    one = (("a", "k1"), ("b", "k2"))
    assert members_digest(one) != members_digest(one[::-1])
    assert members_digest(one) != members_digest(one[:1])
    assert members_digest(one) == members_digest((("other label", "k1"), ("b", "k2")))
    assert members_digest((("a", "k1k"), ("b", "2"))) != members_digest((("a", "k1"), ("b", "k2")))


@pytest.mark.parametrize("slab", [1, 5, 504, 1 << 16])
def test_slabs_change_nothing(maps, monkeypatch, slab):
    monkeypatch.setattr(moments_module, "SLAB", slab)
    moments = MapMoments(PARTS)
    for label in LABELS[:2]:
        moments.add(maps[label])
    moments = MapMoments.from_state(PARTS, moments.state())
    for label in LABELS[2:]:
        moments.add(maps[label])
    data = np.stack([maps[label] for label in LABELS]).astype(float)
    assert (moments.count, moments.shape) == (4, SHAPE)
    np.testing.assert_allclose(moments.mean("absolute"), np.abs(data).mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.deviation("signed"), data.std(0, ddof=1), rtol=1e-10)


def test_what_would_spoil_an_average_is_refused(maps):
    moments = MapMoments(PARTS)
    moments.add(maps["sub-1"])
    with pytest.raises(ValueError, match=r"shape \(7, 8, 9\), got \(7, 8\)"):
        moments.add(maps["sub-1"][..., 0])
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite"):
            moments.add(np.where(np.arange(504).reshape(SHAPE) == 3, bad, maps["sub-2"]))
    assert moments.count == 1
