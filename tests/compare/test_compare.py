"""Distances and similarities, each against a plain loop, a closed form or scipy."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from mriinterp.base.progress import Cancelled
from mriinterp.base.reading import apply_reading
from mriinterp.compare import (
    METRICS,
    dice_top,
    distance_matrix,
    get_metric,
    heatmap_distance,
    paired_values,
    spearman,
    ssim,
    top_area_overlap,
)
from mriinterp.image.volume import Volume

SHAPE = (7, 8, 9)


@pytest.fixture
def two(rng):
    return rng.random(SHAPE), rng.random(SHAPE)


def test_distance_is_the_formula_written_out(two):
    a, b = two
    total = 0.0
    for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True):
        total += (x / a.sum() - y / b.sum()) ** 2
    assert heatmap_distance(a, b) == pytest.approx(total**0.5, rel=1e-12)


def test_distance_of_maps_that_share_nothing_is_root_two():
    a, b = np.zeros(SHAPE), np.zeros(SHAPE)
    a[1, 2, 3], b[3, 2, 1] = 5, 0.1
    assert heatmap_distance(a, b) == pytest.approx(2**0.5)


@given(st.floats(1e-30, 1e30))
def test_distance_ignores_scale(factor):
    a = np.random.default_rng(0).random((3, 4, 5))
    assert heatmap_distance(a, a * factor) == pytest.approx(0, abs=1e-12)


def test_distance_reads_volumes_and_relevance_maps(two, oblique_affine):
    volumes = [Volume(m.astype(np.float32), oblique_affine) for m in two]
    maps = [SimpleNamespace(volume=v, method="x") for v in volumes]
    wanted = heatmap_distance(volumes[0].data, volumes[1].data)
    assert heatmap_distance(*volumes) == heatmap_distance(*maps) == wanted
    assert heatmap_distance(*two) == pytest.approx(wanted, rel=1e-5)


def test_distance_accepts_whole_numbers_and_truth_values():
    a = np.zeros(SHAPE, bool)
    a[0] = True
    assert heatmap_distance(a, a.astype(np.int16) * 7) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("fault", ["negative", "zero", "nan", "inf", "shape", "empty"])
@pytest.mark.parametrize("side", [0, 1])
def test_distance_raises_where_it_has_no_meaning(two, fault, side):
    maps = [m.copy() for m in two]
    if fault == "negative":
        maps[side][0, 0, 0] = -1e-6
    elif fault == "zero":
        maps[side][:] = 0
    elif fault == "shape":
        maps[side] = maps[side][:-1]
    elif fault == "empty":
        maps[side] = maps[side][:0]
    else:
        maps[side][0, 0, 0] = float(fault)
    with pytest.raises(ValueError, match="expected"):
        heatmap_distance(*maps)


@pytest.mark.parametrize("measure", [heatmap_distance, spearman, ssim, dice_top])
def test_different_grids_raise_even_with_equal_shapes(two, oblique_affine, measure):
    moved = oblique_affine.copy()
    moved[0, 3] += 0.5
    with pytest.raises(ValueError, match=r"first.*second"):
        measure(Volume(two[0], oblique_affine), Volume(two[1], moved))


def test_spearman_equals_scipy_with_ties_and_mask(rng):
    a, b = np.round(rng.normal(size=SHAPE), 1), np.round(rng.normal(size=SHAPE), 1)
    mask = rng.random(SHAPE) > 0.4
    assert spearman(a, b) == pytest.approx(scipy_stats.spearmanr(a.ravel(), b.ravel()).statistic, rel=1e-10)
    assert spearman(a, b, mask) == pytest.approx(scipy_stats.spearmanr(a[mask], b[mask]).statistic, rel=1e-10)


def test_spearman_ends_at_one():
    a = np.arange(60.0).reshape(3, 4, 5)
    assert spearman(a, np.exp(a / 10)) == pytest.approx(1)
    assert spearman(a, -(a**3)) == pytest.approx(-1)


def test_spearman_refuses_what_has_no_order(two):
    with pytest.raises(ValueError, match="varies"):
        spearman(two[0], np.ones(SHAPE))
    with pytest.raises(ValueError, match="empty"):
        spearman(*two, np.zeros(SHAPE))
    with pytest.raises(ValueError, match="mask of shape"):
        spearman(*two, np.ones((2, 2, 2)))


def _plain_ssim_at(a, b, centre, weights, data_range):
    """SSIM of one window, by its definition."""
    reach = weights.shape[0] // 2
    box = tuple(slice(c - reach, c + reach + 1) for c in centre)
    x, y = a[box], b[box]
    mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
    var_x, var_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
    cov = (weights * (x - mean_x) * (y - mean_y)).sum()
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    return (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))


@pytest.mark.parametrize("window", ["gaussian", "uniform"])
def test_ssim_equals_the_plain_formula(rng, window):
    a = rng.random((15, 14, 13))
    b = 0.5 * a + 0.5 * rng.random(a.shape)
    if window == "gaussian":
        line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
        line /= line.sum()
    else:
        line = np.full(7, 1 / 7)
    weights = line[:, None, None] * line[None, :, None] * line[None, None, :]
    mask = np.zeros(a.shape)
    for centre in [(7, 7, 7), (6, 8, 7), (9, 7, 6)]:
        mask[:] = 0
        mask[centre] = 1
        wanted = _plain_ssim_at(a, b, centre, weights, 1.0)
        assert ssim(a, b, mask, window=window, data_range=1.0) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("shape", [(15, 14, 13), (11, 11, 11), (30, 25)])
def test_ssim_is_the_mean_of_whole_windows(rng, shape):
    """Without those that reach over the border, which scikit-image leaves out as well."""
    metrics = pytest.importorskip("skimage.metrics", reason="comes with quantus")
    a = rng.random(shape)
    b = 0.5 * a + 0.5 * rng.random(shape)
    b[:3] = 5 * rng.random(b[:3].shape)  # a border that would count
    options = {"data_range": 1.0, "use_sample_covariance": False}
    for sigma in (1.5, 1.0):
        wanted = metrics.structural_similarity(a, b, gaussian_weights=True, sigma=sigma, **options)
        assert ssim(a, b, sigma=sigma, data_range=1.0) == pytest.approx(wanted, rel=1e-10)
    for size in (3, 7):
        wanted = metrics.structural_similarity(a, b, win_size=size, **options)
        assert ssim(a, b, window="uniform", size=size, data_range=1.0) == pytest.approx(wanted, rel=1e-10)


def test_ssim_in_a_mask_leaves_the_border_out(rng):
    a, b = rng.random((14, 15, 16)), rng.random((14, 15, 16))
    mask = rng.random(a.shape) > 0.7
    whole = np.zeros(a.shape, bool)
    whole[5:-5, 5:-5, 5:-5] = True
    assert ssim(a, b, mask) == pytest.approx(ssim(a, b, mask & whole), rel=1e-12)
    assert ssim(a, b, np.ones(a.shape)) == pytest.approx(ssim(a, b), rel=1e-12)
    with pytest.raises(ValueError, match="whose window lies inside the map"):
        ssim(a, b, ~whole)
    with pytest.raises(ValueError, match="empty"):
        ssim(a, b, np.zeros(a.shape))


@pytest.mark.parametrize(
    ("shape", "options", "reason"),
    [
        ((11, 11, 10), {}, "at least 11 voxels"),
        ((9, 9, 6), {"window": "uniform"}, "at least 7 voxels"),
        ((11, 11, 11), {"window": "uniform", "size": 4}, "odd number"),
        ((11, 11, 11), {"window": "uniform", "size": -1}, "odd number"),
        ((11, 11, 11), {"sigma": 0}, "sigma above 0"),
    ],
)
def test_ssim_without_a_whole_window(rng, shape, options, reason):
    with pytest.raises(ValueError, match=reason):
        ssim(rng.random(shape), rng.random(shape), **options)


def test_ssim_scales_maps_of_different_strength(rng):
    a = rng.normal(size=(11, 12, 13))
    assert ssim(a, 1e-6 * a) == pytest.approx(1)
    assert ssim(a, -a) < 0.2
    assert ssim(a[0], a[0]) == pytest.approx(1)  # 2D


def test_ssim_of_flat_maps_is_finite():
    zeros, ones = np.zeros((11, 12, 13)), np.ones((11, 12, 13))
    assert ssim(zeros, zeros) == 1
    assert 0 <= ssim(zeros, ones) < 1e-3
    with pytest.raises(ValueError, match="gaussian, uniform"):
        ssim(zeros, ones, window="hann")


def test_dice_counts_shared_voxels():
    a, b = np.zeros(100), np.zeros(100)
    a[:10], b[5:15] = np.arange(1, 11), np.arange(1, 11)
    assert dice_top(a, b, fraction=0.10) == pytest.approx(2 * 5 / 20)
    assert dice_top(a, b, fraction=0.50) == pytest.approx(2 * 5 / 20)  # voxels of 0 are never chosen
    assert dice_top(a, a, fraction=0.03) == 1
    with pytest.raises(ValueError, match="above 0"):
        dice_top(-a, -b)


def test_dice_does_not_break_ties_by_position():
    a, b = np.ones(100), np.ones(100)
    a[50:], b[:50] = 2, 2
    assert dice_top(a, b, fraction=0.01) == 0
    assert dice_top(np.ones(100), b, fraction=0.01) == pytest.approx(2 * 50 / 150)


def _table(names, values, **more):
    return pd.DataFrame({"area": names, "share": values, **more})


def test_area_overlap():
    a = _table(list("abcdef"), [6, 5, 4, 3, 2, 1])
    b = _table(list("fedcba"), [1, 2, 9, 9, 9, 1])
    assert top_area_overlap(a, b, n=3) == pytest.approx(2 / 3)  # a, b, c against b, c, d: ties go by name
    assert top_area_overlap(a, b.iloc[:4], n=10) == pytest.approx(2 / 4)  # a, b, c, d against c, d, e, f
    with pytest.raises(KeyError, match="available"):
        top_area_overlap(a, b, column="relevance")
    with pytest.raises(ValueError, match="none"):
        top_area_overlap(a, _table(["a"], [np.nan]))


def test_areas_of_both_sides_are_two_areas():
    a = _table(["Amygdala", "Amygdala", "Vermis"], [3, 1, 2], hemisphere=["L", "R", ""])
    b = _table(["Amygdala", "Amygdala", "Vermis"], [1, 3, 2], hemisphere=["L", "R", ""])
    assert top_area_overlap(a, b, n=1) == 0
    assert top_area_overlap(a, b, n=2) == 0.5


def test_readings(rng):
    a = rng.normal(size=SHAPE)
    assert np.array_equal(apply_reading(a, "absolute"), abs(a))
    assert apply_reading(a, "positive").min() == 0
    assert np.array_equal(apply_reading(a, None), a)
    assert apply_reading(np.array([np.nan, -2.0]), "absolute").tolist() == [0, 2]
    with pytest.raises(ValueError, match="expected a reading"):
        apply_reading(a, "sideways")


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if m.input == "map"])
def test_matrix_agrees_with_the_single_function(rng, name):
    maps = {label: rng.random((11, 12, 13)) for label in ("b", "a", "c")}  # a window of SSIM fits in
    table = distance_matrix(maps, name)
    assert list(table.index) == list(table.columns) == ["b", "a", "c"]
    assert np.array_equal(table, table.T)
    for x in maps:
        for y in maps:
            assert table.loc[x, y] == pytest.approx(METRICS[name].function(maps[x], maps[y]), abs=1e-12)


def test_matrix_of_area_tables():
    tables = {"x": _table(list("abc"), [1, 2, 3]), "y": _table(list("abc"), [1, 2, 3])}
    assert distance_matrix(tables, "top10").to_numpy().tolist() == [[1, 1], [1, 1]]


def test_matrix_applies_the_reading_and_leaves_gaps(rng):
    maps = {"a": rng.normal(size=SHAPE), "b": rng.normal(size=SHAPE), "none": np.zeros(SHAPE)}
    with pytest.raises(ValueError, match="negative"):
        distance_matrix(maps)
    table = distance_matrix(maps, reading="absolute", errors="nan")
    assert table.loc["a", "b"] == pytest.approx(heatmap_distance(abs(maps["a"]), abs(maps["b"])))
    assert table["none"].isna().all()
    assert table.loc["a", "a"] == 0


def test_matrix_never_hides_different_grids(rng):
    with pytest.raises(ValueError, match=r"b.*|shape"):
        distance_matrix({"a": rng.random(SHAPE), "b": rng.random((3, 3, 3))}, errors="nan")


def test_matrix_inside_a_mask(rng):
    maps = {"a": rng.random(SHAPE), "b": rng.random(SHAPE)}
    mask = np.zeros(SHAPE)
    mask[2:5] = 1
    wanted = heatmap_distance(maps["a"][2:5], maps["b"][2:5])
    assert distance_matrix(maps, mask=mask).loc["a", "b"] == pytest.approx(wanted)


def test_matrix_tells_progress_and_stops(rng):
    maps = {i: rng.random((2, 2, 2)) for i in range(4)}
    seen = []
    distance_matrix(maps, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 10) for i in range(1, 11)]
    with pytest.raises(Cancelled):
        distance_matrix(maps, cancel=lambda: True)


def test_pairs_by_name(rng):
    a = {"sensitivity": rng.random(SHAPE), "occlusion": rng.random(SHAPE)}
    b = {"occlusion": rng.random(SHAPE), "other": rng.random(SHAPE)}
    values = paired_values(a, b)
    assert values.to_dict() == {"occlusion": pytest.approx(heatmap_distance(a["occlusion"], b["occlusion"]))}
    with pytest.raises(KeyError, match="same names"):
        paired_values(a, {"other": b["other"]})


def test_unknown_metric_lists_the_others():
    with pytest.raises(KeyError, match="euclidean, spearman, ssim"):
        get_metric("manhattan")
