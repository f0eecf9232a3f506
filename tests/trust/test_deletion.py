import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mriinterp.trust import Explainer, get_measure
from mriinterp.trust.blocks import equal_blocks
from mriinterp.trust.measures.deletion import area_between, block_order
from tests.trust.networks import Linear3D, array, case_of, small_network

MEASURE = get_measure("deletion")


def exact_map(case):
    """What each voxel of a linear network contributes against the reference."""
    return case.module.slope() * array(case.x - case.reference)


def plain_curve(case, blocks, order, counts, start_hidden=False):
    """f of the changed scan, one plain forward pass a step."""
    values = []
    for count in counts:
        hidden = np.isin(blocks, order[:count])
        if start_hidden:
            hidden = (blocks >= 0) & ~hidden
        x = case.x.clone()
        x[0, 0][hidden] = case.reference[0, 0][hidden]
        out = case.module(x)[0].detach()
        values.append(float(out[1] - out[0]))
    return np.array(values)


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_blocks_are_equal_and_cover_the_mask(seed, count):
    mask = np.random.default_rng(seed).random((7, 8, 9)) < 0.6
    blocks = equal_blocks(mask, count)
    assert ((blocks >= 0) == mask).all()
    sizes = np.bincount(blocks[mask], minlength=count)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 2


def test_blocks_are_compact():
    blocks = equal_blocks(np.ones((16, 16, 16), bool), 64)
    spans = [np.ptp(np.argwhere(blocks == b), axis=0).max() + 1 for b in range(64)]
    assert max(spans) == 4  # cubes of 4 voxels


def test_too_many_blocks_are_refused():
    with pytest.raises(ValueError, match="expected 1 to 8 blocks"):
        equal_blocks(np.ones((2, 2, 2), bool), 9)


def test_order_is_by_mean_and_ties_are_not_by_position(rng):
    blocks = np.repeat(np.arange(20), 5)
    values = np.where(blocks == 7, 2.0, np.where(blocks == 3, 1.0, 0.0))
    order = block_order(values, blocks, rng)
    assert order[:2].tolist() == [7, 3]
    assert sorted(order) == list(range(20))
    assert order[2:].tolist() != sorted(order[2:])


@pytest.mark.parametrize("make", [Linear3D, small_network])
def test_curves_equal_a_plain_loop(make):
    case = case_of(make())
    relevance = np.random.default_rng(0).standard_normal(case.mask.shape)
    outcome = MEASURE.run(case, Explainer("sensitivity"), relevance, steps=4)
    groups = min(16, case.mask.sum() // 8)
    blocks = equal_blocks(case.mask, 8 * groups)
    order = block_order(relevance, blocks, case.rng("deletion ties"))
    counts = groups * np.arange(1, 5)
    np.testing.assert_allclose(outcome.details["most"], plain_curve(case, blocks, order, counts), atol=1e-4)
    np.testing.assert_allclose(outcome.details["least"], plain_curve(case, blocks, order[::-1], counts), atol=1e-4)
    inserted = plain_curve(case, blocks, order, counts, start_hidden=True)
    np.testing.assert_allclose(outcome.details["insert_most"], inserted, atol=1e-4)
    np.testing.assert_allclose(
        outcome.values["abpc"], area_between(outcome.details["least"], outcome.details["most"]), atol=1e-9
    )


def test_closed_form_of_a_linear_network():
    """Hiding a block takes the sum of its relevance from f: the curves are cumulative sums of sorted block sums."""
    case = case_of(Linear3D())
    relevance = exact_map(case)
    outcome = MEASURE.run(case, Explainer("sensitivity"), relevance, steps=4)
    groups = min(16, case.mask.sum() // 8)
    blocks = equal_blocks(case.mask, 8 * groups)
    inside = blocks >= 0
    sums = np.bincount(blocks[inside], relevance[inside])
    order = np.argsort(-sums / np.bincount(blocks[inside]), kind="stable")
    most = np.cumsum(sums[order])[groups * np.arange(1, 5) - 1]
    least = np.cumsum(sums[order[::-1]])[groups * np.arange(1, 5) - 1]
    assert outcome.values["abpc"] == pytest.approx((most - least).mean(), abs=1e-3)
    assert outcome.values["abpc_insertion"] == pytest.approx(outcome.values["abpc"], abs=1e-3)
    # no map can do better than the exact one, and the reverse of the exact map does as badly as possible
    rng = np.random.default_rng(3)
    others = [
        MEASURE.run(case, Explainer("sensitivity"), rng.standard_normal(relevance.shape), steps=4) for _ in range(5)
    ]
    assert outcome.values["abpc"] > 3 * max(abs(other.values["abpc"]) for other in others)
    reverse = MEASURE.run(case, Explainer("sensitivity"), -relevance, steps=4)
    assert reverse.values["abpc"] == pytest.approx(-outcome.values["abpc"], rel=1e-3)


def test_absolute_reading_ranks_by_magnitude():
    case = case_of(Linear3D())
    relevance = exact_map(case)
    signed = MEASURE.run(case, Explainer("sensitivity"), relevance, steps=4)
    magnitude = MEASURE.run(case, Explainer("sensitivity"), np.abs(relevance), steps=4)
    assert signed.values["abpc_read"] == pytest.approx(magnitude.values["abpc"], abs=1e-6)


def test_cancel_and_progress():
    from mriinterp.base.progress import Cancelled

    case = case_of(Linear3D())
    seen = []
    MEASURE.run(case, Explainer("sensitivity"), exact_map(case), steps=2, progress=lambda *step: seen.append(step))
    assert seen[-1][0] == seen[-1][1] > 0
    with pytest.raises(Cancelled):
        MEASURE.run(case, Explainer("sensitivity"), exact_map(case), steps=2, cancel=lambda: True)
