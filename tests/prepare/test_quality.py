"""Every reason to doubt a preparation is found, on the template and on damaged versions of it."""

import json

import numpy as np
import pytest

from mriinterp.image.template import brain_mask, native_template
from mriinterp.image.volume import Grid, Volume
from mriinterp.prepare.quality import Quality, judge
from mriinterp.prepare.transform import Transform

STILL = Transform(np.eye(4))


@pytest.fixture(scope="module")
def brain():
    """The template as a scan: 2 mm voxels with room around the brain."""
    grid = Grid((104, 124, 104), np.array([[2, 0, 0, -103], [0, 2, 0, -139], [0, 0, 2, -93], [0, 0, 0, 1.0]]))
    return Transform(np.eye(4)).scan_on(native_template(), grid), brain_mask(grid)


def measures(quality):
    return {finding.measure for finding in quality.findings}


def test_the_template_itself_is_good(brain):
    quality = judge(*brain, STILL)
    assert quality.verdict == "good", quality.findings
    assert quality.correlation > 0.95
    assert quality.volume_ml == pytest.approx(1886, abs=60)
    np.testing.assert_allclose(quality.scales, 1)


def test_a_brain_that_is_cut_off(brain):
    scan, mask = brain
    low = 40
    shift = np.eye(4)
    shift[2, 3] = low
    cut = [Volume(volume.data[:, :, low:], volume.affine @ shift) for volume in (scan, mask)]
    quality = judge(*cut, STILL)
    assert quality.verdict == "refuse"
    assert {"border", "view"} <= measures(quality)
    assert quality.coverage["cerebellum"] < 0.5 < quality.coverage["parietal"]


def test_a_brain_that_was_blanked_inside_its_field_of_view(brain):
    scan, mask = brain
    gone = np.arange(mask.data.shape[1])[None, :, None] < 45
    quality = judge(scan, mask.with_data(mask.data & ~gone), STILL)
    assert "mask" in measures(quality)
    assert quality.present["occipital"] < 0.6
    assert quality.coverage["occipital"] == 1


def test_inverted_contrast_is_no_t1(brain):
    scan, mask = brain
    inverted = scan.with_data(np.where(mask.data, 300 - scan.data, 0).astype(np.float32))
    quality = judge(inverted, mask, STILL)
    assert quality.verdict == "refuse"
    assert {"contrast", "correlation"} <= measures(quality)
    assert quality.contrast < 0


def test_what_is_like_a_t2_is_no_t1(brain):
    scan, mask = brain
    tissue = scan.data / scan.data[mask.data].max()
    quality = judge(scan.with_data(np.where(mask.data, 900 * (1.1 - tissue) ** 2, 0).astype(np.float32)), mask, STILL)
    assert quality.verdict == "refuse"
    assert "contrast" in measures(quality)


@pytest.mark.parametrize(
    "make",
    [
        lambda tissue: 38 - 6 * tissue,
        lambda tissue: 1062 - 6 * tissue,
        lambda tissue: np.where(tissue < 0.4, 50, 500 - 125 * tissue),
        lambda tissue: 400 + 5 * tissue,
    ],
    ids=["CT in Hounsfield units", "CT", "FLAIR", "proton density"],
)
def test_other_contrasts_are_no_t1(brain, make):
    scan, mask = brain
    tissue = scan.data / scan.data[mask.data].max()
    quality = judge(scan.with_data(np.where(mask.data, make(tissue), -1000).astype(np.float32)), mask, STILL)
    assert quality.verdict == "refuse"
    assert "contrast" in measures(quality)


@pytest.mark.parametrize(
    ("lobe", "gone"),
    [
        ("frontal", lambda i, j, k: j > 95),
        ("occipital", lambda i, j, k: j < 38),
        ("parietal", lambda i, j, k: k > 72),
        ("temporal", lambda i, j, k: i < 30),
    ],
)
def test_a_missing_part_is_named_by_its_lobe(brain, lobe, gone):
    scan, mask = brain
    left = mask.data & ~gone(*np.ogrid[tuple(slice(n) for n in mask.data.shape)])
    quality = judge(scan, mask.with_data(left), STILL)
    assert quality.verdict != "good"
    assert min(quality.present, key=quality.present.get) == lobe
    assert any(f"template's {lobe} region" in finding.text for finding in quality.findings)


def test_an_empty_head_and_a_sphere_are_no_brain(brain):
    scan, mask = brain
    rng = np.random.default_rng(0)
    empty = scan.with_data(np.where(mask.data, 20 + rng.normal(0, 2, scan.data.shape), 0).astype(np.float32))
    assert judge(empty, mask, STILL).verdict == "refuse"
    centre = mask.grid.to_voxel([0, -20, 10])
    place = np.indices(mask.data.shape).T - centre
    ball = np.linalg.norm(2 * place, axis=-1).T < 70
    quality = judge(scan.with_data(np.where(ball, 200, 0).astype(np.float32)), mask.with_data(ball), STILL)
    assert quality.verdict == "refuse"
    assert {"correlation", "contrast"} <= measures(quality)


def test_noise_alone_is_no_reason_to_doubt(brain):
    scan, mask = brain
    noise = np.random.default_rng(0).normal(0, 0.2 * np.percentile(scan.data, 95), scan.data.shape)
    noisy = scan.with_data(np.where(mask.data, np.abs(scan.data + noise), 0).astype(np.float32))
    assert judge(noisy, mask, STILL).verdict == "good"


def test_a_report_is_read_back(brain):
    matrix = np.eye(4)
    matrix[:3, 3] = 20, -25, 15
    quality = judge(*brain, Transform(matrix))
    found = Quality.from_dict(json.loads(json.dumps(quality.as_dict())))
    assert found.findings == quality.findings
    assert found.verdict == quality.verdict == "refuse"
    assert found.correlation == pytest.approx(quality.correlation, abs=1e-4)


def test_a_brain_in_the_wrong_place(brain):
    matrix = np.eye(4)
    matrix[:3, 3] = 20, -25, 15
    quality = judge(*brain, Transform(matrix))
    assert quality.verdict == "refuse"
    assert "correlation" in measures(quality)


def test_a_mirroring_transform(brain):
    quality = judge(*brain, Transform(np.diag([-1.0, 1, 1, 1])))
    assert quality.mirrored
    assert ("refuse", "handedness") in {(finding.level, finding.measure) for finding in quality.findings}


def test_a_turned_header_is_said_although_the_brain_lies_in_place(brain):
    quality = judge(*brain, STILL, turned=True)
    assert quality.verdict == "look"
    assert "Left and right cannot be known" in quality.findings[0].text


def test_an_implausible_stretch(brain):
    scan, mask = brain
    shrunk = [Volume(volume.data, np.diag([0.5, 1, 1, 1]) @ volume.affine) for volume in (scan, mask)]
    quality = judge(*shrunk, Transform(np.diag([0.5, 1.0, 1, 1])))
    assert quality.scales[0] == pytest.approx(2)
    assert ("refuse", "scale") in {(finding.level, finding.measure) for finding in quality.findings}


def test_thick_slices(brain):
    scan, mask = brain
    thick = [Volume(volume.data[:, :, ::2], volume.affine @ np.diag([1, 1, 2, 1.0])) for volume in (scan, mask)]
    quality = judge(*thick, STILL)
    assert measures(quality) == {"voxel size"}
    assert "2.0 × 2.0 × 4.0 mm" in quality.findings[0].text


def test_skull_that_was_left(brain):
    scan, mask = brain
    whole = scan.with_data(
        np.where(mask.data, scan.data, np.random.default_rng(0).uniform(0, 200, scan.data.shape)).astype(np.float32)
    )
    quality = judge(whole, mask.with_data(np.ones_like(mask.data)), STILL)
    assert {"skull", "volume", "border"} <= measures(quality)


def test_the_report_is_plain_json(brain):
    report = json.loads(json.dumps(judge(*brain, STILL).as_dict()))
    assert report["Verdict"] == "good"
    assert report["FieldOfView"].keys() == {"frontal", "temporal", "parietal", "occipital", "central", "cerebellum"}
