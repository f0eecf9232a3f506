"""How far a map of several passes is from its limit is noted with it."""

import re

import torch

from mriinterp.explain import relevance

from .networks import SHAPE, image, small_3d


def noted(method, **params):
    """The map, and the share that is noted with it."""
    notes = {}
    found = relevance(small_3d(), image(SHAPE), method, target=1, context={"note": notes.__setitem__}, **params)
    (words,) = notes.values()
    return found, float(re.search(r"([\d.]+)%", words).group(1)) / 100


def test_integrated_gradients_note_what_the_sum_lacks():
    network, x = small_3d(), image(SHAPE)
    with torch.no_grad():
        both = network(torch.cat([x, torch.zeros_like(x)]))
    margins = both[:, 1] - both[:, 0]
    change = float(margins[0] - margins[1])
    for steps in (2, 100):
        found, error = noted("integrated_gradients", steps=steps)
        assert abs(abs(float(found.sum()) - change) / abs(change) - error) < 1e-3
    assert error < 0.01


def test_smoothgrad_notes_its_standard_error():
    """Maps of other seeds scatter as much as the note says."""
    maps, errors = zip(*(noted("smoothgrad", samples=16, seed=seed) for seed in range(12)), strict=True)
    stacked = torch.stack(maps)
    scatter = float((stacked.var(0).sum() / stacked.mean(0).square().sum()).sqrt())
    assert abs(sum(errors) / len(errors) - scatter) < 0.25 * scatter
