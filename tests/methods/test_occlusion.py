"""Occlusion against a plain loop; drawing of cells against brute force."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import zoom

from mriinterp.explain import relevance
from mriinterp.incremental import BoxGrid
from mriinterp.methods.placement import cover, linear, nearest, place, published_resize

from .networks import SHAPE, SHAPE_2D, image, small_2d, small_3d

SIZES = [(4, 3), (5, 2), (3, 4), (1, 1), (40, 25), (2, 9)]


def drops(module, x, size, stride, published):
    """p(clean) − p(occluded) for every box, one forward pass each."""

    def p(y):
        with torch.no_grad():
            return torch.softmax(module(y), 1)[0, 1].double().item()

    centres = [range(0, n, stride) for n in x.shape[2:]]
    coarse = np.zeros([len(c) for c in centres])
    for cell, centre in zip(np.ndindex(*coarse.shape), product(*centres), strict=True):
        hidden = x.clone()
        inside = torch.ones(x.shape[2:], dtype=torch.bool)
        for axis, c in enumerate(centre):
            at = torch.arange(x.shape[2 + axis])
            stop = c + size // 2 if published else c - size // 2 + size
            within = (at >= c - size // 2) & (at < stop)
            inside &= within.reshape([-1 if a == axis else 1 for a in range(len(centre))])
        hidden[:, :, inside] = 0
        coarse[cell] = p(x) - p(hidden)
    return coarse


@pytest.mark.parametrize(("size", "stride"), [pair for pair in SIZES if pair[0] > 1])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_published_occlusion(size, stride, dimensions):
    module, shape = (small_3d(), SHAPE) if dimensions == 3 else (small_2d(), SHAPE_2D)
    x = image(shape)
    coarse = drops(module, x, size, stride, published=True)
    expected = zoom(np.maximum(coarse, 0), np.array(shape) / np.array(coarse.shape), order=0)
    ours = relevance(module, x, "occlusion", target=1, preset="rieke2018", size=size, stride=stride)
    np.testing.assert_allclose(ours[0, 0].numpy(), expected, atol=1e-6)


def test_published_boxes_without_a_voxel_are_refused():
    module, x = small_3d(), image(SHAPE)
    with pytest.raises(ValueError, match="size of 2 or more with the published placement, got 1"):
        relevance(module, x, "occlusion", target=1, preset="rieke2018", size=1, stride=3)
    assert relevance(module, x, "occlusion", target=1, size=1, stride=3).any(), "the other placements hide one voxel"


@pytest.mark.parametrize(("size", "stride"), SIZES)
def test_cells_are_drawn_where_their_boxes_are(size, stride):
    module, x = small_3d(), image(SHAPE)
    coarse = drops(module, x, size, stride, published=False)
    ours = relevance(module, x, "occlusion", target=1, size=size, stride=stride)[0, 0].numpy()
    for voxel in np.ndindex(*SHAPE):
        cell = tuple(
            min(range(n), key=lambda c, v=v: (abs(c * stride - v), c)) for v, n in zip(voxel, coarse.shape, strict=True)
        )
        assert ours[voxel] == pytest.approx(coarse[cell], abs=1e-6)


@pytest.mark.parametrize(("size", "stride"), [(4, 3), (5, 2), (3, 4)])
def test_mean_of_the_boxes_that_cover_a_voxel(size, stride):
    module, x = small_3d(), image(SHAPE)
    coarse = drops(module, x, size, stride, published=False)
    ranges = BoxGrid(SHAPE, size, stride).ranges
    ours = relevance(module, x, "occlusion", target=1, size=size, stride=stride, placement="mean")[0, 0].numpy()
    for voxel in np.ndindex(*SHAPE):
        covering = [
            coarse[cell]
            for cell in np.ndindex(*coarse.shape)
            if all(
                lo <= v < hi
                for v, (lo, hi) in zip(voxel, [r[c] for r, c in zip(ranges, cell, strict=True)], strict=True)
            )
        ]
        assert ours[voxel] == pytest.approx(np.mean(covering) if covering else 0, abs=1e-6)


def test_interpolated_between_centres():
    """Exact at the centres, and half way between them the mean of both."""
    module, x = small_3d(), image(SHAPE)
    coarse = drops(module, x, 4, 2, published=False)
    ours = relevance(module, x, "occlusion", target=1, size=4, stride=2, placement="interpolated")[0, 0].numpy()
    np.testing.assert_allclose(ours[::2, ::2, ::2], coarse, atol=1e-6)
    np.testing.assert_allclose(ours[1::2, ::2, ::2], (coarse[:-1] + coarse[1:]) / 2, atol=1e-6)


def test_published_drawing_is_off_and_ours_is_not():
    """Fault of the original: on the 1.5 mm grid cells stand up to 12 voxels from their boxes."""
    shape = (113, 137, 113)
    for n in shape:
        centres = torch.arange(0, n, 25)
        at = torch.arange(n).double()
        shown = published_resize(len(centres), n) @ torch.arange(len(centres)).double()
        middle = torch.stack([at[shown == c].mean() for c in range(len(centres))])
        true = torch.stack([at[nearest(centres, n).argmax(1) == c].mean() for c in range(len(centres))])
        inner = slice(1, -1)
        assert (true - centres)[inner].abs().max() <= 0.5
        assert (middle - centres)[inner].abs().max() > 2
    voxels = torch.arange(113)
    shown = published_resize(5, 113).argmax(1) * 25
    assert (voxels - shown).abs().max() > 20  # 12 beyond a box centre's own half stride of 12


@given(st.integers(1, 40), st.integers(1, 200), st.integers(0, 1))
@settings(max_examples=200, deadline=None)
def test_published_resize_is_scipys_zoom(cells, more, first):
    voxels = cells + more
    values = np.arange(cells, dtype=float)[:, None] * [1, 0.5] + first
    expected = zoom(values, (voxels / cells, 1), order=0)
    last = (voxels - 1) * ((cells - 1) / (voxels - 1))
    # zoom rounds the length, and blanks the edge where rounding leads past the last cell
    if expected.shape[0] == voxels and last <= cells - 1:
        np.testing.assert_allclose((published_resize(cells, voxels) @ torch.from_numpy(values)).numpy(), expected)


@given(
    st.lists(st.floats(-5, 30), min_size=1, max_size=6, unique_by=lambda v: round(v, 2)).map(sorted),
    st.integers(1, 25),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_linear_is_numpys_interp(centres, voxels, blank):
    values = np.cos(np.arange(len(centres)) * 1.7)
    at = np.arange(voxels)
    expected = np.interp(at, centres, values)
    if blank:
        expected = np.where((at < centres[0]) | (at > centres[-1]), 0, expected)
    ours = linear(torch.tensor(centres, dtype=torch.float64), voxels, blank=blank) @ torch.from_numpy(values)
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-9)


def test_place_keeps_the_order_of_axes(rng):
    coarse = torch.from_numpy(rng.normal(size=(2, 3, 4)))
    matrices = [torch.from_numpy(rng.normal(size=(n, m))) for n, m in zip(SHAPE, (2, 3, 4), strict=True)]
    expected = np.einsum("abc,ia,jb,kc->ijk", coarse.numpy(), *(m.numpy() for m in matrices))
    np.testing.assert_allclose(place(coarse, matrices).numpy(), expected)


def test_cover_counts():
    ranges = [(0, 2), (1, 4), (4, 4)]
    assert cover(ranges, 5).tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]]
