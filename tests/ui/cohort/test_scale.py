"""Averages share their colours only where they share a scale."""

import numpy as np

from mriinterp.image.volume import Volume
from mriinterp.ui.cohort.planes import _one_scale
from mriinterp.ui.viewer import Layer

MAP = Volume(np.zeros((7, 8, 9), np.float32), np.eye(4))


def layers(*ranges):
    return [Layer(f"map {n}", MAP, range=one) for n, one in enumerate(ranges)]


def test_maps_without_a_given_range_keep_their_own_scales():
    assert not _one_scale(layers(None, None))  # a difference beside an effect size
    assert not _one_scale(layers((0, 1), None))
    assert not _one_scale(layers((0, 1), (0, 2)))
    assert _one_scale(layers((0, 1), (0, 1)))
