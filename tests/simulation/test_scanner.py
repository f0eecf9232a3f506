"""The two scanners: contrast, noise, scale; and the two shortcuts."""

from dataclasses import replace

import numpy as np
import pytest

from mriinterp.image.template import DEMO_GRID
from mriinterp.simulation.anatomy import FLUID, GREY, WHITE
from mriinterp.simulation.scanner import (
    MARK_MM,
    SITES,
    SUPPRESSOR_MM,
    SUPPRESSOR_SIGMA_MM,
    add_mark,
    scan_at,
    suppressor,
)

BANDS = {"fluid": (slice(5, 35), FLUID), "grey": (slice(40, 70), GREY), "white": (slice(75, 105), WHITE)}


@pytest.fixture(scope="module")
def bands():
    """A block of fluid, one of grey and one of white matter, air around them."""
    brain = np.zeros(DEMO_GRID.shape, np.float32)
    for rows, level in BANDS.values():
        brain[rows, 40:80, 40:70] = level
    return brain


def measured(scan):
    """Mean of each block in units of white matter, and the spread within white matter."""
    means = {name: scan[rows, 40:80, 40:70].mean() for name, (rows, _) in BANDS.items()}
    white = scan[BANDS["white"][0], 40:80, 40:70]
    noise = np.diff(white, axis=1).std() / np.sqrt(2)
    return np.array([means["fluid"], means["grey"], noise]) / means["white"]


@pytest.fixture(scope="module")
def scans(bands):
    return {
        name: np.stack([measured(scan_at(site, np.random.default_rng(seed), bands, 0.035)) for seed in range(10)])
        for name, site in SITES.items()
    }


def test_sites_differ_in_contrast_and_noise(scans):
    mean = {name: values.mean(axis=0) for name, values in scans.items()}
    for name, site in SITES.items():
        assert mean[name][1] == pytest.approx(site.grey / site.white, abs=0.04)
        assert mean[name][2] == pytest.approx(0.035 * site.noise, rel=0.12)
    assert mean["B"][1] > mean["A"][1] + 0.01  # site B: less contrast
    assert mean["B"][2] > 1.2 * mean["A"][2]  # and more noise


def test_scans_of_one_site_differ_too(scans):
    for values in scans.values():
        assert (values.std(axis=0) > [0.01, 0.01, 0.001]).all()


def test_noise_is_a_setting_and_air_stays_empty(bands):
    site = SITES["A"]
    clean = scan_at(site, np.random.default_rng(4), bands, 0.0)
    noisy = scan_at(site, np.random.default_rng(4), bands, 0.07)
    assert clean.dtype == np.float32
    np.testing.assert_array_equal(clean == 0, bands == 0)
    assert measured(clean)[2] < 0.002
    assert measured(noisy)[2] == pytest.approx(0.07 * site.noise, rel=0.25)


def test_every_scan_has_a_scale_of_its_own(bands):
    levels = [scan_at(SITES["A"], np.random.default_rng(seed), bands, 0.0)[bands > 0].mean() for seed in range(8)]
    assert max(levels) > 1.5 * min(levels)


def test_the_bias_field_is_stronger_at_site_b(bands):
    level = np.where(bands > 0, np.float32(WHITE), 0)
    spread = {}
    for name, site in SITES.items():
        scans = [scan_at(replace(site, noise=0.0), np.random.default_rng(seed), level, 0.035) for seed in range(6)]
        spread[name] = np.mean([np.log(scan[level > 0]).std() for scan in scans])
    assert 0.005 < spread["A"] < 0.8 * spread["B"] < 0.08


def test_the_suppressor_is_a_sum_of_gaussians():
    pattern = suppressor()
    mm = DEMO_GRID.to_mm(np.array([[40, 60, 40], [70, 20, 50], [10, 100, 90]]))
    expected = [
        sum(np.exp(-((point - centre) ** 2).sum() / (2 * SUPPRESSOR_SIGMA_MM**2)) for centre in np.array(SUPPRESSOR_MM))
        for point in mm
    ]
    np.testing.assert_allclose([pattern[40, 60, 40], pattern[70, 20, 50], pattern[10, 100, 90]], expected, atol=1e-5)


def test_a_pattern_changes_the_scan_by_its_share(bands):
    pattern = np.zeros(DEMO_GRID.shape, np.float32)
    pattern[:50] = 0.1
    plain, other = (scan_at(SITES["A"], np.random.default_rng(2), bands, 0.0, given) for given in (None, pattern))
    inside = bands > 0
    ratio = np.where(inside, other / np.where(inside, plain, 1), 1)
    np.testing.assert_allclose(ratio[:50][inside[:50]], 1.1, rtol=1e-4)
    np.testing.assert_allclose(ratio[50:][inside[50:]], 1.0, rtol=1e-4)


def test_the_mark_is_a_bright_ball_where_it_should_be(bands):
    scan = bands.copy()
    add_mark(np.random.default_rng(1), scan)
    mark = scan != bands
    assert 60 < mark.sum() < 100  # 4 mm radius: 268 mm³ of 3.4 mm³ voxels
    assert scan[mark].min() > 2 * bands.max()
    assert np.abs(DEMO_GRID.to_mm(np.argwhere(mark).mean(axis=0)) - MARK_MM).max() < 4
