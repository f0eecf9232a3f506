"""Model cards: complete, or every problem named."""

import json

import numpy as np
import pytest

from mriinterp.image.volume import Grid, Volume
from mriinterp.models import read_card, write_card
from mriinterp.models.card import card_from_dict
from mriinterp.models.normalisation import NORMALISATIONS, Normalisation, read_normalisation

GRID = {"shape": [7, 8, 9], "affine": np.diag([2.0, 2, 2, 1]).tolist()}
CARD = {"name": "n", "architecture": "a", "grid": GRID, "classes": ["no", "yes"]}


def test_round_trip(tmp_path):
    entries = {
        **{key: CARD[key] for key in ("name", "architecture", "grid")},
        "heads": [
            {"name": "A", "kind": "scale", "classes": ["level"], "note": "0 to 2"},
            {"name": "B", "classes": ["x", "y", "z"]},
        ],
        "normalisation": {"kind": "scan_mean", "clip": [0, 8]},
        "weights": ["one.pt", "two.pt"],
        "simulated": True,
        "skull_stripped": False,
        "training": {"subjects": 12, "é": "ü"},
    }
    write_card(card_from_dict(entries), tmp_path / "card.json")
    card = read_card(tmp_path / "card.json")
    assert card.heads[1].start == 1
    assert card.heads[1].stop == 4
    assert card.classes == ("level",)
    assert card.about == {"training": {"subjects": 12, "é": "ü"}}
    assert (card.simulated, card.skull_stripped, card.weights) == (True, False, ("one.pt", "two.pt"))
    assert card.grid.matches(Grid(**GRID))
    assert card.folder == tmp_path
    assert [p.name for p in tmp_path.iterdir()] == ["card.json"], "no temporary file is left"


def test_how_training_scans_were_prepared(tmp_path):
    digest = "0123456789abcdef" * 4
    for entry in ("linear", {"kind": "nonlinear", "pipeline": digest}):
        write_card(card_from_dict({**CARD, "preparation": entry}), tmp_path / "card.json")
        assert json.loads((tmp_path / "card.json").read_text())["preparation"] == entry
        assert read_card(tmp_path / "card.json").preparation.entry == entry
    write_card(card_from_dict(CARD), tmp_path / "card.json")
    assert "preparation" not in json.loads((tmp_path / "card.json").read_text())
    assert read_card(tmp_path / "card.json").preparation is None
    with pytest.raises(ValueError, match=r"'preparation': expected a preparation, got 'affine'; available: linear"):
        card_from_dict({**CARD, "preparation": "affine"})


def test_all_problems_are_listed():
    with pytest.raises(ValueError) as error:
        card_from_dict({"name": 3, "grid": {"shape": [7, 8]}, "simulated": "no", "weights": [1]}, origin="my.json")
    for part in ("my.json", "'architecture' is missing", "'classes' is missing", "'grid' is not", "'name' is not text"):
        assert part in str(error.value)
    for part in ("'simulated' is not true or false", "'weights' is not a list"):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grid": {"shape": [7, 8], "affine": GRID["affine"]}}, "'grid': .*three"),
        ({"grid": {"shape": [7, 8, 9], "affine": np.zeros((4, 4)).tolist()}}, "'grid': .*invertible"),
        ({"grid": {"shape": [7, 8, 9], "affine": "identity"}}, "'grid'"),
        ({"classes": []}, "'classes'"),
        ({"classes": "AD"}, "list of names"),
        ({"classes": ["AD", "AD"]}, "different names"),
        ({"heads": [{"classes": ["a", "b"]}]}, "'name' is missing"),
        ({"heads": [{"name": "h", "classes": ["a", "b"], "kind": "guess"}]}, "'classes' or 'scale'"),
        ({"heads": [{"name": "h", "classes": ["a", "b"], "kind": "scale"}]}, "one output"),
        ({"heads": [{"name": "h", "classes": ["a"]}]}, "two or more"),
        ({"heads": []}, "at least one head"),
        ({"heads": ["COG"]}, "'heads': expected a list of"),
        ({"heads": {"name": "h", "classes": ["a", "b"]}}, "'heads': expected a list of"),
        ({"heads": [{"name": 3, "classes": ["a", "b"]}]}, "'heads': expected 'name' of a head to be text, got 3"),
        ({"heads": [{"name": "h", "classes": ["a", "b"], "note": ["x"]}]}, "'note' of a head to be text"),
        ({"heads": [{"name": "h", "classes": ["a", "b"], "kind": None}]}, "'kind' of a head to be text"),
    ],
)
def test_malformed_entries(change, words):
    with pytest.raises(ValueError, match=words):
        card_from_dict({**CARD, **change})


@pytest.mark.parametrize(
    "grid",
    [
        '{"shape": [7, 8, 1e400], "affine": AFFINE}',
        '{"shape": [7, 8, NaN], "affine": AFFINE}',
        '{"shape": [7, 8, 9.5], "affine": AFFINE}',
        '{"shape": [7, 8, true], "affine": AFFINE}',
        '{"shape": "789", "affine": AFFINE}',
        '{"shape": {"7": 1, "8": 1, "9": 1}, "affine": AFFINE}',
        '{"shape": [7, 8, ' + "9" * 4000 + '], "affine": AFFINE}',
        '{"shape": [7, 8, 9], "affine": [[1e400, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}',
        '{"shape": [7, 8, 9], "affine": [["2", 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}',
        '{"shape": [7, 8, 9], "affine": ' + "[" * 900 + "]" * 900 + "}",
        '{"shape": ' + "[" * 900 + "]" * 900 + ', "affine": AFFINE}',
        "[" * 900 + "]" * 900,
    ],
)
def test_a_grid_that_is_none_is_told_in_words(tmp_path, grid):
    text = json.dumps(CARD | {"grid": "GRID"}).replace('"GRID"', grid.replace("AFFINE", json.dumps(GRID["affine"])))
    (tmp_path / "card.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"^card\.json: expected a complete card, got problems: 'grid'") as caught:
        read_card(tmp_path / "card.json")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("entry", ["classes", "heads"])
def test_entries_nested_deeply_are_told_briefly(tmp_path, entry):
    text = json.dumps(CARD | {entry: "NESTED"}).replace('"NESTED"', "[" * 900 + "]" * 900)
    (tmp_path / "card.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"'{entry}': expected a list of") as caught:
        read_card(tmp_path / "card.json")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_card_with_a_mark(tmp_path, encoding):
    (tmp_path / "card.json").write_text(json.dumps(CARD), encoding=encoding)
    assert read_card(tmp_path / "card.json").classes == ("no", "yes")


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "\x00", '"card"', "[" * 100_000, "root:x:0:0:", '{"name": "a", "name": "b"}']
)
def test_not_a_card(tmp_path, text):
    path = tmp_path / "card.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"card\.json: expected"):
        read_card(path)
    path.write_text(json.dumps({**CARD, "classes": ["one"]}), encoding="utf-8")
    assert read_card(path).heads[0].kind == "scale"


# ---- normalisation


@pytest.fixture
def scan(rng):
    data = rng.uniform(50, 900, (7, 8, 9)).astype(np.float32)
    data[:2] = 0
    return data


def test_none_is_bitwise(scan):
    assert Normalisation().apply(scan) is scan


def test_scan_mean(scan):
    ours = Normalisation("scan_mean", {"clip": [0, 1.2]}).apply(scan)
    np.testing.assert_allclose(ours, np.clip(scan / scan.mean(dtype=float), 0, 1.2), rtol=1e-6)
    assert Normalisation("scan_mean").apply(scan).mean() == pytest.approx(1, rel=1e-5)


def test_scan_zscore(scan):
    ours = Normalisation("scan_zscore").apply(scan)
    assert (ours[scan == 0] == 0).all()
    assert ours[scan > 0].mean() == pytest.approx(0, abs=1e-5)
    assert ours[scan > 0].std() == pytest.approx(1, rel=1e-5)


def test_scan_zscore_takes_what_is_above_zero(scan):
    """A few voxels below zero, as interpolation leaves them, are background: 0, and not counted."""
    below = scan.copy()
    below[2, 3, 4:7] = -30, -0.5, 0
    ours = Normalisation("scan_zscore").apply(below)
    inside = below > 0
    assert (ours[~inside] == 0).all()
    expected = (below[inside] - below[inside].mean(dtype=float)) / below[inside].std(dtype=float)
    np.testing.assert_allclose(ours[inside], expected, rtol=1e-5, atol=1e-6)


def test_voxels_below_zero_may_not_outnumber_those_above():
    data = np.array([[[1.0, 2, -1, -1], [0, 0, 0, 0]]], np.float32)
    assert np.isfinite(Normalisation("scan_zscore").apply(data)).all()
    data[0, 1, 0] = -1
    with pytest.raises(ValueError, match="got 3 voxels below 0 and 2 above"):
        Normalisation("scan_zscore").apply(data)


def test_voxelwise(scan, rng):
    mean, std = rng.normal(size=(2, 7, 8, 9)).astype(np.float32)
    std = np.abs(std)
    std[0] = 0
    ours = Normalisation("voxelwise", {"mean": mean, "std": std}).apply(scan)
    assert (ours[0] == 0).all(), "voxels that never varied"
    np.testing.assert_allclose(ours[1:], (scan[1:] - mean[1:]) / std[1:], rtol=1e-5)


def test_normalisation_refuses(scan):
    with pytest.raises(ValueError, match="available: none, scan_mean"):
        Normalisation("histogram")
    with pytest.raises(ValueError, match="available: clip"):
        Normalisation("scan_mean", {"clp": [0, 8]})
    with pytest.raises(ValueError, match="lowest, highest"):
        Normalisation("scan_mean", {"clip": [8, 0]})
    for clip in ([8, 8], [0], [0, 4, 8], "08", [0, "8"], 8, {0: 8}):
        with pytest.raises(ValueError, match=r"lowest, highest\], got"):
            Normalisation("scan_mean", {"clip": clip})
    assert Normalisation("scan_mean", {"clip": (0, 8.5)}).params == {"clip": (0, 8.5)}
    with pytest.raises(ValueError, match="mean 0"):
        Normalisation("scan_mean").apply(scan * 0)
    with pytest.raises(ValueError, match="standardised"):
        Normalisation("scan_zscore").apply(scan * 0 + 3)
    assert all(rule.does and rule.needs for rule in NORMALISATIONS.values())


def test_voxelwise_files_must_lie_on_the_grid(tmp_path):
    grid = Grid(**GRID)
    volumes = {"m": Volume(np.zeros(grid.shape, np.float32), grid.affine), "s": Volume(np.ones((7, 8, 8)), grid.affine)}
    entry = {"kind": "voxelwise", "mean": "m", "std": "s"}
    with pytest.raises(ValueError, match="on one grid"):
        read_normalisation(entry, tmp_path, lambda path: volumes[path.name], grid)
    with pytest.raises(ValueError, match="missing"):
        read_normalisation({"kind": "voxelwise", "mean": "m"}, tmp_path, lambda path: volumes[path.name], grid)
    volumes["s"] = volumes["m"]
    read = read_normalisation(entry, tmp_path, lambda path: volumes[path.name], grid)
    assert read.digest != Normalisation().digest
    assert read.params["mean"].shape == grid.shape
    for entry in ({"clip": [0, 8]}, "scan_mean", {}):
        with pytest.raises(ValueError, match="kind"):
            read_normalisation(entry, tmp_path, None, grid)


def test_digest_follows_kind_and_parameters(scan):
    rules = [
        Normalisation(),
        Normalisation("scan_mean"),
        Normalisation("scan_mean", {"clip": [0, 8]}),
        Normalisation("scan_mean", {"clip": [0, 9]}),
        Normalisation("voxelwise", {"mean": scan, "std": scan}),
        Normalisation("voxelwise", {"mean": scan, "std": scan + 1}),
        Normalisation("voxelwise", {"mean": scan + 1, "std": scan}),
        Normalisation("voxelwise", {"mean": scan + 1}),
        Normalisation("voxelwise", {"std": scan + 1}),
    ]
    assert len({rule.digest for rule in rules}) == len(rules)
    again = Normalisation("voxelwise", {"std": scan.copy(), "mean": scan.copy()})
    assert again.digest == rules[4].digest, "whatever the order of the parameters"
